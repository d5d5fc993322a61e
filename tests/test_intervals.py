import itertools
from dataclasses import replace
from typing import Any

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import LEAKS, dense, integrators, layers, lif, temporal

from snn2rtl.fixed_point import signed_range
from snn2rtl.int_net import intervals
from snn2rtl.int_net.chain import DenseLayer
from snn2rtl.int_net.intervals import (
    MembraneRange,
    charged_range,
    input_range,
    membrane_range,
    membrane_range_after,
    never_fires,
    never_saturates,
)
from snn2rtl.int_net.neurons import (
    MAX_MEMBRANE_BITS,
    AdaptiveLifNeuron,
    CubaLifNeuron,
    MultiplierLeak,
    NoLeak,
    Reset,
    ShiftLeak,
)
from snn2rtl.int_net.neurons.leaks import leak, resting
from snn2rtl.int_net.population import Population

REST = (0, 0, 0, 0)
LAYERS = st.integers(1, 4).flatmap(layers)


def reachable(layer: Population, neuron: int, steps: int) -> tuple[set[int], bool]:
    """Return the charged membranes that some input reaches within some steps, and whether a spike is among them."""
    values = sorted({0, 1, layer.inputs[0].greatest})
    inputs = [list(pattern) for pattern in itertools.product(values, repeat=layer.num_inputs)]
    one_of_each = list({naive.charged(0, layer, neuron, [pattern]): pattern for pattern in inputs}.values())
    charged, known, new, fires = set(), {0}, {0}, False
    for _ in range(steps):
        values = {(naive.charged(state, layer, neuron, [pattern]), state) for state in new for pattern in one_of_each}
        charged |= {value for value, _ in values}
        after = [naive.fire_and_reset(value, layer, neuron, 0, before) for value, before in values]
        fires |= any(spike for spike, _ in after)
        new = {state for _, state in after} - known
        known |= new
        if not new or len(known) > 300:
            break
    return charged, fires


@settings(max_examples=80)
@given(LAYERS, st.sampled_from([1, 255]))
def test_no_reachable_membrane_leaves_the_range(layer, input_max):
    layer = replace(layer, input_max=input_max).population
    found = charged_range(layer)
    silent, safe = never_fires(layer), never_saturates(layer)
    low, high = signed_range(layer.neuron.membrane_bits)
    for neuron in range(layer.num_neurons):
        charged, fires = reachable(layer, neuron, steps=40)
        assert found.low[neuron] <= min(charged)
        assert max(charged) <= found.high[neuron]
        assert not (silent[neuron] and fires)
        if safe:
            assert low <= min(charged)
            assert max(charged) <= high


def hull(layer: Population, neuron: int, steps: int) -> tuple[int, int]:
    """Return the charged range of a neuron after steps of interval arithmetic, each interval walked through."""
    low_input, high_input = (int(bound[neuron]) for bound in input_range(layer))
    low = high = 0
    for _ in range(steps):
        kept = [naive.kept(value, layer, neuron) for value in range(low, high + 1)]
        charged = min(kept) + low_input, max(kept) + high_input
        values = range(charged[0], charged[1] + 1)
        after = [naive.fire_and_reset(value, layer, neuron, 0, v)[1] for value in values for v in {low, high}]
        grown = min(low, *after), max(high, *after)
        if grown == (low, high):
            break
        low, high = grown
    return charged


@settings(max_examples=150)
@given(st.integers(1, 4).flatmap(lambda inputs: layers(inputs, max_membrane_bits=6)))
def test_the_range_is_the_least_that_a_step_does_not_leave(layer):
    """Where a spike takes away no more than the threshold, as in every network that compile makes.

    Of a stepped reset the second threshold counts as if it were always there.
    """
    taken = np.minimum(layer.neuron.reset_by, layer.neuron.fire_at * layer.neuron.reset.subtracts)
    layer = replace(layer, neuron=replace(layer.neuron, reset_by=taken)).population
    found = charged_range(layer)
    for neuron in range(layer.num_neurons):
        assert_holds(found, layer, neuron, hull(layer, neuron, steps=10_000))


def assert_holds(found: MembraneRange, layer: Population, neuron: int, least: tuple[int, int]) -> None:
    """Hold a range to the least one; that of a stepped reset may be wider."""
    low, high = found.low[neuron], found.high[neuron]
    assert low <= least[0] <= least[1] <= high
    assert layer.neuron.reset is Reset.STEPPED or (low, high) == least


@settings(max_examples=80)
@given(st.integers(1, 3).flatmap(lambda inputs: temporal(inputs) | integrators(inputs)))
def test_no_reachable_state_of_a_temporal_neuron_leaves_its_range(layer):
    """Membranes, adaptations and synaptic currents that a few hundred steps of any inputs and own spikes reach."""
    layer = alone(layer).population
    neuron, current, membrane = layer.neuron, charged_range(layer), membrane_range(layer)
    low, high = signed_range(neuron.membrane_bits)
    inputs = list(itertools.product([0, 1], repeat=layer.num_inputs))
    known, new = {REST}, {REST}
    while new and len(known) < 300:
        stepped = set()
        for state in new:
            spike, v, other, _ = state
            for pattern in inputs:
                arrived = [pattern, [spike]][: len(layer.inputs)]
                received = naive.received(layer, 0, arrived)
                is_current = neuron.current_leak is not None
                charged = naive.leaked(other, neuron.synapse_leak, 0) + received if is_current else received
                value = naive.kept(v, layer, 0) + charged
                assert current.low[0] <= (charged if is_current else value) <= current.high[0]
                assert membrane.low[0] <= value <= membrane.high[0]
                assert not never_saturates(layer) or low <= value <= high
                after = naive.stepped(state, layer, 0, arrived)
                assert not (after[0] and never_fires(layer)[0])
                if isinstance(neuron, AdaptiveLifNeuron):
                    assert neuron.lowest_adaptation[0] <= after[2] <= 0
                stepped.add(after)
        new = stepped - known
        known |= new


def alone(layer: DenseLayer) -> DenseLayer:
    """Return the layer's first neuron as a layer of its own."""
    kinds = {key: value for key, value in vars(layer.neuron).items() if key.endswith("leak")}
    numbers: dict[str, Any] = {"neurons": 1} if not layer.neuron.spikes else {}
    numbers |= {key: value[:1] for key, value in vars(layer.neuron).items() if isinstance(value, np.ndarray)}
    singles = {
        key: replace(kind, **{name: part[:1] for name, part in vars(kind).items() if isinstance(part, np.ndarray)})
        for key, kind in kinds.items()
    }
    recurrent = None if layer.recurrent is None else layer.recurrent[:1, :1]
    return replace(
        layer,
        weight=layer.weight[:1],
        bias=layer.bias[:1],
        recurrent=recurrent,
        neuron=replace(layer.neuron, **numbers, **singles),
    )


@settings(max_examples=100)
@given(LAYERS, st.integers(1, 6))
def test_the_range_of_a_short_sample_knows_no_saturation(layer, steps):
    neuron = replace(layer.neuron, membrane_bits=48)
    wide = replace(layer, neuron=neuron).population
    found = membrane_range_after(layer.population, steps)
    for neuron in range(layer.num_neurons):
        assert_holds(found, wide, neuron, hull(wide, neuron, steps))


@settings(max_examples=100)
@given(st.integers(1, 3).flatmap(lambda inputs: temporal(inputs) | integrators(inputs)), st.integers(1, 5))
def test_the_range_of_a_short_sample_holds_all_that_neurons_with_currents_do(layer, steps):
    layer = alone(replace(layer, neuron=replace(layer.neuron, membrane_bits=48, **_wide_scores(layer)))).population
    found = membrane_range_after(layer, steps)
    new = {REST}
    for _ in range(steps):
        stepped = set()
        for state in new:
            spike, v, other, _ = state
            for pattern in itertools.product([0, 1], repeat=layer.num_inputs):
                arrived = [pattern, [spike]][: len(layer.inputs)]
                entering = naive.received(layer, 0, arrived)
                if layer.neuron.current_leak is not None:
                    entering += naive.leaked(other, layer.neuron.synapse_leak, 0)
                assert found.low[0] <= naive.kept(v, layer, 0) + entering <= found.high[0]
                stepped.add(naive.stepped(state, layer, 0, arrived))
        new = stepped
    assert found.bits <= 48


def _wide_scores(layer: DenseLayer) -> dict[str, int]:
    return {"score_bits": 48} if not layer.neuron.spikes else {}


@pytest.mark.parametrize("kind", [ShiftLeak(2), MultiplierLeak(240, 8), NoLeak()])
def test_the_range_behind_a_current_is_tight_for_one_positive_weight(kind):
    """The inputs that always spike reach it, in every step until the current is settled and after it."""
    neuron = CubaLifNeuron(**vars(lif([1 << 40], leak=kind, membrane_bits=48)), synapse_leak=ShiftLeak(2))
    layer = dense([[64]], neuron).population
    state = REST
    for steps in range(1, 80):
        state = naive.stepped(state, layer, 0, [[1]])
        assert membrane_range_after(layer, steps).high.tolist() == [state[1]]


def range_step_by_step(layer: Population, steps: int) -> tuple[list[int], list[int]]:
    """Return what membrane_range_after() finds, one step after the other."""
    low_input, high_input = input_range(layer)
    low = high = np.zeros(layer.num_neurons, np.int64)
    for _ in range(steps):
        charged = MembraneRange(leak(low, layer.neuron.leak) + low_input, leak(high, layer.neuron.leak) + high_input)
        after_low, after_high = intervals._after_reset(charged, layer.neuron.threshold, MAX_MEMBRANE_BITS)
        low, high = np.minimum(low, after_low), np.maximum(high, after_high)
    return charged.low.tolist(), charged.high.tolist()


@st.composite
def layers_that_cross_much(draw: st.DrawFn) -> DenseLayer:
    """Draw a layer whose bounds cross thresholds, resets and the membrane's edges after more or fewer steps."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    reach, far = 2 ** random.integers(0, 8, 2), 2 ** random.integers(0, 12, 8)
    soft = draw(st.booleans())
    fire_at = random.integers(1 if soft else -far, far + 1)
    reset_by = random.integers(1, draw(st.sampled_from([1, 2, 4000])) + 1, 8) if soft else 0
    bias = random.integers(-reach[0], reach[0] + 1, 8)
    weight = random.integers(-reach[1], reach[1], (8, 3))
    return dense(
        weight, lif(fire_at, reset_by, membrane_bits=48), bias=bias, weight_shift=draw(st.sampled_from([0, 31]))
    )


@settings(max_examples=200)
@given(layers_that_cross_much(), st.integers(1, 3000))
def test_the_range_of_a_long_sample_is_that_of_its_steps(layer, steps):
    layer = layer.population
    found = membrane_range_after(layer, steps)
    assert (found.low.tolist(), found.high.tolist()) == range_step_by_step(layer, steps)


@pytest.mark.parametrize("reset_by", [0, 3])
def test_the_range_of_a_long_sample_needs_few_steps(monkeypatch, reset_by):
    random = np.random.default_rng(0)
    layer = dense(
        random.integers(-9, 9, (300, 20)), lif(random.integers(1, 9999, 300), reset_by, membrane_bits=48)
    ).population
    calls, after_reset = [], intervals._after_reset
    monkeypatch.setattr(intervals, "_after_reset", lambda *args: calls.append(args) or after_reset(*args))
    found = membrane_range_after(layer, 65_536)
    assert len(calls) < 50
    assert (found.low < -65_536).any()


@given(LEAKS, st.integers(-300, 300))
def test_resting_is_where_a_constant_current_ends(kind, current):
    end = int(resting(np.array([current]), kind)[0])
    membrane = 0
    for _ in range(3000):
        membrane = naive.leaked(membrane, kind, 0) + current
        assert abs(membrane) <= abs(end)
    if abs(end) < 2**62 and (abs(current) << 2) > abs(end):  # a fast leak
        assert membrane == end
    if abs(end) < 2**62:
        assert naive.leaked(end, kind, 0) + current == end


@given(LEAKS, st.integers(-(2**47), 2**47 - 1))
def test_leak_is_exact_and_monotonic(kind, membrane):
    values = np.array([membrane, membrane + 1], np.int64)
    assert leak(values, kind).tolist() == [naive.leaked(membrane, kind, 0), naive.leaked(membrane + 1, kind, 0)]
    assert np.all(np.diff(leak(values, kind)) >= 0)


def test_leak_floors_towards_minus_infinity():
    values = np.array([-3, -1, 0, 1, 3])
    assert leak(values, NoLeak()).tolist() == [-3, -1, 0, 1, 3]
    assert leak(values, ShiftLeak(1)).tolist() == [-1, 0, 0, 1, 2]
    assert leak(values, ShiftLeak(0)).tolist() == [0, 0, 0, 0, 0]
    assert leak(values, MultiplierLeak(1, 1)).tolist() == [-2, -1, 0, 0, 1]
    assert leak(values, MultiplierLeak(2, 1)).tolist() == [-3, -1, 0, 1, 3]


def test_input_range():
    low, high = input_range(dense([[1, -2, 3], [0, 0, 0]], bias=[5, -1], weight_shift=2).population)
    assert (low.tolist(), high.tolist()) == ([-3, -1], [21, -1])
    low, high = input_range(dense([[1, -2, 3], [0, 0, 0]], bias=[5, -1], weight_shift=2, input_max=255).population)
    assert (low.tolist(), high.tolist()) == ([5 - 255 * 8, -1], [5 + 255 * 16, -1])


def test_a_hard_reset_bounds_the_membrane_from_above():
    found = charged_range(dense([[3, -1]], lif([10], leak=ShiftLeak(1))).population)
    # 9 - (9 >> 1) + 3 = 8 < 10 is a fixed point of the quiet neuron: 6 - 3 + 3 = 6, 5 - 2 + 3 = 6
    assert (found.low.tolist(), found.high.tolist()) == ([-1], [6])
    assert never_fires(dense([[3, -1]], lif([10], leak=ShiftLeak(1))).population).tolist() == [True]
    assert never_fires(dense([[3, -1]], lif([6], leak=ShiftLeak(1))).population).tolist() == [False]


def test_a_soft_reset_may_leave_a_charge_above_the_threshold():
    found = charged_range(dense([[10]], lif([4], [4], membrane_bits=6)).population)
    assert found.high.tolist() == [31 - 4 + 10]
    assert not never_saturates(dense([[10]], lif([4], [4], membrane_bits=6)).population)


def test_a_threshold_below_zero_fires_at_rest():
    layer = dense([[-1], [0]], lif([-2, 0])).population
    assert never_fires(layer).tolist() == [False, False]
    # one neuron fires whatever comes, for its charge of -1 or 0 reaches -2, and so never goes below -1
    found = charged_range(layer)
    assert (found.low.tolist(), found.high.tolist()) == ([-1, 0], [0, 0])


def test_never_saturates_holds_at_the_edge():
    # hard reset at 7: a quiet neuron holds at most 6
    assert never_saturates(dense([[1]], lif([7], membrane_bits=4)).population)
    assert not never_saturates(dense([[2]], lif([7], membrane_bits=4)).population)
    # and at least 0, from which it falls to -8
    assert never_saturates(dense([[-8]], lif([7], leak=ShiftLeak(0), membrane_bits=4)).population)
    assert not never_saturates(dense([[-9]], lif([7], leak=ShiftLeak(0), membrane_bits=4)).population)


@pytest.mark.parametrize("leak_kind", [NoLeak(), ShiftLeak(12)])
def test_a_neuron_that_never_settles_does_not_hide_those_that_do(leak_kind):
    """Neuron 0 sinks by 1 a step for a long time; what is known of the others must not depend on it."""
    layer = dense([[-1, 0], [0, 0], [2, 1], [-5, -5]], lif([5, 5, 5, 5], leak=leak_kind, membrane_bits=30)).population
    found = charged_range(layer)
    assert never_fires(layer).tolist() == [True, True, False, True]
    assert (found.low[1:3].tolist(), found.high.tolist()) == ([0, 0], [0, 0, 7, 0])


def test_bits_hold_every_charged_membrane():
    assert charged_range(dense([[100]], lif([100], membrane_bits=16)).population).bits == 9  # 0 .. 99 + 100
    assert charged_range(dense([[0]]).population).bits == 1
