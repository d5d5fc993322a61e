"""Leaky integrate-and-fire neurons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from snn2rtl.fixed_point import IntArray
from snn2rtl.int_net.neurons.base import (
    Reset,
    Saturate,
    Spikes,
    State,
    Threshold,
    after_spikes,
    charged,
    check_width,
    freeze_thresholds,
)
from snn2rtl.int_net.neurons.leaks import Leak, check_leak


@dataclass(frozen=True, eq=False, kw_only=True)
class LifNeuron:
    """Leaky integrate-and-fire neurons of one population.

    charge: ``h = saturate(leak(v) + i, membrane_bits)``
    fire: ``s = h >= fire_at``
    reset: ``v = 0 if s else h`` (hard), ``v = h - s * reset_by`` (soft)

    fire_at and reset_by have shape (neurons,), in membrane steps; reset_by is positive with a soft reset and zero with
    a hard one.
    """

    fire_at: IntArray
    reset_by: IntArray
    reset: Reset
    leak: Leak
    membrane_bits: int

    spikes: ClassVar[Literal[True]] = True
    num_states: ClassVar[int] = 1
    current_leak: ClassVar[Leak | None] = None
    second_leak: ClassVar[Leak | None] = None
    step_bits: ClassVar[tuple[int, ...]] = ()

    def __post_init__(self) -> None:
        check_width("membrane", self.membrane_bits)
        freeze_thresholds(self, self.fire_at, self.reset_by, self.reset, self.membrane_bits)
        check_leak("leak", self.leak, len(self))

    def __len__(self) -> int:
        return len(self.fire_at)

    @property
    def threshold(self) -> Threshold:
        """The threshold, which never moves."""
        return Threshold(self.fire_at, self.fire_at, self.reset_by, self.reset is Reset.HARD)

    @property
    def adders(self) -> int:
        """The comparison, and a soft reset."""
        return 1 + (self.reset is Reset.SOFT)

    def step(self, state: State, current: IntArray, saturate: Saturate) -> tuple[State, Spikes]:
        """Return state and spikes of one time step.

        Args:
            state: the membrane after the reset of the step before, shape (N, neurons).
            current: shape (N, neurons), bias included.
            saturate: clips charged membranes.
        """
        membrane = charged(state[0], current, self.leak, saturate)
        fired = membrane >= self.fire_at
        return (after_spikes(membrane, fired, self.reset, self.reset_by),), fired
