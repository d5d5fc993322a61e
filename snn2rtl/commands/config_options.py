"""Options of every command that trains: one for each field of the tasks' configurations, and files."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection
from dataclasses import fields
from pathlib import Path
from reprlib import repr as short
from typing import Any

from snn2rtl.commands.arguments import number
from snn2rtl.errors import OptionError
from snn2rtl.training.config import RESETS, SCHEDULES, SCORES, TrainConfig
from snn2rtl.training.configs import CONFIGS
from snn2rtl.training.mnist_config import ENCODERS
from snn2rtl.training.shd_config import LEAKS, NEURONS, READOUTS

_HELP = {
    "hidden": "neurons of each hidden layer, separated by commas",
    "tau": "membrane time constant in time steps; a power of two is exact in hardware",
    "reset": "what a spike leaves of the membrane: nothing, or what is above the threshold",
    "batch_norm": "normalize what neurons get from the layer before, over a batch; it is folded into weights",
    "dropout": "probability that a hidden neuron is silent for a sample, in training",
    "encoder": "how a pixel enters: random spikes, or as a constant current",
    "time_steps": "time steps of a sample",
    "train_time_steps": "time steps of a sample in training, 0 for --time-steps",
    "scale": "poisson: spike probability of a white pixel",
    "augment": "shift training images by up to so many pixels, turn them by up to 5 degrees a pixel",
    "hold_out": "training images kept for validation, in place of the test images",
    "epochs": "passes through the training samples",
    "batch_size": "samples of one update of the weights",
    "lr": "learning rate of Adam",
    "schedule": "of the learning rate: down in steps, to zero along a cosine, or up first and then to zero",
    "lr_step": "epochs after which the learning rate shrinks",
    "lr_gamma": "factor by which it shrinks",
    "clip": "largest norm of the gradient",
    "gain": "factor of spike counts or scores before the cross-entropy",
    "label_smoothing": "share of the labels that goes to all classes alike",
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
    "neuron": "hidden neurons: plain, behind a synaptic current, or adaptive",
    "tau_min": "least membrane time constant in time steps",
    "tau_max": "greatest one",
    "synapse_tau_min": "least time constant of synaptic currents",
    "synapse_tau_max": "greatest one",
    "adaptation_tau_min": "least time constant of adaptations",
    "adaptation_tau_max": "greatest one",
    "readout_tau": "time constant of the output neurons",
    "learn_tau": "train all time constants [yes]",
    "leak": "what leaks in hardware: a multiplier, or a shift, which allows powers of two as time constants",
    "leak_bits": "width of the multiplier; its time constants are whole multiples of a power of two",
    "membrane_fraction": "bits of the membrane below a weight step, -1 for compile's choice, which else must be told",
    "grow": "adaptive: what a spike adds to the threshold, in thresholds",
    "recurrent": "hidden neurons have their own layer's spikes of the step before as inputs",
    "delays": "longest delay of a layer's input in time steps, 0 for none",
    "learn_delays": "train the delays [yes]",
    "readout": "score of a class: greatest, last or summed membrane",
    "step_ms": "a time step in milliseconds",
    "channels": "channels that the 700 units are pooled to",
    "levels": "an input of each channel for each, which spikes where at least so many events come in a step",
    "shift_channels": "move training samples by up to so many channels",
    "shift_steps": "move them by up to so many time steps",
    "stretch": "make them shorter or longer by up to this share",
    "stretch_channels": "spread or narrow their channels by up to this share",
    "drop_spikes": "share of their input spikes that is left out",
    "held_speakers": "speakers of the training file kept for validation, in place of the test file",
}
_CHOICES = {
    "reset": RESETS,
    "encoder": ENCODERS,
    "schedule": SCHEDULES,
    "prune_by": SCORES,
    "neuron": NEURONS,
    "leak": LEAKS,
    "readout": READOUTS,
}


def add_run_arguments(parser: argparse.ArgumentParser, out: Path | None) -> None:
    """Add what every kind of training needs: files and device; without a folder it is named after the task."""
    shown = out or Path("runs/DATASET")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the data files [MNIST: cache or download]")
    parser.add_argument("--out", type=Path, metavar="DIR", default=out, help=f"folder of the results [{shown}]")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out, as it was configured")
    parser.add_argument("--device", default="cpu", help="torch device [%(default)s]")
    parser.add_argument(
        "--teacher",
        type=Path,
        metavar="DIR|NPZ",
        help="folder of a run whose network teaches this one, or .npz of soft labels",
    )


def add_option(parser: argparse._ActionsContainer, name: str, default: Any, shown: str = "") -> None:
    """Add the option of a field of a configuration; it stays None unless it is given."""
    flag, text = "--" + name.replace("_", "-"), _HELP[name]
    if isinstance(default, bool):
        parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=text)
    elif isinstance(default, tuple):
        shown = shown or _written(default)
        parser.add_argument(flag, type=_widths, metavar="N,...", help=f"{text} [{shown}]")
    elif name in _CHOICES:
        parser.add_argument(flag, choices=_CHOICES[name], help=f"{text} [{shown or default}]")
    else:
        parser.add_argument(flag, type=_kind(default), metavar="N", help=f"{text} [{shown or default}]")


def _kind(default: float | str) -> Callable[[str], float | str]:
    return number(type(default)) if isinstance(default, (int, float)) else str


def add_options(parser: argparse.ArgumentParser, leave_out: Collection[str] = (), shown: str = "") -> None:
    """Add the options of all tasks: those that all have, then those of each one.

    Args:
        parser: of the command.
        leave_out: fields that get no option.
        shown: in place of the defaults.
    """
    shared = parser.add_argument_group("options of every task")
    for field in fields(TrainConfig):
        if field.name not in leave_out:
            add_option(shared, field.name, field.default, shown or _defaults(field.name))
    known = {field.name for field in fields(TrainConfig)}
    for task, config in CONFIGS.items():
        group = parser.add_argument_group(f"options of {task}")
        for field in fields(config):
            if field.name not in known and field.name not in leave_out:
                add_option(group, field.name, field.default, shown)


def given(args: argparse.Namespace, config: type[TrainConfig]) -> dict[str, Any]:
    """Return the fields of a task's configuration that were given.

    Raises:
        OptionError: an option of another task was given.
    """
    names = [field.name for one in CONFIGS.values() for field in fields(one)]
    values = {name: value for name in dict.fromkeys(names) if (value := getattr(args, name, None)) is not None}
    strange = [name for name in values if name not in config.kinds()]
    if strange:
        raise OptionError(
            "\n".join(f"{name}: must be left out, for {config.TASK} has no such option, not {values[name]}"
                      for name in strange)
        )  # fmt: skip
    return values


def _defaults(name: str) -> str:
    """Return the default of a field that all tasks have: the first one's, and others that differ."""
    found = {task: _written(config.__dataclass_fields__[name].default) for task, config in CONFIGS.items()}
    (_, first), *others = found.items()
    return "; ".join([first, *(f"{task}: {default}" for task, default in others if default != first)])


def _written(default: Any) -> str:
    return (",".join(map(str, default)) or "none") if isinstance(default, tuple) else str(default)


def _widths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(width) for width in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be N or N,..., not {short(text)}") from None
