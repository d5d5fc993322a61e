"""Checkpoints: whole or not at all, and nothing else is taken for one."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from training_runs import equal, small, state, train

from snn2rtl.errors import ModelFileError, OptionError, OutputError
from snn2rtl.training import checkpoint, trainer
from snn2rtl.training.run import Run


class Attack:
    """Unpickled carelessly, this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def parts(epochs: int) -> dict[str, Any]:
    metrics = {"loss": 1.0, "accuracy": 10.0, "rates": {"1": 0.1}}
    entry = {"seconds": 1.0, "sparsity": 0.0, "train": metrics, "test": metrics}
    history = [{"epoch": epoch, **entry} for epoch in range(1, epochs + 1)]
    return {"config": {}, "model": {}, "optimizer": {}, "history": history}


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "checkpoint.pt"
    checkpoint.save(path, parts(1))

    write = Path.write_bytes

    def full_disk(target: Path, content: Any) -> None:
        write(target, content[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OutputError, match=r"checkpoint.pt: must be writable, but No space left on device$"):
        checkpoint.save(path, parts(2))
    assert list(tmp_path.iterdir()) == [path]
    assert checkpoint.load(path) == {"format": checkpoint.FORMAT, **parts(1)}


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="must be writable"):
        checkpoint.save(tmp_path / "missing" / "checkpoint.pt", parts(1))


def test_damaged_and_foreign_checkpoints_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(ModelFileError, match="does not exist"):
        checkpoint.load(path)
    checkpoint.save(path, parts(1))
    whole = path.read_bytes()
    for content in (b"", b"text", whole[:-200], whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match="must be"):
            checkpoint.load(path)
    torch.save({"weight": torch.zeros(2)}, path)
    with pytest.raises(ModelFileError, match="must be a checkpoint of snn2rtl train"):
        checkpoint.load(path)
    checkpoint.save(path, parts(1) | {"history": None})
    with pytest.raises(ModelFileError, match="history must be a list, not NoneType"):
        checkpoint.load(path)


def test_code_in_a_checkpoint_does_not_run(tmp_path: Path) -> None:
    path, trace = tmp_path / "checkpoint.pt", tmp_path / "trace"
    for save in (lambda x: torch.save(x, path), lambda x: path.write_bytes(pickle.dumps(x))):
        save({"format": Attack(trace)})
        with pytest.raises(ModelFileError):
            checkpoint.load(path)
        assert not trace.exists()


# hand-made checkpoints


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained")
    train(data, out, small(epochs=2, bits=4, qat_from=1))
    return out


Change = Callable[[dict[str, Any]], Any]
WEIGHT, MASK, STEP = (f"chain.0.synapses.{part}" for part in ("weight", "weight_mask", "log_step"))

HAND_MADE: dict[str, Change] = {
    "another network": lambda s: s["config"].update(hidden=[13]),
    "more layers": lambda s: s["config"].update(hidden=[12, 12]),
    "a weight that is text": lambda s: s["model"].update({WEIGHT: "much"}),
    "a weight of another shape": lambda s: s["model"].update({WEIGHT: torch.zeros(3)}),
    "a weight of another kind": lambda s: s["model"].update({WEIGHT: torch.zeros(12, 784, dtype=torch.complex64)}),
    "no weight": lambda s: s["model"].pop(WEIGHT),
    "a weight that is not a number": lambda s: s["model"][WEIGHT].fill_(float("nan")),
    "a mask of halves": lambda s: s["model"][MASK].fill_(0.5),
    "a name that is a number": lambda s: s["model"].update({3: torch.zeros(1)}),
    "an unknown weight": lambda s: s["model"].update(more=torch.zeros(1)),
    "a bias for one layer alone": lambda s: s["model"].update({"chain.0.synapses.bias": torch.zeros(3)}),
    "steps without bits": lambda s: s["config"].update(bits=0, qat_from=0),
    "no step": lambda s: s["model"].pop(STEP),
    "an optimizer of nothing": lambda s: s.update(optimizer={}),
    "no averages": lambda s: s["optimizer"]["state"].clear(),
    "averages of a weight less": lambda s: s["optimizer"]["state"][0].pop("exp_avg_sq"),
    "averages of a weight more": lambda s: s["optimizer"]["state"].update({9: {"step": torch.zeros(())}}),
    "averages of another shape": lambda s: s["optimizer"]["state"][0].update(exp_avg=torch.zeros(2)),
    "averages that are text": lambda s: s["optimizer"]["state"][0].update(step="many"),
    "averages of text": lambda s: s["optimizer"]["state"].update({0: "mean"}),
    "averages that are a list": lambda s: s["optimizer"].update(state=[]),
    "epochs that are text": lambda s: s.update(history=["one", "two"]),
    "epochs that are empty": lambda s: s.update(history=[{}, {}]),
    "an accuracy that is text": lambda s: s["history"][1]["test"].update(accuracy="high"),
    "a wrong number of an epoch": lambda s: s["history"][1].update(epoch=7),
    "more epochs than there are": lambda s: s["history"].extend(s["history"]),
    "an unknown option": lambda s: s["config"].update(momentum=0.9),
    "an option of another type": lambda s: s["config"].update(lr="fast"),
    "an option out of range": lambda s: s["config"].update(sparsity=1.2),
    "an option whose name is a number": lambda s: s["config"].update({3: 4}),
}


@pytest.mark.parametrize("case", HAND_MADE)
@pytest.mark.parametrize("whole", [True, False])
def test_a_hand_made_checkpoint_is_one_sentence(
    data: Path, tmp_path: Path, trained: Path, case: str, whole: bool
) -> None:
    loaded = checkpoint.load(trained / trainer.CHECKPOINT)
    if not whole:  # work is left to do: what loads must also train
        loaded["config"]["epochs"] = 3
    HAND_MADE[case](loaded)
    checkpoint.save(tmp_path / trainer.CHECKPOINT, loaded)
    with pytest.raises((ModelFileError, OptionError)) as caught:
        train(data, tmp_path, trainer.saved_config(tmp_path), resume=True)
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).startswith((str(tmp_path / trainer.CHECKPOINT), "sparsity", "epochs"))


def test_a_checkpoint_gives_back_what_it_was_given(trained: Path, tmp_path: Path) -> None:
    Run.load(trained / trainer.CHECKPOINT).save(tmp_path / trainer.CHECKPOINT)
    assert equal(state(tmp_path), state(trained))
