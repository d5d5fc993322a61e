"""Checkpoints: everything that the next epoch depends on, in one file that is always whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from snn2rtl.errors import ModelFileError, OutputError
from snn2rtl.frontend import untrusted

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
    try:
        try:
            torch.save({"format": FORMAT, **state}, part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except (OSError, RuntimeError) as error:  # torch turns a failed write into a RuntimeError
        raise OutputError(f"{path}: must be writable, but {error}") from error


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
    return state
