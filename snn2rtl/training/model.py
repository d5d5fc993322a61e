"""The network that is trained: SpikingJelly layers in multi-step mode, so a linear layer is one product."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from typing import NamedTuple

import torch
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import Tensor, nn

from snn2rtl.encoders import RATE_BITS, Encoder
from snn2rtl.training.config import TrainConfig

CLASSES = 10
PIXELS = 784


class Output(NamedTuple):
    """What a batch gives.

    counts: spikes of each neuron of the last layer over all time steps, shape (N, classes).
    rates: each spiking layer's mean of spikes per neuron and time step.
    """

    counts: Tensor
    rates: dict[str, Tensor]


def build(config: TrainConfig) -> nn.Sequential:
    """Return the untrained network fc1, lif1, fc2, ...: no bias, LIF neurons with a hard reset to 0."""
    widths = (PIXELS, *config.hidden, CLASSES)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for i, (before, after) in enumerate(itertools.pairwise(widths), start=1):
        layers[f"fc{i}"] = layer.Linear(before, after, bias=False, step_mode="m")
        layers[f"lif{i}"] = neuron.LIFNode(
            tau=float(config.tau),
            decay_input=False,
            surrogate_function=surrogate.ATan(),
            detach_reset=True,
            step_mode="m",
        )
    return nn.Sequential(layers)


def poisson_spikes(pixels: Tensor, encoder: Encoder, time_steps: int) -> Tensor:
    """Return random spikes (T, N, inputs) of pixels (N, inputs), with the encoder's exact probabilities.

    A spike is ``noise < pixel * rate`` with 16-bit noise; both sides are less 2**15, for words with a sign.
    One random number of 64 bits serves four inputs: several times faster than comparing uniform floats.
    """
    bound = (pixels.int() * encoder.rate - 2 ** (RATE_BITS - 1)).to(torch.int16)
    size = time_steps * pixels.numel()
    words = torch.empty(-(-size // 4), dtype=torch.int64, device=pixels.device).random_(-(2**63), None)
    noise = words.view(torch.int16)[:size].view(time_steps, *pixels.shape)
    spikes: Tensor = noise < bound
    return spikes.float()


def run_spikes(net: nn.Sequential, spikes: Tensor) -> Output:
    """Run the network from rest on input spikes of shape (T, N, inputs)."""
    functional.reset_net(net)
    return _run(list(net.named_children()), spikes)


def run_direct(net: nn.Sequential, pixels: Tensor, time_steps: int) -> Output:
    """Run the network from rest on a constant current, pixels (N, inputs); its first product is made once."""
    functional.reset_net(net)
    (_, first), *rest = net.named_children()
    current: Tensor = first(pixels.float() / 255)
    return _run(rest, current.expand(time_steps, *current.shape))


def _run(layers: list[tuple[str, nn.Module]], x: Tensor) -> Output:
    rates = {}
    for name, module in layers:
        x = module(x)
        if isinstance(module, neuron.BaseNode):
            rates[name] = x.mean()
    return Output(x.sum(0), rates)
