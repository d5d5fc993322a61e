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

from snn2rtl.checks import check
from snn2rtl.encoders import Encoder
from snn2rtl.int_net.neurons import Score
from snn2rtl.int_net.population import MAX_VALUE, Connection, Input, Population
from snn2rtl.pools import INPUT, MaxPool, Sum, SumPool, pooled_shape
from snn2rtl.windows import Shape

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
