"""Studies with fake trainings: how they begin, go on, stop trials, fail and end."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from optuna import Study
from optuna.trial import TrialState
from studies_worker import EPOCHS, fake, setup

from snn2rtl.errors import DataError, OptionError, StudyError, UnsupportedModelError
from snn2rtl.studies import storage, study, worker
from snn2rtl.studies.setup import Setup
from snn2rtl.studies.study import FAILURE
from snn2rtl.studies.worker import Report, Try
from snn2rtl.training.tasks.mnist import MnistConfig

MULTI = ("accuracy", "nonzeros", "spikes", "membrane_bits")


@pytest.fixture(autouse=True)
def our_log() -> None:
    storage.use_our_log()


def opened(folder: Path, of: Setup[MnistConfig] | None = None, name: str = "s") -> Study:
    return study.open_study(storage.open_storage(storage.file_url(folder)), name, of or setup())


def work(folder: Path, trials: int, of: Setup[MnistConfig] | None = None, train: Try[MnistConfig] = fake) -> Study:
    of = of or setup()
    shared = storage.open_storage(storage.file_url(folder))
    found = study.open_study(shared, "s", of)
    worker.work(shared, found, of, train, folder, trials, poll_s=0.01)
    return found


def failing(at: int, error: Callable[[], BaseException]) -> Try[MnistConfig]:
    calls = 0

    def train(config: MnistConfig, out: Path, report: Report) -> dict[str, float]:
        nonlocal calls
        calls += 1
        if calls == at:
            raise error()
        return fake(config, out, report)

    return train


def states(found: Study) -> list[str]:
    return [trial.state.name for trial in found.get_trials()]


def test_a_study_that_goes_on_is_that_of_one_go(tmp_path: Path) -> None:
    whole = work(tmp_path / "whole", 14)
    for trials in (5, 9, 14):
        parts = work(tmp_path / "parts", trials)
        assert len(parts.get_trials()) == trials
    assert [t.params for t in parts.get_trials()] == [t.params for t in whole.get_trials()]
    other = work(tmp_path / "other", 3, setup(seed=1))
    assert [t.params for t in other.get_trials()] != [t.params for t in whole.get_trials()[:3]]


def test_tpe_finds_what_is_best(tmp_path: Path) -> None:
    best = work(tmp_path, 30).best_trial
    assert 5e-4 < best.params["lr"] < 2e-3
    assert best.value is not None
    assert best.value > 98


def test_configurations_have_the_values_of_the_space(tmp_path: Path) -> None:
    seen: list[MnistConfig] = []

    def train(config: MnistConfig, out: Path, report: Report) -> dict[str, float]:
        assert out == tmp_path / "trials" / str(len(seen))
        seen.append(config)
        return fake(config, out, report)

    of = setup(
        "lr=1e-4:1e-2:log", "batch_size=1:64:log", "hidden=20,30-10", "augment=0,1", "batch_norm=true,false", tau=4
    )
    work(tmp_path, 8, of, train)
    assert {config.hidden for config in seen} == {(20,), (30, 10)}
    assert {type(config.batch_size) for config in seen} == {int}
    assert {type(config.batch_norm) for config in seen} == {bool}
    assert all(1e-4 <= config.lr <= 1e-2 and config.tau == 4 and config.epochs == EPOCHS for config in seen)


def test_hopeless_trials_are_stopped(tmp_path: Path) -> None:
    found = work(tmp_path, 25)
    stopped = [trial for trial in found.get_trials() if trial.state is TrialState.PRUNED]
    assert stopped
    assert all(trial.number >= study.NEVER_STOPPED for trial in stopped)
    assert all(study.FIRST_STOP <= max(trial.intermediate_values) < EPOCHS for trial in stopped)
    assert found.best_trial not in stopped


def test_trials_with_several_objectives_are_not_stopped(tmp_path: Path) -> None:
    found = work(tmp_path, 12, setup(objectives=MULTI))
    assert states(found) == ["COMPLETE"] * 12
    assert [direction.name for direction in found.directions] == ["MAXIMIZE", "MINIMIZE", "MINIMIZE", "MINIMIZE"]
    trial = found.get_trials()[3]
    measured = fake(setup().config(trial.params), tmp_path, lambda *_: None)
    assert trial.values == list(measured.values())


def test_ctrl_c_loses_the_running_trial_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(KeyboardInterrupt):
        work(tmp_path, 6, train=failing(4, KeyboardInterrupt))
    assert "study 's' has 3 whole trials, only the one that ran is lost; the same command goes on" in caplog.text
    assert states(opened(tmp_path)) == ["COMPLETE"] * 3 + ["FAIL"]
    assert states(work(tmp_path, 6)) == ["COMPLETE"] * 3 + ["FAIL"] + ["COMPLETE"] * 3


def test_a_network_that_cannot_be_built_is_a_failed_trial(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = work(tmp_path, 4, train=failing(2, lambda: UnsupportedModelError(["layer 'fc1': weight must be finite"])))
    assert states(found) == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert found.get_trials()[1].user_attrs[FAILURE] == "layer 'fc1': weight must be finite"
    assert "trial 1: failed: layer 'fc1': weight must be finite" in caplog.text


@pytest.mark.parametrize("error", [DataError("no images"), ValueError("our bug")])
def test_other_errors_end_the_worker(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)):
        work(tmp_path, 4, train=failing(2, lambda: error))
    assert states(opened(tmp_path)) == ["COMPLETE", "FAIL"]


@pytest.mark.parametrize("reports", [True, False])
def test_a_trial_that_was_given_away_is_dropped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, reports: bool
) -> None:
    """A machine that slept finds its trial failed by another worker."""

    def train(config: MnistConfig, out: Path, report: Report) -> dict[str, float]:
        if out.name == "1":
            optuna.load_study(study_name="s", storage=storage.open_storage(storage.file_url(tmp_path))).tell(
                1, state=TrialState.FAIL
            )
        return fake(config, out, report if reports else lambda *_: None)

    assert states(work(tmp_path, 3, train=train)) == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert "trial 1: was given to another worker" in caplog.text


def test_a_name_is_one_study(tmp_path: Path) -> None:
    opened(tmp_path)
    same = opened(tmp_path)
    assert same.user_attrs == opened(tmp_path).user_attrs
    sentence = (
        "study 's': must go on with objective=accuracy, not accuracy,spikes; dropout=0.1:0.5, not 0.0; "
        "lr=0.0001:0.01:log, not 0.001:0.01; tau=2.0, not 4; choose another --study for another search"
    )
    with pytest.raises(StudyError, match=f"^{re.escape(sentence)}$"):
        opened(tmp_path, setup("lr=1e-3:1e-2", objectives=("accuracy", "spikes"), tau=4))
    opened(tmp_path, setup("lr=1e-3:1e-2"), name="another")


def test_a_study_of_others_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "_SETUP_WAIT_S", 0)
    optuna.create_study(storage=storage.open_storage(storage.file_url(tmp_path)), study_name="s")
    with pytest.raises(StudyError, match="study 's': must be one that snn2rtl began; choose another --study"):
        opened(tmp_path)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 101])
def test_a_study_has_a_name(name: str) -> None:
    with pytest.raises(StudyError, match=r"^study: must be a name of 1 to 100 printable characters, not "):
        study.check_name(name)


def test_test_images_are_not_to_choose_by() -> None:
    with pytest.raises(OptionError, match=r"^hold_out: must hold some out to tune, .*, not 0$"):
        setup(hold_out=0)
    with pytest.raises(OptionError, match=r"^search hold_out: must not be varied"):
        setup("hold_out=10,20")


def test_optuna_logs_in_our_format(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        work(tmp_path, 2)
        assert {record.name for record in caplog.records} == {"snn2rtl.studies.worker"}
        logging.getLogger("optuna.storages").error("lost")
    assert "lost" in caplog.text
    assert not [handler for handler in logging.getLogger("optuna").handlers if type(handler) is logging.StreamHandler]


def test_a_storage_that_is_lost_is_one_sentence(tmp_path: Path) -> None:
    def lost() -> BaseException:
        error = optuna.exceptions.StorageInternalError("An exception is raised during the commit.")
        error.__cause__ = ConnectionError("server closed the connection\nunexpectedly")
        return error

    sentence = "storage: cannot be used any more: server closed the connection; the same command goes on"
    with pytest.raises(StudyError, match=f"^{re.escape(sentence)}$"):
        work(tmp_path, 3, train=failing(2, lost))
