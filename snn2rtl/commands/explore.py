"""``snn2rtl explore``: a study over designs."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from snn2rtl.commands.arguments import positive
from snn2rtl.commands.outcome import Outcome
from snn2rtl.errors import DataError, OptionError
from snn2rtl.files import why_no_file
from snn2rtl.fpga import TARGETS

if TYPE_CHECKING:
    from optuna import Study

HELP = "search designs: accuracy, cycles and memory of compiled networks, and what the best take on a device"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("models", type=Path, nargs="+", metavar="MODEL",
        help="model.pt or network.npz as compile takes it; several, which differ in sparsity, say")  # fmt: skip
    add("--data", type=Path, required=True, metavar="FILE", help=".npz with images or spikes and labels")
    add("--samples", type=positive, metavar="N", help="take only so many of the data")
    add("--search", action="append", default=[], metavar="FIELD=VALUES",
        help="vary bits, lanes, layout or time_steps, once or more: lanes=8,16,32, bits=3:8")  # fmt: skip
    add("--objective", default="accuracy,cycles,memory", metavar="NAME,...",
        help="accuracy, cycles, memory: what designs are better by [%(default)s]")  # fmt: skip
    add("--trials", type=positive, metavar="N", help="designs, over all workers [every one of a space of choices]")
    add("--synth", choices=TARGETS, help="synthesise the Pareto front for a device family")
    add("--study", default="designs", metavar="NAME", help="study to begin or to go on with [%(default)s]")
    add("--storage", metavar="URL", help="postgresql://USER@HOST/DATABASE for many machines [a file in --out]")
    add("--out", type=Path, default=Path("runs/explore"), metavar="DIR", help="folder of the results [%(default)s]")


def run(args: argparse.Namespace) -> Outcome:
    """Work on the study until it has all trials; the outcome is all of them.

    Raises:
        Snn2RtlError: see snn2rtl.studies.
    """
    from snn2rtl.studies import explore, plots, results, space, storage, study, worker
    from snn2rtl.studies.setup import choose

    if not args.data.is_file():
        raise DataError(f"{args.data}: must be a file, {why_no_file(args.data)}")
    kinds = {name: kind for name, kind in explore.DesignConfig.kinds().items() if name != "model"}
    setup = explore.make_setup(
        args.models, space.parse_flags(args.search, kinds), choose(args.objective, explore.OBJECTIVES)
    )
    trials = args.trials or explore.size(setup.space)
    if trials is None:
        raise OptionError("--trials: must be given where a range is searched")
    study.check_name(args.study)
    storage.use_our_log()
    url = storage.parse_url(args.storage) if args.storage else storage.file_url(args.out)
    with closing(storage.open_storage(url)) as shared:
        opened = study.open_study(shared, args.study, setup)
        results.claim(args.out, opened)
        attempt = explore.trier(args.data, args.samples)
        worker.work(shared, opened, setup, attempt, args.out, trials)
        files = plots.write(opened, setup, args.out)
        tables, data = [results.table(opened, setup)], results.to_dict(opened, setup)
        if args.synth:
            taken = explore.synthesise_front(opened, setup, args.data, args.samples, args.out, args.synth)
            tables.append(_front_table(opened, tuple(setup.objectives), taken))
            files.append(plots.save(_front_plot(opened, tuple(setup.objectives), taken), args.out / "front.png"))
            data["synthesis"] = taken
        data["files"] = [str(file) for file in files]
        return Outcome(data, (*tables, *(f"wrote {file}" for file in files)))


def _front_table(study: Study, objectives: tuple[str, ...], taken: Mapping[int, Mapping[str, Any]]) -> Table:
    table = Table(title="synthesis of the Pareto front", title_justify="left")
    for heading in ("trial", *objectives, "LUT", "FF", "BRAM", "Fmax", "us a sample"):
        table.add_column(heading, justify="right")
    for trial in sorted(study.best_trials, key=lambda trial: trial.number):
        one, values = taken[trial.number], dict(zip(objectives, trial.values, strict=True))
        mhz, cycles = one["fmax_mhz"], values.get("cycles")
        table.add_row(
            str(trial.number),
            *(f"{value:.6g}" for value in trial.values),
            str(one["lut"]),
            str(one["ff"]),
            f"{one['bram']:g} {one['bram_unit']}",
            f"{mhz:.1f} MHz" if mhz else "not placed",
            f"{cycles / mhz:.2f}" if mhz and cycles else "",
        )
    return table


def _front_plot(study: Study, objectives: tuple[str, ...], taken: Mapping[int, Mapping[str, Any]]) -> Any:
    from snn2rtl.studies import plots

    unit = next(iter(taken.values()))["bram_unit"]
    points = {trial.number: (trial.values[0], *(taken[trial.number][key] for key in ("lut", "bram")))
              for trial in study.best_trials}  # fmt: skip
    return plots.front(points, (objectives[0], "LUT", f"block memories ({unit})"))
