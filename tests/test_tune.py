"""snn2rtl tune from the command line: real trainings on tiny files, and what is left in the folder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mnist_files import write_mnist
from studies_worker import fake

from snn2rtl.cli import main
from snn2rtl.studies import tune as tune_study
from snn2rtl.training.tasks.mnist import MnistConfig

SMALL = ["--hidden", "12", "--time-steps", "4", "--batch-size", "10", "--epochs", "2", "--hold-out", "20", "--quiet"]


def tune(out: Path, *options: str) -> int:
    return main(["tune", "mnist", "--out", str(out), *SMALL, *options])


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have trainings that are not."""
    monkeypatch.setattr(tune_study, "trainer", lambda *_: fake)


def png(path: Path) -> bool:
    return path.read_bytes().startswith(b"\x89PNG")


def test_a_study_of_real_trainings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_mnist(tmp_path / "mnist", 60)
    for file in data.glob("t10k*"):
        file.unlink()  # tuning never sees the test set
    out = tmp_path / "out"
    search = ["--search", "lr=1e-3:3e-2:log", "--search", "bits=2,4", "--search", "sparsity=0.1:0.8"]
    objectives = "accuracy,nonzeros,spikes,membrane_bits"
    argv = [*search, "--objective", objectives, "--data", str(data), "--trials", "4", "--json"]
    assert tune(out, *argv) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found["objectives"]) == objectives.split(",")
    assert [trial["state"] for trial in found["trials"]] == ["complete"] * 4
    for trial in found["trials"]:
        assert set(trial["params"]) == {"lr", "bits", "sparsity"}
        pruned = 1 - trial["values"]["nonzeros"] / (784 * 12 + 12 * 10)
        assert pruned >= trial["params"]["sparsity"] - 0.01
    assert sorted(path.name for path in out.iterdir()) == sorted(
        [
            "best.toml",
            "history.png",
            "importance.png",
            "pareto.png",
            "study.db",
            "study.db-turn",
            "study.json",
            "trials",
        ]
    )
    assert all(png(file) for file in out.glob("*.png"))
    assert sorted(path.name for path in (out / "trials").iterdir()) == ["0", "1", "2", "3"]
    best = found["trials"][found["best"][0]]
    assert best["values"]["accuracy"] == max(trial["values"]["accuracy"] for trial in found["trials"])
    config = MnistConfig.from_file(out / "best.toml")
    small = MnistConfig(hidden=(12,), time_steps=4, batch_size=10, epochs=2)
    assert config == replace(small, **best["params"])
    write_mnist(data, 60)
    again = ["train", "mnist", "--config", str(out / "best.toml"), "--out", str(tmp_path / "run"), "--data", str(data)]
    assert main([*again, "--quiet"]) == 0


def test_a_training_that_diverges_is_a_failed_trial(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It stops in the epoch that diverges; the others go on and have results."""
    data, out = write_mnist(tmp_path / "mnist", 60), tmp_path / "out"
    options = ["--batch-norm", "--search", "gain=1,1e38", "--trials", "5", "--data", str(data), "--json"]
    assert tune(out, *options) == 0
    trials = json.loads(capsys.readouterr().out)["trials"]
    assert {(trial["params"]["gain"], trial["state"]) for trial in trials} == {(1, "complete"), (1e38, "failed")}
    for trial in trials:
        if trial["state"] == "failed":
            assert trial["failure"].startswith("epoch 1: training must stay finite, not make NaN or infinite numbers; ")
            assert [path.name for path in (out / "trials" / str(trial["number"])).iterdir()] == ["tensorboard"]


@pytest.mark.usefixtures("quick")
def test_the_same_command_goes_on_and_shows_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    search = ["--search", "lr=1e-4:1e-2:log", "--search", "hidden=12,20-10"]
    assert tune(tmp_path, *search, "--trials", "3") == 0
    assert tune(tmp_path, *search, "--trials", "8") == 0
    printed = capsys.readouterr().out
    assert "best of 3 complete" in printed
    assert "best of 8 complete" in printed or " stopped" in printed
    assert "20-10" in printed
    assert f"wrote {tmp_path / 'best.toml'}" in printed
    assert f"wrote {tmp_path / 'importance.png'}" in printed
    assert not (tmp_path / "pareto.png").exists()


@pytest.mark.usefixtures("quick")
def test_a_file_holds_fixed_options_and_the_search(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tune.toml"
    file.write_text('tau = 4.0\nclip = inf\n[search]\nlr = "1e-4:1e-2:log"\nhidden = [[12], [20, 10]]\n')
    argv = [
        "tune",
        "mnist",
        "--config",
        str(file),
        "--out",
        str(tmp_path / "out"),
        "--quiet",
        "--trials",
        "2",
        "--json",
    ]
    assert main([*argv, "--search", "bits=0,4"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert set(found["trials"][0]["params"]) == {"lr", "hidden", "bits"}
    config = MnistConfig.from_file(tmp_path / "out" / "best.toml")
    assert (config.tau, config.clip, config.hold_out) == (4.0, float("inf"), 0)
    assert list(config.hidden) == found["trials"][found["best"][0]]["params"]["hidden"]


@pytest.mark.usefixtures("quick")
def test_a_folder_holds_one_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    search = ["--search", "lr=1e-4:1e-2:log", "--trials", "1"]
    assert tune(tmp_path, *search) == 0
    assert tune(tmp_path, *search, "--study", "other") == 1
    assert f"output '{tmp_path}': must not hold the results of another study" in capsys.readouterr().err
    (tmp_path / "study.db").unlink()
    assert tune(tmp_path, *search) == 1
    (tmp_path / "study.json").write_text("{")
    assert tune(tmp_path, *search) == 1
    assert "study.json: must be a file of a study" in capsys.readouterr().err


@pytest.mark.usefixtures("quick")
def test_another_search_under_the_same_name_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tune(tmp_path, "--search", "lr=1e-4:1e-2:log", "--trials", "1") == 0
    assert tune(tmp_path, "--search", "lr=1e-3:1e-2", "--trials", "2") == 1
    assert "study 'mnist': must go on with lr=0.0001:0.01:log, not 0.001:0.01" in capsys.readouterr().err


def test_a_study_without_any_network_has_no_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from snn2rtl.errors import UnsupportedModelError

    def broken(*_: object) -> dict[str, float]:
        raise UnsupportedModelError(["layer 'fc1': weight must be finite"])

    monkeypatch.setattr(tune_study, "trainer", lambda *_: broken)
    assert tune(tmp_path, "--search", "lr=1e-4:1e-2:log", "--trials", "2") == 1
    sentence = "must have a complete trial to have results: the last of 2 that failed says layer 'fc1': weight must be"
    assert sentence in capsys.readouterr().err


@pytest.mark.usefixtures("quick")
def test_ctrl_c_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> dict[str, float]:
        raise KeyboardInterrupt

    monkeypatch.setattr(tune_study, "trainer", lambda *_: interrupted)
    assert tune(tmp_path, "--search", "lr=1e-4:1e-2:log") == 130
    printed = capsys.readouterr().err
    assert "the same command goes on" in printed
    assert "Traceback" not in printed
