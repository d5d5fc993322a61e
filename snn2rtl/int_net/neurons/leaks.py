"""Leaks of a state: what a step of time leaves of it, in integers, and what follows from that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn2rtl.checks import check, check_integers, check_range, frozen
from snn2rtl.errors import QuantizationError
from snn2rtl.fixed_point import IntArray, trailing_zeros

MAX_MEMBRANE_BITS = 48  # leaves the golden model's 64-bit integers room for a leak's product
_FAR = 1 << 62  # beyond every membrane, and no overflow


class _Comparable:
    """Leaks are equal when their kinds and parameters are."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(map(np.array_equal, vars(self).values(), vars(other).values()))

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, eq=False)
class NoLeak(_Comparable):
    """``leak(v) = v``."""

    @property
    def each(self) -> IntArray | None:
        """The parameter of each neuron, None where all share it."""
        return None


@dataclass(frozen=True, eq=False)
class ShiftLeak(_Comparable):
    """``leak(v) = v - (v >>> shift)``; ``>>>`` floors. shift is one for all neurons, or has shape (neurons,)."""

    shift: int | IntArray

    def __post_init__(self) -> None:
        _check_parameter(self, "shift", MAX_MEMBRANE_BITS - 1)

    @property
    def each(self) -> IntArray | None:
        """The shift of each neuron, None where all share it."""
        return self.shift if isinstance(self.shift, np.ndarray) else None


@dataclass(frozen=True, eq=False)
class MultiplierLeak(_Comparable):
    """``leak(v) = (v * factor) >>> fraction``; ``>>>`` floors. factor is one for all, or has shape (neurons,)."""

    factor: int | IntArray
    fraction: int

    def __post_init__(self) -> None:
        check(1 <= self.fraction <= 15, f"leak: fraction must be 1..15 bits, not {self.fraction}")
        _check_parameter(self, "factor", 1 << self.fraction)

    @property
    def each(self) -> IntArray | None:
        """The factor of each neuron, None where all share it."""
        return self.factor if isinstance(self.factor, np.ndarray) else None


Leak = NoLeak | ShiftLeak | MultiplierLeak
LEAKS: dict[str, type[Leak]] = {"none": NoLeak, "shift": ShiftLeak, "multiplier": MultiplierLeak}


def _check_parameter(leak: ShiftLeak | MultiplierLeak, key: str, limit: int) -> None:
    value = getattr(leak, key)
    if not isinstance(value, np.ndarray):
        check(0 <= value <= limit, f"leak: {key} must be 0..{limit}, not {value}")
        return
    check_integers(f"leak: {key}", value)
    check(value.ndim == 1, f"leak: {key} must have one value a neuron, not shape {value.shape}")
    check_range(f"leak: {key} must be 0..{limit}", value, 0, limit)
    object.__setattr__(leak, key, frozen(value, 64))


def leak(state: IntArray, kind: Leak) -> IntArray:
    """Return a state after its leak; every kind floors and never decreases with the state."""
    match kind:
        case NoLeak():
            return state
        case ShiftLeak(shift):
            return state - (state >> shift)
        case MultiplierLeak(factor, fraction):
            return state * factor >> fraction


def resting(current: IntArray, kind: Leak) -> IntArray:
    """Return the state at which a constant current ends, from 0 on and if nothing fires; far away if it does not."""
    moving = np.sign(current) * _FAR
    match kind:
        case NoLeak():
            return moving
        case ShiftLeak(shift):  # v >>> shift = current
            near = np.clip(current, -_FAR >> shift, _FAR >> shift)
            return np.where(near < 0, ((near + 1) << shift) - 1, near << shift)
        case MultiplierLeak(factor, fraction):
            # ceil(v * lost / 2**fraction) = current
            lost = np.asarray((1 << fraction) - factor)
            divisor = np.maximum(lost, 1)
            near = np.clip(current, -_FAR >> fraction, _FAR >> fraction)
            ends = np.where(near > 0, ((near - 1) << fraction) // divisor + 1, (near << fraction) // divisor)
            return np.where(lost == 0, moving, ends)


def check_leak(what: str, kind: Leak, neurons: int) -> None:
    """Raise QuantizationError unless a leak belongs to so many neurons."""
    if kind.each is not None:
        check(len(kind.each) == neurons, f"neuron: {what} must have {neurons} values, not {len(kind.each)}")


def gain_bits(what: str, kind: Leak, neurons: int) -> int:
    """Return how many bits more than a constant current a state with this leak can grow to.

    Raises:
        QuantizationError: the leak does not belong to so many neurons, or a state with it grows without end.
    """
    check_leak(what, kind, neurons)
    match kind:
        case ShiftLeak(shift):
            return int(np.max(shift))
        case MultiplierLeak(factor, fraction) if int(np.max(factor)) < 1 << fraction:
            return fraction
        case NoLeak() | MultiplierLeak():
            raise QuantizationError(f"neuron: {what} must leak, so that its state has a bound")


def product_bits(kind: Leak) -> int:
    """Return how many bits a leak's product is wider than the state."""
    return kind.fraction + 1 if isinstance(kind, MultiplierLeak) else 0


def dropped_bits(kind: Leak) -> int:
    """Return how many of a state's lowest bits a step of the leak can shift out."""
    match kind:
        case NoLeak():
            return 0
        case ShiftLeak(shift):
            return int(np.max(shift))
        case MultiplierLeak(factor, fraction):
            return fraction - min(trailing_zeros(np.atleast_1d(factor)), fraction)


def kept(kind: Leak) -> NDArray[np.float64]:
    """Return the fraction of a state that a leak keeps in a step, a number or of shape (neurons,)."""
    match kind:
        case NoLeak():
            return np.ones(())
        case ShiftLeak(shift):
            return np.asarray(1.0 - 2.0 ** -np.asarray(shift, np.float64))
        case MultiplierLeak(factor, fraction):
            return np.asarray(factor / (1 << fraction))
