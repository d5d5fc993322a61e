"""What a study found: its best trials as values, as a table and as a configuration to train with."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from optuna import Study
from optuna.trial import FrozenTrial, TrialState
from rich.table import Table

from snn2rtl.errors import OutputError, StudyError
from snn2rtl.studies.setup import C, Setup
from snn2rtl.studies.space import show
from snn2rtl.studies.study import FAILURE, SECONDS, SETUP, WORKER
from snn2rtl.training.config import TrainConfig

MARK = "study.json"
BEST = "best.toml"
_SHOWN = 20
_STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "stopped",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
    TrialState.FAIL: "lost",  # with its worker
}


def claim(out: Path, study: Study) -> None:
    """Mark the folder as this study's.

    Raises:
        OutputError: it is another one's, or cannot be written.
    """
    mark = out / MARK
    ours = {"study": study.study_name, "id": study.user_attrs[SETUP]["id"]}
    try:
        out.mkdir(parents=True, exist_ok=True)
        if mark.exists() and json.loads(mark.read_text(encoding="utf-8")) != ours:
            raise OutputError(f"output '{out}': must not hold the results of another study; choose another folder")
        mark.write_text(json.dumps(ours) + "\n", encoding="utf-8")
    except ValueError:
        raise OutputError(f"{mark}: must be a file of a study; choose another folder") from None
    except OSError as error:
        raise OutputError(f"output '{out}': must be a folder that can be written, but {error}") from None


def best(study: Study, setup: Setup[C]) -> list[FrozenTrial]:
    """Return the best trials, the first by the first objective.

    One objective: every complete trial, best first. More: those that no other is better than in all of them.

    Raises:
        StudyError: no trial was complete.
    """
    alone = len(setup.objectives) == 1
    trials = study.get_trials(states=(TrialState.COMPLETE,)) if alone else study.best_trials
    if not trials:
        failed = [trial.user_attrs[FAILURE] for trial in study.get_trials() if FAILURE in trial.user_attrs]
        why = f": the last of {len(failed)} that failed says {failed[-1]}" if failed else ""
        raise StudyError(f"study '{study.study_name}': must have a complete trial to have results{why}")
    first = next(iter(setup.objectives.values()))
    sign = -1 if first.direction == "maximize" else 1
    return sorted(trials, key=lambda trial: (sign * trial.values[0], trial.number))


def to_dict(study: Study, setup: Setup[C]) -> dict[str, Any]:
    """Return plain values for JSON; best holds numbers of trials."""
    return {
        "study": study.study_name,
        "objectives": {name: objective.direction for name, objective in setup.objectives.items()},
        "best": [trial.number for trial in best(study, setup)],
        "trials": [_plain(trial, setup) for trial in study.get_trials()],
    }


def _state(trial: FrozenTrial) -> str:
    return "failed" if FAILURE in trial.user_attrs else _STATES[trial.state]


def _plain(trial: FrozenTrial, setup: Setup[C]) -> dict[str, Any]:
    config = setup.config(trial.params).to_dict()
    return {
        "number": trial.number,
        "state": _state(trial),
        "values": dict(zip(setup.objectives, trial.values, strict=True)) if trial.values else None,
        "params": {name: config[name] for name in trial.params},
        "epochs": max(trial.intermediate_values, default=None),
        **{name: trial.user_attrs.get(name) for name in (SECONDS, WORKER, FAILURE)},
    }


def table(study: Study, setup: Setup[C]) -> Table:
    """Return the best trials as a table."""
    trials = best(study, setup)
    all_trials = study.get_trials(deepcopy=False)
    states = [_state(trial) for trial in all_trials]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    kind = "best" if len(setup.objectives) == 1 else "Pareto front"
    result = Table(title=f"study {study.study_name}: {kind} of {counts}", title_justify="left")
    for heading in ("trial", *setup.objectives, *setup.space):
        result.add_column(heading, justify="right")
    for trial in trials[:_SHOWN]:
        config = setup.config(trial.params)
        params = [_short(getattr(config, name)) for name in setup.space]
        result.add_row(str(trial.number), *map(_short, trial.values), *params)
    return result


def _short(value: Any) -> str:
    if not isinstance(value, float):
        return show(value)
    return f"{value:.0f}" if value.is_integer() else f"{value:.4g}"


def write_best(study: Study, setup: Setup[C], out: Path) -> Path:
    """Write the configuration of the best trial and return the file."""
    trial = best(study, setup)[0]
    values = ", ".join(f"{name} {value:g}" for name, value in zip(setup.objectives, trial.values, strict=True))
    best_config = setup.config(trial.params)
    config = best_config.to_dict()
    if isinstance(best_config, TrainConfig):  # who trains with it now learns from all and measures on the test set
        del config[best_config.HELD_OUT]
    lines = [f"# study {study.study_name}, trial {trial.number}: {values}"]
    lines += [f"{name} = {_toml(value)}" for name, value in config.items()]
    path = out / BEST
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path}: must be writable, but {error}") from None
    return path


def _toml(value: Any) -> str:
    return "inf" if value == math.inf else json.dumps(value)
