"""A study in a storage: how it begins or goes on, who chooses its trials, and how many it has."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from optuna import Study
from optuna.exceptions import DuplicatedStudyError, StorageInternalError
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.samplers import GridSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from snn2rtl.errors import StudyError
from snn2rtl.studies.setup import C, Setup
from snn2rtl.studies.storage import Storage, no_warnings, reason

SETUP = "setup"  # attribute of a study
WORKER, FAILURE, SECONDS = "worker", "failure", "seconds"  # of a trial
NEVER_STOPPED = 5  # trials of a study; later ones are stopped where half of the others were better at that epoch
FIRST_STOP = 2  # epoch
_SETUP_WAIT_S = 10


class _SeededTpe(TPESampler):
    """TPE with a seed for each trial: with one for all, each worker and each resume would repeat the others' trials."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed=seed)
        self._seed = seed

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        seed = np.random.SeedSequence((self._seed, trial.number)).generate_state(1)[0]
        super().__init__(seed=int(seed))
        super().before_trial(study, trial)


def check_name(name: str) -> None:
    """Raise StudyError where a study cannot have this name."""
    if not (name.strip() and name.isprintable() and len(name) <= 100):
        raise StudyError(f"study: must be a name of 1 to 100 printable characters, not {name!r}")


def open_study(storage: Storage, name: str, setup: Setup[C]) -> Study:
    """Return the study of this name, new or as it is.

    Raises:
        StudyError: the storage fails, or its study of this name is another one.
    """
    directions = [objective.direction for objective in setup.objectives.values()]
    pruner: BasePruner = NopPruner()
    if setup.reports:
        pruner = MedianPruner(n_startup_trials=NEVER_STOPPED, n_warmup_steps=FIRST_STOP)
    sampler = GridSampler(setup.grid(), seed=setup.seed) if setup.sweep else _SeededTpe(setup.seed)
    try:
        with no_warnings():
            try:
                study = optuna.create_study(
                    storage=storage, study_name=name, directions=directions, sampler=sampler, pruner=pruner
                )
                study.set_metric_names(list(setup.objectives))
                study.set_user_attr(SETUP, {"id": uuid.uuid4().hex, **setup.to_dict()})
            except DuplicatedStudyError:
                study = optuna.load_study(storage=storage, study_name=name, sampler=sampler, pruner=pruner)
        _check_same(study, setup)
    except StorageInternalError as error:
        raise StudyError(f"storage: cannot be used: {reason(error)}") from error
    return study


def _check_same(study: Study, setup: Setup[C]) -> None:
    deadline = time.monotonic() + _SETUP_WAIT_S
    while SETUP not in study.user_attrs:  # another worker is between its two steps
        if time.monotonic() > deadline:
            raise StudyError(f"study '{study.study_name}': must be one that snn2rtl began; choose another --study")
        time.sleep(0.1)
    have, want = study.user_attrs[SETUP], setup.to_dict()
    both = [f"{name}={have.get(name)}, not {want[name]}" for name in want if have.get(name) != want[name]]
    if both:
        raise StudyError(
            f"study '{study.study_name}': must go on with {'; '.join(both)}; choose another --study for another search"
        )


@dataclass(frozen=True)
class Count:
    """Trials of a study over all workers. whole: ended by themselves. running: by workers that have begun them."""

    whole: int
    running: int

    def full(self, trials: int) -> bool:
        """Return whether so many trials are done when those that run are."""
        return self.whole + self.running >= trials


def count(trials: Sequence[FrozenTrial]) -> Count:
    """Return how many there are; those that were interrupted or killed do not count."""
    whole = [t for t in trials if t.state in (TrialState.COMPLETE, TrialState.PRUNED) or FAILURE in t.user_attrs]
    running = [t for t in trials if t.state is TrialState.RUNNING and WORKER in t.user_attrs]
    return Count(len(whole), len(running))
