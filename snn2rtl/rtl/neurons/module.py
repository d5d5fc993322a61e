"""A neuron's static Verilog module, with its parameters and what each neuron brings: values that templates print."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snn2rtl.fixed_point import IntArray, unsigned_bits
from snn2rtl.int_net.intervals import never_saturates
from snn2rtl.int_net.neurons import (
    CubaLifNeuron,
    Leak,
    LifNeuron,
    MultiplierLeak,
    NoLeak,
    Reset,
    ShiftLeak,
    Spiking,
)
from snn2rtl.int_net.population import Population
from snn2rtl.rtl.widths import Entering, current_width

Parameters = tuple[tuple[str, int], ...]
# What the modules do to the membrane; a stepped reset is a soft one behind a second threshold
RESET_KINDS = {Reset.HARD: 0, Reset.SOFT: 1, Reset.NONE: 2, Reset.LATE: 3, Reset.STEPPED: 1}
SINGLE = "snn_single_lif"  # a lane and its one neuron


@dataclass(frozen=True, eq=False)
class NeuronParameter:
    """A parameter of every neuron, of shape (neurons,), and its width in bits."""

    name: str
    values: IntArray
    width: int


@dataclass(frozen=True, eq=False)
class NeuronModule:
    """A static neuron module. Its ports for what each neuron brings have the names of those.

    second_width is that of the second state of a neuron, 0 where it has none; extra_stages the cycles that it takes
    longer than snn_lif does behind snn_lane.
    """

    module: str
    parameters: Parameters
    each: tuple[NeuronParameter, ...]
    second_width: int = 0
    extra_stages: int = 0


@dataclass(frozen=True, eq=False)
class Place:
    """Where neurons are: in lanes of so many slots, and what enters them."""

    layer: Population
    slots: int
    entering: Entering


def shared(place: Place) -> tuple[Parameters, tuple[NeuronParameter, ...]]:
    """Return what every model has: saturation, leak, bias."""
    layer = place.layer
    parameters, leak = leak_parameters("Leak", "leak", layer.neuron.leak, layer.num_neurons)
    bias = NeuronParameter("bias", layer.bias, current_width(layer, place.entering))
    return (("Saturate", int(not never_saturates(layer))), *parameters), (leak, bias)


def firing(place: Place, neuron: Spiking) -> tuple[Parameters, tuple[NeuronParameter, ...]]:
    """Return what every model that spikes has: reset and thresholds before what all have."""
    parameters, each = shared(place)
    width = neuron.membrane_bits
    thresholds = (
        NeuronParameter("fire_at", neuron.fire_at, width),
        NeuronParameter("reset_by", neuron.reset_by, width),
    )
    return (("ResetKind", RESET_KINDS[neuron.reset]), *parameters), (*thresholds, *each)


def rest(neuron: LifNeuron | CubaLifNeuron) -> tuple[Parameters, int]:
    """Return the parameters of neurons that rest after a spike, and the width of the steps that are left."""
    width = unsigned_bits(neuron.refractory)
    return (("Refractory", neuron.refractory), ("LeftWidth", width)), width


def leak_parameters(prefix: str, name: str, leak: Leak, neurons: int) -> tuple[Parameters, NeuronParameter]:
    """Return the parameters of snn_leak under a prefix, and that of each neuron, a zero where all share theirs."""
    shift = factor = 0
    match leak:
        case NoLeak():
            kind = 0
        case ShiftLeak(int() as shift):
            kind = 1
        case MultiplierLeak(int() as factor, shift):
            kind = 2
        case ShiftLeak():
            kind = 3
        case MultiplierLeak(fraction=shift):
            kind = 4
    each = np.zeros(neurons, np.int64) if leak.each is None else leak.each
    width = unsigned_bits(int(each.max()))
    parameters = (("Kind", kind), ("Shift", shift), ("Factor", factor), ("Width", width))
    return tuple((prefix + key, value) for key, value in parameters), NeuronParameter(name, each, width)
