"""``snn2rtl train``: a network learns MNIST, from images to a model file."""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from pathlib import Path

from snn2rtl.commands.config_options import add_config_options, given
from snn2rtl.commands.outcome import Outcome
from snn2rtl.training.config import TrainConfig

HELP = "train a network on MNIST: float or quantization-aware, pruned or not"

logger = logging.getLogger(__name__)


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
    add_config_options(parser)


def run(args: argparse.Namespace) -> Outcome:
    """Train as the options say; the outcome is what results.json holds.

    Raises:
        Snn2RtlError: see snn2rtl.training.lab.train_mnist().
    """
    from snn2rtl.training.lab import CHECKPOINT, Files, saved_config, train_mnist

    base = TrainConfig.from_file(args.config) if args.config else TrainConfig()
    if args.resume:
        base = saved_config(args.out)
    files = Files(out=args.out, data=args.data, init=args.init, teacher=args.teacher)
    try:
        results = train_mnist(replace(base, **given(args)), files, resume=args.resume, device=args.device)
    except KeyboardInterrupt:
        if (args.out / CHECKPOINT).exists():
            logger.warning("interrupted: '%s' keeps the last whole epoch, --resume goes on", args.out / CHECKPOINT)
        raise
    shown = f"test accuracy {results['accuracy']:.2f} %, model in {args.out / 'model.pt'}"
    return Outcome(results, (shown,))
