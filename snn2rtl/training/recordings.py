"""SpikeDataset as the network takes them: spikes of input channels, moved and stretched at random in training."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from snn2rtl.data.samples import Samples
from snn2rtl.encoders import Encoder
from snn2rtl.training.task import Batch
from snn2rtl.training.tasks.shd import ShdConfig


@dataclass(frozen=True)
class SpikeDataset:
    """Input spikes of shape (N, T, inputs), uint8, 0 or 1, and labels of shape (N,), int64, on one device.

    soft_labels: a teacher's probabilities of the classes, shape (N, classes), where there is one.
    """

    spikes: Tensor
    labels: Tensor
    soft_labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: slice | Tensor) -> SpikeDataset:
        soft_labels = None if self.soft_labels is None else self.soft_labels[index]
        return SpikeDataset(self.spikes[index], self.labels[index], soft_labels)

    def training_batch(self, config: ShdConfig) -> Batch:
        """Return these recordings for training, moved and stretched at random."""
        spikes = augment(self.spikes, config).transpose(0, 1).float()
        if config.drop_spikes:
            spikes *= torch.rand_like(spikes) >= config.drop_spikes
        return Batch(spikes, None, len(spikes))

    def evaluation_batch(self, config: ShdConfig, first: int, steps: int = 0) -> Batch:
        """Return what the golden model and the hardware get: the spikes, of the first steps where not of all."""
        spikes = self.spikes[:, : steps or None].transpose(0, 1).float()
        return Batch(spikes, None, len(spikes))

    def samples(self, encoder: Encoder | None) -> Samples:
        """Return the recordings as metrics and the golden model take them; no encoder makes their spikes."""
        return Samples(self.spikes.cpu().numpy().swapaxes(0, 1), self.labels.cpu().numpy(), encoder)

    def rates(self) -> Tensor:
        """Return how often each input spikes in a step, shape (inputs,)."""
        return self.spikes.sum((0, 1), dtype=torch.float64).float() / self.spikes.shape[:2].numel()


def augment(spikes: Tensor, config: ShdConfig) -> Tensor:
    """Return spikes of shape (N, T, inputs), each sample moved by channels and steps and stretched at random.

    Step t of a sample shows what was in step ``(t - moved) * stretch``, and channel c of every level
    what was in ``(c - middle) * stretch + middle - moved``, both rounded; what comes from outside is silent.
    """
    if not (config.shift_channels or config.shift_steps or config.stretch or config.stretch_channels):
        return spikes
    samples, steps, inputs = spikes.shape
    channels, device, middle = config.channels, spikes.device, (config.channels - 1) / 2
    stretch, late = _factors(samples, config.stretch, device), _moves(samples, config.shift_steps, device)
    spread, up = _factors(samples, config.stretch_channels, device), _moves(samples, config.shift_channels, device)
    step = (torch.arange(steps, device=device) - late) * stretch
    channel = (torch.arange(channels, device=device) - middle) * spread + middle - up
    moved = _rows(spikes, step.round().long()).transpose(1, 2).reshape(-1, channels, steps)
    of_levels = channel.round().long().repeat_interleave(inputs // channels, dim=0)
    return _rows(moved, of_levels).view(samples, inputs, steps).transpose(1, 2)


def _factors(samples: int, share: float, device: torch.device) -> Tensor:
    if not share:  # nothing is drawn: runs without it stay what they were
        return torch.ones(samples, 1, device=device)
    return 1 + (torch.rand(samples, 1, device=device) * 2 - 1) * share


def _moves(samples: int, largest: int, device: torch.device) -> Tensor:
    return torch.randint(-largest, largest + 1, (samples, 1), device=device)


def _rows(values: Tensor, rows: Tensor) -> Tensor:
    """Return values of shape (N, R, C) with row r of sample n taken from rows[n, r]; rows from outside are zero.

    Whole rows are copied: many times faster than an index for each value.
    """
    samples, count, width = values.shape
    inside = rows.clamp(0, count - 1) + count * torch.arange(samples, device=values.device)[:, None]
    found = values.reshape(-1, width).index_select(0, inside.flatten()).view(samples, count, width)
    return found.masked_fill_(((rows < 0) | (rows >= count))[:, :, None], 0)
