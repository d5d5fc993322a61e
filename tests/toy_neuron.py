"""A neuron model as anybody may add one: this file, toy_neuron.v and two lines in tables, which the tests write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from snn2rtl.checks import frozen
from snn2rtl.fixed_point import IntArray
from snn2rtl.int_net.neurons import Leak, State, Threshold
from snn2rtl.int_net.neurons.base import Reset, Saturate, Spikes, charged, check_vector, check_width
from snn2rtl.int_net.neurons.leaks import check_leak
from snn2rtl.rtl.neurons.module import NeuronModule, NeuronParameter, Place, shared


@dataclass(frozen=True, eq=False, kw_only=True)
class HalvingNeuron:
    """Leaky neurons of which a spike leaves half the membrane: ``v = h >> 1 if h >= fire_at else h``."""

    fire_at: IntArray
    leak: Leak
    membrane_bits: int

    spikes: ClassVar[bool] = True
    num_states: ClassVar[int] = 1
    current_leak: ClassVar[Leak | None] = None
    second_leak: ClassVar[Leak | None] = None
    step_bits: ClassVar[tuple[int, ...]] = ()
    adders: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_width("membrane", self.membrane_bits)
        check_vector("neuron: fire_at", self.fire_at)
        object.__setattr__(self, "fire_at", frozen(self.fire_at, self.membrane_bits))
        check_leak("leak", self.leak, len(self))

    def __len__(self) -> int:
        return len(self.fire_at)

    @property
    def threshold(self) -> Threshold:
        # a spike takes nothing for sure: half a membrane lies in every range that has the whole one and 0
        return Threshold(self.fire_at, self.fire_at, np.zeros_like(self.fire_at), Reset.SOFT)

    def step(self, state: State, current: IntArray, saturate: Saturate) -> tuple[State, Spikes]:
        membrane = charged(state[0], current, self.leak, saturate)
        fired = membrane >= self.fire_at
        return (np.where(fired, membrane >> 1, membrane),), fired


def halving(place: Place, neuron: HalvingNeuron) -> NeuronModule:
    """Return snn_halving, a snn_lif with another reset."""
    parameters, each = shared(place)
    fire_at = NeuronParameter("fire_at", neuron.fire_at, neuron.membrane_bits)
    return NeuronModule("snn_halving", parameters, (fire_at, *each))
