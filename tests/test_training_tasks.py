"""Tasks: a file and a line in a table each; model files and checkpoints say which one they are of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from shd_runs import small as small_shd
from shd_runs import train as train_shd
from shd_runs import write_words
from toy_task import Bars, BarsConfig
from training_runs import equal, small, train

from snn2rtl import frontend
from snn2rtl.cli import main
from snn2rtl.commands import config_options
from snn2rtl.config import read_toml
from snn2rtl.errors import ModelFileError, OptionError
from snn2rtl.training import checkpoint, tasks, trainer
from snn2rtl.training.run import Run
from snn2rtl.training.tasks import TASKS

ARGS = ["--time-steps", "8", "--batch-size", "6", "--epochs", "10", "--lr", "0.05", "--min-neurons", "2", "--quiet"]


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> Bars:
    """Add the line to the table."""
    task = Bars()
    monkeypatch.setitem(TASKS, task.name, task)
    return task


def results(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / trainer.RESULTS).read_text())
    return found


def test_a_new_task_has_every_command(bars: Bars, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, pruned, rtl = tmp_path / "run", tmp_path / "pruned", tmp_path / "net.npz"
    assert main(["train", "bars", "--width", "5", "--out", str(run), *ARGS]) == 0
    assert results(run)["accuracy"] == 100
    assert results(run)["config"]["hidden"] == [12]
    for model in (run, run / trainer.MODEL):
        out = pruned / model.name
        rounds = ["--rounds", "1", "--fine-tune", "1", "--sparsity", "0.5", "--width", "5", "--batch-size", "6"]
        assert main(["prune", str(model), "--out", str(out), *rounds, "--quiet"]) == 0
        assert results(out)["sparsity"] == pytest.approx(0.5, abs=0.01)
        assert trainer.saved_config(out).TASK == "bars"
    assert main(["compile", str(run / trainer.MODEL), "--out", str(rtl), "--quiet"]) == 0
    search = [
        "--search",
        "hidden=4,6",
        "--trials",
        "2",
        "--objective",
        "accuracy,nonzeros",
        "--out",
        str(tmp_path / "t"),
    ]
    assert main(["tune", "bars", *search, *ARGS]) == 0
    assert "kept" not in read_toml(tmp_path / "t" / "best.toml")
    assert "| `width` | 4 | at least 1 | pixels of a bar |" in config_options.table()
    groups = config_options.groups()
    assert groups["bars"].keys() == {"width", "kept"}
    assert "tau" in groups["mnist and bars"]
    capsys.readouterr()
    assert main(["train", "shd", "--width", "5", "--out", str(tmp_path / "no")]) == 1
    assert "width: must be left out, for shd has no such option, not 5" in capsys.readouterr().err


def test_names_of_tasks_and_options_are_one_each() -> None:
    assert [task.name for task in TASKS.values()] == list(TASKS)
    for task in TASKS.values():
        assert task.config.HELD_OUT in task.config.options()
        assert task.tuning.keys() <= task.config.options().keys()
        assert task.config.FROM_MODEL.keys() <= task.config.options().keys()
        for name, option in task.config.options().items():
            assert option.help, name
            others = [other.config.options().get(name, option) for other in TASKS.values()]
            assert {(one.help, one.kind, one.rule) for one in others} == {(option.help, option.kind, option.rule)}


# model files


@pytest.fixture(scope="module")
def models(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    out = tmp_path_factory.mktemp("models")
    train(data, out / "mnist", small(epochs=1))
    train_shd(write_words(out / "words"), out / "shd", small_shd(epochs=1))
    return {task: out / task / trainer.MODEL for task in TASKS}


def changed(path: Path, out: Path, **changes: Any) -> Path:
    """Write a model file with entries of its own."""
    content = {**torch.load(path, weights_only=True), **changes}
    torch.save({key: value for key, value in content.items() if value is not None}, out)
    return out


@pytest.mark.parametrize("task", TASKS)
def test_a_model_file_names_its_task(models: dict[str, Path], tmp_path: Path, bars: Bars, task: str) -> None:
    assert frontend.saved_task(models[task]) == task
    assert task == tasks.model_config(models[task]).TASK
    other = changed(models["mnist"], tmp_path / "other.pt", task="bars")  # the file decides, not what is in it
    found = tasks.model_config(other)
    assert (type(found), found.hidden, found.time_steps) == (BarsConfig, (12,), 4)


@pytest.mark.parametrize("task", TASKS)
def test_a_model_file_of_before_is_of_the_task_that_trains_its_kind(
    models: dict[str, Path], tmp_path: Path, task: str
) -> None:
    old = changed(models[task], tmp_path / "old.pt", task=None)
    assert frontend.saved_task(old) is None
    assert tasks.model_config(old) == tasks.model_config(models[task])


def test_a_model_file_of_no_task_is_one_sentence(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for task in ("cifar", 3, ["shd"], torch.zeros(2)):
        with pytest.raises(ModelFileError, match=r"bad\.pt: task must be mnist or shd, not"):
            tasks.model_config(changed(models["mnist"], tmp_path / "bad.pt", task=task))
    monkeypatch.delitem(TASKS, "shd")
    with pytest.raises(OptionError, match=r"must name its task, mnist; save it with snn2rtl\.save\(task=\.\.\.\)$"):
        tasks.model_config(changed(models["shd"], tmp_path / "old.pt", task=None))


def test_a_network_of_the_user_has_the_task_it_is_saved_with(models: dict[str, Path], tmp_path: Path) -> None:
    network = frontend.load(models["mnist"])
    frontend.save(network, tmp_path / "a.pt", task="mnist")
    frontend.save(network, tmp_path / "b.pt")
    assert [frontend.saved_task(tmp_path / name) for name in ("a.pt", "b.pt")] == ["mnist", None]


# checkpoints


def test_a_checkpoint_of_before_has_another_name_for_the_adaptation_step(tmp_path: Path) -> None:
    out = tmp_path / "run"
    train_shd(write_words(tmp_path / "words"), out, small_shd(epochs=1, neuron="adaptive"))
    saved = checkpoint.load(out / trainer.CHECKPOINT)
    old = {name.replace("adaptation_step", "grow"): tensor for name, tensor in saved["model"].items()}
    assert old.keys() - saved["model"].keys() == {"chain.0.grow", "chain.1.grow"}
    checkpoint.save(out / trainer.CHECKPOINT, {**saved, "model": old})
    assert equal(dict(Run.load(out / trainer.CHECKPOINT).net.state_dict()), dict(saved["model"]))
