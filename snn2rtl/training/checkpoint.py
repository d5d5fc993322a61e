"""Checkpoints: everything that the next epoch depends on, in one file that is always whole."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from snn2rtl.errors import ModelFileError, OutputError
from snn2rtl.frontend import untrusted

NAME = "checkpoint.pt"
FORMAT = "snn2rtl training checkpoint 2"
PARTS = {"config": dict, "model": dict, "optimizer": dict, "history": list}


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint; a kill or a full disk leaves the file that was there before.

    Args:
        path: the file.
        state: a value for each name in PARTS.

    Raises:
        OutputError: the file cannot be written.
    """
    part = path.with_name(path.name + ".part")
    buffer = io.BytesIO()  # torch.save would not say why it cannot write a file
    torch.save({"format": FORMAT, **state}, buffer)
    try:
        try:
            part.write_bytes(buffer.getbuffer())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: must be writable, but {error.strerror or error}") from error


def load(path: Path) -> dict[str, Any]:
    """Return the state that save() wrote, on the CPU.

    Raises:
        ModelFileError: there is no such file or it is not a checkpoint of ours.
    """
    state = untrusted.read(path)
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise ModelFileError(f"{path}: must be a checkpoint of snn2rtl train, not another file")
    for name, kind in PARTS.items():
        if not isinstance(state.get(name), kind):
            raise ModelFileError(f"{path}: {name} must be a {kind.__name__}, not {type(state.get(name)).__name__}")
    for number, entry in enumerate(state["history"], start=1):
        if not _is_entry(entry, number):
            raise ModelFileError(f"{path}: history must have the metrics of epoch {number} in its place, not others")
    return state


def _is_entry(entry: object, number: int) -> bool:
    match entry:
        case {"epoch": epoch, "seconds": float(), "sparsity": float(), "train": learned, "test": measured, **rest}:
            return epoch == number and _is_metrics(learned) and _is_metrics(measured) and not rest
    return False


def _is_metrics(metrics: object) -> bool:
    match metrics:
        case {"loss": float(), "accuracy": float(), "rates": dict() as rates, **rest}:
            return all(isinstance(rate, float) for rate in rates.values()) and not rest
    return False


def check_tensors(path: Path, found: dict[str, Any], wanted: dict[str, Tensor]) -> None:
    """Refuse tensors that cannot take the place of the wanted ones.

    Raises:
        ModelFileError: a name is missing or unknown, or a tensor has another shape or type, or is not finite.
    """
    other = sorted(map(str, found.keys() ^ wanted.keys()))
    if other:
        raise ModelFileError(f"{path}: must be the checkpoint of the network it describes, which differs in {other[0]}")
    for name, tensor in wanted.items():
        like = found[name]
        if not isinstance(like, Tensor) or like.shape != tensor.shape or like.dtype != tensor.dtype:
            kind = f"a tensor of shape {tuple(tensor.shape)} and type {tensor.dtype}"
            raise ModelFileError(f"{path}: {name} must be {kind}, which it is not")
        if not torch.isfinite(like).all():
            raise ModelFileError(f"{path}: {name} must be finite, not NaN or infinite")
        if name.endswith("_mask") and not ((like == 0) | (like == 1)).all():
            raise ModelFileError(f"{path}: {name} must be 0 or 1, not between")
