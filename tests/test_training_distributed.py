"""Two real processes of torchrun train one network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from training_runs import MNIST, equal, samples, small, train

from snn2rtl.errors import OptionError
from snn2rtl.training import checkpoint, loop, trainer
from snn2rtl.training.distributed import ALONE, Group, join
from snn2rtl.training.loop import check_batch, smallest_batch, train_epoch

MAIN = Path(__file__).with_name("torchrun_main.py")
SMALL = ["--hidden", "12", "--time-steps", "4", "--batch-size", "9", "--lr", "5e-3", "--lr-step", "9"]


def torchrun(data: Path, out: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(MAIN), "train"]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "KEEP": str(out.parent), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [*argv, "mnist", "--data", str(data), "--out", str(out), *SMALL, *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)


def left(folder: Path) -> list[dict[str, Any]]:
    """Return what each process left, without what the clock says."""
    kept = [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in (0, 1)]
    for entry in (entry for one in kept for entry in one["history"]):
        del entry["seconds"]
    return kept


def test_both_processes_end_with_the_same_weights_and_learn(data: Path, tmp_path: Path) -> None:
    options = ["--epochs", "4", "--batch-norm", "--dropout", "0.1", "--sparsity", "0.5", "--prune-by", "both", "--json"]
    done = torchrun(data, tmp_path / "run", *options)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)  # one process prints
    assert done.stderr.count("epoch 4/4") == 1
    first, second = left(tmp_path)
    assert equal(first["model"], second["model"])
    assert first["history"] == second["history"]
    assert not torch.equal(first["random"], second["random"])
    saved = checkpoint.load(tmp_path / "run" / trainer.CHECKPOINT)["model"]
    assert equal(saved, first["model"])
    assert results["accuracy"] > 60
    assert results["sparsity"] == pytest.approx(0.5, abs=1e-3)
    resumed = torchrun(data, tmp_path / "run", "--batch-norm", "--resume", "--epochs", "5")
    assert resumed.returncode == 0, resumed.stderr
    first, second = left(tmp_path)
    assert equal(first["model"], second["model"])
    assert len(first["history"]) == 5


def test_two_processes_do_what_one_does(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without random numbers the mean of the gradients of the shares is the gradient of the batch."""
    done = torchrun(data, tmp_path / "two", "--encoder", "direct", "--epochs", "1", "--batch-size", "7")
    assert done.returncode == 0, done.stderr
    monkeypatch.setattr(loop, "fast_products", nullcontext)
    config = small(encoder="direct", epochs=1, batch_size=7, lr_step=9, min_neurons=50)
    train(data, tmp_path / "one", config)
    one = checkpoint.load(tmp_path / "one" / trainer.CHECKPOINT)
    two = left(tmp_path)[0]
    for name, weight in one["model"].items():
        assert torch.allclose(two["model"][name], weight, atol=1e-5), name
    assert two["history"][0]["train"]["loss"] == pytest.approx(one["history"][0]["train"]["loss"], rel=1e-5)


# one process


@pytest.mark.parametrize("count", [1, 2, 7, 30])
def test_shares_are_all_of_a_batch_once(count: int) -> None:
    index = torch.randperm(count)
    shares = [Group(rank, 3).share(index) for rank in range(3)]
    parts = [list(Group(rank, 3).part(count)) for rank in range(3)]
    assert torch.equal(torch.cat(shares).sort().values, torch.arange(count))
    assert [number for part in parts for number in part] == list(range(count))


def test_batches_have_a_sample_for_each_process() -> None:
    assert smallest_batch(small(), ALONE) == 1
    check_batch(small(batch_size=2), Group(0, 2))
    with pytest.raises(OptionError, match=r"^batch_size: must be at least 3, 1 for each process, not 2$"):
        check_batch(small(batch_size=2), Group(0, 3))
    with pytest.raises(OptionError, match=r"^batch_size: must be at least 2, 2 for each process, whose variance "):
        check_batch(small(batch_size=1, batch_norm=True), ALONE)


def test_a_last_batch_without_a_variance_is_left_out() -> None:
    config = small(encoder="direct", batch_norm=True, batch_size=29)
    net = MNIST.build(config)
    mean = train_epoch(net, torch.optim.Adam(net.parameters()), samples(30), config, lambda _: None)
    assert mean.samples == 29


def test_processes_that_cannot_meet_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(OptionError, match=r"^torchrun: its processes must reach each other by gloo, but "), join("cpu"):
        pass
