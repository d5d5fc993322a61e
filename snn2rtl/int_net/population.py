"""Populations of the integer network: neurons, the connections into them, and what enters the first ones.

One that exists is valid: every invariant is checked when it is built. Arrays are read-only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from snn2rtl.checks import check, check_integers, check_range, frozen
from snn2rtl.delays import MAX_DELAY
from snn2rtl.encoders import MAX_PIXEL
from snn2rtl.fixed_point import IntArray, signed_range
from snn2rtl.int_net.neurons import MAX_MEMBRANE_BITS, Neuron
from snn2rtl.int_net.neurons.leaks import gain_bits
from snn2rtl.int_net.synapses import Synapses
from snn2rtl.windows import Shape, Windows, greatest_of, taps_of

MAX_WEIGHT_BITS = 16
MAX_CURRENT = 1 << 61  # and for a sum of membrane, current and bias
MAX_VALUE = (1 << 16) - 1  # of an input in a step


@dataclass(frozen=True, kw_only=True)
class Input:
    """What enters the network: values 0..greatest in every step; 1 for spikes, 255 for pixels and 8-bit values.

    shape: of a sample, (inputs,), (channels, length) or (channels, height, width).
    """

    shape: Shape
    greatest: int = 1

    def __post_init__(self) -> None:
        check(len(self.shape) > 0 and min(self.shape) > 0, f"input: shape must have positive lengths, not {self.shape}")
        check(1 <= self.greatest <= MAX_VALUE, f"input: greatest must be 1..{MAX_VALUE}, not {self.greatest}")

    @property
    def size(self) -> int:
        """Number of inputs."""
        return math.prod(self.shape)


@dataclass(frozen=True, eq=False, kw_only=True)
class Connection:
    """Synapses from a source to a population: ``synapses @ x`` for x of 0..greatest.

    Beside 8-bit values, of which 255 is the float 1.0, a spike has a value too: with spike_value it is ``spike_value *
    synapses @ x``.
    With a delay a value of input i in step t arrives in step ``t + delay[i]``, or never where the sample ends before;
    delay has shape (inputs,). A connection of the previous step reads what its source, the population itself, made in
    the step before, of which the first step of a sample has nothing.
    """

    source: str
    synapses: Synapses
    greatest: int = 1
    delay: IntArray | None = None
    previous_step: bool = False
    spike_value: int | None = None

    def __post_init__(self) -> None:
        check(1 <= self.greatest <= MAX_VALUE, f"greatest must be 1..{MAX_VALUE}, not {self.greatest}")
        check(1 <= self.value_of_one <= MAX_PIXEL, f"spike_value must be 1..{MAX_PIXEL}, not {self.spike_value}")
        if self.delay is None:
            return
        check_integers("delay", self.delay)
        inputs = self.synapses.num_inputs
        check(self.delay.shape == (inputs,), f"delay must have shape ({inputs},), not {self.delay.shape}")
        check(self.greatest == 1, "delays must be those of spikes, not of pixels or counts")
        check(not self.previous_step, "delays must not stand in a connection of the previous step")
        check_range(f"delays must be 0..{MAX_DELAY} steps", self.delay, 0, MAX_DELAY)
        object.__setattr__(self, "delay", frozen(self.delay, 8))

    @property
    def value_of_one(self) -> int:
        """What weights are multiplied by for each 1 of the source."""
        return 1 if self.spike_value is None else self.spike_value

    @property
    def reach(self) -> int:
        """The greatest number that a weight is multiplied by in a step."""
        return self.greatest * self.value_of_one


@dataclass(frozen=True, eq=False, kw_only=True)
class Population:
    """Neurons and the connections into them: ``i = bias + (sum over connections) << weight_shift``.

    With a pool the neurons take the greatest of their window: ``c`` is that sum at every place before the pool, channel
    by channel, and ``i[n] = max of c[k]`` over the places k of window n that lie inside.

    Weights of all connections fit weight_bits signed bits. bias has shape (sums,), in membrane steps: there is a sum
    for each neuron, with a pool for each place before it. weight_shift aligns the weights with a membrane that carries
    fraction bits. shape is that of the neurons, (neurons,), (channels, length) or (channels, height, width).

    Source: torch.nn.MaxPool1d, MaxPool2d on currents, whose padding is minus infinity.
    """

    name: str
    shape: Shape
    inputs: tuple[Connection, ...]
    weight_bits: int
    weight_shift: int
    bias: IntArray
    neuron: Neuron
    pool: Windows | None = None

    def __post_init__(self) -> None:
        where, bits, neurons = f"layer '{self.name}'", self.weight_bits, self.num_neurons
        self._check_pool(where)
        sums, what = self.num_sums, "neurons" if self.pool is None else "places before its pool"
        check(len(self.shape) > 0 and min(self.shape) > 0,
              f"{where}: shape must have positive lengths, not {self.shape}")  # fmt: skip
        check_integers(f"{where}: bias", self.bias)
        check(1 <= bits <= MAX_WEIGHT_BITS, f"{where}: bits must be 1..{MAX_WEIGHT_BITS}, not {bits}")
        check(0 <= self.weight_shift < 32, f"{where}: weight_shift must be 0..31, not {self.weight_shift}")
        check(bool(self.forward), f"{where}: must have an input besides itself")
        for connection in self.inputs:
            synapses = connection.synapses
            check(synapses.num_neurons == sums,
                  f"{where}: must have {synapses.num_neurons} {what} as its weights from '{connection.source}', "
                  f"not {sums}")  # fmt: skip
            recurrent = "recurrent " if connection.previous_step else ""
            check_range(f"{where}: {recurrent}weights must fit {bits} bits", synapses.stored, *signed_range(bits))
        self._check_recurrence(where)
        reach = sum(c.synapses.num_inputs * c.reach for c in self.inputs) << (bits - 1 + self.weight_shift)
        check(reach <= MAX_CURRENT, f"{where}: input current must stay within 2**61, not reach {reach:.3g}")
        check(self.bias.shape == (sums,), f"{where}: bias must have shape ({sums},), not {self.bias.shape}")
        check(len(self.neuron) == neurons, f"{where}: must have {neurons} neurons, not {len(self.neuron)}")
        check_range(f"{where}: bias must fit {MAX_MEMBRANE_BITS} bits", self.bias, *signed_range(MAX_MEMBRANE_BITS))
        if self.neuron.current_leak:
            gain = gain_bits("synapse_leak", self.neuron.current_leak, neurons)
            settled = reach + int(np.abs(self.bias).max()) << gain
            limit = MAX_MEMBRANE_BITS - 1
            check(settled < 1 << limit,
                  f"{where}: synaptic current must stay under 2**{limit}, not reach {settled:.3g}")  # fmt: skip
        object.__setattr__(self, "bias", frozen(self.bias, 64))

    def _check_pool(self, where: str) -> None:
        if self.pool is None:
            return
        for problem in self.pool.problems():
            check(False, f"{where}: pool: {problem}")
        windows, neurons = math.prod(self.pool.outputs), self.num_neurons
        check(neurons % windows == 0,
              f"{where}: must have a multiple of {windows} neurons, its pool's windows, not {neurons}")  # fmt: skip
        check(self.pool.size > 1, f"{where}: pool must have windows of more than one place, not of one")
        check(bool((taps_of(self.pool, 1) >= 0).any(axis=1).all()),
              f"{where}: pool must not have a window outside its input")  # fmt: skip
        check(self.recurrent is None, f"{where}: must not be recurrent behind a pool of currents")

    def _check_recurrence(self, where: str) -> None:
        back = [connection for connection in self.inputs if connection.previous_step]
        check(not back or self.neuron.spikes, f"{where}: integrators must not be recurrent")
        check(len(back) <= 1, f"{where}: must have at most one recurrent connection, not {len(back)}")
        for connection in back:
            check(connection.source == self.name,
                  f"{where}: must read the previous step of itself, not of '{connection.source}'")  # fmt: skip
            check(connection.synapses.num_inputs == self.num_neurons,
                  f"{where}: recurrent must have shape ({self.num_neurons}, {self.num_neurons}), "
                  f"not ({connection.synapses.num_neurons}, {connection.synapses.num_inputs})")  # fmt: skip
            check(self.inputs[-1] is connection, f"{where}: a recurrent connection must be the last one")

    @property
    def num_neurons(self) -> int:
        """Neurons of the population."""
        return math.prod(self.shape)

    @property
    def num_sums(self) -> int:
        """Sums of weights: one for each neuron, with a pool one for each place before it."""
        if self.pool is None:
            return self.num_neurons
        return self.num_neurons // math.prod(self.pool.outputs) * math.prod(self.pool.space)

    @cached_property
    def taps(self) -> IntArray:
        """The sums that each neuron takes the greatest of, shape (neurons, taps); -1 for a tap outside the input."""
        if self.pool is None:
            return np.arange(self.num_neurons)[:, None]
        return taps_of(self.pool, self.num_neurons // math.prod(self.pool.outputs))

    def pooled(self, sums: IntArray) -> IntArray:
        """Return what neurons take of sums, of shapes (..., neurons) and (..., sums)."""
        return sums if self.pool is None else greatest_of(self.pool, sums)

    @property
    def forward(self) -> tuple[Connection, ...]:
        """The connections from what is computed before this population in a step."""
        return tuple(connection for connection in self.inputs if not connection.previous_step)

    @property
    def recurrent(self) -> Connection | None:
        """The connection from the population itself, of the previous step."""
        return next((connection for connection in self.inputs if connection.previous_step), None)

    @property
    def num_inputs(self) -> int:
        """Inputs of all connections but the recurrent one."""
        return sum(connection.synapses.num_inputs for connection in self.forward)

    @property
    def num_weights(self) -> int:
        """Weights that memory must hold, zero or not: a kernel counts once."""
        return sum(connection.synapses.stored.size for connection in self.inputs)

    @property
    def num_nonzero(self) -> int:
        """Those of num_weights that are not zero."""
        return sum(int(np.count_nonzero(connection.synapses.stored)) for connection in self.inputs)

    @cached_property
    def matrix(self) -> IntArray:
        """Weights of all connections beside each other, shape (sums, inputs): convolutions unrolled."""
        parts = [connection.synapses.matrix for connection in self.inputs]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    @cached_property
    def fan_out(self) -> IntArray:
        """Non-zero weights that a spike of each input of each connection touches, shape (inputs of all,)."""
        return np.concatenate([connection.synapses.fan_out for connection in self.inputs])
