"""LIF neurons with an adaptive threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from snn2rtl.checks import check, check_range, frozen
from snn2rtl.fixed_point import IntArray, signed_bits
from snn2rtl.int_net.neurons.base import (
    Reset,
    Saturate,
    Spikes,
    State,
    Threshold,
    after_spikes,
    charged,
    check_vector,
    check_width,
    freeze_thresholds,
)
from snn2rtl.int_net.neurons.leaks import (
    MAX_MEMBRANE_BITS,
    Leak,
    check_leak,
    gain_bits,
    leak,
    product_bits,
    resting,
)


@dataclass(frozen=True, eq=False, kw_only=True)
class AdaptiveLifNeuron:
    """LIF neurons whose threshold a spike raises by ``adaptation_step``, and which leaks back.

    fire: ``s = h + a >= fire_at``
    adapt: ``a = leak(a, adaptation_leak) - s * adaptation_step``

    The adaptation a is at most zero, so that the floor of its leak takes it to zero; it is 0 at the start of a sample.
    Charge and reset are those of LifNeuron; the reset is hard, soft or none. adaptation_step has shape (neurons,), in
    membrane steps, and is not negative.
    """

    fire_at: IntArray
    reset_by: IntArray
    reset: Reset
    leak: Leak
    membrane_bits: int
    adaptation_step: IntArray
    adaptation_leak: Leak

    spikes: ClassVar[Literal[True]] = True
    num_states: ClassVar[int] = 2
    current_leak: ClassVar[Leak | None] = None

    def __post_init__(self) -> None:
        check_width("membrane", self.membrane_bits)
        freeze_thresholds(self, self.fire_at, self.reset_by, self.reset, self.membrane_bits)
        check(
            self.reset in (Reset.HARD, Reset.SOFT, Reset.NONE),
            f"neuron: reset must be 'hard', 'soft' or 'none' with an adaptation, not '{self.reset.value}'",
        )
        check_leak("leak", self.leak, len(self))
        step = self.adaptation_step
        check_vector("neuron: adaptation_step", step)
        check(len(step) == len(self), f"neuron: adaptation_step must have {len(self)} values, not {len(step)}")
        limit = (1 << MAX_MEMBRANE_BITS - 1 - gain_bits("adaptation_leak", self.adaptation_leak, len(self))) - 1
        check_range(f"neuron: adaptation_step must be 0..{limit} with this leak", step, 0, limit)
        object.__setattr__(self, "adaptation_step", frozen(step, 64))

    def __len__(self) -> int:
        return len(self.fire_at)

    @property
    def second_leak(self) -> Leak:
        """The adaptation's."""
        return self.adaptation_leak

    @property
    def lowest_adaptation(self) -> IntArray:
        """The least adaptation of each neuron, that of one which always fires, shape (neurons,)."""
        return resting(-self.adaptation_step, self.adaptation_leak)

    @property
    def threshold(self) -> Threshold:
        """The threshold of a neuron that has rested, and of one that always fires."""
        highest = self.fire_at - self.lowest_adaptation
        return Threshold(self.fire_at, highest, self.reset_by, self.reset)

    @property
    def step_bits(self) -> tuple[int, ...]:
        """Widths of membrane plus adaptation, and of the adaptation's leak."""
        widest = max(self.membrane_bits, signed_bits(int(self.lowest_adaptation.min()), 0))
        return widest + 1, widest + product_bits(self.adaptation_leak)

    @property
    def adders(self) -> int:
        """The comparison, a soft reset, the adapted threshold, and what a spike takes."""
        return 3 + self.reset.subtracts

    def step(self, state: State, current: IntArray, saturate: Saturate) -> tuple[State, Spikes]:
        """Return state (membrane, adaptation) and spikes of one time step; arguments as of LifNeuron.step()."""
        membrane = charged(state[0], current, self.leak, saturate)
        fired = membrane + state[1] >= self.fire_at
        adaptation = leak(state[1], self.adaptation_leak) - fired * self.adaptation_step
        return (after_spikes(membrane, fired, self.reset, self.reset_by), adaptation), fired
