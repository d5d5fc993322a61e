"""What a task is: the samples that it learns from, the networks that it trains, and how they leave.

mnist.py and shd.py are the tasks; everything else (loop, run, lab) knows no more of them than is here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from snn2rtl.data.samples import Samples as GoldenSamples
from snn2rtl.encoders import Encoder
from snn2rtl.training.config import TrainConfig
from snn2rtl.training.network import Network


@dataclass(frozen=True)
class Inputs:
    """A batch for the network: x of shape (T, N, inputs) or (N, inputs), and which inputs those are (None: all)."""

    x: Tensor
    columns: Tensor | None
    steps: int


class Samples(Protocol):
    """Samples of a task, on one device, with labels of shape (N,), int64."""

    @property
    def labels(self) -> Tensor:
        """The classes."""

    @property
    def taught(self) -> Tensor | None:
        """A teacher's probabilities of the classes, shape (N, classes), where there is one."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: slice | Tensor) -> Samples: ...

    def drawn(self, config: Any) -> Inputs:
        """Return these samples for training, changed at random as the configuration says."""

    def exact(self, config: Any, first: int, steps: int = 0) -> Inputs:
        """Return what the golden model and the hardware get.

        Args:
            config: of the task.
            first: number of the first of these samples, among those that measure the run.
            steps: time steps, 0 for those of the configuration.
        """

    def golden(self, encoder: Encoder | None) -> GoldenSamples:
        """Return the samples as metrics and the golden model take them.

        Args:
            encoder: of the network that will.
        """

    def rates(self) -> Tensor:
        """Return how often each input spikes in a step, shape (inputs,)."""


Teach = Callable[[Any], Tensor]  # of all training samples: the probability of each class


@dataclass(frozen=True)
class Material:
    """What a run learns from, and what measures it."""

    train: Samples
    test: Samples


@dataclass(frozen=True)
class Task:
    """A task; each function takes a configuration of the task's own class.

    classes: how many. material: the samples, from a folder where one is given, on a device, with the labels of a
    teacher where there is one. build: the untrained network. initialise: the network that a run starts from, with the
    weights of a model file where one is given. model_config: the configuration of a run with the network of a model
    file. export: writes the model file of a network.
    """

    classes: int
    material: Callable[[Any, Path | None, str, Teach | None], Material]
    build: Callable[[Any], Network]
    initialise: Callable[[Any, Path | None], Network]
    model_config: Callable[[Path], TrainConfig]
    export: Callable[[Network, Any, Path], None]


def seeded(config: TrainConfig, build: Callable[[Any], Network]) -> Network:
    """Return the untrained network of a configuration, which its seed alone decides."""
    torch.manual_seed(config.seed)
    return build(config)
