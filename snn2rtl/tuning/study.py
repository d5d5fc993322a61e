"""A study: what it varies and optimises, how it begins or goes on, and the loop of a worker."""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna import Study, Trial
from optuna.exceptions import DuplicatedStudyError, StorageInternalError, UpdateFinishedTrialError
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, TrialState

from snn2rtl.errors import OptionError, QuantizationError, StudyError, UnsupportedModelError
from snn2rtl.progress import bar
from snn2rtl.training.config import TrainConfig
from snn2rtl.tuning import space
from snn2rtl.tuning.objective import DIRECTIONS, Train
from snn2rtl.tuning.space import Range, Space
from snn2rtl.tuning.storage import Storage, no_warnings, reason

SETUP, WORKER, FAILURE, SECONDS = "setup", "worker", "failure", "seconds"  # attributes of studies and trials
NEVER_STOPPED = 5  # trials of a study; later ones are stopped where half of the others were better at that epoch
FIRST_STOP = 2  # epoch
_BAD_NETWORK = (UnsupportedModelError, QuantizationError)
_SETUP_WAIT_S = 10

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What all trials of a study have in common.

    base: the fixed options. space: the others. objectives: names in DIRECTIONS, the first is the one that best.toml is
    best by.

    Raises:
        OptionError: a value of the space breaks a rule, or tuning would look at the test images.
    """

    base: TrainConfig
    space: Space
    objectives: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.base.hold_out:
            raise OptionError("hold_out: must be above 0 to tune, for test images are not to choose by, not 0")
        if "hold_out" in self.space:
            raise OptionError("search hold_out: must not be varied, for trials are compared on the same images")
        space.check(self.space, self.base)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that are equal where studies are the same."""
        searched = {name: str(dimension) for name, dimension in self.space.items()}
        return {"objective": ",".join(self.objectives), **self.base.to_dict(), **searched}

    def config(self, params: dict[str, Any]) -> TrainConfig:
        """Return the configuration of a trial's parameters."""
        return replace(self.base, **{name: _decode(name, value) for name, value in params.items()})

    def suggest(self, trial: Trial) -> TrainConfig:
        """Return the configuration that the sampler wants to see next."""
        return self.config({name: _suggest(trial, name, dimension) for name, dimension in self.space.items()})


def _suggest(trial: Trial, name: str, dimension: space.Dimension) -> Any:
    if not isinstance(dimension, Range):
        values = [space.show(value) if isinstance(value, tuple) else value for value in dimension.values]
        return trial.suggest_categorical(name, values)
    suggest = trial.suggest_int if isinstance(dimension.low, int) else trial.suggest_float
    return suggest(name, dimension.low, dimension.high, log=dimension.log)  # type: ignore[arg-type]


def _decode(name: str, value: Any) -> Any:
    return space.read(name, value) if space.KINDS[name] is tuple else value


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


def open_study(storage: Storage, name: str, setup: Setup) -> Study:
    """Return the study of this name, new or as it is.

    Raises:
        StudyError: the storage fails, or its study of this name is another one.
    """
    directions = [DIRECTIONS[objective] for objective in setup.objectives]
    pruner: BasePruner = NopPruner()
    if setup.objectives == ("accuracy",):
        pruner = MedianPruner(n_startup_trials=NEVER_STOPPED, n_warmup_steps=FIRST_STOP)
    sampler = _SeededTpe(setup.base.seed)
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


def _check_same(study: Study, setup: Setup) -> None:
    deadline = time.monotonic() + _SETUP_WAIT_S
    while SETUP not in study.user_attrs:  # another worker is between its two steps
        if time.monotonic() > deadline:
            raise StudyError(f"study '{study.study_name}': must be one that snn2rtl tune began; choose another --study")
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


def count(trials: Sequence[FrozenTrial]) -> Count:
    """Return how many there are; those that were interrupted or killed do not count."""
    whole = [t for t in trials if t.state in (TrialState.COMPLETE, TrialState.PRUNED) or FAILURE in t.user_attrs]
    running = [t for t in trials if t.state is TrialState.RUNNING and WORKER in t.user_attrs]
    return Count(len(whole), len(running))


def work(study: Study, setup: Setup, train: Train, out: Path, trials: int, poll_s: float = 1.0) -> None:
    """Run trials until the study has so many whole ones, together with all other workers.

    Near the end it waits for trials of others, to take over those of workers that die.

    Args:
        study: from open_study().
        setup: its setup.
        train: trains and measures.
        out: trial n is trained in the folder trials/n of it.
        trials: how many, over all workers; two that begin at the same instant may make one more.
        poll_s: seconds between two looks while it waits.

    Raises:
        StudyError: the storage fails.
        Snn2RtlError: what train raises, unless the network that it made is the reason: then the trial has failed.
    """
    try:
        with bar(f"trials of {study.study_name}", trials) as advance:
            shown, waits = 0, False
            while True:
                with no_warnings():
                    optuna.storages.fail_stale_trials(study)
                now = count(study.get_trials(deepcopy=False))
                advance(now.whole - shown)
                shown = now.whole
                if now.whole >= trials:
                    return
                if now.whole + now.running < trials:
                    _one_trial(study, setup, train, out)
                elif not waits:
                    logger.info("waiting for %d trials of other workers", now.running)
                waits = now.whole + now.running >= trials
                time.sleep(poll_s * waits)
    except StorageInternalError as error:
        raise StudyError(f"storage: cannot be used any more: {reason(error)}; the same command goes on") from error
    except KeyboardInterrupt:
        logger.warning(
            "interrupted: study '%s' has %d whole trials, only the one that ran is lost; the same command goes on, "
            "and with --trials %d it writes the results so far",
            study.study_name, shown, shown,
        )  # fmt: skip
        raise


def _one_trial(study: Study, setup: Setup, train: Train, out: Path) -> None:
    begun: list[int] = []
    raised: list[BaseException] = []

    def objective(trial: Trial) -> list[float]:
        begun.append(trial.number)
        try:
            return _objective(trial, setup, train, out / "trials" / str(trial.number))
        except BaseException as error:
            raised.append(error)
            raise

    try:
        with no_warnings():
            study.optimize(objective, n_trials=1, catch=_BAD_NETWORK)
    except (ValueError, UpdateFinishedTrialError):
        if raised and not isinstance(raised[0], (UpdateFinishedTrialError, optuna.TrialPruned)):
            raise raised[0] from None
        states = {trial.number: trial.state for trial in study.get_trials(deepcopy=False)}
        if not begun or states[begun[0]] is not TrialState.FAIL:
            raise
        # a machine that slept: Optuna takes no results of a trial that was given away
        logger.warning("trial %d: was given to another worker while this one did not answer", begun[0])


def _objective(trial: Trial, setup: Setup, train: Train, folder: Path) -> list[float]:
    begin = time.perf_counter()
    trial.set_user_attr(WORKER, f"{socket.gethostname()}:{os.getpid()}")
    config = setup.suggest(trial)
    params = ", ".join(f"{name}={_short(value)}" for name, value in trial.params.items())
    logger.info("trial %d: %s", trial.number, params)
    stoppable = setup.objectives == ("accuracy",)

    def report(epoch: int, accuracy: float) -> None:
        if stoppable:
            trial.report(accuracy, epoch)
            if epoch < config.epochs and trial.should_prune():
                trial.set_user_attr(SECONDS, round(time.perf_counter() - begin, 1))
                logger.info("trial %d: stopped after epoch %d at %.2f %%", trial.number, epoch, accuracy)
                raise optuna.TrialPruned

    try:
        measured = train(config, folder, report)
    except _BAD_NETWORK as error:
        logger.warning("trial %d: failed: %s", trial.number, error)
        trial.set_user_attr(FAILURE, str(error))
        raise
    seconds = time.perf_counter() - begin
    trial.set_user_attr(SECONDS, round(seconds, 1))
    values = [float(measured[objective]) for objective in setup.objectives]
    shown = ", ".join(f"{name} {_short(value)}" for name, value in zip(setup.objectives, values, strict=True))
    logger.info("trial %d: %s, %.0f s", trial.number, shown, seconds)
    return values


def _short(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
