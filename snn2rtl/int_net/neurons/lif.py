"""Leaky integrate-and-fire neurons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snn2rtl.fixed_point import IntArray
from snn2rtl.int_net.neurons.base import Saturate, Spikes, State
from snn2rtl.int_net.neurons.firing import Firing
from snn2rtl.int_net.neurons.leaks import Leak


@dataclass(frozen=True, eq=False, kw_only=True)
class LifNeuron(Firing):
    """Leaky integrate-and-fire neurons of one population, with the equations of Firing.

    charge: ``h = saturate(leak(v) + i, membrane_bits)``
    fire: ``s = h >= fire_at``
    reset: ``v = 0 if s else h`` (hard), ``v = h - s * reset_by`` (soft)
    """

    current_leak: ClassVar[Leak | None] = None
    second_leak: ClassVar[Leak | None] = None

    @property
    def num_states(self) -> int:
        """The membrane, and the steps that a refractory neuron rests."""
        return 1 + (self.refractory > 0)

    @property
    def adders(self) -> int:
        """Those of fire and reset."""
        return self.fire_adders

    def step(self, state: State, current: IntArray, saturate: Saturate) -> tuple[State, Spikes]:
        """Return state and spikes of one time step.

        Args:
            state: the membrane after the reset of the step before, and the steps to rest of refractory neurons, each
                of shape (N, neurons).
            current: shape (N, neurons), bias included.
            saturate: clips charged membranes.
        """
        membrane, fired, left = self.fire(state, current, saturate)
        return (membrane, *left), fired
