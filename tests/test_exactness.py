"""Exactness against SpikingJelly: where floats are exact, the integer network does what the float network does.

All numbers are dyadic and small enough for float32 to compute without rounding, which a second run in float64 checks.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from dyadic import Kind, Trace, build, input_spikes, run_spikingjelly, to_dtype
from numpy.typing import NDArray
from spikingjelly.activation_based import neuron
from torch import nn

from snn2rtl.compiler import compile_network
from snn2rtl.errors import QuantizationError, StrictError
from snn2rtl.frontend import from_module
from snn2rtl.int_net import reference
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.report import LayerReport


def exact_options(kind: Kind, steps: int) -> QuantizeOptions:
    """Return options with which nothing is approximated: the membrane keeps every bit that the leak shifts down."""
    return QuantizeOptions(
        bits=PerLayer(10),
        scale="layer",
        membrane_fraction=PerLayer(kind.leak_bits * (steps - 1) + 6),
        time_steps=steps,
        strict=True,
    )


def check_spikes(
    net: nn.Sequential, kinds: Sequence[Kind], spikes: NDArray[np.uint8], options: QuantizeOptions
) -> tuple[list[Trace], reference.Result, tuple[LayerReport, ...]]:
    """Hold every spike of the integer network against SpikingJelly; return what both did.

    Raises:
        StrictError: options.strict, and the network is not exact with these options.
    """
    network, reports = compile_network(from_module(net), options)
    result = reference.run(network, spikes, record_membranes=True)
    traces = run_spikingjelly(net, spikes)
    in_float64 = run_spikingjelly(to_dtype(net, kinds, torch.float64), spikes)
    for wanted, double, got in zip(traces, in_float64, result.in_order, strict=True):
        assert all(map(np.array_equal, wanted, double)), "float32 must be exact for this test to mean anything"
        assert np.array_equal(got.spikes, wanted.spikes)
    assert np.array_equal(result.counts, traces[-1].spikes.sum(axis=0))
    return traces, result, reports


def check_exact(kind: Kind, step_mode: str, layers: int = 3) -> list[Trace]:
    """Hold every spike and membrane of a network of equal layers against SpikingJelly; return what that did."""
    kinds = [kind] * layers
    options = exact_options(kind, kind.steps)
    found = check_spikes(build(kinds, step_mode), kinds, input_spikes(kind.steps), options)
    for wanted, got, report in zip(found[0], found[1].in_order, found[2], strict=True):
        step = report.scale_min / 2**report.membrane_fraction
        assert np.array_equal(got.membranes * step + (kind.v_reset or 0.0), wanted.membranes)
    return found[0]


def combinations() -> Iterator[Kind]:
    leaky = itertools.product((neuron.LIFNode, neuron.ParametricLIFNode), (2, 4, 8), (False, True))
    for node, tau, decay_input in [(neuron.IFNode, None, False), *leaky]:
        for v_reset, bias, norm in itertools.product((0.0, 0.25, -0.5, None), (None, 2), ("none", "after", "before")):
            yield Kind(node=node, tau=tau, decay_input=decay_input, v_reset=v_reset, bias=bias, norm=norm)


@pytest.mark.parametrize("kind", list(combinations()), ids=str)
def test_every_spike_and_membrane_is_that_of_spikingjelly(kind):
    single, multi = (check_exact(kind, step_mode) for step_mode in ("s", "m"))
    for trace, other in zip(single, multi, strict=True):
        assert all(map(np.array_equal, trace, other))
        assert 0.02 < trace.spikes.mean() < 0.98, "every layer must do something"
    assert sum(trace.at_threshold(kind) for trace in single) > 0, "ties must be among the cases"


@pytest.mark.parametrize("step_mode", ["s", "m"])
@pytest.mark.parametrize("v_reset", [0.0, 0.25, None])
@pytest.mark.parametrize("decay_input", [False, True])
@pytest.mark.parametrize("tau", [1 / 0.75, 1 / 0.625, 1 / 0.375])
def test_a_learnt_tau_is_an_exact_multiplier_where_there_is_one(tau, decay_input, v_reset, step_mode):
    node = neuron.ParametricLIFNode
    check_exact(Kind(node=node, tau=tau, decay_input=decay_input, v_reset=v_reset, bias=2), step_mode, layers=2)


@pytest.mark.parametrize("step_mode", ["s", "m"])
@pytest.mark.parametrize("tau", [None, 2])
@pytest.mark.parametrize(
    ("v_threshold", "v_reset"),
    [(0.5, 0.5), (0.5, 2.0), (0.0, 0.0), (-0.5, 0.0), (-0.5, -1.0), (1.0, -1.5), (0.125, None)],
)
def test_unusual_thresholds_and_resets(v_threshold, v_reset, tau, step_mode):
    node = neuron.LIFNode if tau else neuron.IFNode
    kind = Kind(node=node, tau=tau, v_threshold=v_threshold, v_reset=v_reset, bias=2)
    assert all(trace.spikes.any() for trace in check_exact(kind, step_mode, layers=2))


def random_kind(random: np.random.Generator) -> Kind:
    node = random.choice([neuron.IFNode, neuron.LIFNode, neuron.ParametricLIFNode])
    v_threshold = random.integers(1, 33) / 2.0 ** random.integers(3, 9)
    return Kind(
        node=node,
        tau=None if node is neuron.IFNode else int(random.choice([2, 4, 8])),
        decay_input=node is not neuron.IFNode and bool(random.integers(2)),
        v_reset=random.choice([None, 0.0, v_threshold - random.integers(0, 33) / 2.0 ** random.integers(3, 9)]),
        v_threshold=v_threshold,
        bias=random.choice([None, 2, 4, 7]),
        norm=str(random.choice(["none", "after", "before"])),
    )


def random_options(random: np.random.Generator, steps: int) -> QuantizeOptions:
    return QuantizeOptions(
        bits=PerLayer(int(random.integers(4, 14))),
        scale=str(random.choice(["neuron", "layer"])),
        leak=str(random.choice(["auto", "shift", "multiplier"])),
        leak_bits=int(random.integers(3, 11)),
        membrane_bits=PerLayer(int(random.choice([0, 0, 0, 24, 36]))),
        membrane_fraction=PerLayer(int(random.integers(-1, 21))),
        time_steps=steps,
        strict=True,
    )


def test_what_strict_accepts_is_exact():
    """Random networks, every layer of another kind, with random options: strict refuses, or every spike is right."""
    accepted = at_threshold = 0
    for seed in range(250):
        random = np.random.default_rng(seed)
        kinds = [random_kind(random) for _ in range(random.integers(1, 4))]
        steps = int(random.integers(2, 5))
        net = build(kinds, str(random.choice(["s", "m"])), seed)
        try:
            traces, _, _ = check_spikes(net, kinds, input_spikes(steps, seed), random_options(random, steps))
        except (StrictError, QuantizationError):
            continue
        accepted += 1
        at_threshold += sum(trace.at_threshold(kind) for trace, kind in zip(traces, kinds, strict=True))
    assert accepted > 50
    assert at_threshold > 300


def test_a_bias_finer_than_a_weight_step_can_make_the_leak_floor():
    """A charge of one membrane step does not survive halving: not exact, although each number by itself is."""
    net = nn.Sequential(nn.Linear(1, 1), neuron.LIFNode(tau=2.0, decay_input=False, v_threshold=1.0))
    with torch.no_grad():
        net[0].weight.fill_(1.0)
        net[0].bias.fill_(2.0**-8)
    options = QuantizeOptions(membrane_fraction=PerLayer(8), time_steps=8, strict=True)
    with pytest.raises(StrictError, match=r"^layer '0': the leak floors the membrane"):
        compile_network(from_module(net), options)
    exact = replace(options, membrane_fraction=PerLayer(15))
    check_spikes(net, [Kind(node=neuron.LIFNode, tau=2)], np.ones((8, 1, 1), np.uint8), exact)


def test_a_soft_reset_finer_than_a_weight_step_can_make_the_leak_floor():
    net = nn.Sequential(nn.Linear(1, 1, bias=False), neuron.LIFNode(2.0, False, v_threshold=1 + 2.0**-6, v_reset=None))
    with torch.no_grad():
        net[0].weight.fill_(1.0)
    options = QuantizeOptions(bits=PerLayer(2), membrane_fraction=PerLayer(6), time_steps=3, strict=True)
    with pytest.raises(StrictError, match=r"^layer '0': the leak floors the membrane"):
        compile_network(from_module(net), options)
    exact = replace(options, membrane_fraction=PerLayer(8))
    check_spikes(net, [Kind(node=neuron.LIFNode, tau=2)], np.ones((3, 1, 1), np.uint8), exact)


@pytest.mark.parametrize("bias", [-(2.0**-24), 2.0**-22])
def test_a_bias_far_below_a_step_is_not_dropped_in_silence(bias):
    """It decides a tie at the threshold, in which float32 keeps it."""
    net = nn.Sequential(nn.Linear(1, 1), neuron.IFNode(v_threshold=1.0))
    with torch.no_grad():
        net[0].weight.fill_(1.0)
        net[0].bias.fill_(bias)
    with pytest.raises(StrictError, match=r"^layer '0': bias is rounded by up to "):
        compile_network(from_module(net), QuantizeOptions(bits=PerLayer(2), time_steps=8, strict=True))
