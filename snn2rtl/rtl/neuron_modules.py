"""Which module a neuron becomes, with its parameters and the numbers that each neuron has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import numpy as np

from snn2rtl.fixed_point import IntArray, signed_bits, unsigned_bits
from snn2rtl.int_net.intervals import adaptation_low, never_saturates
from snn2rtl.int_net.network import Population
from snn2rtl.int_net.neurons import (
    AdaptiveLifNeuron,
    CurrentIntegrator,
    CurrentLifNeuron,
    Integrator,
    Leak,
    LifNeuron,
    MultiplierLeak,
    MultiplierLeaks,
    NoLeak,
    Reset,
    Score,
    ShiftLeak,
    ShiftLeaks,
)
from snn2rtl.rtl.widths import current_width

Parameters = tuple[tuple[str, int], ...]
SINGLE = "snn_single_lif"  # a lane and its one neuron
WITH_CURRENT = ("snn_current_lif", "snn_current_integrator")
_SCORE_KINDS = {Score.MAX: 0, Score.LAST: 1, Score.SUM: 2}


@dataclass(frozen=True, eq=False)
class Number:
    """A number of every neuron, of shape (neurons,), and its width in bits."""

    name: str
    values: IntArray
    width: int


@dataclass(frozen=True, eq=False)
class NeuronModule:
    """A static neuron module, its parameters and numbers. Its ports for numbers are their names.

    second_width is that of the second state of a neuron, 0 where it has none; extra_stages the cycles that it takes
    longer than snn_lif does behind snn_lane.
    """

    module: str
    parameters: Parameters
    numbers: tuple[Number, ...]
    second_width: int = 0
    extra_stages: int = 0

    @property
    def parts(self) -> tuple[str, ...]:
        """The static modules inside, modules before those that use them."""
        current = ("snn_synaptic_current",) if self.module in WITH_CURRENT else ()
        return ("snn_saturate", "snn_leak", *current)


@dataclass(frozen=True)
class Scores:
    """What a layer of integrators keeps: ScoreKind of snn_scores, and the width of a score."""

    kind: int
    width: int


def neuron_module(layer: Population, slots: int, pixels: bool) -> NeuronModule:
    """Return the module of a layer's neurons, so many of them in a lane."""
    neuron, width = layer.neuron, layer.neuron.membrane_bits
    leak, leak_number = _leak("Leak", "leak", neuron.leak, layer.num_neurons)
    shared = (("Saturate", int(not never_saturates(layer))), *leak)
    numbers = (leak_number, Number("bias", layer.bias, current_width(layer, pixels)))
    if isinstance(neuron, CurrentIntegrator):
        kind, synapse_number = _leak("SynapseLeak", "synapse_leak", neuron.synapse_leak, layer.num_neurons)
        return NeuronModule("snn_current_integrator", (*shared, *kind), (*numbers, synapse_number), width, 1)
    if isinstance(neuron, Integrator):
        return NeuronModule("snn_integrator", shared, numbers)
    shared = (("SoftReset", int(neuron.reset is Reset.SOFT)), *shared)
    fire = (Number("fire_at", neuron.fire_at, width), Number("reset_by", neuron.reset_by, width))
    match neuron:
        case AdaptiveLifNeuron():
            kind, leak_number = _leak("AdaptLeak", "adapt_leak", neuron.adaptation_leak, layer.num_neurons)
            second = signed_bits(min(int(adaptation_low(neuron).min()), -1), 0)
            more = (leak_number, Number("loss", -neuron.grow, second))
            shared = (*shared, ("AdaptWidth", second), *kind)
            return NeuronModule("snn_adaptive_lif", shared, (*fire, *numbers, *more), second, 1)
        case CurrentLifNeuron():
            kind, leak_number = _leak("SynapseLeak", "synapse_leak", neuron.synapse_leak, layer.num_neurons)
            return NeuronModule("snn_current_lif", (*shared, *kind), (*fire, *numbers, leak_number), width, 1)
        case LifNeuron() if slots == 1 and not pixels:
            return NeuronModule(SINGLE, shared, (*fire, *numbers), extra_stages=-1)
        case LifNeuron():
            return NeuronModule("snn_lif", shared, (*fire, *numbers))
        case _:
            assert_never(neuron)


def scores(layer: Population) -> Scores | None:
    """Return what a layer of integrators keeps, or None for one that spikes."""
    neuron = layer.neuron
    return Scores(_SCORE_KINDS[neuron.score], neuron.score_bits) if isinstance(neuron, Integrator) else None


def _leak(prefix: str, name: str, leak: Leak, neurons: int) -> tuple[Parameters, Number]:
    """Return the parameters of snn_leak under a prefix, and the number of each neuron, a zero where it has none."""
    number: IntArray = np.zeros(neurons, np.int64)
    match leak:
        case NoLeak():
            kind, shift, factor = 0, 0, 0
        case ShiftLeak(shift):
            kind, factor = 1, 0
        case MultiplierLeak(factor, shift):
            kind = 2
        case ShiftLeaks(number):
            kind, shift, factor = 3, 0, 0
        case MultiplierLeaks(number, shift):
            kind, factor = 4, 0
    width = unsigned_bits(int(number.max()))
    parameters = (("Kind", kind), ("Shift", shift), ("Factor", factor), ("Width", width))
    return tuple((prefix + key, value) for key, value in parameters), Number(name, number, width)
