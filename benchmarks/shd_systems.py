"""The four systems of the second reference report on SHD: spikes [T, N, 700] in, scores [N, 20] out.

The report names hidden sizes, learning rates, epochs, Norse's LIFCell, dropout and batch norm; what it leaves open is
said in the docstrings here.
"""

from __future__ import annotations

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
    """One hidden layer of ReLU on counts: 140 neighbourhoods of units in 28 windows from a word's start to its end."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.BatchNorm1d(28 * UNITS // 5, affine=False),
            nn.Linear(28 * UNITS // 5, hidden),
            nn.ReLU(),
            nn.Linear(hidden, CLASSES),
        )

    def forward(self, spikes: Tensor) -> Tensor:
        """Classify counts."""
        return self.layers(in_windows(pooled(spikes, 1, 5), 28).sqrt())


class Cnn(nn.Module):
    """Two convolutions over time, batch norm, dropout, each filter's largest value, on counts of 10 units in 20 ms."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_block(UNITS // 10, filters),
            nn.MaxPool1d(2),
            *_block(filters, filters),
            nn.AdaptiveMaxPool1d(1),
            nn.Flatten(),
            nn.Linear(filters, CLASSES),
        )

    def forward(self, spikes: Tensor) -> Tensor:
        """Classify counts over time."""
        return self.layers(pooled(spikes, 2, 10).sqrt().mT)


def _block(inputs: int, filters: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv1d(inputs, filters, 9, padding="same", bias=False)
    return convolution, nn.BatchNorm1d(filters), nn.ReLU(), nn.Dropout(0.1)


def pooled(spikes: Tensor, steps: int, units: int) -> Tensor:
    """Return the counts of spikes [T, N, 700] in neighbourhoods of so many steps and units, [N, T / steps, C]."""
    return functional.avg_pool2d(spikes.swapaxes(0, 1), (steps, units), divisor_override=1)


def in_windows(counts: Tensor, windows: int) -> Tensor:
    """Return counts [N, T, C] in windows of equal length, from where 2 % of a recording's spikes have come to 98 %."""
    samples, steps, _ = counts.shape
    come = counts.sum(2).cumsum(1) / counts.sum((1, 2))[:, None]
    first, last = (come < 0.02).sum(1, keepdim=True), (come < 0.98).sum(1, keepdim=True) + 1
    edges = first + (last - first) * torch.linspace(0, 1, windows + 1)
    before = edges.floor().long().clamp(max=steps - 1)
    sums, sample = functional.pad(counts.cumsum(1), (0, 0, 1, 0)), torch.arange(samples)[:, None]
    at_edges = torch.lerp(sums[sample, before], sums[sample, before + 1], (edges - before)[:, :, None])
    return at_edges.diff(dim=1).clamp(min=0)  # a difference of equal sums may be below zero by a rounding


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


def operations(model: nn.Module, spikes: Tensor) -> tuple[float, float]:
    """Return multiply-adds of a recording: all of them, and those whose input is not zero.

    A spike costs the fan-out of its synapses; the borders of convolutions are counted as if they were inside.
    """
    dense, sparse = 0, 0

    def count(layer: nn.Module, inputs: tuple[Tensor], _: Tensor) -> None:
        nonlocal dense, sparse
        fan_out = layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels * layer.kernel_size[0]
        dense += inputs[0].numel() * fan_out
        sparse += int(inputs[0].count_nonzero()) * fan_out

    kinds = (nn.Linear, nn.Conv1d)
    hooks = [layer.register_forward_hook(count) for layer in model.modules() if isinstance(layer, kinds)]
    with torch.no_grad():
        model(spikes)
    for hook in hooks:
        hook.remove()
    return dense / spikes.shape[1], sparse / spikes.shape[1]
