"""``snn2rtl train``: the reference baseline on MNIST, from images to a model file."""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from pathlib import Path

from snn2rtl.commands.outcome import Outcome
from snn2rtl.training.config import ENCODERS, TrainConfig

_HELP = {
    "hidden": "neurons of each hidden layer, separated by commas",
    "encoder": "how a pixel enters: random spikes, or as a constant current",
    "time_steps": "time steps of a sample",
    "train_time_steps": "time steps of a sample in training, 0 for --time-steps",
    "scale": "poisson: spike probability of a white pixel",
    "tau": "membrane time constant in time steps; a power of two is exact in hardware",
    "epochs": "passes through the training images",
    "batch_size": "samples of one update of the weights",
    "lr": "learning rate of Adam",
    "lr_step": "epochs after which the learning rate shrinks",
    "lr_gamma": "factor by which it shrinks",
    "clip": "largest norm of the gradient",
    "seed": "chooses the random numbers",
}


HELP = "train the reference network on MNIST"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options; those of TrainConfig stay None unless they are given."""
    parser.add_argument("dataset", choices=["mnist"], help="what to train on")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the MNIST files [cache or download]")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        default=Path("runs/mnist"),
        help="folder of the results [%(default)s]",
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out, as it was configured")
    parser.add_argument("--device", default="cpu", help="torch device [%(default)s]")
    for field in fields(TrainConfig):
        hidden = field.name == "hidden"
        default = ",".join(map(str, TrainConfig.hidden)) if hidden else field.default
        parser.add_argument(
            "--" + field.name.replace("_", "-"),
            type=_widths if hidden else type(field.default),
            choices=ENCODERS if field.name == "encoder" else None,
            metavar=None if field.name == "encoder" else "N,..." if hidden else "N",
            help=f"{_HELP[field.name]} [{default}]",
        )


def run(args: argparse.Namespace) -> Outcome:
    """Train as the options say; the outcome is what results.json holds.

    Raises:
        Snn2RtlError: see snn2rtl.training.lab.train_mnist().
    """
    from snn2rtl.training.lab import saved_config, train_mnist

    base = saved_config(args.out) if args.resume else TrainConfig()
    given = {f.name: value for f in fields(base) if (value := getattr(args, f.name)) is not None}
    results = train_mnist(replace(base, **given), args.out, args.data, args.resume, args.device)
    shown = f"test accuracy {results['accuracy']:.2f} %, model in {args.out / 'model.pt'}"
    return Outcome(results, (shown,))


def _widths(text: str) -> tuple[int, ...]:
    return tuple(int(width) for width in text.split(","))
