"""``snn2rtl train``: from images of digits, or spoken ones, to a model file."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from snn2rtl.commands.config_options import add_options, add_run_arguments, given, titles
from snn2rtl.commands.outcome import Outcome
from snn2rtl.errors import OptionError
from snn2rtl.training.tasks import TASKS

HELP = f"train a network on {titles()}: float or quantization-aware, pruned or not"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("dataset", choices=[*TASKS], help="what to train on")
    add_run_arguments(parser, None)
    parser.add_argument("--config", type=Path, metavar="TOML", help="file of the options below; flags go before it")
    parser.add_argument("--init", type=Path, metavar="PT", help="model file whose weights to start from")
    add_options(parser)


def run(args: argparse.Namespace) -> Outcome | None:
    """Train as the options say; the outcome is what results.json holds; only torchrun's first process has one.

    Raises:
        Snn2RtlError: see snn2rtl.training.trainer.train_network().
    """
    from snn2rtl.training.distributed import leads
    from snn2rtl.training.trainer import Files, saved_config, train_network

    kind, out = TASKS[args.dataset].config, args.out or Path("runs") / args.dataset
    options = given(args, kind)
    base = kind.from_file(args.config) if args.config else kind()
    if args.resume:
        base = saved_config(out)
        if args.dataset != base.TASK:
            raise OptionError(f"output '{out}': must hold a run on {args.dataset} to go on with, not on {base.TASK}")
    files = Files(out=out, data=args.data, init=args.init, teacher=args.teacher)
    config = replace(base, **options)
    results = train_network(config, files, resume=args.resume, device=args.device)
    if not leads():
        return None
    shown = f"{config.evaluation_split} accuracy {results['accuracy']:.2f} %, model in {out / 'model.pt'}"
    return Outcome(results, (shown,))
