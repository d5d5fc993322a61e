"""The integer network: WHAT is computed, in integers only. reference.py runs it, rtl/ wires it.

A network is a graph: populations of neurons, the connections into them, and pools and sums of spikes between them. One
that exists is valid: every invariant is checked when it is built. Arrays are read-only. Two networks are equal when
their digests are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import assert_never

import numpy as np

from snn2rtl.checks import check, check_integers, check_range, frozen
from snn2rtl.delays import MAX_DELAY
from snn2rtl.encoders import MAX_PIXEL, Encoder
from snn2rtl.fixed_point import IntArray, signed_range
from snn2rtl.int_net.neurons import MAX_MEMBRANE_BITS, Neuron, Score
from snn2rtl.int_net.neurons.leaks import gain_bits
from snn2rtl.int_net.synapses import Synapses
from snn2rtl.pools import INPUT, MaxPool, Sum, SumPool, pooled_shape
from snn2rtl.windows import Shape

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

    Weights of all connections fit weight_bits signed bits. bias has shape (neurons,), in membrane steps. weight_shift
    aligns the weights with a membrane that carries fraction bits. shape is that of the neurons, (neurons,), (channels,
    length) or (channels, height, width).
    """

    name: str
    shape: Shape
    inputs: tuple[Connection, ...]
    weight_bits: int
    weight_shift: int
    bias: IntArray
    neuron: Neuron

    def __post_init__(self) -> None:
        where, bits, neurons = f"layer '{self.name}'", self.weight_bits, self.num_neurons
        check(len(self.shape) > 0 and min(self.shape) > 0,
              f"{where}: shape must have positive lengths, not {self.shape}")  # fmt: skip
        check_integers(f"{where}: bias", self.bias)
        check(1 <= bits <= MAX_WEIGHT_BITS, f"{where}: bits must be 1..{MAX_WEIGHT_BITS}, not {bits}")
        check(0 <= self.weight_shift < 32, f"{where}: weight_shift must be 0..31, not {self.weight_shift}")
        check(bool(self.forward), f"{where}: must have an input besides itself")
        for connection in self.inputs:
            synapses = connection.synapses
            check(synapses.num_neurons == neurons,
                  f"{where}: must have {synapses.num_neurons} neurons as its weights from '{connection.source}', "
                  f"not {neurons}")  # fmt: skip
            recurrent = "recurrent " if connection.previous_step else ""
            check_range(f"{where}: {recurrent}weights must fit {bits} bits", synapses.stored, *signed_range(bits))
        self._check_recurrence(where)
        reach = sum(c.synapses.num_inputs * c.reach for c in self.inputs) << (bits - 1 + self.weight_shift)
        check(reach <= MAX_CURRENT, f"{where}: input current must stay within 2**61, not reach {reach:.3g}")
        check(self.bias.shape == (neurons,), f"{where}: bias must have shape ({neurons},), not {self.bias.shape}")
        check(len(self.neuron) == neurons, f"{where}: must have {neurons} neurons, not {len(self.neuron)}")
        check_range(f"{where}: bias must fit {MAX_MEMBRANE_BITS} bits", self.bias, *signed_range(MAX_MEMBRANE_BITS))
        if self.neuron.current_leak:
            gain = gain_bits("synapse_leak", self.neuron.current_leak, neurons)
            settled = reach + int(np.abs(self.bias).max()) << gain
            limit = MAX_MEMBRANE_BITS - 1
            check(settled < 1 << limit,
                  f"{where}: synaptic current must stay under 2**{limit}, not reach {settled:.3g}")  # fmt: skip
        object.__setattr__(self, "bias", frozen(self.bias, 64))

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
        """Weights of all connections beside each other, shape (neurons, inputs): convolutions unrolled."""
        parts = [connection.synapses.matrix for connection in self.inputs]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    @cached_property
    def fan_out(self) -> IntArray:
        """Non-zero weights that a spike of each input of each connection touches, shape (inputs of all,)."""
        return np.concatenate([connection.synapses.fan_out for connection in self.inputs])


Node = Population | MaxPool | SumPool | Sum


def sources_of(node: Node) -> tuple[str, ...]:
    """Return the names of what a node reads in the same time step."""
    match node:
        case Population():
            return tuple(connection.source for connection in node.forward)
        case MaxPool() | SumPool():
            return (node.source,)
        case Sum():
            return node.sources
        case _:
            assert_never(node)


def shape_of(node: Node) -> Shape:
    """Return the shape of what a node makes."""
    match node:
        case Population() | Sum():
            return node.shape
        case MaxPool() | SumPool():
            return pooled_shape(node)
        case _:
            assert_never(node)


@dataclass(frozen=True, eq=False, kw_only=True)
class FixedPointNetwork:
    """Nodes in an order in which each reads only what comes before it; the last one, a population, is the output.

    The class is the group of ``group`` neighbouring outputs with the most spikes, ties to the lowest index; a group's
    count saturates at ``2**count_bits - 1``. Where the output has integrators, the class is the group of the highest
    score, the exact sum of its integrators', and count_bits means nothing. With a direct encoder the pixels of a sample
    enter in every one of the encoder's time steps, with one of values new ones in each step. Where the encoder is one
    of hardware, spikes are made of pixels in the network.
    """

    name: str
    input: Input
    nodes: tuple[Node, ...]
    count_bits: int
    group: int = 1
    encoder: Encoder | None = None

    def __post_init__(self) -> None:
        check(any(isinstance(node, Population) for node in self.nodes),
              "network: must have at least one layer, not none")  # fmt: skip
        check(1 <= self.count_bits <= 32, f"network: count_bits must be 1..32, not {self.count_bits}")
        names = [node.name for node in self.nodes]
        check(len(set(names)) == len(names), f"network: layer names must be unique, not {names}")
        check(INPUT not in names, f"network: no layer must be called '{INPUT}'")
        check(isinstance(self.nodes[-1], Population), f"network: must end with a layer of neurons, not '{names[-1]}'")
        wanted = self.encoder.input_max if self.encoder else self.input.greatest
        check(self.input.greatest == wanted,
              f"network: input must reach {wanted} as its encoder says, not {self.input.greatest}")  # fmt: skip
        assert self.greatest  # which checks every node
        for layer in self.populations:
            check(any(map(self.takes_values, layer.forward)) or all(c.spike_value is None for c in layer.inputs),
                  f"layer '{layer.name}': spike_value must be left out where no values enter")  # fmt: skip
            check(not any(self.takes_values(c) and c.spike_value is not None for c in layer.inputs),
                  f"layer '{layer.name}': spike_value must be that of spikes, not of values")  # fmt: skip
        for node in self.nodes[:-1]:
            check(not isinstance(node, Population) or node.neuron.spikes,
                  f"layer '{node.name}': integrators must be the last layer, for they never spike")  # fmt: skip
        outputs = self.output.num_neurons
        check(self.group >= 1 and outputs % self.group == 0,
              f"network: group must divide {outputs} outputs, not be {self.group}")  # fmt: skip
        neuron = self.output.neuron
        check(self.group == 1 or neuron.spikes or neuron.score is not Score.MAX,
              "network: group must be 1 where a score is the greatest membrane, for sums come before it")  # fmt: skip

    @cached_property
    def greatest(self) -> Mapping[str, int]:
        """The greatest value of the input and of every node in a step, by name."""
        known = {INPUT: (self.input.size, self.input.greatest)}
        for node in self.nodes:
            known[node.name] = (math.prod(shape_of(node)), _checked(node, known))
        return {name: greatest for name, (_, greatest) in known.items()}

    @cached_property
    def populations(self) -> tuple[Population, ...]:
        """The populations, in order."""
        return tuple(node for node in self.nodes if isinstance(node, Population))

    @property
    def output(self) -> Population:
        """The population that the class is read from."""
        return self.populations[-1]

    @property
    def integrates(self) -> bool:
        """Whether the class is read from integrators, which never spike."""
        return not self.output.neuron.spikes

    @property
    def is_direct(self) -> bool:
        """Whether pixels enter synapses, the same in every step."""
        return self.encoder is not None and self.encoder.kind == "direct"

    @property
    def weighs_values(self) -> bool:
        """Whether inputs come with a value that weights are multiplied by: a pixel, or a value of a step."""
        return self.encoder is not None and self.encoder.kind != "poisson"

    @property
    def takes_pixels(self) -> bool:
        """Whether pixels or values enter the network: for synapses, or for an encoder in hardware."""
        return self.encoder is not None and self.encoder.takes_pixels

    @property
    def makes_steps(self) -> bool:
        """Whether the network makes the steps of a sample, which then has one set of pixels for all of them."""
        return self.takes_pixels and not (self.encoder and self.encoder.has_steps)

    @property
    def num_inputs(self) -> int:
        """Inputs of the network."""
        return self.input.size

    @property
    def num_classes(self) -> int:
        """Classes: groups of outputs."""
        return self.output.num_neurons // self.group

    @property
    def readout_bits(self) -> int:
        """Width of a count, or of the score of a group of integrators, which is signed."""
        neuron = self.output.neuron
        return self.count_bits if neuron.spikes else neuron.score_bits + (self.group - 1).bit_length()

    def takes_values(self, connection: Connection) -> bool:
        """Return whether a connection's events come with a value that its weights are multiplied by."""
        return self.weighs_values and connection.source == INPUT

    def holds(self, connection: Connection) -> bool:
        """Return whether a connection's current is the same in every step of a sample, that of its pixels."""
        return self.is_direct and connection.source == INPUT

    def readers(self, name: str) -> Iterator[Node]:
        """Yield the nodes that read a node, or the input, in the same time step."""
        return (node for node in self.nodes if name in sources_of(node))


def _checked(node: Node, known: dict[str, tuple[int, int]]) -> int:
    """Return the greatest value that a node makes in a step.

    Args:
        node: the node.
        known: size and greatest value of everything before it, by name.
    """
    where = f"layer '{node.name}'"
    for source in sources_of(node):
        check(source in known, f"{where}: must read the input or a layer before it, not '{source}'")
    match node:
        case Population():
            for connection in node.forward:
                size, greatest = known[connection.source]
                inputs = connection.synapses.num_inputs
                check(size == inputs, f"{where}: must take {size} inputs, not {inputs}")
                check(connection.greatest == greatest, f"{where}: input_max must be {greatest}, not "
                      f"{connection.greatest}, as '{connection.source}' has it")  # fmt: skip
            return 1
        case MaxPool() | SumPool():
            for problem in node.windows.problems():
                check(False, f"{where}: {problem}")
            size, greatest = known[node.source]
            taken = node.channels * math.prod(node.windows.space)
            check(size == taken, f"{where}: must take {size} inputs, not {taken}")
            if isinstance(node, MaxPool):
                check(greatest == 1, f"{where}: a max pool must take spikes, not values up to {greatest}")
                return 1
            return _value(where, node.windows.size * greatest)
        case Sum():
            size = math.prod(node.shape)
            check(len(node.sources) > 0 and len(node.shape) > 0 and min(node.shape) > 0,
                  f"{where}: must have sources and positive lengths, not {node.sources} of {node.shape}")  # fmt: skip
            for source in node.sources:
                check(known[source][0] == size,
                      f"{where}: must take {size} inputs of '{source}', not {known[source][0]}")  # fmt: skip
            return _value(where, sum(known[source][1] for source in node.sources))
        case _:
            assert_never(node)


def _value(where: str, greatest: int) -> int:
    check(greatest <= MAX_VALUE, f"{where}: values must stay within {MAX_VALUE}, not reach {greatest}")
    return greatest
