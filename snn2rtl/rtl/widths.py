"""Widths of a layer's numbers in its lanes, so that no adder ever wraps."""

from __future__ import annotations

from dataclasses import dataclass

from snn2rtl.encoders import PIXEL_BITS
from snn2rtl.fixed_point import signed_bits
from snn2rtl.int_net.intervals import charged_range, sum_range
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.population import Population


@dataclass(frozen=True)
class Entering:
    """What enters a layer.

    values: whether its events come with a value that weights are multiplied by. held: whether their sum is the current
    of all steps of a sample, that of its pixels.
    """

    values: bool = False
    held: bool = False

    @classmethod
    def of(cls, network: FixedPointNetwork, layer: Population) -> Entering:
        """Return what enters a layer of a network."""
        return cls(any(map(network.takes_values, layer.forward)), any(map(network.holds, layer.forward)))

    @property
    def value_width(self) -> int:
        """Bits of the value that comes with an event, 0 where events are spikes."""
        return PIXEL_BITS if self.values else 0


def state_width(layer: Population, entering: Entering) -> int:
    """Return the width of a neuron's state: of the charged membrane, of every partial sum, and of what is added."""
    charged = max(layer.neuron.membrane_bits, charged_range(layer).bits)
    if layer.pool:
        return max(charged, current_width(layer, entering))
    return max(charged, _bias_bits(layer), _added_bits(layer, entering))


def current_width(layer: Population, entering: Entering) -> int:
    """Return the width of a lane's memory: of a state or, where that is apart, of a bias and any sum of currents.

    It is apart where sums are held, and where neurons take the greatest of several.
    """
    if not entering.held and not layer.pool:
        return state_width(layer, entering)
    low, high = sum_range(layer)
    return max(signed_bits(int(low.min()), int(high.max())), _bias_bits(layer), _added_bits(layer, entering))


def _bias_bits(layer: Population) -> int:
    return signed_bits(int(layer.bias.min()), int(layer.bias.max()))


def _added_bits(layer: Population, entering: Entering) -> int:
    return layer.weight_bits + entering.value_width + layer.weight_shift
