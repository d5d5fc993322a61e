"""The loop of a worker: one trial after the other, until the study has enough of them."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import optuna
from optuna import Study, Trial
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from snn2rtl.errors import DivergedError, QuantizationError, StudyError, UnsupportedModelError
from snn2rtl.progress import bar
from snn2rtl.studies.setup import C, Setup
from snn2rtl.studies.storage import Storage, no_warnings, reason
from snn2rtl.studies.study import FAILURE, SECONDS, WORKER, Count, count

_BAD_NETWORK = (UnsupportedModelError, QuantizationError, DivergedError)

Report = Callable[[int, float], None]  # how often it was told before, counted from 1, and the objective
# tries a configuration in a folder, and returns a number for each objective
Try = Callable[[C, Path, Report], dict[str, float]]

logger = logging.getLogger(__name__)


def work(
    storage: Storage, study: Study, setup: Setup[C], attempt: Try[C], out: Path, trials: int, poll_s: float = 1
) -> None:
    """Run trials until the study has so many whole ones, together with all other workers.

    In the end it waits for the trials of others, to take over those of workers that die.

    Args:
        storage: of the study.
        study: from open_study().
        setup: its setup.
        attempt: tries a configuration.
        out: trial n has the folder trials/n of it.
        trials: how many, over all workers.
        poll_s: seconds between two looks while it waits.

    Raises:
        StudyError: the storage fails.
        Snn2RtlError: what attempt raises, unless the network that it made is the reason: then the trial has failed.
    """
    try:
        with bar(f"trials of {study.study_name}", trials) as advance:
            now, shown, waiting = count(study.get_trials(deepcopy=False)), 0, False
            while True:
                advance(now.whole - shown)
                shown = now.whole
                if now.whole >= trials:
                    return
                if now.full(trials):
                    if not waiting:
                        logger.info("waiting for trials of other workers: %d", now.running)
                    time.sleep(poll_s)
                waiting = now.full(trials)
                now = _take_turn(storage, study, setup, attempt, out, trials)
    except (StorageInternalError, SQLAlchemyError) as error:
        raise StudyError(f"storage: cannot be used any more: {reason(error)}; the same command goes on") from error
    except KeyboardInterrupt:
        logger.warning(
            "interrupted: study '%s' has %d whole trials, only the one that ran is lost; the same command goes on, "
            "and with --trials %d it writes the results so far",
            study.study_name, now.whole, now.whole,
        )  # fmt: skip
        raise


def _take_turn(storage: Storage, study: Study, setup: Setup[C], attempt: Try[C], out: Path, trials: int) -> Count:
    """Run a trial unless others run the last ones; return how many there are then.

    From counting to the begin of its trial a worker is alone: two would both begin the last one.
    """
    with ExitStack() as turn:
        turn.enter_context(storage.turn(study.study_name))
        with no_warnings():
            optuna.storages.fail_stale_trials(study)
        now = count(study.get_trials(deepcopy=False))
        if now.full(trials):
            return now
        _one_trial(study, setup, attempt, out, turn.close)
    return count(study.get_trials(deepcopy=False))


def _one_trial(study: Study, setup: Setup[C], attempt: Try[C], out: Path, begins: Callable[[], None]) -> None:
    begun: list[int] = []
    raised: list[BaseException] = []

    def objective(trial: Trial) -> list[float]:
        begun.append(trial.number)
        trial.set_user_attr(WORKER, f"{socket.gethostname()}:{os.getpid()}")
        begins()
        try:
            return _objective(trial, setup, attempt, out / "trials" / str(trial.number))
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


def _objective(trial: Trial, setup: Setup[C], attempt: Try[C], folder: Path) -> list[float]:
    begin = time.perf_counter()
    config = setup.suggest(trial)
    params = ", ".join(f"{name}={_short(value)}" for name, value in trial.params.items())
    logger.info("trial %d: %s", trial.number, params)

    def report(epoch: int, value: float) -> None:
        if setup.reports:
            trial.report(value, epoch)
            if epoch < setup.reports(config) and trial.should_prune():
                trial.set_user_attr(SECONDS, round(time.perf_counter() - begin, 1))
                logger.info("trial %d: stopped after epoch %d at %.2f %%", trial.number, epoch, value)
                raise optuna.TrialPruned

    try:
        measured = attempt(config, folder, report)
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
