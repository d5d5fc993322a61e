"""``snn2rtl train``: the reference baseline on MNIST, from images to a model file."""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from pathlib import Path

from snn2rtl.commands.config_options import add_option, add_run_arguments, given
from snn2rtl.commands.outcome import Outcome
from snn2rtl.training.config import TrainConfig

HELP = "train a network on MNIST: float or quantization-aware, pruned or not"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("dataset", choices=["mnist"], help="what to train on")
    add_run_arguments(parser, Path("runs/mnist"))
    parser.add_argument("--config", type=Path, metavar="TOML", help="file of the options below; flags go before it")
    parser.add_argument("--init", type=Path, metavar="PT", help="model file whose weights to start from")
    for field in fields(TrainConfig):
        add_option(parser, field.name, field.default)


def run(args: argparse.Namespace) -> Outcome | None:
    """Train as the options say; the outcome is what results.json holds; only torchrun's first process has one.

    Raises:
        Snn2RtlError: see snn2rtl.training.lab.train_mnist().
    """
    from snn2rtl.training.distributed import leads
    from snn2rtl.training.lab import Files, saved_config, train_mnist

    base = TrainConfig.from_file(args.config) if args.config else TrainConfig()
    if args.resume:
        base = saved_config(args.out)
    files = Files(out=args.out, data=args.data, init=args.init, teacher=args.teacher)
    config = replace(base, **given(args))
    results = train_mnist(config, files, resume=args.resume, device=args.device)
    if not leads():
        return None
    shown = f"{config.judges} accuracy {results['accuracy']:.2f} %, model in {args.out / 'model.pt'}"
    return Outcome(results, (shown,))
