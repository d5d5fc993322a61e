"""What a task is: the samples that it learns from, the networks that it trains, and how they leave.

tasks/ has one file for each; everything else knows no more of them than is here. No torch before it is needed: the
command line reads the options of all tasks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from snn2rtl.data.samples import Samples
from snn2rtl.encoders import Encoder
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.training.config import TrainConfig

if TYPE_CHECKING:
    from torch import Tensor, nn

    from snn2rtl.training.network import TrainableNetwork


@dataclass(frozen=True)
class Batch:
    """What a network takes: x of shape (T, N, inputs) or (N, inputs), and which inputs those are (None: all)."""

    x: Tensor
    columns: Tensor | None
    steps: int


class Dataset(Protocol):
    """Samples of a task, on one device, with labels of shape (N,), int64."""

    @property
    def labels(self) -> Tensor:
        """The classes."""

    @property
    def soft_labels(self) -> Tensor | None:
        """A teacher's probabilities of the classes, shape (N, classes), where there is one."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: slice | Tensor) -> Dataset: ...

    def training_batch(self, config: Any) -> Batch:
        """Return all of these samples for training, changed at random as the configuration says."""

    def evaluation_batch(self, config: Any, first: int, steps: int = 0) -> Batch:
        """Return all of these samples as the golden model and the hardware get them.

        Args:
            config: of the task.
            first: number of the first of these samples, in the split that measures the run.
            steps: time steps, 0 for those of the configuration.
        """

    def samples(self, encoder: Encoder | None) -> Samples:
        """Return the samples as metrics and the golden model take them.

        Args:
            encoder: of the network that will.
        """

    def rates(self) -> Tensor:
        """Return how often each input spikes in a step, shape (inputs,)."""


@dataclass(frozen=True)
class Splits:
    """What a run learns from, and what measures it."""

    train: Dataset
    evaluation: Dataset


Teacher = Callable[[Any], "Tensor"]  # of all training samples: the probability of each class


class Task(ABC):
    """A data set and the networks that learn it; each method takes a configuration of the task's own class.

    config: the class, whose TASK is the task's name. title: what a person calls the data set. data: where the files are
    from if no folder is given. classes: how many. tuning: fields of a study that are not told otherwise.
    """

    config: ClassVar[type[TrainConfig]]
    title: ClassVar[str]
    data: ClassVar[str] = ""
    classes: ClassVar[int]
    tuning: ClassVar[Mapping[str, Any]] = {}

    @property
    def name(self) -> str:
        """Return the name: a word of the command line, and what files of the task hold."""
        return self.config.TASK

    @abstractmethod
    def inputs(self, config: Any) -> int:
        """Return how many inputs the network has."""

    @abstractmethod
    def splits(self, config: Any, data: Path | None, device: str, teacher: Teacher | None = None) -> Splits:
        """Return what is learned from, with a teacher's soft labels, and what measures it.

        Args:
            config: of the run.
            data: folder of the data files.
            device: a torch device.
            teacher: where there is one.

        Raises:
            DataError: the data or the soft labels are missing or damaged.
            OptionError: the folder is missing, or nothing would be left to learn.
        """

    @abstractmethod
    def build(self, config: Any) -> TrainableNetwork:
        """Return the untrained network."""

    def initialise(self, config: Any, init: Path | None) -> TrainableNetwork:
        """Return the network that a run starts from, which the seed decides where there is no model file.

        Raises:
            ModelFileError, UnsupportedModelError: the file cannot be read.
            OptionError: its network is another one than the configuration asks for.
        """
        import torch

        torch.manual_seed(config.seed)
        net = self.build(config)
        if init is not None:
            self.load_weights(net, config, init)
        return net

    @abstractmethod
    def load_weights(self, net: TrainableNetwork, config: Any, init: Path) -> None:
        """Give a network the numbers of a model file; weights that are zero there are pruned and stay so.

        Raises:
            ModelFileError, UnsupportedModelError: the file cannot be read.
            OptionError: its network is another one than the configuration asks for.
        """

    @abstractmethod
    def trains(self, network: SpikingNetwork) -> bool:
        """Return whether a network of a model file that names no task may be one of this task."""

    @abstractmethod
    def model_config(self, path: Path) -> TrainConfig:
        """Return the configuration of a run with the network of a model file; else its options have their defaults.

        Raises:
            ModelFileError, UnsupportedModelError: the file cannot be read.
            OptionError: the network cannot be trained here.
        """

    @abstractmethod
    def model(self, net: TrainableNetwork, name: str) -> nn.Module | SpikingNetwork:
        """Return a network as its model file has it."""

    def encoder(self, config: Any) -> Encoder | None:
        """Return what makes spikes of samples, where anything has to."""
        return None

    def export(self, net: TrainableNetwork, config: Any, path: Path) -> None:
        """Write the model file of a network.

        Raises:
            OutputError: the file cannot be written.
        """
        from snn2rtl import frontend

        name = "_".join(map(str, (self.name, self.inputs(config), *config.hidden, self.classes)))
        frontend.save(self.model(net, name), path, encoder=self.encoder(config), name=name, task=self.name)
