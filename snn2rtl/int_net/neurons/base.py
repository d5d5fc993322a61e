"""What every neuron model of the integer network has; one file beside this one is a model.

A model is a frozen dataclass with these members:

- ``leak``, ``membrane_bits`` and ``len()``: the leak and the width of its membranes, and how many neurons.
- ``spikes``: whether it ever does. ``num_states``: states of a neuron, the membrane first, all 0 at first.
- ``step(state, current, saturate)``: one time step, what docs/semantics.md says.
- ``threshold``: between which thresholds a neuron fires, for interval analysis; what never reaches them is not built.
- ``current_leak``: leak of the synaptic current before the membrane, None without one.
- ``second_leak``: the leak of the second state, None without one. ``step_bits``: widths that a step needs besides.
- ``adders``: adders of a neuron beyond those of leaks and bias, for the estimate of energy.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from snn2rtl.checks import check, check_integers, check_range, frozen
from snn2rtl.fixed_point import IntArray, signed_range
from snn2rtl.int_net.neurons.leaks import MAX_MEMBRANE_BITS, Leak, leak

FAR = 1 << 62  # beyond every membrane, and no overflow
State = tuple[IntArray, ...]  # of a population's neurons, the membrane first, each of shape (N, neurons)
Saturate = Callable[[IntArray], IntArray] | None  # clips in place; None where it is proven that nothing is clipped
Spikes = NDArray[np.bool_]


class Reset(enum.Enum):
    """What a spike does to the membrane."""

    HARD = "hard"  # v = 0
    SOFT = "soft"  # v = h - reset_by
    NONE = "none"  # v = h
    LATE = "late"  # v = h; the next step takes reset_by, after its leak
    STEPPED = "stepped"  # v = h - reset_by; while v reaches fire_at, it fires at fire_at + reset_by

    @property
    def subtracts(self) -> bool:
        """Whether a spike takes reset_by."""
        match self:
            case Reset.SOFT | Reset.LATE | Reset.STEPPED:
                return True
            case Reset.HARD | Reset.NONE:
                return False
            case _:
                assert_never(self)


@dataclass(frozen=True, eq=False)
class Threshold:
    """Between which thresholds a neuron fires, and what a spike takes; those of an integrator are out of reach."""

    least: IntArray
    greatest: IntArray
    reset_by: IntArray
    reset: Reset


def never(neurons: int) -> Threshold:
    """Return the threshold of neurons that never fire."""
    far = np.full(neurons, FAR)
    return Threshold(far, far, np.zeros_like(far), Reset.NONE)


def charged(membrane: IntArray, current: IntArray, kind: Leak, saturate: Saturate) -> IntArray:
    """Return ``saturate(leak(v) + i)``."""
    made = leak(membrane, kind) + current
    return saturate(made) if saturate else made


def after_spikes(membrane: IntArray, fired: Spikes, reset: Reset, reset_by: IntArray) -> IntArray:
    """Return membranes after the reset of those that fired."""
    match reset:
        case Reset.HARD:
            return membrane * ~fired
        case Reset.SOFT | Reset.STEPPED:
            return membrane - fired * reset_by
        case Reset.NONE | Reset.LATE:
            return membrane
        case _:
            assert_never(reset)


def check_width(what: str, bits: int) -> None:
    """Raise QuantizationError unless a membrane can be so wide."""
    check(2 <= bits <= MAX_MEMBRANE_BITS, f"{what}: width must be 2..{MAX_MEMBRANE_BITS} bits, not {bits}")


def check_vector(what: str, values: IntArray) -> None:
    """Raise QuantizationError unless values are integers, one a neuron."""
    check_integers(what, values)
    check(values.ndim == 1, f"{what} must have one value a neuron, not shape {values.shape}")


def freeze_thresholds(neuron: object, fire_at: IntArray, reset_by: IntArray, reset: Reset, bits: int) -> None:
    """Check thresholds and resets of neurons whose membranes are so wide, and make them read-only."""
    low, high = signed_range(bits)
    for key, value in (("fire_at", fire_at), ("reset_by", reset_by)):
        check_vector(f"neuron: {key}", value)
        check_range(f"neuron: {key} must fit the membrane's {bits} bits", value, low + 1, high)
        object.__setattr__(neuron, key, frozen(value, bits))
    check(fire_at.shape == reset_by.shape, "neuron: fire_at and reset_by must have one length")
    name, subtracts = "no reset" if reset is Reset.NONE else f"a {reset.value} reset", reset.subtracts
    check(not subtracts or bool(np.all(fire_at > 0)), f"neuron: fire_at must be positive with {name}")
    sign = "positive" if subtracts else "zero"
    right = np.all(reset_by > 0) if subtracts else not np.any(reset_by)
    check(bool(right), f"neuron: reset_by must be {sign} with {name}")
    if reset is Reset.STEPPED:
        both = fire_at.astype(np.int64) + reset_by
        check_range(f"neuron: fire_at + reset_by must fit the membrane's {bits} bits with {name}", both, 0, high)
