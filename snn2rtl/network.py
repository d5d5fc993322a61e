"""The integer network: WHAT is computed, in integers only. reference.py runs it, rtl/ wires it.

A network that exists is valid: every invariant is checked when it is built. Arrays are read-only. Two networks are
equal when their digests are.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from snn2rtl.encoders import MAX_PIXEL, Encoder
from snn2rtl.errors import QuantizationError
from snn2rtl.fixed_point import IntArray, int_dtype, signed_range

MAX_WEIGHT_BITS = 16
MAX_MEMBRANE_BITS = 48  # leaves the golden model's 64-bit integers room for a leak's product
MAX_CURRENT = 1 << 61  # and for a sum of membrane, current and bias


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
        _check(
            0 <= self.shift < MAX_MEMBRANE_BITS,
            f"leak: shift must be 0..{MAX_MEMBRANE_BITS - 1}, not {self.shift}",
        )


@dataclass(frozen=True)
class MultiplierLeak:
    """``leak(v) = (v * factor) >>> fraction``; ``>>>`` floors."""

    factor: int
    fraction: int

    def __post_init__(self) -> None:
        _check(1 <= self.fraction <= 15, f"leak: fraction must be 1..15 bits, not {self.fraction}")
        limit = 1 << self.fraction
        _check(0 <= self.factor <= limit, f"leak: factor must be 0..{limit}, not {self.factor}")


Leak = NoLeak | ShiftLeak | MultiplierLeak


@dataclass(frozen=True, eq=False, kw_only=True)
class LifNeuron:
    """Leaky integrate-and-fire neurons of one layer; docs/semantics.md has the table.

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
        _check(2 <= bits <= MAX_MEMBRANE_BITS, f"membrane: width must be 2..{MAX_MEMBRANE_BITS} bits, not {bits}")
        low, high = signed_range(bits)
        for key in ("fire_at", "reset_by"):
            value = getattr(self, key)
            _check_integers(f"neuron: {key}", value)
            _check(value.ndim == 1, f"neuron: {key} must have one value a neuron, not shape {value.shape}")
            _check_range(f"neuron: {key} must fit the membrane's {bits} bits", value, low + 1, high)
            object.__setattr__(self, key, _frozen(value, bits))
        _check(self.fire_at.shape == self.reset_by.shape, "neuron: fire_at and reset_by must have one length")
        soft = self.reset is Reset.SOFT
        _check(not soft or bool(np.all(self.fire_at > 0)), "neuron: fire_at must be positive with a soft reset")
        sign = "positive" if soft else "zero"
        right = np.all(self.reset_by > 0) if soft else not np.any(self.reset_by)
        _check(bool(right), f"neuron: reset_by must be {sign} with a {self.reset.value} reset")

    def __len__(self) -> int:
        return len(self.fire_at)


Neuron = LifNeuron  # the models the chain knows; a new one adds a dataclass, a step function and a Verilog module


@dataclass(frozen=True, eq=False, kw_only=True)
class Layer:
    """Synapses and neurons of one layer: ``i = bias + (weight @ x) << weight_shift`` for x of 0..input_max.

    weight has shape (neurons, inputs) and fits weight_bits signed bits; a zero weight is a pruned synapse. bias has
    shape (neurons,), in membrane steps. weight_shift aligns the weights with a membrane that carries fraction bits.
    input_max is 1 for spikes, 255 for the pixels of a directly coded sample.
    """

    name: str
    weight: IntArray
    weight_bits: int
    weight_shift: int
    bias: IntArray
    neuron: Neuron
    input_max: int = 1

    def __post_init__(self) -> None:
        where = f"layer '{self.name}'"
        bits = self.weight_bits
        _check_integers(f"{where}: weight", self.weight)
        _check_integers(f"{where}: bias", self.bias)
        _check(1 <= bits <= MAX_WEIGHT_BITS, f"{where}: bits must be 1..{MAX_WEIGHT_BITS}, not {bits}")
        _check(0 <= self.weight_shift < 32, f"{where}: weight_shift must be 0..31, not {self.weight_shift}")
        _check(1 <= self.input_max <= MAX_PIXEL, f"{where}: input_max must be 1..{MAX_PIXEL}, not {self.input_max}")
        _check(self.weight.ndim == 2 and 0 not in self.weight.shape,
               f"{where}: weight must have shape (neurons, inputs), not {self.weight.shape}")  # fmt: skip
        _check_range(f"{where}: weights must fit {bits} bits", self.weight, *signed_range(bits))
        neurons, inputs = self.weight.shape
        reach = inputs * self.input_max << (bits - 1 + self.weight_shift)
        _check(reach <= MAX_CURRENT, f"{where}: input current must stay within 2**61, not reach {reach:.3g}")
        _check(
            self.bias.shape == (neurons,),
            f"{where}: bias must have shape ({neurons},), not {self.bias.shape}",
        )
        _check(len(self.neuron) == neurons, f"{where}: must have {neurons} neurons, not {len(self.neuron)}")
        _check_range(f"{where}: bias must fit {MAX_MEMBRANE_BITS} bits", self.bias, *signed_range(MAX_MEMBRANE_BITS))
        object.__setattr__(self, "weight", _frozen(self.weight, bits))
        object.__setattr__(self, "bias", _frozen(self.bias, 64))

    @property
    def num_neurons(self) -> int:
        """Neurons of the layer."""
        return int(self.weight.shape[0])

    @property
    def num_inputs(self) -> int:
        """Inputs of the layer."""
        return int(self.weight.shape[1])

    @cached_property
    def nonzeros(self) -> IntArray:
        """Non-zero weights that a spike of each input touches, shape (inputs,)."""
        count: IntArray = np.count_nonzero(self.weight, axis=0)
        return count


@dataclass(frozen=True, eq=False, kw_only=True)
class FixedPointNetwork:
    """A chain of layers; the class is the neuron of the last layer with the most spikes, ties to the lowest index.

    A neuron's spike count saturates at ``2**count_bits - 1``. With a direct encoder the first layer takes the pixels of
    a sample in every one of the encoder's time steps; otherwise it takes spikes, as all other layers do.
    """

    name: str
    layers: tuple[Layer, ...]
    count_bits: int
    encoder: Encoder | None = None

    def __post_init__(self) -> None:
        _check(len(self.layers) > 0, "network: must have at least one layer, not none")
        _check(1 <= self.count_bits <= 32, f"network: count_bits must be 1..32, not {self.count_bits}")
        names = [layer.name for layer in self.layers]
        _check(len(set(names)) == len(names), f"network: layer names must be unique, not {names}")
        for before, after in zip(self.layers, self.layers[1:], strict=False):
            _check(before.num_neurons == after.num_inputs,
                   f"layer '{after.name}': must take {before.num_neurons} inputs, not {after.num_inputs}")  # fmt: skip
        for index, layer in enumerate(self.layers):
            wanted = self.encoder.input_max if self.encoder and index == 0 else 1
            _check(layer.input_max == wanted, f"layer '{layer.name}': input_max must be {wanted}, not "
                   f"{layer.input_max}; only the first layer after a direct encoder takes pixels")  # fmt: skip

    @property
    def is_direct(self) -> bool:
        """Whether the first layer takes pixels rather than spikes."""
        return self.encoder is not None and self.encoder.kind == "direct"

    @property
    def num_inputs(self) -> int:
        """Inputs of the first layer."""
        return self.layers[0].num_inputs

    @property
    def num_classes(self) -> int:
        """Neurons of the last layer."""
        return self.layers[-1].num_neurons


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise QuantizationError(message)


def _check_integers(what: str, values: IntArray) -> None:
    _check(np.issubdtype(values.dtype, np.integer), f"{what} must hold integers, not {values.dtype}")


def _check_range(rule: str, values: IntArray, low: int, high: int) -> None:
    least, greatest = int(values.min(initial=0)), int(values.max(initial=0))
    _check(low <= least and greatest <= high, f"{rule}, not reach {max(least, greatest, key=abs)}")


def _frozen(values: IntArray, bits: int) -> IntArray:
    flags = values.flags
    if values.dtype == int_dtype(bits) and flags.c_contiguous and flags.owndata and not flags.writeable:
        return values  # frozen by another layer already
    frozen: IntArray = np.array(values, dtype=int_dtype(bits), order="C")
    frozen.setflags(write=False)
    return frozen
