"""The network that is trained: layers of masked, quantizable synapses and LIF neurons, all time steps at once."""

from __future__ import annotations

import itertools
import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import torch
from spikingjelly.activation_based import layer, neuron
from torch import Tensor, nn
from torch.nn import functional

from snn2rtl.fixed_point import signed_range
from snn2rtl.passes.scale import choose_scale
from snn2rtl.training.config import TrainConfig
from snn2rtl.training.neuron import lif
from snn2rtl.training.product import product

CLASSES = 10
PIXELS = 784
MAX_PIXEL = 255
THRESHOLD = 1.0


class Output(NamedTuple):
    """What a batch gives.

    counts: spikes of each neuron of the last layer over all time steps, shape (N, classes).
    spikes: those of each layer, by name, shape (T, N, neurons).
    """

    counts: Tensor
    spikes: dict[str, Tensor]


class Synapses(nn.Module):
    """Weights with a mask of those that are not pruned, and a step where they are quantized.

    float: ``i = (weight * mask) @ x + bias``. Quantized, in membrane steps of ``step / 2**shift``:
    ``i = (W @ x) << shift + B`` with ``W = clip(round(weight / step)) * mask`` and ``step = THRESHOLD / n`` for a whole
    n, so that the threshold is a whole number of steps; gradients go straight through every rounding.
    """

    weight_mask: Tensor

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.bias = None if bias is None else nn.Parameter(bias)
        self.register_buffer("weight_mask", torch.ones_like(weight))
        self.log_step: nn.Parameter | None = None  # a logarithm: Adam changes it by shares of the step
        self.bits = 0

    def masked(self) -> Tensor:
        """Return the float weights, zero where they are pruned."""
        return self.weight * self.weight_mask

    @torch.no_grad()
    def quantize(self, bits: int) -> None:
        """Quantize to integers of so many bits from now on, with the steps that fit today's weights best."""
        weight = self.masked().double().cpu().numpy()
        step = torch.from_numpy(choose_scale(weight, THRESHOLD, bits, per_neuron=True))
        self.bits = bits
        self.log_step = nn.Parameter(step.log().to(self.weight))

    def integers(self) -> tuple[Tensor, Tensor]:
        """Return the integer weights, shape (neurons, inputs), and the threshold in their steps, shape (neurons,)."""
        assert self.log_step is not None
        step = torch.exp(_scale_gradient(self.log_step, (self.weight.shape[1] << self.bits) ** -0.5))
        in_threshold = _round((THRESHOLD / step).clamp(1, 2**12))
        low, high = signed_range(self.bits)
        weight = _round((self.weight * (in_threshold / THRESHOLD)[:, None]).clamp(low, high))
        return weight * self.weight_mask, in_threshold


def _round(x: Tensor) -> Tensor:
    return x + (torch.round(x) - x).detach()


def _scale_gradient(x: Tensor, factor: float) -> Tensor:
    # Esser et al., Learned Step Size Quantization, section 2.2: steps move as fast as weights
    return x * factor + (x - x * factor).detach()


class SpikingLayer(nn.Module):
    """Dropout of inputs where asked, synapses, batch norm where asked, LIF neurons.

    input_max: greatest value of an input; shift: log2 of the membrane steps of a weight step, where quantized.
    """

    def __init__(
        self, name: str, synapses: Synapses, tau: float, *, soft: bool, direct: bool, norm: bool, dropout: float
    ) -> None:
        super().__init__()
        self.name, self.tau, self.soft, self.dropout = name, tau, soft, dropout
        self.synapses = synapses
        self.norm = nn.BatchNorm1d(len(synapses.weight)) if norm else None
        self.input_max = MAX_PIXEL if direct else 1
        # pixels make steps that are fine enough; spikes leave room for what the leak shifts out in a step
        self.shift = 0 if direct or math.isinf(tau) else math.ceil(math.log2(tau))

    def forward(self, x: Tensor, steps: int, columns: Tensor | None = None) -> Tensor:
        """Return the spikes, shape (T, N, neurons).

        Args:
            x: spikes (T, N, inputs) or whole-numbered pixels (N, inputs).
            steps: time steps T.
            columns: the inputs that x holds, where it leaves out silent ones.
        """
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
            current = current + _round(self.synapses.bias * (fire_at / THRESHOLD))
        return current, fire_at


class Network(nn.Module):
    """A chain of spiking layers."""

    def __init__(self, layers: Sequence[SpikingLayer]) -> None:
        super().__init__()
        self.chain = nn.ModuleList(layers)

    def forward(self, x: Tensor, steps: int, columns: Tensor | None = None) -> Output:
        """Run from rest on spikes (T, N, inputs) or pixels (N, inputs); columns as in SpikingLayer."""
        spikes = {}
        for spiking in self.layers:
            x = spiking(x, steps, columns)
            columns = None
            spikes[spiking.name] = x
        return Output(x.sum(0), spikes)

    def quantize(self, bits: int) -> None:
        """Quantize every layer from now on."""
        for spiking in self.layers:
            spiking.synapses.quantize(bits)

    @property
    def quantized(self) -> bool:
        """Whether the weights are quantized."""
        return self.layers[0].synapses.log_step is not None

    @property
    def layers(self) -> tuple[SpikingLayer, ...]:
        """The layers, first to last."""
        return tuple(self.chain)  # type: ignore[arg-type]


def build(config: TrainConfig) -> Network:
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
