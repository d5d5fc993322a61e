"""Neurons of the integer network, one frozen dataclass a model; docs/semantics.md has the table.

A model is three files: its dataclass here, its step in reference.py, its module in templates/verilog.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from snn2rtl.checks import check, check_integers, check_range, frozen
from snn2rtl.errors import QuantizationError
from snn2rtl.fixed_point import IntArray, signed_range

MAX_MEMBRANE_BITS = 48  # leaves the golden model's 64-bit integers room for a leak's product


class Reset(enum.Enum):
    """What a spike does to the membrane."""

    HARD = "hard"  # v = 0
    SOFT = "soft"  # v = h - reset_by


@dataclass(frozen=True)
class NoLeak:
    """``leak(v) = v``."""


@dataclass(frozen=True)
class ShiftLeak:
    """``leak(v) = v - (v >>> shift)``; ``>>>`` floors."""

    shift: int

    def __post_init__(self) -> None:
        check(
            0 <= self.shift < MAX_MEMBRANE_BITS,
            f"leak: shift must be 0..{MAX_MEMBRANE_BITS - 1}, not {self.shift}",
        )


@dataclass(frozen=True)
class MultiplierLeak:
    """``leak(v) = (v * factor) >>> fraction``; ``>>>`` floors."""

    factor: int
    fraction: int

    def __post_init__(self) -> None:
        _check_fraction(self.fraction)
        limit = 1 << self.fraction
        check(0 <= self.factor <= limit, f"leak: factor must be 0..{limit}, not {self.factor}")


@dataclass(frozen=True, eq=False)
class ShiftLeaks:
    """A ShiftLeak of each neuron; shift has shape (neurons,)."""

    shift: IntArray

    def __post_init__(self) -> None:
        _check_vector("leak: shift", self.shift)
        check_range(f"leak: shift must be 0..{MAX_MEMBRANE_BITS - 1}", self.shift, 0, MAX_MEMBRANE_BITS - 1)
        object.__setattr__(self, "shift", frozen(self.shift, 64))

    def __len__(self) -> int:
        return len(self.shift)


@dataclass(frozen=True, eq=False)
class MultiplierLeaks:
    """A MultiplierLeak of each neuron with one fraction; factor has shape (neurons,)."""

    factor: IntArray
    fraction: int

    def __post_init__(self) -> None:
        _check_fraction(self.fraction)
        _check_vector("leak: factor", self.factor)
        limit = 1 << self.fraction
        check_range(f"leak: factor must be 0..{limit}", self.factor, 0, limit)
        object.__setattr__(self, "factor", frozen(self.factor, 64))

    def __len__(self) -> int:
        return len(self.factor)


Leak = NoLeak | ShiftLeak | MultiplierLeak | ShiftLeaks | MultiplierLeaks


@dataclass(frozen=True, eq=False, kw_only=True)
class LifNeuron:
    """Leaky integrate-and-fire neurons of one layer.

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

    def __post_init__(self) -> None:
        bits = self.membrane_bits
        _check_width("membrane", bits)
        low, high = signed_range(bits)
        for key in ("fire_at", "reset_by"):
            value = getattr(self, key)
            _check_vector(f"neuron: {key}", value)
            check_range(f"neuron: {key} must fit the membrane's {bits} bits", value, low + 1, high)
            object.__setattr__(self, key, frozen(value, bits))
        check(self.fire_at.shape == self.reset_by.shape, "neuron: fire_at and reset_by must have one length")
        _check_leak("leak", self.leak, len(self))
        soft = self.reset is Reset.SOFT
        check(not soft or bool(np.all(self.fire_at > 0)), "neuron: fire_at must be positive with a soft reset")
        sign = "positive" if soft else "zero"
        right = np.all(self.reset_by > 0) if soft else not np.any(self.reset_by)
        check(bool(right), f"neuron: reset_by must be {sign} with a {self.reset.value} reset")

    def __len__(self) -> int:
        return len(self.fire_at)


@dataclass(frozen=True, eq=False, kw_only=True)
class AdaptiveLifNeuron(LifNeuron):
    """LIF neurons that grow tired: a spike takes ``grow`` from their adaptation, which leaks back to zero.

    fire: ``s = h + a >= fire_at``
    adapt: ``a = leak(a, adaptation_leak) - s * grow``

    a is at most zero, so that the floor of its leak takes it to zero; it is 0 at the start of a sample. Charge and
    reset are those of LifNeuron. grow has shape (neurons,), in membrane steps, and is not negative.
    """

    grow: IntArray
    adaptation_leak: Leak

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_vector("neuron: grow", self.grow)
        check(len(self.grow) == len(self), f"neuron: grow must have {len(self)} values, not {len(self.grow)}")
        reach = gain_bits("adaptation_leak", self.adaptation_leak, len(self))
        limit = (1 << MAX_MEMBRANE_BITS - 1 - reach) - 1
        check_range(f"neuron: grow must be 0..{limit} with this leak", self.grow, 0, limit)
        object.__setattr__(self, "grow", frozen(self.grow, 64))


@dataclass(frozen=True, eq=False, kw_only=True)
class CurrentLifNeuron(LifNeuron):
    """LIF neurons behind a synaptic current, Norse's LIFCell and LIFRecurrentCell.

    current: ``j = leak(c, synapse_leak) + i``
    charge: ``h = saturate(leak(v) + j, membrane_bits)``
    fire and reset are those of LifNeuron, and ``c = j``. v and c are 0 at the start of a sample.

    Source: norse 1.1.0, functional/lif.py lif_feed_forward_step; Norse fires above its threshold, so fire_at is the
    least integer above it.
    """

    synapse_leak: Leak

    def __post_init__(self) -> None:
        super().__post_init__()
        gain_bits("synapse_leak", self.synapse_leak, len(self))


class Score(enum.Enum):
    """What the readout makes of the membranes of a sample."""

    MAX = "max"
    LAST = "last"
    SUM = "sum"  # the mean times the number of steps


@dataclass(frozen=True, eq=False, kw_only=True)
class Integrator:
    """Leaky integrators that never fire, the last layer of a network; a sample's score is read from their membranes.

    charge: ``v = saturate(leak(v) + i, membrane_bits)``
    score: the greatest v of the sample's steps, the last one, or ``score = saturate(score + v, score_bits)``
    """

    neurons: int
    leak: Leak
    membrane_bits: int
    score: Score
    score_bits: int

    def __post_init__(self) -> None:
        _check_width("membrane", self.membrane_bits)
        check(self.neurons > 0, f"neuron: an integrator must have at least one neuron, not {self.neurons}")
        _check_leak("leak", self.leak, self.neurons)
        least = self.membrane_bits
        most = MAX_MEMBRANE_BITS if self.score is Score.SUM else least
        check(least <= self.score_bits <= most,
              f"neuron: score_bits of {self.score.value} must be {least}..{most}, not {self.score_bits}")  # fmt: skip

    def __len__(self) -> int:
        return self.neurons


@dataclass(frozen=True, eq=False, kw_only=True)
class CurrentIntegrator(Integrator):
    """Integrators behind a synaptic current, Norse's LICell.

    current: ``j = leak(c, synapse_leak) + i``
    charge: ``v = saturate(leak(v) + j, membrane_bits)``
    score is that of Integrator, and ``c = j``. v and c are 0 at the start of a sample.

    Source: norse 1.1.0, functional/leaky_integrator.py li_feed_forward_step.
    """

    synapse_leak: Leak

    def __post_init__(self) -> None:
        super().__post_init__()
        gain_bits("synapse_leak", self.synapse_leak, self.neurons)


def gain_bits(what: str, leak: Leak, neurons: int) -> int:
    """Return how many bits more than a constant current a state with this leak can grow to.

    Raises:
        QuantizationError: the leak does not belong to so many neurons, or a state with it grows without end.
    """
    _check_leak(what, leak, neurons)
    match leak:
        case ShiftLeak(shift):
            return shift
        case ShiftLeaks(shifts):
            return int(shifts.max())
        case MultiplierLeak(factor, fraction) if factor < 1 << fraction:
            return fraction
        case MultiplierLeaks(factors, fraction) if int(factors.max()) < 1 << fraction:
            return fraction
        case _:
            raise QuantizationError(f"neuron: {what} must leak, so that its state has a bound")


Neuron = LifNeuron | Integrator  # the models the chain knows
WithCurrent = CurrentLifNeuron | CurrentIntegrator


def _check_width(what: str, bits: int) -> None:
    check(2 <= bits <= MAX_MEMBRANE_BITS, f"{what}: width must be 2..{MAX_MEMBRANE_BITS} bits, not {bits}")


def _check_fraction(fraction: int) -> None:
    check(1 <= fraction <= 15, f"leak: fraction must be 1..15 bits, not {fraction}")


def _check_vector(what: str, values: IntArray) -> None:
    check_integers(what, values)
    check(values.ndim == 1, f"{what} must have one value a neuron, not shape {values.shape}")


def _check_leak(what: str, leak: Leak, neurons: int) -> None:
    if isinstance(leak, ShiftLeaks | MultiplierLeaks):
        check(len(leak) == neurons, f"neuron: {what} must have {neurons} values, not {len(leak)}")
