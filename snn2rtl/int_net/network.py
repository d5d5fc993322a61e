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
from snn2rtl.int_net.neurons import (
    MAX_MEMBRANE_BITS,
    AdaptiveLifNeuron,
    CurrentIntegrator,
    CurrentLifNeuron,
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
    WithCurrent,
    gain_bits,
)

__all__ = [
    "MAX_CURRENT",
    "MAX_DELAY",
    "MAX_MEMBRANE_BITS",
    "MAX_WEIGHT_BITS",
    "AdaptiveLifNeuron",
    "CurrentIntegrator",
    "CurrentLifNeuron",
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
    "WithCurrent",
    "gain_bits",
]

MAX_WEIGHT_BITS = 16
MAX_DELAY = 63  # time steps
MAX_CURRENT = 1 << 61  # and for a sum of membrane, current and bias


@dataclass(frozen=True, eq=False, kw_only=True)
class Layer:
    """Synapses and neurons of one layer: ``i = bias + (weight @ x) << weight_shift`` for x of 0..input_max.

    A recurrent layer reads its own spikes of the step before, too, of which the first step of a sample has none:
    ``i = bias + (weight @ x + recurrent @ s) << weight_shift``; recurrent has shape (neurons, neurons).

    With delays a spike of input i in step t arrives in step ``t + delay[i]``, or never where the sample ends before;
    delay has shape (inputs,).

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
    recurrent: IntArray | None = None
    delay: IntArray | None = None

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
        if self.recurrent is not None:
            check_integers(f"{where}: recurrent weight", self.recurrent)
            check(self.recurrent.shape == (neurons, neurons),
                  f"{where}: recurrent must have shape ({neurons}, {neurons}), not {self.recurrent.shape}")  # fmt: skip
            check(not isinstance(self.neuron, Integrator), f"{where}: integrators must not be recurrent")
            check_range(f"{where}: recurrent weights must fit {bits} bits", self.recurrent, *signed_range(bits))
            object.__setattr__(self, "recurrent", frozen(self.recurrent, bits))
        if self.delay is not None:
            check_integers(f"{where}: delay", self.delay)
            check(self.delay.shape == (inputs,),
                  f"{where}: delay must have shape ({inputs},), not {self.delay.shape}")  # fmt: skip
            check(self.input_max == 1, f"{where}: delays must be those of spikes, not of pixels")
            check_range(f"{where}: delays must be 0..{MAX_DELAY} steps", self.delay, 0, MAX_DELAY)
            object.__setattr__(self, "delay", frozen(self.delay, 8))
        rows = inputs * self.input_max + (0 if self.recurrent is None else neurons)
        reach = rows << (bits - 1 + self.weight_shift)
        check(reach <= MAX_CURRENT, f"{where}: input current must stay within 2**61, not reach {reach:.3g}")
        check(
            self.bias.shape == (neurons,),
            f"{where}: bias must have shape ({neurons},), not {self.bias.shape}",
        )
        check(len(self.neuron) == neurons, f"{where}: must have {neurons} neurons, not {len(self.neuron)}")
        check_range(f"{where}: bias must fit {MAX_MEMBRANE_BITS} bits", self.bias, *signed_range(MAX_MEMBRANE_BITS))
        if isinstance(self.neuron, WithCurrent):
            gain = gain_bits("synapse_leak", self.neuron.synapse_leak, neurons)
            settled = reach + int(np.abs(self.bias).max()) << gain
            limit = MAX_MEMBRANE_BITS - 1
            check(settled < 1 << limit,
                  f"{where}: synaptic current must stay under 2**{limit}, not reach {settled:.3g}")  # fmt: skip
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
    def rows(self) -> IntArray:
        """Weights of the inputs and, where the layer is recurrent, of its own neurons behind them."""
        return self.weight if self.recurrent is None else np.concatenate([self.weight, self.recurrent], axis=1)

    def rows_of(self, inputs: IntArray, neurons: IntArray) -> IntArray:
        """Return which of the rows these inputs have and, where the layer is recurrent, these neurons behind them."""
        return inputs if self.recurrent is None else np.concatenate([inputs, self.num_inputs + neurons])

    @cached_property
    def nonzeros(self) -> IntArray:
        """Non-zero weights that a spike of each input touches, shape (inputs,)."""
        count: IntArray = np.count_nonzero(self.weight, axis=0)
        return count

    @cached_property
    def recurrent_nonzeros(self) -> IntArray:
        """Non-zero recurrent weights that a spike of each neuron touches in the step after, shape (neurons,)."""
        none: IntArray = np.zeros(self.num_neurons, np.int64)
        return none if self.recurrent is None else np.count_nonzero(self.recurrent, axis=0)


@dataclass(frozen=True, eq=False, kw_only=True)
class FixedPointNetwork:
    """A chain of layers; the class is the neuron of the last layer with the most spikes, ties to the lowest index.

    A neuron's spike count saturates at ``2**count_bits - 1``. Where the last layer has integrators, the class is the
    one of the highest score, and count_bits means nothing. With a direct encoder the first layer takes the pixels of
    a sample in every one of the encoder's time steps; otherwise it takes spikes, as all other layers do. Where the
    encoder is one of hardware, they are spikes that the network makes of pixels.
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
        """Whether the first layer sums pixels rather than spikes."""
        return self.encoder is not None and self.encoder.kind == "direct"

    @property
    def takes_pixels(self) -> bool:
        """Whether pixels enter the network: for the first layer, or for an encoder in hardware."""
        return self.encoder is not None and self.encoder.takes_pixels

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
