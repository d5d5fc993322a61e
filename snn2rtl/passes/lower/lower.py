"""The walk: each node of a float network becomes what flows from it, and neurons become layers."""

from __future__ import annotations

import math
from typing import assert_never

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.layered import LayeredNetwork
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import (
    AdaptiveAveragePool,
    Add,
    And,
    AveragePool,
    BatchNorm,
    Concatenate,
    Convolution,
    Dropout,
    Flatten,
    Iand,
    Integrator,
    Linear,
    MaxPool,
    Neuron,
    Node,
    Scale,
    Unflatten,
    Vote,
)
from snn2rtl.passes.lower.currents import Current, added, multiplied, of_source, reshaped
from snn2rtl.passes.lower.layers import gate, layer
from snn2rtl.passes.lower.made import Made, refuse
from snn2rtl.passes.lower.pool import averaged, max_pooled, voted
from snn2rtl.passes.lower.readout import readout
from snn2rtl.passes.lower.weights import Parts, batch_normalised, weighted, whole
from snn2rtl.pools import INPUT, Sum
from snn2rtl.windows import Shape


def lower(network: SpikingNetwork) -> LayeredNetwork:
    """Return the network as layers, pools and sums; its neurons stay as they are.

    Batch norms, average pools behind weights, sums of currents and linear nodes behind each other become weights and
    biases. Everything is exact but for the rounding of floats.

    Raises:
        UnsupportedModelError: something has no exact hardware, or shapes do not fit; every problem is named.
    """
    walk = _Walk(network)
    for node in network.nodes:
        walk.take(node)
    if not walk.made.shape and not walk.problems:
        walk.problems.append("network: must have an input of known shape; give --input-shape, such as 1,28,28")
    group = 1 if walk.problems else walk.group()
    if walk.problems:
        raise UnsupportedModelError(walk.problems)
    return LayeredNetwork(
        name=network.name,
        shape=walk.made.shape,
        nodes=tuple(walk.made.nodes),
        group=group,
        greatest=network.greatest,
        encoder=network.encoder,
    )


class _Walk:
    """flows: what comes from each node, None where it has a problem. made: the layers. problems: all of them."""

    def __init__(self, network: SpikingNetwork) -> None:
        self.network, self.sources = network, network.sources
        self.made = Made(input_shape(network), network.greatest, network.encoder)
        shape = self.made.shape
        self.flows: dict[str, Parts | None] = {INPUT: (of_source(INPUT, shape),) if shape else None}
        self.problems: list[str] = []

    def take(self, node: Node) -> None:
        """Work out what flows from a node; where what flows into it is unknown, nothing more is said."""
        inputs = [self.flows[source] for source in self.sources[node.name]]
        self.flows[node.name] = None
        if not self.made.shape and not self.problems:
            self.problems += _unknown_shape(node)
        if any(one is None for one in inputs):
            return
        try:
            self.flows[node.name] = self._flow(node, [parts for parts in inputs if parts is not None])
        except UnsupportedModelError as error:
            self.problems += error.problems

    def _flow(self, node: Node, inputs: list[Parts]) -> Parts:  # noqa: PLR0911, PLR0912, a line for each kind of node
        parts, made = inputs[0], self.made
        if not isinstance(node, Dropout | Flatten | Unflatten | Vote):
            made.check_sources(term.source for parts in inputs for one in parts for term in one.terms)
        match node:
            case Dropout():
                return parts
            case Flatten():
                return tuple(reshaped(one, (math.prod(one.shape),)) for one in parts)
            case Unflatten():
                return (_unflattened(node, whole(node, parts)),)
            case Linear() | Convolution():
                (source,) = self.sources[node.name]
                return (weighted(node, parts, source),)
            case Scale(gain=gain) if isinstance(gain, float | int):
                return tuple(multiplied(one, gain, node.name) for one in parts)
            case Scale(gain=gain):
                return (multiplied(whole(node, parts), gain, node.name),)
            case BatchNorm():
                return (batch_normalised(node, whole(node, parts)),)
            case AveragePool() | AdaptiveAveragePool():
                return tuple(averaged(node, one, made) for one in parts)
            case MaxPool():
                names = (f"{node.name}.{index}" if index else node.name for index in range(len(parts)))
                return tuple(max_pooled(node, one, name, made) for one, name in zip(parts, names, strict=True))
            case Add():
                return (_added(node, [whole(node, one) for one in inputs], made),)
            case Concatenate():
                return _concatenated(node, inputs)
            case And() | Iand():
                return (gate(node, [whole(node, one) for one in inputs], made),)
            case Neuron() | Integrator():
                return (layer(node, whole(node, parts), made),)
            case Vote():
                return (voted(node, whole(node, parts), made),)
            case _:
                assert_never(node)

    def group(self) -> int:
        """Return how many neighbouring outputs stand for a class."""
        nodes = {node.name: node for node in self.network.nodes}
        last = self.network.nodes[-1]
        parts = self.flows[last.name]
        assert parts is not None  # or there were problems
        found = readout(last, parts, self.made)
        if found is None:
            end = nodes.get(parts[0].label, last) if len(parts) == 1 else last
            rule = f"{type(end).__name__} must be followed by a spiking neuron, not by nothing"
            self.problems.append(f"layer '{end.name}': {rule}")
        return found or 1


def _unflattened(node: Unflatten, current: Current) -> Current:
    if math.prod(current.shape) != math.prod(node.shape):
        refuse(node, f"shape {node.shape} must have as many values as its input, {math.prod(current.shape)}")
    return reshaped(current, node.shape)


def _added(node: Add, currents: list[Current], made: Made) -> Current:
    """Return a sum: of spikes a node of its own, of currents the sum of their weights."""
    shapes = {one.shape for one in currents}
    if len(shapes) > 1:
        refuse(node, f"must add inputs of one shape, not {' and '.join(map(str, sorted(shapes)))}")
    sources = [one.source for one in currents]
    if any(source is None or made.are_pixels(source) for source in sources):
        return added(tuple(currents))
    name = made.free_name(node.name)
    made.nodes.append(Sum(name=name, sources=tuple(map(str, sources)), shape=currents[0].shape))
    return of_source(name, currents[0].shape)


def _concatenated(node: Concatenate, inputs: list[Parts]) -> Parts:
    parts = tuple(one for each in inputs for one in each)
    if len({one.shape[1:] for one in parts}) > 1:
        refuse(node, f"must join inputs of one size, not {' and '.join(str(one.shape) for one in parts)}")
    return parts


def _unknown_shape(node: Node) -> list[str]:
    """Return what to say of a node that needs the shape of the network's input, which nothing says."""
    match node:
        case AveragePool(kernel=kernel) | MaxPool(kernel=kernel) | AdaptiveAveragePool(outputs=kernel):
            axes = len(kernel)
        case Convolution(weight=weight):
            axes = weight.ndim - 2
        case _:
            return []
    example = ",".join(["1", *["28"] * axes])
    rule = f"{type(node).__name__} must have an input of known shape; give --input-shape, such as {example}"
    return [f"layer '{node.name}': {rule}, or put an nn.Unflatten before it"]


def input_shape(network: SpikingNetwork) -> Shape:
    """Return the shape of the input: the network's, else what its first nodes say, () where they do not."""
    if network.shape:
        return network.shape
    reading: tuple[str, ...] = (INPUT,)
    for node in network.nodes:
        if not set(network.sources[node.name]) & set(reading):
            continue
        match node:
            case Linear(weight=weight):
                return (int(weight.shape[1]),)
            case BatchNorm(mean=mean):
                return (len(mean),)
            case Unflatten(shape=shape):
                return shape
            case Flatten() | Dropout() | Scale() | Neuron():
                reading = (*reading, node.name)
            case _:
                return ()
    return ()
