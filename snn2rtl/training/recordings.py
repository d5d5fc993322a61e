"""Recordings as the network takes them: spikes of input channels, moved and stretched at random in training."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from snn2rtl.encoders import Encoder
from snn2rtl.samples import Samples
from snn2rtl.training.shd_config import ShdConfig
from snn2rtl.training.task import Inputs


@dataclass(frozen=True)
class Recordings:
    """Input spikes of shape (N, T, channels), uint8, 0 or 1, and labels of shape (N,), int64, on one device.

    taught: a teacher's probabilities of the classes, shape (N, classes), where there is one.
    """

    spikes: Tensor
    labels: Tensor
    taught: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: slice | Tensor) -> Recordings:
        taught = None if self.taught is None else self.taught[index]
        return Recordings(self.spikes[index], self.labels[index], taught)

    def drawn(self, config: ShdConfig) -> Inputs:
        """Return these recordings for training, moved and stretched at random."""
        spikes = augment(self.spikes, config).transpose(0, 1).float()
        if config.drop_spikes:
            spikes *= torch.rand_like(spikes) >= config.drop_spikes
        return Inputs(spikes, None, len(spikes))

    def exact(self, config: ShdConfig, first: int, steps: int = 0) -> Inputs:
        """Return what the golden model and the hardware get: the spikes, of the first steps where not of all."""
        spikes = self.spikes[:, : steps or None].transpose(0, 1).float()
        return Inputs(spikes, None, len(spikes))

    def golden(self, encoder: Encoder | None) -> Samples:
        """Return the recordings as metrics and the golden model take them; no encoder makes their spikes."""
        return Samples(self.spikes.cpu().numpy().swapaxes(0, 1), self.labels.cpu().numpy(), encoder)

    def rates(self) -> Tensor:
        """Return how often each channel spikes in a step, shape (channels,)."""
        return self.spikes.sum((0, 1), dtype=torch.float64).float() / self.spikes.shape[:2].numel()


def augment(spikes: Tensor, config: ShdConfig) -> Tensor:
    """Return spikes of shape (N, T, channels), each sample moved by channels and steps and stretched at random.

    Step t of a sample shows what was in step ``(t - moved) * stretch``, and channel c what was in ``c - moved``; what
    comes from outside is silent.
    """
    if not (config.shift_channels or config.shift_steps or config.stretch):
        return spikes
    samples, steps, channels = spikes.shape
    device = spikes.device
    stretch = 1 + (torch.rand(samples, 1, device=device) * 2 - 1) * config.stretch
    in_time = torch.randint(-config.shift_steps, config.shift_steps + 1, (samples, 1), device=device)
    moved = torch.randint(-config.shift_channels, config.shift_channels + 1, (samples,), device=device)
    step = ((torch.arange(steps, device=device) - in_time) * stretch).round().long()
    silent = (step < 0) | (step >= steps)
    rows = step.clamp(0, steps - 1) + steps * torch.arange(samples, device=device)[:, None]
    found = spikes.reshape(-1, channels).index_select(0, rows.flatten()).view_as(spikes)
    found.masked_fill_(silent[:, :, None], 0)
    out = torch.zeros_like(found)
    for shift in set(moved.tolist()):  # slices are many times faster than indexing each channel
        those = (moved == shift).nonzero().flatten()
        source = found.index_select(0, those)[:, :, max(0, -shift) : channels - max(0, shift)]
        padded = torch.nn.functional.pad(source, (max(0, shift), max(0, -shift)))
        out.index_copy_(0, those, padded)
    return out
