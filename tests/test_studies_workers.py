"""Two workers on one study as processes of their own; one is killed in the middle of a trial."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import postgres
import pytest
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.trial import TrialState
from studies_worker import HEARTBEAT_S, setup

from snn2rtl.studies import storage, study
from snn2rtl.studies.study import WORKER

WORKER_FILE = Path(__file__).with_name("studies_worker.py")
TRIALS = 6
PATIENCE_S = 120


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'study.db'}"
    else:
        with postgres.server() as url:
            yield url


def start(url: str, out: Path, *more: str) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, str(WORKER_FILE), url, str(out), str(TRIALS), *more], env=env)


def wait_for(path: Path, worker: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not path.exists():
        assert worker.poll() is None, "the worker ended"
        assert time.monotonic() < deadline, "the worker is too slow"
        time.sleep(0.05)


def test_the_trial_of_a_killed_worker_is_taken_up_by_the_other(url: str, tmp_path: Path) -> None:
    hangs = tmp_path / "hangs"
    doomed = start(url, tmp_path / "a", str(hangs))
    try:
        wait_for(hangs, doomed)  # before the other one begins, which could end the study by itself
    finally:
        doomed.kill()
        doomed.wait()
    other = start(url, tmp_path / "b")
    try:
        assert other.wait(PATIENCE_S) == 0
    finally:
        other.kill()
        other.wait()
    opened = study.open_study(storage.open_storage(storage.parse_url(url), HEARTBEAT_S), "shared", setup())
    trials = opened.get_trials()
    whole = [trial for trial in trials if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    assert len(whole) == TRIALS
    (killed,) = [trial for trial in trials if trial not in whole]
    assert killed.state is TrialState.FAIL
    assert killed.user_attrs[WORKER].endswith(f":{doomed.pid}")
    with storage.no_warnings():
        (again,) = [t for t in trials if RetryHeartbeatStaleTrialCallback.retried_trial_number(t) == killed.number]
    assert again in whole
    assert again.params == killed.params
    assert again.user_attrs[WORKER].endswith(f":{other.pid}")
    assert len({trial.user_attrs[WORKER] for trial in whole}) == 2
    assert len({trial.params["lr"] for trial in whole}) == TRIALS  # no worker repeats another one's choices
