"""Current-based LIF neurons (CUBA-LIF): behind a synaptic current."""

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
from snn2rtl.int_net.neurons.leaks import Leak, check_leak, gain_bits, leak


@dataclass(frozen=True, eq=False, kw_only=True)
class CubaLifNeuron:
    """LIF neurons behind a synaptic current, Norse's LIFCell and LIFRecurrentCell.

    current: ``j = leak(c, synapse_leak) + i``
    charge: ``h = saturate(leak(v) + j, membrane_bits)``
    fire and reset are those of LifNeuron, and ``c = j``. v and c are 0 at the start of a sample.

    Source: norse 1.1.0, functional/lif.py lif_feed_forward_step; Norse fires above its threshold, so fire_at is the
    least integer above it.
    """

    fire_at: IntArray
    reset_by: IntArray
    reset: Reset
    leak: Leak
    membrane_bits: int
    synapse_leak: Leak

    spikes: ClassVar[Literal[True]] = True
    num_states: ClassVar[int] = 2
    step_bits: ClassVar[tuple[int, ...]] = ()

    def __post_init__(self) -> None:
        check_width("membrane", self.membrane_bits)
        freeze_thresholds(self, self.fire_at, self.reset_by, self.reset, self.membrane_bits)
        check_leak("leak", self.leak, len(self))
        gain_bits("synapse_leak", self.synapse_leak, len(self))

    def __len__(self) -> int:
        return len(self.fire_at)

    @property
    def current_leak(self) -> Leak:
        """The synaptic current's."""
        return self.synapse_leak

    @property
    def second_leak(self) -> Leak:
        """The synaptic current's."""
        return self.synapse_leak

    @property
    def threshold(self) -> Threshold:
        """The threshold, which never moves."""
        return Threshold(self.fire_at, self.fire_at, self.reset_by, self.reset is Reset.HARD)

    @property
    def adders(self) -> int:
        """The comparison, a soft reset, and membrane and current."""
        return 2 + (self.reset is Reset.SOFT)

    def step(self, state: State, current: IntArray, saturate: Saturate) -> tuple[State, Spikes]:
        """Return state (membrane, synaptic current) and spikes of one time step; arguments as of LifNeuron.step()."""
        synaptic = leak(state[1], self.synapse_leak) + current
        membrane = charged(state[0], synaptic, self.leak, saturate)
        fired = membrane >= self.fire_at
        return (after_spikes(membrane, fired, self.reset, self.reset_by), synaptic), fired
