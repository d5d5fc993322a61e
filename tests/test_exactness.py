"""Exactness against SpikingJelly: where floats are exact, the integer network does what the float network does.

All numbers are dyadic and small enough for float32 to compute without rounding, which a second run in float64 checks.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn

from snn2rtl import reference
from snn2rtl.compiler import compile_network
from snn2rtl.errors import StrictError
from snn2rtl.frontend import from_module
from snn2rtl.network import Reset
from snn2rtl.options import PerLayer, QuantizeOptions

SAMPLES = 24
STEPS = {None: 8, 2: 8, 4: 6, 8: 5}  # a leak needs log2(tau) more mantissa bits each step; float32 has 24


@dataclass(frozen=True, kw_only=True)
class Case:
    """A kind of network; the defaults are the simplest one."""

    node: type[neuron.BaseNode] = neuron.IFNode
    tau: int | None = None
    decay_input: bool = False
    v_reset: float | None = 0.0
    v_threshold: float = 1.0
    bias: bool = False
    norm: str = "none"
    step_mode: str = "s"
    sizes: tuple[int, ...] = (10, 9, 8, 7)
    seed: int = 1

    def __str__(self) -> str:
        leak = f"tau={self.tau} {'decay' if self.decay_input else 'full'}" if self.tau else "no leak"
        bias = "bias" if self.bias else "no bias"
        return f"{self.node.__name__} {leak} v_reset={self.v_reset} {bias} norm={self.norm} {self.step_mode}"


def combinations() -> Iterator[Case]:
    leaky = itertools.product((neuron.LIFNode, neuron.ParametricLIFNode), (2, 4, 8), (False, True))
    for node, tau, decay_input in [(neuron.IFNode, None, False), *leaky]:
        for v_reset, bias, norm, mode in itertools.product(
            (0.0, 0.25, -0.5, None), (False, True), ("none", "after", "before"), ("s", "m")
        ):
            yield Case(
                node=node, tau=tau, decay_input=decay_input, v_reset=v_reset, bias=bias, norm=norm, step_mode=mode
            )


def dyadic(random: np.random.Generator, shape: tuple[int, ...], low: int, high: int, fraction: int) -> torch.Tensor:
    """Return random multiples of 2**-fraction from low..high such multiples."""
    return torch.tensor(np.ldexp(random.integers(low, high + 1, shape).astype(np.float32), -fraction))


def linear(random: np.random.Generator, inputs: int, outputs: int, case: Case) -> nn.Linear:
    module = nn.Linear(inputs, outputs, bias=case.bias)
    shift = int(math.log2(case.tau)) if case.tau and case.decay_input else 0
    weight = dyadic(random, (outputs, inputs), -2, 4, 2 - shift)
    weight[random.random(weight.shape) < 0.3] = 0  # pruned
    weight[0, (weight == 0).all(dim=0)] = 0.5  # compile may silence a neuron that nobody reads
    with torch.no_grad():
        module.weight.copy_(weight)
        if case.bias:
            module.bias.copy_(dyadic(random, (outputs,), -1, 2, 2 - shift))
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


def parametric_w(tau: int, dtype: torch.dtype) -> torch.Tensor:
    """Return a w of which PyTorch's sigmoid is exactly 1 / tau."""
    w = torch.tensor(-math.log(tau - 1), dtype=dtype)
    below = torch.nextafter(w, w - 1)
    above = torch.nextafter(w, w + 1)
    return next(near for near in (w, below, above) if near.sigmoid().item() == 1 / tau)


def spiking(case: Case) -> neuron.BaseNode:
    common: dict[str, Any] = {"v_threshold": case.v_threshold, "v_reset": case.v_reset}
    if case.tau is None:
        return case.node(**common)
    common["decay_input"] = case.decay_input
    if case.node is neuron.LIFNode:
        return case.node(tau=float(case.tau), **common)
    return case.node(init_tau=float(case.tau), **common)


def build(case: Case) -> nn.Sequential:
    random = np.random.default_rng(case.seed)
    modules: list[nn.Module] = [layer.Flatten(), layer.Dropout(0.5)]
    for inputs, outputs in itertools.pairwise(case.sizes):
        fc = linear(random, inputs, outputs, case)
        norm = {"none": [], "after": [outputs], "before": [inputs]}[case.norm]
        norms = [batch_norm(random, neurons) for neurons in norm]
        modules += [*norms, fc] if case.norm == "before" else [fc, *norms]
        modules += [spiking(case), nn.Identity()]
    net = nn.Sequential(*modules).eval()
    functional.set_step_mode(net, case.step_mode)
    return to_dtype(net, case, torch.float32)


def to_dtype(net: nn.Sequential, case: Case, dtype: torch.dtype) -> nn.Sequential:
    """Return the network in another precision, with tau as exact as before."""
    net = net.to(dtype)
    for module in net:
        if isinstance(module, neuron.ParametricLIFNode):
            module.w.data = parametric_w(case.tau, dtype)
    return net


class Trace(NamedTuple):
    """What the neurons of one layer did, each of shape (T, N, neurons)."""

    current: NDArray[np.float64]
    spikes: NDArray[np.float64]
    membranes: NDArray[np.float64]


@torch.no_grad()
def run_spikingjelly(net: nn.Sequential, spikes: NDArray[np.uint8]) -> list[Trace]:
    """Return what every spiking layer of the network did."""
    functional.reset_net(net)
    nodes = [module for module in net if isinstance(module, neuron.BaseNode)]
    multi = nodes[0].step_mode == "m"
    seen: dict[neuron.BaseNode, list[tuple[torch.Tensor, ...]]] = {node: [] for node in nodes}
    for node in nodes:
        node.store_v_seq = multi
    x = torch.tensor(spikes, dtype=next(net.parameters()).dtype)
    for values in [x] if multi else x:
        for module in net:
            current, values = values, module(values)  # noqa: PLW2901
            if module in seen:
                seen[module].append((current, values, module.v_seq if multi else module.v.clone()))
    join = torch.cat if multi else torch.stack
    return [Trace(*(join(parts).double().numpy() for parts in zip(*seen[node], strict=True))) for node in nodes]


def charged(trace: Trace, case: Case) -> NDArray[np.float64]:
    """Return the membrane that is compared with the threshold, from SpikingJelly's own inputs and membranes."""
    rest = case.v_reset or 0.0
    before = np.concatenate([np.full_like(trace.membranes[:1], rest), trace.membranes[:-1]])
    if case.tau is None:
        return before + trace.current
    return before - (before - rest) / case.tau + (trace.current / case.tau if case.decay_input else trace.current)


def exact_options(case: Case, steps: int) -> QuantizeOptions:
    """Return options with which nothing is approximated: the membrane keeps every bit that the leak shifts down."""
    shift = int(math.log2(case.tau or 1))
    return QuantizeOptions(
        bits=PerLayer(10),
        scale="layer",
        membrane_fraction=PerLayer(shift * (steps - 1) + 6),
        time_steps=steps,
        strict=True,
    )


def check_exact(case: Case) -> int:
    """Hold the integer network against SpikingJelly; return how many membranes stood exactly at their threshold."""
    net = build(case)
    steps = STEPS[case.tau]
    random = np.random.default_rng(case.seed + 1)
    spikes = (random.random((steps, SAMPLES, case.sizes[0])) < np.linspace(0, 1, SAMPLES)[:, None]).astype(np.uint8)

    network, reports = compile_network(from_module(net), exact_options(case, steps))
    result = reference.run(network, spikes, record_membranes=True)

    singles = run_spikingjelly(net, spikes)
    doubles = run_spikingjelly(to_dtype(net, case, torch.float64), spikes)
    for wanted, double, got, report in zip(singles, doubles, result.layers, reports, strict=True):
        assert all(map(np.array_equal, wanted, double)), "float32 must be exact for this test to mean anything"
        assert np.array_equal(got.spikes, wanted.spikes)
        step = report.scale_min / 2**report.membrane_fraction
        assert np.array_equal(got.membranes * step + (case.v_reset or 0.0), wanted.membranes)
        print(case, wanted.spikes.mean())
        assert 0.02 < wanted.spikes.mean() < 0.98, "every layer must do something"
    assert np.array_equal(result.counts, singles[-1].spikes.sum(axis=0))
    return sum(np.count_nonzero(charged(trace, case) == case.v_threshold) for trace in singles)


@pytest.mark.parametrize("case", list(combinations()), ids=str)
def test_every_spike_and_membrane_is_that_of_spikingjelly(case):
    assert check_exact(case) > 0, "membranes exactly at threshold must be among the cases"
