"""Interval analysis: which values a layer's membrane can take, whatever its input spikes are.

The hardware sizes its adders from it, and leaves out the saturation where it proves that it is never reached.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn2rtl.fixed_point import IntArray, signed_bits, signed_range
from snn2rtl.network import MAX_MEMBRANE_BITS, Layer, Leak, MultiplierLeak, NoLeak, Reset, ShiftLeak

MAX_STEPS = 4096  # a leak of shift 8 has settled by then


def leak(membrane: IntArray, kind: Leak) -> IntArray:
    """Return the membrane after its leak; every kind floors and never decreases with the membrane."""
    match kind:
        case NoLeak():
            return membrane
        case ShiftLeak(shift):
            return membrane - (membrane >> shift)
        case MultiplierLeak(factor, fraction):
            return membrane * factor >> fraction


@dataclass(frozen=True, eq=False)
class MembraneRange:
    """Least and greatest charged membrane of each neuron before saturation, shape (neurons,), int64.

    ``forever`` says that the range holds for samples of any length; else it holds for ``steps`` time steps.
    """

    low: IntArray
    high: IntArray
    forever: bool

    @property
    def bits(self) -> int:
        """Two's complement width that holds every charged membrane."""
        return signed_bits(min(int(self.low.min()), 0), max(int(self.high.max()), 0))


def charged_range(layer: Layer, *, steps: int = MAX_STEPS, saturate: bool = True) -> MembraneRange:
    """Return the range of ``leak(v) + i`` over all inputs.

    Args:
        layer: the layer.
        steps: time steps of a sample to follow; the analysis ends earlier where the range settles.
        saturate: let the membrane saturate at its width; without, the range that an endless width would need.
    """
    neuron = layer.neuron
    low_input, high_input = input_range(layer)
    low = high = np.zeros(layer.num_neurons, np.int64)
    bounds = signed_range(neuron.membrane_bits if saturate else MAX_MEMBRANE_BITS)
    step = 0
    while True:
        step += 1
        charged_low = leak(low, neuron.leak) + low_input
        charged_high = leak(high, neuron.leak) + high_input
        after_low, after_high = _after_reset(np.clip(charged_low, *bounds), np.clip(charged_high, *bounds), layer)
        sinks, rises = after_low < low, after_high > high
        settled = not (sinks.any() or rises.any())
        if settled or (step >= steps and not saturate):
            return MembraneRange(charged_low, charged_high, forever=settled)
        if saturate and (step >= steps or isinstance(neuron.leak, NoLeak)):
            # what moves moves on, to where a spike ends it or the width does; without a leak this is exact
            spike_low, quiet_high = neuron.fire_at - neuron.reset_by, neuron.fire_at - 1
            low = np.where(sinks, np.where(after_low >= spike_low, spike_low, bounds[0]), low)
            high = np.where(rises, np.where(after_high <= quiet_high, quiet_high, bounds[1] - neuron.reset_by), high)
        else:
            low, high = np.minimum(low, after_low), np.maximum(high, after_high)


def input_range(layer: Layer) -> tuple[IntArray, IntArray]:
    """Return the least and the greatest input current of each neuron over all input spikes, shape (neurons,)."""
    low, high = signed_sums(layer.weight)
    return layer.bias + (low << layer.weight_shift), layer.bias + (high << layer.weight_shift)


def signed_sums(weight: IntArray) -> tuple[IntArray, IntArray]:
    """Return the sums of the negative and of the positive weights of each neuron, shape (neurons,), int64."""
    low: IntArray = np.minimum(weight, 0).sum(axis=1, dtype=np.int64)
    high: IntArray = np.maximum(weight, 0).sum(axis=1, dtype=np.int64)
    return low, high


def never_saturates(layer: Layer) -> bool:
    """Return whether no input of any length makes a membrane of the layer saturate."""
    found = charged_range(layer)
    low, high = signed_range(layer.neuron.membrane_bits)
    return found.forever and int(found.low.min()) >= low and int(found.high.max()) <= high


def never_fires(layer: Layer) -> NDArray[np.bool_]:
    """Return which neurons no input can make fire, shape (neurons,), bool."""
    _, high = signed_range(layer.neuron.membrane_bits)
    silent: NDArray[np.bool_] = np.minimum(charged_range(layer).high, high) < layer.neuron.fire_at
    return silent


def _after_reset(low: IntArray, high: IntArray, layer: Layer) -> tuple[IntArray, IntArray]:
    neuron = layer.neuron
    quiet_low, quiet_high = low, np.minimum(high, neuron.fire_at - 1)  # empty where low >= fire_at
    if neuron.reset is Reset.HARD:
        fired_low = fired_high = np.zeros_like(low)
    else:
        fired_low, fired_high = np.maximum(low, neuron.fire_at) - neuron.reset_by, high - neuron.reset_by
    can_fire, can_be_quiet = high >= neuron.fire_at, low < neuron.fire_at
    after_low = np.where(can_be_quiet, quiet_low, fired_low)
    after_high = np.where(can_be_quiet, quiet_high, fired_high)
    after_low = np.where(can_fire, np.minimum(after_low, fired_low), after_low)
    after_high = np.where(can_fire, np.maximum(after_high, fired_high), after_high)
    return after_low, after_high
