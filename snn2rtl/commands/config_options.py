"""Options of every command that trains: one for each field of TrainConfig, and files."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from reprlib import repr as short
from typing import Any

from snn2rtl.commands.arguments import number
from snn2rtl.training.config import ENCODERS, RESETS, SCHEDULES, SCORES, TrainConfig

_HELP = {
    "hidden": "neurons of each hidden layer, separated by commas",
    "tau": "membrane time constant in time steps; a power of two is exact in hardware",
    "reset": "what a spike leaves of the membrane: nothing, or what is above the threshold",
    "batch_norm": "batch norm before each layer's neurons; compile folds it",
    "dropout": "probability that a hidden neuron is silent for a sample, in training",
    "encoder": "how a pixel enters: random spikes, or as a constant current",
    "time_steps": "time steps of a sample",
    "train_time_steps": "time steps of a sample in training, 0 for --time-steps",
    "scale": "poisson: spike probability of a white pixel",
    "augment": "shift training images by up to so many pixels, turn them by up to 5 degrees a pixel",
    "hold_out": "training images kept for validation, in place of the test images",
    "epochs": "passes through the training images",
    "batch_size": "samples of one update of the weights",
    "lr": "learning rate of Adam",
    "schedule": "of the learning rate: in steps, or to zero along a cosine",
    "lr_step": "epochs after which the learning rate shrinks",
    "lr_gamma": "factor by which it shrinks",
    "clip": "largest norm of the gradient",
    "gain": "factor of spike counts before the cross-entropy",
    "rate_penalty": "weight of the penalty on neurons that spike too often",
    "rate_limit": "share of time steps that is not too often",
    "distill": "share of the --teacher's soft labels in the loss",
    "sparsity": "share of all weights that is pruned in the end",
    "neuron_sparsity": "share of the hidden neurons that is pruned in the end",
    "prune_threshold": "prune weights smaller and neurons less active than this, instead of a share",
    "prune_by": "what matters least: small weights, silent inputs and neurons, or the product",
    "prune_from": "epoch after which pruning begins, 0 for before the first",
    "prune_every": "epochs from one pruning to the next",
    "prune_until": "epoch of the last pruning, 0 for two thirds of all",
    "min_neurons": "hidden neurons of a layer that are never pruned",
    "bits": "weight width of quantization-aware training, 0 for float",
    "qat_from": "epochs of float training before it",
    "seed": "chooses the random numbers",
}
_CHOICES = {"reset": RESETS, "encoder": ENCODERS, "schedule": SCHEDULES, "prune_by": SCORES}


def add_run_arguments(parser: argparse.ArgumentParser, out: Path) -> None:
    """Add what every kind of training needs: files and device."""
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the MNIST files [cache or download]")
    parser.add_argument("--out", type=Path, metavar="DIR", default=out, help="folder of the results [%(default)s]")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out, as it was configured")
    parser.add_argument("--device", default="cpu", help="torch device [%(default)s]")
    parser.add_argument(
        "--teacher",
        type=Path,
        metavar="DIR|NPZ",
        help="folder of a run whose network teaches this one, or .npz of soft labels",
    )


def add_option(parser: argparse.ArgumentParser, name: str, default: Any, shown: str = "") -> None:
    """Add the option of a field of TrainConfig; it stays None unless it is given."""
    flag, text = "--" + name.replace("_", "-"), _HELP[name]
    if isinstance(default, bool):
        parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=text)
    elif isinstance(default, tuple):
        shown = shown or ",".join(map(str, default))
        parser.add_argument(flag, type=_widths, metavar="N,...", help=f"{text} [{shown}]")
    elif name in _CHOICES:
        parser.add_argument(flag, choices=_CHOICES[name], help=f"{text} [{shown or default}]")
    else:
        parser.add_argument(flag, type=_kind(default), metavar="N", help=f"{text} [{shown or default}]")


def _kind(default: float | str) -> Callable[[str], float | str]:
    return number(type(default)) if isinstance(default, (int, float)) else str


def given(args: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of TrainConfig that were given."""
    values = {field.name: getattr(args, field.name, None) for field in fields(TrainConfig)}
    return {name: value for name, value in values.items() if value is not None}


def _widths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(width) for width in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be N or N,..., not {short(text)}") from None
