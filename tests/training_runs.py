"""Tiny training runs: configurations, networks with exact numbers, what a run left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mnist_files import digits
from torch import Tensor

from snn2rtl.training import checkpoint, trainer
from snn2rtl.training.images import ImageDataset
from snn2rtl.training.network import TrainableNetwork
from snn2rtl.training.tasks import TASKS
from snn2rtl.training.tasks.mnist import MnistConfig
from snn2rtl.training.trainer import Files, train_network

torch.set_num_threads(1)  # networks as small as these gain nothing by more

MNIST = TASKS["mnist"]
SMALL: dict[str, Any] = {
    "hidden": (12,),
    "time_steps": 4,
    "batch_size": 10,
    "epochs": 3,
    "lr_step": 2,
    "lr": 5e-3,
    "min_neurons": 2,
}


def small(**changes: Any) -> MnistConfig:
    """Return the configuration of a run of a second or less."""
    return MnistConfig(**SMALL | changes)


def train(data: Path, out: Path, config: MnistConfig, **more: Any) -> dict[str, Any]:
    """Train on tiny files; init and teacher are files, the rest goes to train_network()."""
    paths = {name: more.pop(name) for name in ("init", "teacher") if name in more}
    return train_network(config, Files(out=out, data=data, **paths), **more)


def samples(count: int = 30) -> ImageDataset:
    """Return what the tiny files hold."""
    images, labels = digits(count)
    return ImageDataset(torch.from_numpy(images.reshape(count, -1)), torch.from_numpy(labels.astype(np.int64)))


def dyadic(net: TrainableNetwork, seed: int = 0, bias: bool = True) -> TrainableNetwork:
    """Give the network weights and biases of which every sum is exact, in any order."""
    torch.manual_seed(seed)
    for spiking in net.layers:
        synapses = spiking.synapses
        synapses.weight.data = torch.randint(-8, 9, synapses.weight.shape) / 16
        if bias:
            synapses.bias = torch.nn.Parameter(torch.randint(-8, 9, synapses.weight.shape[:1]) / 16)
    return net


def interrupt_epoch(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Ctrl-C pressed at the end of an epoch, before its checkpoint."""
    evaluate: Callable[..., Any] = trainer.evaluate
    calls = iter(range(1, 100))

    def interrupted(*args: Any, **more: Any) -> Any:
        if next(calls) == number:
            raise KeyboardInterrupt
        return evaluate(*args, **more)

    monkeypatch.setattr(trainer, "evaluate", interrupted)


def state(out: Path) -> dict[str, Any]:
    """Return the checkpoint of a run, without what the clock says."""
    loaded = checkpoint.load(out / trainer.CHECKPOINT)
    for entry in loaded["history"]:
        del entry["seconds"]
    return loaded


def equal(a: Any, b: Any) -> bool:
    """Return whether two checkpoints are equal to the bit."""
    if isinstance(a, Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(equal, a, b))
    return bool(a == b)
