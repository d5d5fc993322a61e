"""The training loop: one epoch of learning, and one measurement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from snn2rtl.errors import OptionError
from snn2rtl.training.config import TrainConfig
from snn2rtl.training.distributed import ALONE, Group
from snn2rtl.training.network import INPUTS, Output, TrainableNetwork
from snn2rtl.training.product import fast_products
from snn2rtl.training.pruning import Rates
from snn2rtl.training.task import Dataset

TEST_BATCH = 250
LR_SCALE = "lr_scale"  # of a group of the optimizer: its learning rate over that of weights


@dataclass(frozen=True)
class EpochMetrics:
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

    def __init__(self, net: TrainableNetwork) -> None:
        weights = {layer.name: layer.synapses.weight for layer in net.layers if layer.fires}
        self.rates: Rates = {name: weight.new_zeros(len(weight)) for name, weight in weights.items()}
        device = net.layers[0].synapses.weight.device
        self.sums = {name: torch.zeros((), dtype=torch.float64, device=device) for name in ("loss", "right", "samples")}

    def add(self, loss: Tensor, output: Output, labels: Tensor) -> None:
        """Count a batch."""
        self.sums["loss"] += loss.detach() * len(labels)
        self.sums["right"] += (output.scores.argmax(1) == labels).sum()
        self.sums["samples"] += len(labels)
        for name, spikes in output.spikes.items():
            self.rates[name] += spikes.detach().mean((0, 1)) * len(labels)

    def gather(self, group: Group) -> Mean:
        """Add what the other processes counted."""
        group.sum(list(self.sums.values()))
        group.sum(list(self.rates.values()))
        return self

    @property
    def samples(self) -> float:
        """How many there were."""
        return float(self.sums["samples"])

    def metrics(self) -> EpochMetrics:
        """Return the means."""
        rates = {name: float(rate.mean()) / self.samples for name, rate in self.rates.items()}
        loss, right = float(self.sums["loss"]), float(self.sums["right"])
        return EpochMetrics(loss / self.samples, 100 * right / self.samples, rates)

    def neuron_rates(self, samples: Dataset) -> Rates:
        """Return the spikes per time step of each neuron, by layer, and of the inputs that the samples are."""
        rates = {name: rate / self.samples for name, rate in self.rates.items()}
        return {INPUTS: samples.rates(), **rates}


def train_epoch(
    net: TrainableNetwork,
    optimizer: torch.optim.Optimizer,
    samples: Dataset,
    config: TrainConfig,
    advance: Callable[[int], object],
    group: Group = ALONE,
) -> Mean:
    """Show every sample once, in random order, and update the weights after every batch.

    A last batch of fewer samples than smallest_batch() is left out.

    Args:
        net: of the task; its weights change.
        optimizer: of the weights of net.
        samples: what to learn.
        config: of the task.
        advance: told the number of samples of each batch.
        group: processes that train together; each takes its share of every batch.
    """
    net.train()
    mean = Mean(net)
    order = torch.randperm(len(samples), device=samples.labels.device)
    group.part_ways()
    with fast_products():
        for index in torch.split(order, config.batch_size):
            if len(index) < smallest_batch(config, group):
                continue
            share = group.share(index)
            batch = samples[share]
            inputs = batch.training_batch(config)
            output = net(inputs.x, inputs.steps, inputs.columns)
            loss = _loss(net, output, batch, config)
            optimizer.zero_grad()
            (loss * (len(share) / len(index))).backward()  # type: ignore[no-untyped-call]
            _update(net, optimizer, config.clip, group)
            mean.add(loss, output, batch.labels)
            advance(len(index))
    group.average_norms(net)
    return mean.gather(group)


def _update(net: TrainableNetwork, optimizer: torch.optim.Optimizer, clip: float, group: Group) -> None:
    group.sum([parameter.grad for parameter in net.parameters() if parameter.grad is not None])
    nn.utils.clip_grad_norm_(_clipped(optimizer), clip)
    optimizer.step()


def smallest_batch(config: TrainConfig, group: Group) -> int:
    """Return how many samples a batch must have, for each process to have one, or two where it takes their variance."""
    return group.size * config.smallest_share


def check_batch(config: TrainConfig, group: Group) -> None:
    """Raise OptionError where batches are smaller than smallest_batch()."""
    _check_least("batch_size", config.batch_size, config, group)


def check_samples(count: int, config: TrainConfig, group: Group) -> None:
    """Raise OptionError where so many training samples make no batch, for nothing would be learned."""
    _check_least("training samples", count, config, group)


def _check_least(what: str, count: int, config: TrainConfig, group: Group) -> None:
    least = smallest_batch(config, group)
    if count < least:
        why = "process" if least == group.size else "process, whose variance batch_norm takes"
        raise OptionError(f"{what}: must be at least {least}, {least // group.size} for each {why}, not {count}")


def _clipped(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Return the parameters whose gradient is clipped: those of the learning rate of weights."""
    groups = [group for group in optimizer.param_groups if group.get(LR_SCALE, 1) == 1]
    return [parameter for group in groups for parameter in group["params"]]


def _loss(net: TrainableNetwork, output: Output, batch: Dataset, config: TrainConfig) -> Tensor:
    logits = output.scores * config.gain
    target = functional.one_hot(batch.labels, logits.shape[1]).to(logits.dtype)
    if batch.soft_labels is not None:
        target = (1 - config.distill) * target + config.distill * batch.soft_labels
    loss = functional.cross_entropy(logits, target, label_smoothing=config.label_smoothing)
    if config.rate_penalty:
        hidden = [spikes for name, spikes in output.spikes.items() if name != net.layers[-1].name]
        excess = [functional.relu(spikes.mean((0, 1)) - config.rate_limit).mean() for spikes in hidden]
        loss = loss + config.rate_penalty * sum(excess)
    return loss


@torch.no_grad()
def evaluate(
    net: TrainableNetwork,
    samples: Dataset,
    config: TrainConfig,
    advance: Callable[[int], object],
    steps: int = 0,
    group: Group = ALONE,
) -> Mean:
    """Measure the network on the inputs that the golden model and the hardware get (encoder seed 0).

    Args:
        net: the network.
        samples: what to run it on.
        config: of the task.
        advance: told the number of samples of each batch.
        steps: time steps of a sample, 0 for those of the configuration.
        group: processes that measure together.
    """
    net.eval()
    mean = Mean(net)
    part = group.part(len(samples))
    for first in part[::TEST_BATCH]:
        batch = samples[first : min(first + TEST_BATCH, part.stop)]
        inputs = batch.evaluation_batch(config, first, steps)
        output = net(inputs.x, inputs.steps, inputs.columns)
        mean.add(functional.cross_entropy(output.scores * config.gain, batch.labels), output, batch.labels)
        advance(len(batch) * group.size)
    return mean.gather(group)
