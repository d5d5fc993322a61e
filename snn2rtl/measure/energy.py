"""An estimate of the energy of a sample: what happens is counted exactly, what each of it costs is from the literature.

docs/energy.md says what is counted, what is assumed and what is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

import numpy as np

from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.neurons import Leak, MultiplierLeak, ShiftLeak
from snn2rtl.int_net.population import Population
from snn2rtl.measure.metrics import Activity
from snn2rtl.rtl.design import RtlDesign
from snn2rtl.rtl.layer_design import LayerDesign
from snn2rtl.rtl.memory import Memory
from snn2rtl.rtl.placement import row_order

# M. Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC 2014, figure 1.1.9: 45 nm, 0.9 V, in pJ
ADD_8_BITS, ADD_32_BITS = 0.03, 0.1
MULTIPLY_8_BITS = 0.2
READ_64_BITS = 10.0  # of a memory of 8 KiB; 32 KiB take 20: it grows with the root of the size
READ_MEMORY_BITS = 8 * 8192
TOGGLE = 0.002  # assumed, not from the source: half of C V**2 of a flip-flop with 5 fF to drive
SOURCE = "Horowitz, ISSCC 2014: 45 nm at 0.9 V"


@dataclass(frozen=True, kw_only=True)
class LayerEnergy:
    """A layer's energy for a sample, in pJ, and the counts behind it, all means over the samples.

    weight_bits: read from weights, row tables and the neurons' numbers. membrane_bits: read from membrane memories and
    written to them, second states, scores, sums of pixels and held currents among them. adds: of weights to membranes,
    and the neurons' with their comparisons. products: of weights and pixels; adds_pj is theirs, too. toggles: of
    register bits, where they were simulated. *_pj: what it takes.
    """

    name: str
    weight_bits: float
    membrane_bits: float
    adds: float
    products: float
    toggles: float | None
    weights_pj: float
    membranes_pj: float
    adds_pj: float

    @property
    def toggles_pj(self) -> float:
        """What the toggles take; nothing where they are not known."""
        return TOGGLE * (self.toggles or 0.0)

    @property
    def total_pj(self) -> float:
        """Everything that is counted."""
        return self.weights_pj + self.membranes_pj + self.adds_pj + self.toggles_pj

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "toggles_pj": self.toggles_pj, "total_pj": self.total_pj}


def left_out(design: RtlDesign) -> tuple[str, ...]:
    """Return what takes energy and is not in the estimate."""
    encoder = ("encoder",) if design.encodes else ()
    return ("clock", "wires", "queues", "idle cycles", "leakage", *encoder)


def add_pj(bits: int) -> float:
    """Return the energy of an addition of so many bits, on a line through the two of the source."""
    return max(0.0, ADD_8_BITS + (bits - 8) * (ADD_32_BITS - ADD_8_BITS) / 24)


def access_pj(bits: float, memory_bits: float) -> float:
    """Return the energy of so many bits to or from a memory: in proportion to them, and to the root of its size."""
    return READ_64_BITS * bits / 64 * sqrt(memory_bits / READ_MEMORY_BITS)


def estimate(
    network: FixedPointNetwork, design: RtlDesign, activity: Activity, toggles: Mapping[str, float] | None = None
) -> tuple[LayerEnergy, ...]:
    """Return the energy of each layer.

    Args:
        network: the integer network.
        design: its hardware.
        activity: what it did with the samples.
        toggles: of the registers of each layer for a sample, by its stream, where they were simulated.
    """
    found = []
    for layer, hardware in zip(network.populations, design.layers, strict=True):
        sources = np.concatenate([activity.events[connection.source] for connection in layer.inputs])
        order = row_order(layer, design.placement)
        entering = float(sources[order[order < layer.num_inputs]].sum()) / activity.samples
        firing = activity.arrived[layer.name][order] / activity.samples
        toggled = toggles[hardware.stream] if toggles else None
        found.append(_layer(layer, hardware, entering, firing, activity.steps, toggled))
    return tuple(found)


def _layer(
    layer: Population, hardware: LayerDesign, entering: float, firing: np.ndarray, steps: int, toggles: float | None
) -> LayerEnergy:
    cost, layout = hardware.costs[hardware.layout.kind], hardware.layout
    words = firing @ cost.words  # of each row fetch
    tables = [(float(firing.sum()) * table.width, table) for table in layout.tables]
    once = ("bias",) if hardware.is_direct else ()  # what a neuron takes once a sample, with the sum of its pixels
    numbers = [
        ((1 if one.name in once else steps) * _slots_of(hardware, one.name) * one.memory.width, one.memory)
        for one in hardware.each
        if one.memory
    ]
    delays = [(entering * hardware.delays.width, hardware.delays.memory)] if hardware.delays else []
    memories = zip(words, layout.weight_memories, strict=True)
    weights = [(float(count) * memory.width, memory.banks[0]) for count, memory in memories]
    reads: list[tuple[float, Memory]] = [*weights, *tables, *numbers, *delays]
    # a row fetch for all lanes makes every lane add, one of a lane that lane alone
    synapse_adds = float(words.sum()) * (hardware.lanes if hardware.num_fetches == 1 else 1)
    updates = steps * hardware.num_neurons
    moved = _moved(hardware, synapse_adds, steps)
    beside = hardware.neuron.second_width + (hardware.scores.width if hardware.scores else 0)  # in a word of all lanes
    neuron_adds = updates * _adds_of_neuron(layer, hardware)
    return LayerEnergy(
        name=layer.name,
        weight_bits=sum(bits for bits, _ in reads),
        membrane_bits=sum(bits for bits, _ in moved) + 2 * updates * beside,
        adds=synapse_adds + neuron_adds,
        products=synapse_adds if hardware.takes_values else 0.0,
        toggles=toggles,
        weights_pj=sum(access_pj(bits, memory.bits) for bits, memory in reads),
        membranes_pj=sum(access_pj(bits, memory_bits) for bits, memory_bits in moved)
        + access_pj(2 * updates * beside, hardware.lanes * hardware.neuron_slots * beside),
        adds_pj=synapse_adds
        * (add_pj(hardware.current_width) + _product_pj(hardware.pixel_width, hardware.weight_width))
        + neuron_adds * add_pj(hardware.state_width)
        + updates * _multiply_pj(layer, hardware),
    )


def _slots_of(hardware: LayerDesign, number: str) -> int:
    """Return how many slots a number of each neuron is read for; a bias is one of each sum."""
    return hardware.slots if number == "bias" else hardware.neuron_slots


def _moved(hardware: LayerDesign, synapse_adds: float, steps: int) -> list[tuple[float, int]]:
    """Return the bits that a sample moves to and from each memory of the lanes, with the bits of the memory."""
    neurons, slots = hardware.num_neurons, hardware.neuron_slots
    sums, width = neurons * hardware.taps, hardware.current_width
    states = (2 * steps * neurons * hardware.state_width, slots * hardware.state_width)
    if hardware.is_direct:
        # a sum is read once a sample, written with the next one's bias, and held; every step reads what is held
        held = ((1 + steps) * neurons * width, slots * width)
        return [(2 * (synapse_adds + sums) * width, hardware.slots * width), held, states]
    if hardware.pools:  # every step reads each sum, and writes its bias
        return [(2 * (synapse_adds + steps * sums) * width, hardware.slots * width), states]
    return [(2 * synapse_adds * hardware.state_width + states[0], states[1])]


def _adds_of_neuron(layer: Population, hardware: LayerDesign) -> int:
    """Return the adders of a neuron: leaks by shift, bias, comparisons of its sums, and what its model has besides."""
    shifts = sum(isinstance(leak, ShiftLeak) for leak in _leaks(layer))
    # what is held of the pixels has the bias in it
    adds = hardware.is_direct or hardware.pools or bool(layer.bias.any())
    return shifts + adds + hardware.taps - 1 + layer.neuron.adders


def _leaks(layer: Population) -> list[Leak]:
    """Return the leaks of a neuron's states."""
    second = layer.neuron.second_leak
    return [layer.neuron.leak, *([second] if second else [])]


def _multiply_pj(layer: Population, hardware: LayerDesign) -> float:
    neuron = layer.neuron
    widths = [neuron.membrane_bits, hardware.state_width if neuron.current_leak else hardware.neuron.second_width]
    factors = [
        int(np.max(leak.factor)).bit_length() if isinstance(leak, MultiplierLeak) else 0 for leak in _leaks(layer)
    ]
    return sum(_product_pj(width, bits) for width, bits in zip(widths, factors, strict=False))


def _product_pj(bits: int, others: int) -> float:
    """Return the energy of a product of numbers of so many bits."""
    return MULTIPLY_8_BITS * bits * others / 64
