import itertools
from dataclasses import replace

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import LEAKS, dense, layers, lif

from snn2rtl.fixed_point import signed_range
from snn2rtl.intervals import charged_range, input_range, leak, never_fires, never_saturates
from snn2rtl.network import Layer, MultiplierLeak, NoLeak, ShiftLeak

LAYERS = st.integers(1, 4).flatmap(layers)


def reachable(layer: Layer, neuron: int, steps: int) -> tuple[set[int], bool]:
    """Return the charged membranes that some input reaches within some steps, and whether a spike is among them."""
    inputs = [list(pattern) for pattern in itertools.product((0, 1), repeat=layer.num_inputs)]
    one_of_each = list({naive.charged(0, layer, neuron, pattern): pattern for pattern in inputs}.values())
    charged, known, new, fires = set(), {0}, {0}, False
    for _ in range(steps):
        values = {naive.charged(state, layer, neuron, pattern) for state in new for pattern in one_of_each}
        charged |= values
        after = [naive.fire_and_reset(value, layer, neuron) for value in values]
        fires |= any(spike for spike, _ in after)
        new = {state for _, state in after} - known
        known |= new
        if not new or len(known) > 300:
            break
    return charged, fires


@settings(max_examples=80, deadline=None)
@given(LAYERS)
def test_no_reachable_membrane_leaves_the_range(layer):
    found = charged_range(layer)
    silent, safe = never_fires(layer), never_saturates(layer)
    low, high = signed_range(layer.neuron.membrane_bits)
    assert found.forever
    for neuron in range(layer.num_neurons):
        charged, fires = reachable(layer, neuron, steps=40)
        assert found.low[neuron] <= min(charged)
        assert max(charged) <= found.high[neuron]
        assert not (silent[neuron] and fires)
        if safe:
            assert low <= min(charged)
            assert max(charged) <= high


@settings(max_examples=100, deadline=None)
@given(LAYERS, st.integers(1, 6))
def test_no_reachable_membrane_of_a_short_sample_leaves_its_range(layer, steps):
    found = charged_range(layer, steps=steps)
    for neuron in range(layer.num_neurons):
        charged, _ = reachable(layer, neuron, steps)
        assert found.low[neuron] <= min(charged)
        assert max(charged) <= found.high[neuron]


@settings(max_examples=100, deadline=None)
@given(LAYERS, st.integers(1, 6))
def test_an_endless_width_is_that_of_48_bits(layer, steps):
    wide = dense(
        layer.weight,
        lif(layer.neuron.fire_at, layer.neuron.reset_by, layer.neuron.leak, 48),
        layer.bias,
        weight_bits=16,
        weight_shift=layer.weight_shift,
    )
    found = charged_range(layer, steps=steps, saturate=False)
    for neuron in range(layer.num_neurons):
        charged, _ = reachable(wide, neuron, steps)
        assert found.low[neuron] <= min(charged)
        assert max(charged) <= found.high[neuron]


@given(LEAKS, st.integers(-(2**47), 2**47 - 1))
def test_leak_is_exact_and_monotonic(kind, membrane):
    layer = dense([[1]], lif([1], leak=kind))
    values = np.array([membrane, membrane + 1], np.int64)
    assert leak(values, kind).tolist() == [naive.leaked(membrane, layer), naive.leaked(membrane + 1, layer)]
    assert np.all(np.diff(leak(values, kind)) >= 0)


def test_leak_floors_towards_minus_infinity():
    values = np.array([-3, -1, 0, 1, 3])
    assert leak(values, NoLeak()).tolist() == [-3, -1, 0, 1, 3]
    assert leak(values, ShiftLeak(1)).tolist() == [-1, 0, 0, 1, 2]
    assert leak(values, ShiftLeak(0)).tolist() == [0, 0, 0, 0, 0]
    assert leak(values, MultiplierLeak(1, 1)).tolist() == [-2, -1, 0, 0, 1]
    assert leak(values, MultiplierLeak(2, 1)).tolist() == [-3, -1, 0, 1, 3]


def test_input_range():
    low, high = input_range(dense([[1, -2, 3], [0, 0, 0]], bias=[5, -1], weight_shift=2))
    assert (low.tolist(), high.tolist()) == ([-3, -1], [21, -1])


def test_a_hard_reset_bounds_the_membrane_from_above():
    found = charged_range(dense([[3, -1]], lif([10], leak=ShiftLeak(1))))
    assert found.forever
    # 9 - (9 >> 1) + 3 = 8 < 10 is a fixed point of the quiet neuron: 6 - 3 + 3 = 6, 5 - 2 + 3 = 6
    assert (found.low.tolist(), found.high.tolist()) == ([-1], [6])
    assert never_fires(dense([[3, -1]], lif([10], leak=ShiftLeak(1)))).tolist() == [True]
    assert never_fires(dense([[3, -1]], lif([6], leak=ShiftLeak(1)))).tolist() == [False]


def test_a_soft_reset_may_leave_a_charge_above_the_threshold():
    found = charged_range(dense([[10]], lif([4], [4], membrane_bits=6)))
    assert found.high.tolist() == [31 - 4 + 10]
    assert not never_saturates(dense([[10]], lif([4], [4], membrane_bits=6)))


def test_a_threshold_below_zero_fires_at_rest():
    layer = dense([[-1], [0]], lif([-2, 0]))
    assert never_fires(layer).tolist() == [False, False]
    # one neuron fires whatever comes, for its charge of -1 or 0 reaches -2, and so never goes below -1
    found = charged_range(layer)
    assert (found.low.tolist(), found.high.tolist()) == ([-1, 0], [0, 0])


def test_never_saturates_holds_at_the_edge():
    # hard reset at 7: a quiet neuron holds at most 6
    assert never_saturates(dense([[1]], lif([7], membrane_bits=4)))
    assert not never_saturates(dense([[2]], lif([7], membrane_bits=4)))
    # and at least 0, from which it falls to -8
    assert never_saturates(dense([[-8]], lif([7], leak=ShiftLeak(0), membrane_bits=4)))
    assert not never_saturates(dense([[-9]], lif([7], leak=ShiftLeak(0), membrane_bits=4)))


@pytest.mark.parametrize("leak_kind", [NoLeak(), ShiftLeak(12)])
def test_a_neuron_that_never_settles_does_not_hide_those_that_do(leak_kind):
    """Neuron 0 sinks by 1 a step for a long time; what is known of the others must not depend on it."""
    layer = dense([[-1, 0], [0, 0], [2, 1], [-5, -5]], lif([5, 5, 5, 5], leak=leak_kind, membrane_bits=30))
    found = charged_range(layer)
    assert found.forever
    assert never_fires(layer).tolist() == [True, True, False, True]
    assert (found.low[1:3].tolist(), found.high.tolist()) == ([0, 0], [0, 0, 7, 0])


@settings(max_examples=100, deadline=None)
@given(LAYERS)
def test_the_shortcut_without_a_leak_ends_where_the_steps_do(layer):
    membrane_bits = min(layer.neuron.membrane_bits, 11)
    most = 2 ** (membrane_bits - 1) - 1
    fire_at, reset_by = np.minimum(layer.neuron.fire_at, most), np.minimum(layer.neuron.reset_by, most)
    short, long = (
        charged_range(replace(layer, neuron=lif(fire_at, reset_by, kind, membrane_bits)))
        for kind in (NoLeak(), MultiplierLeak(2, 1))  # the second one keeps everything, too
    )
    assert short.low.tolist() == long.low.tolist()
    assert short.high.tolist() == long.high.tolist()


def test_bits_hold_every_charged_membrane():
    assert charged_range(dense([[100]], lif([100], membrane_bits=16))).bits == 9  # 0 .. 99 + 100
    assert charged_range(dense([[0]])).bits == 1
