"""From the operations of one time step to the graph of the float network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from snn2rtl.encoders import Encoder
from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.network import Edge, SpikingNetwork
from snn2rtl.float_net.nodes import (
    Add,
    And,
    Concatenate,
    Dropout,
    Flatten,
    Iand,
    Integrator,
    MaxPool,
    Neuron,
    Node,
    Scale,
    Unflatten,
    Vote,
)
from snn2rtl.frontend.frameworks.base import Place
from snn2rtl.frontend.layers import nodes
from snn2rtl.frontend.operations import Operation, Steps, before
from snn2rtl.pools import INPUT

READ_OUT = "readout"


def network_of(steps: Steps, *, name: str, encoder: Encoder | None) -> SpikingNetwork:
    """Return the float network that does these operations in every step.

    Raises:
        UnsupportedModelError: one of them has no exact hardware here; all of these are named.
    """
    graph = _Graph(steps)
    for number in sorted({*before(steps.operations, steps.output), steps.output}):
        graph.take(number)
    if not graph.problems:
        graph.read_out()
    if graph.problems:
        raise UnsupportedModelError(graph.problems)
    return SpikingNetwork(
        name=name,
        nodes=tuple(graph.nodes),
        edges=tuple(graph.edges),
        shape=steps.operations[0].shape,
        encoder=_encoder(steps, encoder),
    )


class _Graph:
    """nodes, edges: so far. ends: the name of the node that gives the result of an operation. problems: all of them."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.ends: dict[int, str] = {}
        self.problems: list[str] = []

    def take(self, number: int) -> None:
        """Add the nodes of an operation."""
        operation = self.steps.operations[number]
        sources = [self.ends[index] for index in operation.inputs]
        try:
            found, sources = self._nodes(operation, sources)
        except UnsupportedModelError as error:
            self.problems += error.problems
            found = []
        self.ends[number] = sources[0] if sources else INPUT
        for node in found:
            self.edges += [(source, node.name) for source in sources]
            self.nodes.append(node)
            sources = [node.name]
            self.ends[number] = node.name

    def _nodes(self, operation: Operation, sources: list[str]) -> tuple[Sequence[Node], list[str]]:  # noqa: PLR0911
        """Return nodes in a row, and what the first one reads."""
        name, shape = operation.name, operation.shape
        match operation.kind:
            case "input" | "complement":  # a complement is a part of the IAND that reads it
                return [], sources
            case "layer":
                return nodes(Place(name, operation.module, shape=shape)), sources
            case "reshape":
                return [Flatten(name=name) if len(shape) == 1 else Unflatten(name=name, shape=shape)], sources
            case "add":
                return [Add(name=name)], sources
            case "rectify":
                return self._rectified(operation, sources), sources
            case "scale":
                return [Scale(name=name, gain=operation.factor)], sources
            case "concatenate":
                return [Concatenate(name=name)], sources
            case "multiply":
                return self._gate(operation, sources)
            case _:
                assert_never(operation.kind)

    def _gate(self, operation: Operation, sources: list[str]) -> tuple[Sequence[Node], list[str]]:
        negated = [self.steps.operations[index].kind == "complement" for index in operation.inputs]
        if not any(negated):
            return [And(name=operation.name)], sources
        if all(negated):
            raise UnsupportedModelError([f"{operation.where}: must multiply spikes with spikes, or with 1 - spikes"])
        return [Iand(name=operation.name)], sources[::-1] if negated[1] else sources

    def _rectified(self, operation: Operation, sources: list[str]) -> list[Node]:
        """Return nothing for a relu of spikes, which are never below zero."""
        if not isinstance(self._before_views(sources[0]), Neuron | And | Iand):
            rule = "relu() must take spikes, which it leaves as they are; in place of currents it needs neurons"
            raise UnsupportedModelError([f"{operation.where or 'network'}: {rule}"])
        return []

    def read_out(self) -> None:
        """Say what the class is read from: spikes are counted; what else the network gives is summed up or compared."""
        output, score = self.steps.operations[self.steps.output], self.steps.score
        if output.kind == "complement":
            self.problems.append(f"{output.where}: 1 - x must be multiplied with spikes")
            return
        end = self._before_views(self.ends[self.steps.output])
        if self.steps.is_membrane:
            assert isinstance(end, Neuron)
            self._read_membrane(end, score or "max")
        elif isinstance(end, Integrator):
            self.nodes[self.nodes.index(end)] = replace(end, score=score or end.score)
        elif isinstance(end, Neuron | And | Iand):
            if score not in ("", "sum"):
                rule = "must return spikes in each step, or their sum or mean over time"
                self.problems.append(f"network: forward() {rule}, not their {score}")
        else:
            # summed up; or, where all of the membrane leaks, as it is in one step
            tau = None if score in ("", "sum") else 1.0
            self.nodes.append(Integrator(name=READ_OUT, tau=tau, score="last" if tau is None else score))
            self.edges.append((self.ends[self.steps.output], READ_OUT))

    def _read_membrane(self, neuron: Neuron, score: str) -> None:
        """Make integrators of neurons of which the network returns the membrane."""
        if neuron.reset != "none":
            rule = "must return spikes; the membrane of neurons is a score where no spike resets it"
            self.problems.append(f"layer '{neuron.name}': {rule} (reset_mechanism='none')")
            return
        integrator = Integrator(
            name=neuron.name,
            tau=neuron.tau,
            score=score,
            synapse_tau=neuron.synapse_tau,
            decay_input=neuron.decay_input,
        )
        self.nodes[self.nodes.index(neuron)] = integrator

    def _before_views(self, name: str) -> Node | None:
        """Return the node whose values another one only reorders, scales, joins by votes or pools by their maximum."""
        nodes = {node.name: node for node in self.nodes}
        sources = {target: source for source, target in self.edges}
        while isinstance(nodes.get(name), Flatten | Unflatten | Dropout | Scale | Vote | MaxPool):
            name = sources[name]
        return nodes.get(name)


def _encoder(steps: Steps, encoder: Encoder | None) -> Encoder | None:
    """Return how samples enter a network; one that repeats its input takes pixels as currents (direct coding)."""
    if steps.time_steps is None:
        return encoder
    direct = Encoder(kind="direct", time_steps=steps.time_steps)
    if encoder not in (None, direct):
        rule = f"must be direct with {direct.time_steps} steps, for forward() repeats its input so often"
        raise UnsupportedModelError([f"encoder: {rule}, not {encoder}"])
    return direct
