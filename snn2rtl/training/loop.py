"""The training loop: one epoch of learning, and one measurement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from snn2rtl.training.config import TrainConfig
from snn2rtl.training.model import CLASSES, MAX_PIXEL, Network, Output
from snn2rtl.training.product import fast_products
from snn2rtl.training.pruning import INPUTS, Rates
from snn2rtl.training.samples import Inputs, Samples, augment, exact_inputs, random_inputs

TEST_BATCH = 250


@dataclass(frozen=True)
class Metrics:
    """Means over the samples.

    loss: what the optimizer sees.
    accuracy: percent.
    rates: spikes per neuron and time step, by spiking layer.
    """

    loss: float
    accuracy: float
    rates: dict[str, float]


class Mean:
    """Sums over batches that stay on the device, so that it never waits for the host."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.rates: Rates = {}
        self.samples = 0

    def add(self, loss: Tensor, output: Output, inputs: Inputs, labels: Tensor) -> None:
        """Count a batch."""
        right = 100 * (output.counts.argmax(1) == labels).sum()
        for name, value in {"loss": loss.detach() * len(labels), "accuracy": right}.items():
            self.sums[name] = self.sums.get(name, 0) + value.double()
        for name, spikes in output.spikes.items():
            rate = spikes.detach().mean((0, 1)) * len(labels)
            self.rates[name] = self.rates.get(name, 0) + rate
        self.samples += len(labels)

    def metrics(self) -> Metrics:
        """Return the means."""
        rates = {name: float(rate.mean()) / self.samples for name, rate in self.rates.items()}
        return Metrics(float(self.sums["loss"]) / self.samples, float(self.sums["accuracy"]) / self.samples, rates)

    def neuron_rates(self, images: Tensor) -> Rates:
        """Return the spikes per time step of each neuron, by layer, and of the inputs that the images are."""
        rates = {name: rate / self.samples for name, rate in self.rates.items()}
        return {INPUTS: images.float().mean(0) / MAX_PIXEL, **rates}


def train_epoch(
    net: Network,
    optimizer: torch.optim.Optimizer,
    samples: Samples,
    config: TrainConfig,
    advance: Callable[[int], object],
    teacher: Callable[[Tensor], Tensor] | None = None,
) -> Mean:
    """Show every sample once, in random order, and update the weights after every batch.

    Args:
        net: from model.build(); its weights change.
        optimizer: of the weights of net.
        samples: what to learn.
        config: encoder, time steps, batch size, losses and clipping.
        advance: told the number of samples of each batch.
        teacher: gives the logits (N, classes) of images (N, 784).
    """
    net.train()
    mean = Mean()
    encoder = config.sample_encoder()
    steps = config.train_time_steps or config.time_steps
    order = torch.randperm(len(samples), device=samples.labels.device)
    with fast_products():
        for index in torch.split(order, config.batch_size):
            labels = samples.labels[index]
            images = augment(samples.images[index], config.augment)
            inputs = random_inputs(images, encoder, steps)
            output = net(inputs.x, inputs.steps, inputs.columns)
            loss = _loss(output, labels, config, teacher(images) if teacher else None)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(net.parameters(), config.clip)
            optimizer.step()
            mean.add(loss, output, inputs, labels)
            advance(len(labels))
    return mean


def _loss(output: Output, labels: Tensor, config: TrainConfig, taught: Tensor | None) -> Tensor:
    logits = output.counts * config.gain
    target = functional.one_hot(labels, CLASSES).float()
    if taught is not None:
        target = (1 - config.distill) * target + config.distill * taught.softmax(1)
    loss = functional.cross_entropy(logits, target)
    if config.rate_penalty:
        hidden = list(output.spikes.values())[:-1]
        excess = [functional.relu(spikes.mean((0, 1)) - config.rate_limit).mean() for spikes in hidden]
        loss = loss + config.rate_penalty * sum(excess)
    return loss


@torch.no_grad()
def evaluate(
    net: Network, samples: Samples, config: TrainConfig, advance: Callable[[int], object], steps: int = 0
) -> Mean:
    """Measure the network on the inputs that the golden model and the hardware get (encoder seed 0).

    Args:
        net: the network.
        samples: what to run it on.
        config: encoder and gain.
        advance: told the number of samples of each batch.
        steps: time steps of a sample, 0 for those of the encoder.
    """
    net.eval()
    mean = Mean()
    encoder = config.sample_encoder()
    encoder = replace(encoder, time_steps=steps or encoder.time_steps)
    for first in range(0, len(samples), TEST_BATCH):
        batch = samples[first : first + TEST_BATCH]
        inputs = exact_inputs(batch.images, encoder, first)
        output = net(inputs.x, inputs.steps, inputs.columns)
        mean.add(functional.cross_entropy(output.counts * config.gain, batch.labels), output, inputs, batch.labels)
        advance(len(batch))
    return mean
