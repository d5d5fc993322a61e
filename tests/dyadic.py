"""Networks of dyadic numbers, which float32 computes without rounding, and what SpikingJelly makes of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn

SAMPLES = 24
SIZES = (10, 9, 8, 7)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a layer is made of; bias is the number of its fraction bits, tau a dyadic number or one's reciprocal."""

    node: type[neuron.BaseNode] = neuron.IFNode
    tau: float | None = None
    decay_input: bool = False
    v_reset: float | None = 0.0
    v_threshold: float = 1.0
    bias: int | None = None
    norm: str = "none"

    def __str__(self) -> str:
        leak = f"tau={self.tau:.3g} {'decay' if self.decay_input else 'full'}" if self.tau else "no leak"
        bias = "no bias" if self.bias is None else "bias"
        return f"{self.node.__name__} {leak} v={self.v_threshold}>{self.v_reset} {bias} norm={self.norm}"

    @property
    def leak_bits(self) -> int:
        """Mantissa bits that a step of the leak needs below the membrane's last one."""
        return Fraction(1 / self.tau).denominator.bit_length() - 1 if self.tau else 0

    @property
    def steps(self) -> int:
        """Time steps after which float32 is still exact."""
        return 8 - self.leak_bits

    @property
    def drive(self) -> int:
        """Bits by which inputs are larger, for a neuron that decays them."""
        return int(math.log2(self.tau)) if self.tau and self.decay_input else 0


def dyadic(random: np.random.Generator, shape: tuple[int, ...], low: int, high: int, fraction: int) -> torch.Tensor:
    """Return random multiples of 2**-fraction, from low to high such multiples."""
    return torch.tensor(np.ldexp(random.integers(low, high + 1, shape).astype(np.float32), -fraction))


def linear(random: np.random.Generator, inputs: int, outputs: int, kind: Kind) -> nn.Linear:
    module = nn.Linear(inputs, outputs, bias=kind.bias is not None)
    weight = dyadic(random, (outputs, inputs), -2, 4, 2 - kind.drive)
    weight[random.random(weight.shape) < 0.3] = 0  # pruned
    weight[0, (weight == 0).all(dim=0)] = 0.5  # compile may silence a neuron that nobody reads
    with torch.no_grad():
        module.weight.copy_(weight)
        if kind.bias is not None:
            scale = 2 ** max(0, kind.bias - 2)
            module.bias.copy_(dyadic(random, (outputs,), -scale, 2 * scale, kind.bias - kind.drive))
    return module


def batch_norm(random: np.random.Generator, neurons: int) -> nn.Module:
    """Return a batch norm whose standard deviation is a power of two, so that dividing by it is exact."""
    module = layer.BatchNorm1d(neurons, eps=2.0**-6)
    deviation = torch.tensor(2.0 ** random.integers(-1, 2, neurons), dtype=torch.float32)
    with torch.no_grad():
        module.running_var.copy_(deviation**2 - module.eps)
        module.running_mean.copy_(dyadic(random, (neurons,), -2, 2, 2))
        module.weight.copy_(dyadic(random, (neurons,), 1, 4, 1))
        module.bias.copy_(dyadic(random, (neurons,), 0, 2, 2))
    return module


def spiking(kind: Kind) -> neuron.BaseNode:
    common: dict[str, Any] = {"v_threshold": kind.v_threshold, "v_reset": kind.v_reset}
    if kind.tau is None:
        return kind.node(**common)
    common["decay_input"] = kind.decay_input
    name = "tau" if kind.node is neuron.LIFNode else "init_tau"
    return kind.node(**{name: float(kind.tau)}, **common)


def parametric_w(tau: float, dtype: torch.dtype) -> torch.Tensor:
    """Return a w of which PyTorch's sigmoid is exactly 1 / tau."""
    w = torch.tensor(-math.log(tau - 1), dtype=dtype)
    below = torch.nextafter(w, w - 1)
    above = torch.nextafter(w, w + 1)
    return next(near for near in (w, below, above) if near.sigmoid().item() == 1 / tau)


def build(kinds: Sequence[Kind], step_mode: str, seed: int = 1) -> nn.Sequential:
    random = np.random.default_rng(seed)
    modules: list[nn.Module] = [layer.Flatten(), layer.Dropout(0.5)]
    for kind, inputs, outputs in zip(kinds, SIZES, SIZES[1:], strict=False):
        fc = linear(random, inputs, outputs, kind)
        norm = {"none": [], "after": [outputs], "before": [inputs]}[kind.norm]
        norms = [batch_norm(random, neurons) for neurons in norm]
        modules += [*norms, fc] if kind.norm == "before" else [fc, *norms]
        modules += [spiking(kind), nn.Identity()]
    net = nn.Sequential(*modules).eval()
    functional.set_step_mode(net, step_mode)
    return to_dtype(net, kinds, torch.float32)


def spiking_nodes(net: nn.Sequential) -> list[neuron.BaseNode]:
    return [module for module in net if isinstance(module, neuron.BaseNode)]


def to_dtype(net: nn.Sequential, kinds: Sequence[Kind], dtype: torch.dtype) -> nn.Sequential:
    """Return the network in another precision, with every tau as exact as before."""
    net = net.to(dtype)
    for node, kind in zip(spiking_nodes(net), kinds, strict=True):
        if isinstance(node, neuron.ParametricLIFNode):
            node.w.data = parametric_w(kind.tau, dtype)
    return net


class Trace(NamedTuple):
    """What the neurons of one layer did, each of shape (T, N, neurons)."""

    current: NDArray[np.float64]
    spikes: NDArray[np.float64]
    membranes: NDArray[np.float64]

    def at_threshold(self, kind: Kind) -> int:
        """Return how many membranes stood exactly at their threshold when they were compared with it."""
        rest = kind.v_reset or 0.0
        before = np.concatenate([np.full_like(self.membranes[:1], rest), self.membranes[:-1]])
        decay = 1 / kind.tau if kind.tau else 0.0
        current = self.current * decay if kind.decay_input else self.current
        return np.count_nonzero(before - (before - rest) * decay + current == kind.v_threshold)


@torch.no_grad()
def run_spikingjelly(net: nn.Sequential, spikes: NDArray[np.uint8]) -> list[Trace]:
    """Return what every spiking layer of the network did."""
    functional.reset_net(net)
    nodes = spiking_nodes(net)
    multi = nodes[0].step_mode == "m"
    seen: dict[nn.Module, list[tuple[torch.Tensor, ...]]] = {node: [] for node in nodes}
    for node in nodes:
        node.store_v_seq = multi
    x = torch.tensor(spikes, dtype=next(net.parameters()).dtype)
    for start in [x] if multi else x:
        values = start
        for module in net:
            current, values = values, module(values)
            if module in seen:
                seen[module].append((current, values, module.v_seq if multi else module.v.clone()))
    join = torch.cat if multi else torch.stack
    return [Trace(*(join(parts).double().numpy() for parts in zip(*seen[node], strict=True))) for node in nodes]


def input_spikes(steps: int, seed: int = 2) -> NDArray[np.uint8]:
    """Return input spikes, from a silent sample to one that always spikes."""
    rates = np.linspace(0, 1, SAMPLES)[:, None]
    return (np.random.default_rng(seed).random((steps, SAMPLES, SIZES[0])) < rates).astype(np.uint8)
