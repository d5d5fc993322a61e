"""The four systems of the second reference report on SHD: spikes [T, N, 700] in, scores [N, 20] out.

The report names hidden sizes, learning rates, epochs, Norse's LIFCell, dropout and batch norm; what it leaves open is
said in the docstrings here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from norse.torch import LICell, LIFCell
from torch import Tensor, nn
from torch.nn import functional

UNITS, CLASSES = 700, 20


class Snn(nn.Module):
    """Linear, Norse's LIFCell, Linear, leaky integrator; the score is the largest membrane over time.

    Norse's default parameters and time step: the decays of a step are 0.1 (membrane) and 0.2 (synapse).
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.into = nn.Linear(UNITS, hidden, bias=False)
        self.spiking = LIFCell()
        self.out = nn.Linear(hidden, CLASSES, bias=False)
        self.readout = LICell()

    def forward(self, spikes: Tensor) -> Tensor:
        """Run all time steps."""
        currents, state, hidden = self.into(spikes), None, []
        for current in currents:
            fired, state = self.spiking(current, state)
            hidden.append(fired)
        membranes, state = [], None
        for current in self.out(torch.stack(hidden)):
            membrane, state = self.readout(current, state)
            membranes.append(membrane)
        return torch.stack(membranes).amax(0)


class Ann(nn.Module):
    """One hidden layer of ReLU on counts: 140 neighbourhoods of units in windows of 100 ms."""

    def __init__(self, hidden: int, time_steps: int = 140) -> None:
        super().__init__()
        self.into = nn.Linear(140 * time_steps // 10, hidden)
        self.out = nn.Linear(hidden, CLASSES)

    def forward(self, spikes: Tensor) -> Tensor:
        """Classify counts."""
        counts = functional.avg_pool2d(spikes.swapaxes(0, 1), (10, 5), divisor_override=1)
        return self.out(functional.relu(self.into(counts.flatten(1))))


class Cnn(nn.Module):
    """Two convolutions over time and units, batch norm, dropout, on counts of 10 units in windows of 50 ms."""

    def __init__(self, filters: int, time_steps: int = 140) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_block(1, filters, 5),
            nn.MaxPool2d(2),
            *_block(filters, filters, 3, stride=2),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(filters * (time_steps // 40) * (UNITS // 80 + 1), CLASSES),
        )

    def forward(self, spikes: Tensor) -> Tensor:
        """Classify counts over time."""
        counts = functional.avg_pool2d(spikes.swapaxes(0, 1)[:, None], (5, 10), divisor_override=1)
        return self.layers(counts)


def _block(inputs: int, filters: int, kernel: int, stride: int = 1) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, filters, kernel, stride, padding=kernel // 2, bias=False)
    return convolution, nn.BatchNorm2d(filters), nn.ReLU(), nn.Dropout(0.3)


@dataclass(frozen=True)
class System:
    """A system and how the report trained it.

    loss, batch_size: the first epoch's loss in the report, which is a sum over batches, and the batch size at which an
    untrained network has about that. accuracy: of the report, in percent.
    """

    title: str
    build: Callable[[], nn.Module]
    lr: float
    epochs: int
    batch_size: int
    loss: float
    accuracy: float
    inference_s: float | None


SYSTEMS = {
    "snn_128": System("SNN, 128 LIFCell (phase 1)", lambda: Snn(128), 0.001, 10, 32, 763.9, 82, 0.90),
    "snn_256": System("SNN, 256 LIFCell (phase 2)", lambda: Snn(256), 0.005, 3, 16, 1524.1, 78, 0.85),
    "ann_256": System("ANN, 256", lambda: Ann(256), 0.001, 3, 16, 1602.2, 74, None),
    "cnn_128": System("CNN, 128 filters", lambda: Cnn(128), 0.001, 5, 16, 510.6, 88, 0.32),
}


def _fan_out(layer: nn.Conv2d) -> int:
    return layer.out_channels * math.prod(layer.kernel_size) // math.prod(layer.stride)


def operations(model: nn.Module, spikes: Tensor) -> tuple[float, float]:
    """Return multiply-adds of a recording: all of them, and those whose input is not zero.

    A spike costs the fan-out of its synapses; the borders of convolutions are counted as if they were inside.
    """
    dense, sparse = 0, 0

    def count(layer: nn.Module, inputs: tuple[Tensor], _: Tensor) -> None:
        nonlocal dense, sparse
        fan_out = layer.out_features if isinstance(layer, nn.Linear) else _fan_out(layer)
        dense += inputs[0].numel() * fan_out
        sparse += int(inputs[0].count_nonzero()) * fan_out

    kinds = (nn.Linear, nn.Conv2d)
    hooks = [layer.register_forward_hook(count) for layer in model.modules() if isinstance(layer, kinds)]
    with torch.no_grad():
        model(spikes)
    for hook in hooks:
        hook.remove()
    return dense / spikes.shape[1], sparse / spikes.shape[1]
