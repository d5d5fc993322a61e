"""What LIF neurons have with and without a synaptic current: thresholds, resets, and steps in which they rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, assert_never

import numpy as np

from snn2rtl.checks import check
from snn2rtl.fixed_point import IntArray, signed_bits
from snn2rtl.int_net.neurons.base import (
    Reset,
    Saturate,
    Spikes,
    State,
    Threshold,
    after_spikes,
    check_width,
    freeze_thresholds,
)
from snn2rtl.int_net.neurons.leaks import Leak, check_leak, leak

MAX_REFRACTORY = 255  # steps


@dataclass(frozen=True, eq=False, kw_only=True)
class Firing:
    """Neurons that fire at a threshold and are reset; r is whether the membrane of the step before reaches fire_at.

    charge: ``h = saturate(leak(v) + i)``; late: ``h = saturate(leak(v) - r * reset_by + i)``
    fire: ``s = h >= fire_at``; stepped: ``s = h >= fire_at + r * reset_by``
    reset: ``v = 0 if s else h`` (hard), ``v = h - s * reset_by`` (soft, stepped), ``v = h`` (none, late)

    After a spike a neuron with a hard reset rests for ``refractory`` steps: h = 0 and s = 0, whatever i is.

    fire_at and reset_by have shape (neurons,), in membrane steps; reset_by is zero with a hard reset and none.
    """

    fire_at: IntArray
    reset_by: IntArray
    reset: Reset
    leak: Leak
    membrane_bits: int
    refractory: int = 0

    spikes: ClassVar[Literal[True]] = True

    def __post_init__(self) -> None:
        check_width("membrane", self.membrane_bits)
        freeze_thresholds(self, self.fire_at, self.reset_by, self.reset, self.membrane_bits)
        check_leak("leak", self.leak, len(self))
        steps = self.refractory
        check(0 <= steps <= MAX_REFRACTORY, f"neuron: refractory must be 0..{MAX_REFRACTORY} steps, not {steps}")
        if steps:
            rule = f"with refractory {steps}"
            check(self.reset is Reset.HARD, f"neuron: reset must be 'hard' {rule}, not '{self.reset.value}'")
            check(bool(np.all(self.fire_at > 0)), f"neuron: fire_at must be positive {rule}")

    def __len__(self) -> int:
        return len(self.fire_at)

    @property
    def threshold(self) -> Threshold:
        """The threshold, which moves with a stepped reset alone."""
        highest = self.fire_at
        if self.reset is Reset.STEPPED:
            highest = self.fire_at.astype(np.int64) + self.reset_by
        return Threshold(self.fire_at, highest, self.reset_by, self.reset)

    @property
    def step_bits(self) -> tuple[int, ...]:
        """The width of the steps that a neuron rests."""
        return (signed_bits(0, self.refractory),)

    @property
    def fire_adders(self) -> int:
        """The comparison and the reset; of a stepped one both thresholds, of refractory neurons the count."""
        resting = int(self.refractory > 0)
        match self.reset:
            case Reset.HARD | Reset.NONE:
                return 1 + resting
            case Reset.SOFT | Reset.LATE:
                return 2 + resting
            case Reset.STEPPED:
                return 4 + resting
            case _:
                assert_never(self.reset)

    def fire(self, state: State, current: IntArray, saturate: Saturate) -> tuple[IntArray, Spikes, State]:
        """Return membranes after reset, spikes, and the steps that neurons still rest, of which only some have any.

        Args:
            state: the membrane after the reset of the step before, and the steps to rest where there are such, each
                of shape (N, neurons).
            current: what charges the membrane, shape (N, neurons).
            saturate: clips charged membranes.
        """
        before, *waiting = state
        kept, at = leak(before, self.leak), self.fire_at
        match self.reset:
            case Reset.LATE:
                kept = kept - (before >= at) * self.reset_by
            case Reset.STEPPED:
                at = at + (before >= at) * self.reset_by
            case Reset.HARD | Reset.SOFT | Reset.NONE:
                pass
            case _:
                assert_never(self.reset)
        charged = kept + current
        for steps in waiting:
            charged *= steps == 0
        membrane = saturate(charged) if saturate else charged
        fired: Spikes = membrane >= at
        left = tuple(np.where(fired, self.refractory, np.maximum(steps - 1, 0)) for steps in waiting)
        return after_spikes(membrane, fired, self.reset, self.reset_by), fired, left
