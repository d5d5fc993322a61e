"""``snn2rtl tune``: a study over training runs."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

from snn2rtl.commands.arguments import positive
from snn2rtl.commands.config_options import DATA_HELP, add_options, given
from snn2rtl.commands.outcome import Outcome
from snn2rtl.config import read_toml
from snn2rtl.training.tasks import TASKS

HELP = "search the options of train: Optuna on one machine or on many, for accuracy and for what hardware costs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options; those of the configurations are the fixed ones."""
    add = parser.add_argument
    add("dataset", choices=[*TASKS], help="what to train on")
    add("--search", action="append", default=[], metavar="FIELD=VALUES",
        help="vary an option of train, once or more: lr=1e-4:1e-2:log, bits=2,3,4, hidden=400,400-100")  # fmt: skip
    add("--objective", default="accuracy", metavar="NAME,...",
        help="accuracy, nonzeros, spikes, membrane_bits: one, or several for a Pareto front [%(default)s]")  # fmt: skip
    add("--trials", type=positive, default=50, metavar="N", help="trials of the study, over all workers [%(default)s]")
    add("--study", metavar="NAME", help="study to begin or to go on with [DATASET]")
    add("--storage", metavar="URL", help="postgresql://USER@HOST/DATABASE for many machines [a file in --out]")
    add("--out", type=Path, default=Path("runs/tune"), metavar="DIR", help="folder of the results [%(default)s]")
    add("--data", type=Path, metavar="DIR", help=DATA_HELP)
    add("--device", default="cpu", help="torch device [%(default)s]")
    add("--config", type=Path, metavar="TOML", help="file of the options below and of [search]; flags go before it")
    add("--init", type=Path, metavar="PT", help="model file whose weights every trial starts from")
    add("--teacher", type=Path, metavar="DIR|NPZ", help="as train has it")
    add_options(parser)


def run(args: argparse.Namespace) -> Outcome:
    """Work on the study until it has all trials; the outcome is all of them.

    Raises:
        Snn2RtlError: see snn2rtl.studies.
    """
    from snn2rtl.studies import plots, results, space, storage, study, tune, worker
    from snn2rtl.studies.setup import choose

    table = read_toml(args.config) if args.config else {}
    searched = table.pop("search", {})
    task, name = TASKS[args.dataset], args.study or args.dataset
    config, fixed = task.config, {**task.tuning, **table, **given(args, task.config)}
    kinds = config.kinds()
    setup = tune.make_setup(
        config.from_dict(fixed, str(args.config)),
        space.parse(searched, kinds) | space.parse_flags(args.search, kinds),
        choose(args.objective, tune.OBJECTIVES),
    )
    study.check_name(name)
    storage.use_our_log()
    url = storage.parse_url(args.storage) if args.storage else storage.file_url(args.out)
    train = tune.trainer(list(setup.objectives), args.data, args.init, args.teacher, args.device)
    with closing(storage.open_storage(url)) as shared:
        opened = study.open_study(shared, name, setup)
        results.claim(args.out, opened)
        worker.work(shared, opened, setup, train, args.out, args.trials)
        files = [results.write_best(opened, setup, args.out), *plots.write(opened, setup, args.out)]
        data: dict[str, Any] = {**results.to_dict(opened, setup), "files": [str(file) for file in files]}
        return Outcome(data, (results.table(opened, setup), *(f"wrote {file}" for file in files)))
