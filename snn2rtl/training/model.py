"""The network for images: LIF neurons that take spikes or pixels, and how it leaves as a SpikingJelly network."""

from __future__ import annotations

import itertools
import math
from collections import OrderedDict

import torch
from spikingjelly.activation_based import layer, neuron
from torch import Tensor, nn
from torch.nn import functional

from snn2rtl.encoders import MAX_PIXEL
from snn2rtl.training.mnist_config import MnistConfig
from snn2rtl.training.network import THRESHOLD, Layer, Network, Synapses, round_through
from snn2rtl.training.neuron import lif
from snn2rtl.training.product import product

CLASSES = 10
PIXELS = 784


class SpikingLayer(Layer):
    """Dropout of inputs where asked, synapses, batch norm where asked, LIF neurons.

    input_max: greatest value of an input; shift: log2 of the membrane steps of a weight step, where quantized.
    """

    def __init__(
        self, name: str, synapses: Synapses, tau: float, *, soft: bool, direct: bool, norm: bool, dropout: float
    ) -> None:
        super().__init__(name, synapses)
        self.tau, self.soft, self.dropout = tau, soft, dropout
        self.norm = nn.BatchNorm1d(len(synapses.weight)) if norm else None
        self.input_max = MAX_PIXEL if direct else 1
        # pixels make steps that are fine enough; spikes leave room for what the leak shifts out in a step
        self.shift = 0 if direct or math.isinf(tau) else math.ceil(math.log2(tau))

    def forward(self, x: Tensor, steps: int, columns: Tensor | None = None) -> Tensor:
        """Return the spikes, shape (T, N, neurons); arguments as of Layer.forward()."""
        if self.training and self.dropout:
            x = x * functional.dropout(torch.ones_like(x[0]), self.dropout)  # the same neurons in every step
        quantized = self.synapses.log_step is not None
        current, fire_at = self._quantized(x, columns) if quantized else self._float(x, columns)
        return lif(current, fire_at, steps, self.tau, quantized, self.soft)

    def _float(self, x: Tensor, columns: Tensor | None) -> tuple[Tensor, Tensor]:
        weight, bias = self.synapses.masked(), self.synapses.bias
        current = product(x, weight if columns is None else weight.index_select(1, columns))
        if self.input_max > 1:
            current = current / self.input_max  # after the product, for whole numbers are exact in bfloat16
        if bias is not None:
            current = current + bias
        if self.norm:
            current = self.norm(current.flatten(0, -2)).view_as(current)
        return current, current.new_full((len(weight),), THRESHOLD)

    def _quantized(self, x: Tensor, columns: Tensor | None) -> tuple[Tensor, Tensor]:
        weight, in_threshold = self.synapses.integers()
        current = product(x, weight if columns is None else weight.index_select(1, columns))
        if self.shift:
            current = current * 2**self.shift
        fire_at = in_threshold * (self.input_max * 2**self.shift)
        if self.synapses.bias is not None:
            current = current + round_through(self.synapses.bias * (fire_at / THRESHOLD))
        return current, fire_at


def build(config: MnistConfig) -> Network:
    """Return the untrained network with layers 1, 2, ...: no bias, LIF neurons."""
    widths = (PIXELS, *config.hidden, CLASSES)
    layers = []
    for i, (before, after) in enumerate(itertools.pairwise(widths), start=1):
        weight = torch.empty(after, before)
        nn.init.kaiming_uniform_(weight, a=math.sqrt(5))
        options = {
            "soft": config.reset == "soft",
            "direct": i == 1 and config.encoder == "direct",
            "norm": config.batch_norm,
        }
        dropout = 0.0 if i == 1 else config.dropout
        layers.append(SpikingLayer(str(i), Synapses(weight, None), config.tau, dropout=dropout, **options))
    return Network(layers)


@torch.no_grad()
def to_spikingjelly(net: Network) -> nn.Sequential:
    """Return the network in SpikingJelly's layers, in multi-step mode: fc1, (bn1), lif1, (drop2), fc2, ...

    Pruned weights are zeros; quantized ones whole multiples of their step, which a buffer ``weight_step`` holds.
    """
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    for spiking in net.layers:
        assert isinstance(spiking, SpikingLayer)
        synapses, i = spiking.synapses, spiking.name
        neurons, inputs = synapses.weight.shape
        linear = layer.Linear(inputs, neurons, bias=synapses.bias is not None, step_mode="m")
        if synapses.log_step is None:
            linear.weight.copy_(synapses.masked())
            if synapses.bias is not None:
                linear.bias.copy_(synapses.bias)
        else:
            integers, in_threshold = synapses.integers()
            linear.register_buffer("weight_step", THRESHOLD / in_threshold.cpu())
            linear.weight.copy_(integers / in_threshold[:, None] * THRESHOLD)
            if synapses.bias is not None:
                fire_at = in_threshold * (spiking.input_max * 2**spiking.shift)
                linear.bias.copy_(torch.round(synapses.bias * (fire_at / THRESHOLD)) / fire_at * THRESHOLD)
        if spiking.dropout:
            parts[f"drop{i}"] = layer.Dropout(spiking.dropout, step_mode="m")
        parts[f"fc{i}"] = linear
        if spiking.norm:
            parts[f"bn{i}"] = _multi_step_norm(spiking.norm)
        parts[f"lif{i}"] = neuron.LIFNode(
            tau=spiking.tau,
            decay_input=False,
            v_threshold=THRESHOLD,
            v_reset=None if spiking.soft else 0.0,
            step_mode="m",
        )
    return nn.Sequential(parts).eval()


def _multi_step_norm(norm: nn.BatchNorm1d) -> nn.Module:
    copy: nn.Module = layer.BatchNorm1d(norm.num_features, step_mode="m")
    copy.load_state_dict(norm.state_dict())
    return copy
