"""The training loop: one epoch of learning, and one measurement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from snn2rtl.training.config import TrainConfig
from snn2rtl.training.model import Output, poisson_spikes, run_direct, run_spikes

TEST_BATCH = 250


@dataclass(frozen=True)
class Samples:
    """Images of shape (N, 784), uint8, and their labels of shape (N,), int64, on one device."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Metrics:
    """Means over the samples.

    loss: cross-entropy of the spike counts.
    accuracy: percent.
    rates: spikes per neuron and time step, by spiking layer.
    """

    loss: float
    accuracy: float
    rates: dict[str, float]


class _Mean:
    """Sums over batches that stay on the device, so that it never waits for the host."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor | int] = {}
        self.samples = 0

    def add(self, loss: Tensor, output: Output, labels: Tensor) -> None:
        means = {"loss": loss, **output.rates}
        sums = {key: mean.detach().double() * len(labels) for key, mean in means.items()}
        sums["accuracy"] = 100 * (output.counts.argmax(1) == labels).sum()
        for key, value in sums.items():
            self.sums[key] = self.sums.get(key, 0) + value
        self.samples += len(labels)

    def metrics(self) -> Metrics:
        means = {key: float(total) / self.samples for key, total in self.sums.items()}
        return Metrics(means.pop("loss"), means.pop("accuracy"), means)


def train_epoch(
    net: nn.Sequential,
    optimizer: torch.optim.Optimizer,
    samples: Samples,
    config: TrainConfig,
    advance: Callable[[int], object],
) -> Metrics:
    """Show every sample once, in random order, and update the weights after every batch.

    Args:
        net: from model.build(); its weights change.
        optimizer: of the weights of net.
        samples: what to learn.
        config: encoder, time steps, batch size and clipping.
        advance: told the number of samples of each batch.
    """
    net.train()
    mean = _Mean()
    encoder = config.sample_encoder()
    time_steps = config.train_time_steps or config.time_steps
    order = torch.randperm(len(samples), device=samples.labels.device)
    for index in torch.split(order, config.batch_size):
        images, labels = samples.images[index], samples.labels[index]
        if encoder.kind == "direct":
            output = run_direct(net, images, time_steps)
        else:
            output = run_spikes(net, poisson_spikes(images, encoder, time_steps))
        loss = cross_entropy(output.counts, labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), config.clip)
        optimizer.step()
        mean.add(loss, output, labels)
        advance(len(labels))
    return mean.metrics()


@torch.no_grad()
def evaluate(net: nn.Sequential, samples: Samples, config: TrainConfig, advance: Callable[[int], object]) -> Metrics:
    """Measure the network on the input spikes that the golden model and the hardware get (encoder seed 0)."""
    net.eval()
    mean = _Mean()
    encoder = config.sample_encoder()
    for first in range(0, len(samples), TEST_BATCH):
        images = samples.images[first : first + TEST_BATCH]
        labels = samples.labels[first : first + TEST_BATCH]
        if encoder.kind == "direct":
            output = run_direct(net, images, encoder.time_steps)
        else:
            spikes = encoder.encode(images.cpu().numpy(), first=first)
            output = run_spikes(net, torch.from_numpy(spikes).to(images.device).float())
        mean.add(cross_entropy(output.counts, labels), output, labels)
        advance(len(labels))
    return mean.metrics()
