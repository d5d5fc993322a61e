"""``snn2rtl prune``: rounds of pruning and fine-tuning, which are a training run that starts from a model."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from snn2rtl.commands.arguments import positive
from snn2rtl.commands.config_options import add_option, add_options, add_run_arguments, given, groups
from snn2rtl.commands.outcome import Outcome
from snn2rtl.errors import OptionError
from snn2rtl.training.config import TrainConfig

HELP = "prune a trained network in rounds, each followed by fine-tuning"
WANTED = ("sparsity", "neuron_sparsity", "prune_threshold")
_OWN = (*WANTED, "qat_from")
_OF_THE_ROUNDS = ("epochs", "prune_from", "prune_every", "prune_until")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("model", type=Path, help="folder of a run, whose options are the defaults, or a model file")
    parser.add_argument("--rounds", type=positive, default=5, metavar="N", help="prunings [%(default)s]")
    parser.add_argument(
        "--fine-tune", type=positive, default=5, metavar="N", help="epochs after each of them [%(default)s]"
    )
    add_run_arguments(parser, Path("runs/pruned"))
    every = {name: option for options in groups().values() for name, option in options.items()}
    for name in _OWN:
        add_option(parser, every[name], str(every[name].default))
    of_model = [name for name, option in every.items() if option.of_model]
    add_options(parser, leave_out=(*_OWN, *_OF_THE_ROUNDS, *of_model), shown="the run's")


def run(args: argparse.Namespace) -> Outcome | None:
    """Prune as the options say; the outcome is what results.json holds; only torchrun's first process has one.

    Raises:
        Snn2RtlError: see snn2rtl.training.trainer.train_network(), or nothing is to be pruned.
    """
    from snn2rtl.training.distributed import leads
    from snn2rtl.training.tasks import model_config
    from snn2rtl.training.trainer import MODEL, Files, saved_config, train_network

    folder = args.model.is_dir()
    base = saved_config(args.model) if folder else model_config(args.model)
    options = given(args, type(base))
    if not any(options.get(name) for name in WANTED):
        raise OptionError(f"prune: must be told what to prune with {', '.join(f'--{flag(name)}' for name in WANTED)}")
    init = args.model / MODEL if folder else args.model
    config = rounds(base, args.rounds, args.fine_tune, teacher=args.teacher is not None, options=options)
    files = Files(out=args.out, data=args.data, init=init, teacher=args.teacher)
    results = train_network(config, files, resume=args.resume, device=args.device)
    if not leads():
        return None
    accuracy = f"{config.evaluation_split} accuracy {results['accuracy']:.2f} %"
    shown = f"{results['sparsity']:.1%} of the weights pruned, {accuracy}, model in {args.out / MODEL}"
    return Outcome(results, (shown,))


def rounds(base: TrainConfig, number: int, epochs: int, *, teacher: bool, options: dict[str, Any]) -> TrainConfig:
    """Return a run of so many prunings, each followed by so many epochs.

    Args:
        base: the run that made the model: its batch norm is folded, what it pruned is pruned.
        number: prunings.
        epochs: of fine-tuning after each.
        teacher: whether there is one.
        options: fields that were asked for.

    Raises:
        OptionError: an option is out of its range.
    """
    ours: dict[str, Any] = {
        "distill": base.distill if teacher else 0.0,
        "qat_from": 0,
        **dict.fromkeys(WANTED, 0.0),
        "epochs": number * epochs,
        "prune_from": 0,
        "prune_every": epochs,
        "prune_until": (number - 1) * epochs,
        **base.FROM_MODEL,
    }
    return replace(base, **{**ours, **options})


def flag(name: str) -> str:
    """Return the name of an option as it is written."""
    return name.replace("_", "-")
