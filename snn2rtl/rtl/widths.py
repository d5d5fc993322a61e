"""Widths of a layer's numbers in its lanes, so that no adder ever wraps."""

from __future__ import annotations

from snn2rtl.encoders import PIXEL_BITS
from snn2rtl.fixed_point import signed_bits
from snn2rtl.int_net.intervals import charged_range, input_range
from snn2rtl.int_net.network import Population


def pixel_width(pixels: bool) -> int:
    """Return the bits of the value that comes with an event, 0 where events are spikes."""
    return PIXEL_BITS if pixels else 0


def state_width(layer: Population, pixels: bool) -> int:
    """Return the width of a neuron's state: of the charged membrane, of every partial sum, and of what is added."""
    return max(layer.neuron.membrane_bits, charged_range(layer).bits, _bias_bits(layer), _added_bits(layer, pixels))


def current_width(layer: Population, pixels: bool) -> int:
    """Return the width of a lane's memory: of a state or, where pixels enter, of a bias and any sum of currents."""
    if not pixels:
        return state_width(layer, pixels)
    low, high = input_range(layer)
    return max(signed_bits(int(low.min()), int(high.max())), _bias_bits(layer), _added_bits(layer, pixels))


def _bias_bits(layer: Population) -> int:
    return signed_bits(int(layer.bias.min()), int(layer.bias.max()))


def _added_bits(layer: Population, pixels: bool) -> int:
    return layer.weight_bits + pixel_width(pixels) + layer.weight_shift
