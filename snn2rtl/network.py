"""The integer network: WHAT is computed, in integers only. reference.py runs it, rtl/ wires it.

A network that exists is valid: every invariant is checked when it is built. Arrays are read-only. Two networks are
equal when their digests are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from snn2rtl.checks import check, check_integers, check_range, frozen
from snn2rtl.encoders import MAX_PIXEL, Encoder
from snn2rtl.fixed_point import IntArray, signed_range
from snn2rtl.neurons import (
    MAX_MEMBRANE_BITS,
    Integrator,
    Leak,
    LifNeuron,
    MultiplierLeak,
    MultiplierLeaks,
    Neuron,
    NoLeak,
    Reset,
    Score,
    ShiftLeak,
    ShiftLeaks,
)

__all__ = [
    "MAX_CURRENT",
    "MAX_MEMBRANE_BITS",
    "MAX_WEIGHT_BITS",
    "FixedPointNetwork",
    "Integrator",
    "Layer",
    "Leak",
    "LifNeuron",
    "MultiplierLeak",
    "MultiplierLeaks",
    "Neuron",
    "NoLeak",
    "Reset",
    "Score",
    "ShiftLeak",
    "ShiftLeaks",
]

MAX_WEIGHT_BITS = 16
MAX_CURRENT = 1 << 61  # and for a sum of membrane, current and bias


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
        check_integers(f"{where}: weight", self.weight)
        check_integers(f"{where}: bias", self.bias)
        check(1 <= bits <= MAX_WEIGHT_BITS, f"{where}: bits must be 1..{MAX_WEIGHT_BITS}, not {bits}")
        check(0 <= self.weight_shift < 32, f"{where}: weight_shift must be 0..31, not {self.weight_shift}")
        check(1 <= self.input_max <= MAX_PIXEL, f"{where}: input_max must be 1..{MAX_PIXEL}, not {self.input_max}")
        check(self.weight.ndim == 2 and 0 not in self.weight.shape,
               f"{where}: weight must have shape (neurons, inputs), not {self.weight.shape}")  # fmt: skip
        check_range(f"{where}: weights must fit {bits} bits", self.weight, *signed_range(bits))
        neurons, inputs = self.weight.shape
        reach = inputs * self.input_max << (bits - 1 + self.weight_shift)
        check(reach <= MAX_CURRENT, f"{where}: input current must stay within 2**61, not reach {reach:.3g}")
        check(
            self.bias.shape == (neurons,),
            f"{where}: bias must have shape ({neurons},), not {self.bias.shape}",
        )
        check(len(self.neuron) == neurons, f"{where}: must have {neurons} neurons, not {len(self.neuron)}")
        check_range(f"{where}: bias must fit {MAX_MEMBRANE_BITS} bits", self.bias, *signed_range(MAX_MEMBRANE_BITS))
        object.__setattr__(self, "weight", frozen(self.weight, bits))
        object.__setattr__(self, "bias", frozen(self.bias, 64))

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

    A neuron's spike count saturates at ``2**count_bits - 1``. Where the last layer has integrators, the class is the
    one of the highest score, and count_bits means nothing. With a direct encoder the first layer takes the pixels of
    a sample in every one of the encoder's time steps; otherwise it takes spikes, as all other layers do.
    """

    name: str
    layers: tuple[Layer, ...]
    count_bits: int
    encoder: Encoder | None = None

    def __post_init__(self) -> None:
        check(len(self.layers) > 0, "network: must have at least one layer, not none")
        check(1 <= self.count_bits <= 32, f"network: count_bits must be 1..32, not {self.count_bits}")
        names = [layer.name for layer in self.layers]
        check(len(set(names)) == len(names), f"network: layer names must be unique, not {names}")
        for before, after in zip(self.layers, self.layers[1:], strict=False):
            check(before.num_neurons == after.num_inputs,
                   f"layer '{after.name}': must take {before.num_neurons} inputs, not {after.num_inputs}")  # fmt: skip
        for index, layer in enumerate(self.layers):
            check(index == len(names) - 1 or not isinstance(layer.neuron, Integrator),
                  f"layer '{layer.name}': integrators must be the last layer, for they never spike")  # fmt: skip
            wanted = self.encoder.input_max if self.encoder and index == 0 else 1
            check(layer.input_max == wanted, f"layer '{layer.name}': input_max must be {wanted}, not "
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

    @property
    def readout_bits(self) -> int:
        """Width of a count, or of an integrator's score, which is signed."""
        neuron = self.layers[-1].neuron
        return neuron.score_bits if isinstance(neuron, Integrator) else self.count_bits
