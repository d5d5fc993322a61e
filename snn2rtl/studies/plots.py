"""Plots of a study: how it went, which fields mattered, and what its objectives cost each other."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import optuna
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from snn2rtl.errors import OutputError
from snn2rtl.measure.plots import BLUE, ORANGE
from snn2rtl.studies.setup import C, Setup

GREY = "#B0B0B0"
_PANEL = (5.0, 3.6)  # inches


def write(study: Study, setup: Setup[C], out: Path) -> list[Path]:
    """Write the plots of a study with a complete trial, as PNG, and return the files.

    history: every trial. importance: of each field for each objective, where trials differ enough to tell. pareto: the
    first objective against each other one, where there are others.

    Raises:
        OutputError: a file cannot be written.
    """
    figures = {"history": history(study, setup), "importance": importance(study, setup)}
    if len(setup.objectives) > 1:
        figures["pareto"] = pareto(study, setup)
    return [save(figure, out / f"{name}.png") for name, figure in figures.items() if figure is not None]


def save(figure: Figure, path: Path) -> Path:
    """Write a plot and return the file.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        figure.savefig(path, dpi=150, metadata={"Software": None})
    except OSError as error:
        raise OutputError(f"{path}: must be writable, but {error}") from None
    return path


def history(study: Study, setup: Setup[C]) -> Figure:
    """Return the value of every trial, those that were stopped too, and the best until then."""
    figure, panels = _panels(len(setup.objectives))
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    stopped = [t for t in study.get_trials(deepcopy=False, states=(TrialState.PRUNED,)) if t.values]
    for i, (objective, axes) in enumerate(zip(setup.objectives.values(), panels, strict=True)):
        numbers, values = [t.number for t in complete], [t.values[i] for t in complete]
        best = np.maximum if objective.direction == "maximize" else np.minimum
        if stopped:
            axes.scatter([t.number for t in stopped], [t.values[i] for t in stopped], 14, GREY, label="stopped")
        axes.scatter(numbers, values, 14, BLUE, label="complete")
        axes.step(numbers, best.accumulate(values), color=ORANGE, where="post", label="best")
        axes.set(xlabel="trial", ylabel=objective.label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    panels[0].legend(frameon=False)
    return figure


def importance(study: Study, setup: Setup[C]) -> Figure | None:
    """Return how much of an objective's variation comes from each field (PED-ANOVA), None where nothing can be said."""
    shares = [_shares(study, index) for index in range(len(setup.objectives))]
    if not any(shares):
        return None
    figure, panels = _panels(len(shares))
    for name, share, axes in zip(setup.objectives, shares, panels, strict=True):
        fields = sorted(share, key=lambda field: share[field])
        axes.barh(fields, [share[field] for field in fields], color=BLUE)
        axes.set(xlabel=f"importance for {name}", xlim=(0, 1))
    return figure


def _shares(study: Study, index: int) -> dict[str, float]:
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len({trial.values[index] for trial in complete}) < 2:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is experimental, and that some fields never varied

        def target(trial: FrozenTrial) -> float:
            value: float = trial.values[index]
            return value if study.directions[index].name == "MINIMIZE" else -value

        return optuna.importance.get_param_importances(study, target=target)


def pareto(study: Study, setup: Setup[C]) -> Figure:
    """Return the first objective against each other one; the Pareto front of all of them stands out."""
    figure, panels = _panels(len(setup.objectives) - 1)
    front = {trial.number for trial in study.best_trials}
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    labels = [objective.label for objective in setup.objectives.values()]
    for other, axes in zip(itertools.count(1), panels, strict=False):
        for label, color, chosen in (
            ("other trials", GREY, [t for t in complete if t.number not in front]),
            ("Pareto front", ORANGE, [t for t in complete if t.number in front]),
        ):
            axes.scatter([t.values[other] for t in chosen], [t.values[0] for t in chosen], 18, color, label=label)
        axes.set(xlabel=labels[other], ylabel=labels[0])
    panels[0].legend(frameon=False)
    return figure


def front(points: Mapping[int, tuple[float, ...]], labels: Sequence[str]) -> Figure:
    """Return the first value of each trial against each other one, each point with the number of its trial."""
    figure, panels = _panels(len(labels) - 1)
    for other, axes in zip(itertools.count(1), panels, strict=False):
        for number, values in points.items():
            axes.scatter(values[other], values[0], 18, ORANGE)
            axes.annotate(
                str(number), (values[other], values[0]), xytext=(4, 3), textcoords="offset points", fontsize=7
            )
        axes.set(xlabel=labels[other], ylabel=labels[0], xscale="log")
    return figure


def _panels(count: int) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(_PANEL[0] * count, _PANEL[1]), layout="constrained")
    panels = [figure.add_subplot(1, count, i + 1) for i in range(count)]
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, panels
