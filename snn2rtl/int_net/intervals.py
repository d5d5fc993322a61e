"""Interval analysis: which values a layer's membrane can take, whatever its inputs are.

The hardware sizes its adders from it, and leaves out the saturation where it proves that it is never reached.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from snn2rtl.fixed_point import IntArray, signed_bits, signed_range
from snn2rtl.int_net.neurons.base import FAR, Reset, Threshold, never
from snn2rtl.int_net.neurons.leaks import MAX_MEMBRANE_BITS, Leak, NoLeak, leak, resting
from snn2rtl.int_net.population import Population


@dataclass(frozen=True, eq=False)
class MembraneRange:
    """Least and greatest charged membrane of each neuron before saturation, shape (neurons,), int64.

    Of a refractory neuron: while it does not rest, at a membrane of 0.
    """

    low: IntArray
    high: IntArray

    @property
    def bits(self) -> int:
        """Two's complement width that holds every charged membrane."""
        return signed_bits(min(int(self.low.min()), 0), max(int(self.high.max()), 0))


_charged: WeakKeyDictionary[Population, MembraneRange] = WeakKeyDictionary()
_membranes: WeakKeyDictionary[Population, MembraneRange] = WeakKeyDictionary()


def charged_range(layer: Population) -> MembraneRange:
    """Return the range of what the inputs add to, over all inputs, in samples of any length.

    It is ``leak(v) + i``, and the synaptic current ``leak(c) + i`` where neurons have one.
    """
    if layer not in _charged:
        low, high = input_range(layer)
        neuron = layer.neuron
        if neuron.current_leak:
            _charged[layer] = _settled(low, high, neuron.current_leak, never(len(neuron)), MAX_MEMBRANE_BITS)
        else:
            _charged[layer] = _settled(low, high, neuron.leak, neuron.threshold, neuron.membrane_bits)
    return _charged[layer]


def membrane_range(layer: Population) -> MembraneRange:
    """Return the range of the charged membrane before it saturates, over all inputs, in samples of any length."""
    neuron = layer.neuron
    if not neuron.current_leak:
        return charged_range(layer)
    if layer not in _membranes:
        current = charged_range(layer)
        low, high = np.minimum(current.low, 0), np.maximum(current.high, 0)
        _membranes[layer] = _settled(low, high, neuron.leak, layer.neuron.threshold, neuron.membrane_bits)
    return _membranes[layer]


def _settled(low_input: IntArray, high_input: IntArray, kind: Leak, at: Threshold, bits: int) -> MembraneRange:
    """Grow the range until a step does not leave it. What has started to move is sent at once to where it ends."""
    entering = MembraneRange(low_input, high_input)
    if at.reset is Reset.NONE:
        at = never(len(low_input))
    quiet, fired = _ends(entering, kind, at, bits)
    low = high = np.zeros(len(low_input), np.int64)
    while True:
        charged = _charge(MembraneRange(low, high), entering, kind, at)
        after_low, after_high = _after_reset(charged, at, bits)
        sinks, rises = after_low < low, after_high > high
        if not (sinks.any() or rises.any()):
            return charged
        can_fire, can_be_quiet = charged.high >= at.least, charged.low < at.greatest
        low_end = np.where(can_fire & (after_low >= fired.low), fired.low, quiet.low)
        high_end = np.where(can_be_quiet & (after_high < at.greatest), quiet.high, fired.high)
        low = np.where(sinks, np.minimum(after_low, low_end), low)
        high = np.where(rises, np.maximum(after_high, high_end), high)


def _ends(entering: MembraneRange, kind: Leak, at: Threshold, bits: int) -> tuple[MembraneRange, MembraneRange]:
    """Return where bounds end that move while the neuron is quiet, and while it fires."""
    least, greatest = signed_range(bits)
    lowest_quiet = np.maximum(resting(entering.low, kind), least)
    highest_quiet = np.minimum(resting(entering.high, kind), np.minimum(at.greatest - 1, greatest))
    highest_fired = resting(entering.high - at.reset_by, kind)
    match at.reset:
        case Reset.HARD | Reset.SOFT | Reset.NONE | Reset.STEPPED:
            fired = MembraneRange(at.least - at.reset_by, np.minimum(highest_fired, greatest - at.reset_by))
        case Reset.LATE:  # a membrane is kept as it is, below where the threshold is reached too
            fired = MembraneRange(lowest_quiet, np.minimum(highest_fired, greatest))
        case _:
            assert_never(at.reset)
    return MembraneRange(lowest_quiet, highest_quiet), fired


def membrane_range_after(layer: Population, steps: int) -> MembraneRange:
    """Return the range of the charged membrane over all inputs, in samples of so many steps and without saturation."""
    neuron, at = layer.neuron, layer.neuron.threshold
    entering = MembraneRange(*input_range(layer))
    rest = np.zeros(layer.num_neurons, np.int64)
    current = membrane = MembraneRange(rest, rest)
    if not neuron.current_leak:
        return _charged_after(membrane, entering, neuron.leak, at, steps)
    for left in range(steps, 1, -1):
        arrived = _charge(current, entering, neuron.current_leak, never(len(rest)))
        if (arrived.low >= current.low).all() and (arrived.high <= current.high).all():
            return _charged_after(membrane, arrived, neuron.leak, at, left)
        after = _after_reset(_charge(membrane, arrived, neuron.leak, at), at, MAX_MEMBRANE_BITS)
        current, membrane = _hull(current, arrived), _hull(membrane, MembraneRange(*after))
    return _charge(membrane, _charge(current, entering, neuron.current_leak, never(len(rest))), neuron.leak, at)


def _charge(state: MembraneRange, entering: MembraneRange, kind: Leak, at: Threshold) -> MembraneRange:
    """Return the range of charged states; a late reset takes from those that reached the threshold."""
    low, high = leak(state.low, kind), leak(state.high, kind)
    if at.reset is Reset.LATE:
        fired = state.high >= at.least
        low = np.where(fired, np.minimum(low, leak(np.maximum(state.low, at.least), kind) - at.reset_by), low)
        quiet = leak(np.minimum(state.high, at.least - 1), kind)
        high = np.where(fired, np.maximum(quiet, high - at.reset_by), high)
    return MembraneRange(low + entering.low, high + entering.high)


def _hull(one: MembraneRange, other: MembraneRange) -> MembraneRange:
    return MembraneRange(np.minimum(one.low, other.low), np.maximum(one.high, other.high))


def _charged_after(
    start: MembraneRange, entering: MembraneRange, kind: Leak, at: Threshold, steps: int
) -> MembraneRange:
    """Return the range of the charged membrane after so many steps in which the same may enter."""
    low, high = start.low, start.high
    left = np.full(len(low), steps - 1)
    while True:
        charged = _charge(MembraneRange(low, high), entering, kind, at)
        after_low, after_high = _after_reset(charged, at, MAX_MEMBRANE_BITS)
        down, up = np.minimum(after_low - low, 0), np.maximum(after_high - high, 0)
        left = np.where((down < 0) | (up > 0), left, 0)
        if not left.any():
            return charged
        taken = np.minimum(left, 1)
        if isinstance(kind, NoLeak) and at.reset is not Reset.LATE:
            sinking = _repeats(down, entering.low, charged.low, at)
            taken = np.minimum(left, np.minimum(sinking, _repeats(up, entering.high, charged.high, at)))
        low, high, left = low + taken * down, high + taken * up, left - taken


def _repeats(move: IntArray, current: IntArray, charged: IntArray, at: Threshold) -> IntArray:
    """Return how many steps, this one among them, surely move a bound of a membrane without a leak alike.

    A step adds the current to the bound, or the current less the reset, or neither. Which of them depends on where the
    charged bounds are: one that adds goes on adding until one of them comes to a threshold or to an edge.

    Args:
        move: what this step adds, shape (neurons,).
        current: the input current that the bound is for, shape (neurons,).
        charged: the bound and its current, shape (neurons,).
        at: the thresholds.
    """
    edges = np.array(signed_range(MAX_MEMBRANE_BITS))[:, None] - charged
    ahead = np.sign(move) * np.stack([*edges, at.least - charged, at.greatest - charged])
    nearest = np.where(ahead >= 0, ahead, FAR).min(axis=0)
    added = (move == current) | (move == current - at.reset_by)
    further = np.where(added, np.maximum(nearest - 1, 0) // np.maximum(np.abs(move), 1), 0)
    return np.where(move == 0, FAR, 1 + further)


def input_range(layer: Population) -> tuple[IntArray, IntArray]:
    """Return the least and the greatest input current of each neuron over all inputs, shape (neurons,).

    Behind a pool the least is the greatest of the least: one place of the window at least is as great.
    """
    low, high = sum_range(layer)
    return layer.pooled(low), layer.pooled(high)


def sum_range(layer: Population) -> tuple[IntArray, IntArray]:
    """Return the least and the greatest of each sum of weights and bias over all inputs, shape (sums,)."""
    low, high = np.zeros((2, layer.num_sums), np.int64)
    for connection in layer.inputs:
        least, most = connection.synapses.bounds
        low, high = low + connection.reach * least, high + connection.reach * most
    return layer.bias + (low << layer.weight_shift), layer.bias + (high << layer.weight_shift)


def never_saturates(layer: Population) -> bool:
    """Return whether no input of any length makes a membrane of the layer saturate."""
    return membrane_range(layer).bits <= layer.neuron.membrane_bits


def never_fires(layer: Population) -> NDArray[np.bool_]:
    """Return which neurons no input can make fire, shape (neurons,), bool."""
    _, high = signed_range(layer.neuron.membrane_bits)
    silent: NDArray[np.bool_] = np.minimum(membrane_range(layer).high, high) < layer.neuron.threshold.least
    return silent


def _after_reset(charged: MembraneRange, at: Threshold, membrane_bits: int) -> tuple[IntArray, IntArray]:
    """Return the least and the greatest membrane after saturation and reset."""
    bounds = signed_range(membrane_bits)
    low, high = np.clip(charged.low, *bounds), np.clip(charged.high, *bounds)
    quiet_low, quiet_high = low, np.minimum(high, at.greatest - 1)  # empty where low >= greatest
    match at.reset:
        case Reset.HARD:
            fired_low = fired_high = np.zeros_like(low)
        case Reset.SOFT | Reset.STEPPED:
            fired_low, fired_high = np.maximum(low, at.least) - at.reset_by, high - at.reset_by
        case Reset.NONE | Reset.LATE:
            return low, high
        case _:
            assert_never(at.reset)
    can_fire, can_be_quiet = high >= at.least, low < at.greatest
    after_low = np.where(can_be_quiet, quiet_low, fired_low)
    after_high = np.where(can_be_quiet, quiet_high, fired_high)
    after_low = np.where(can_fire, np.minimum(after_low, fired_low), after_low)
    after_high = np.where(can_fire, np.maximum(after_high, fired_high), after_high)
    return after_low, after_high
