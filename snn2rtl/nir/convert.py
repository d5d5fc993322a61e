"""From a graph of NIR to the float network: loops become recurrent weights, every node one or more of ours."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

import numpy as np

from snn2rtl.errors import OptionError, UnsupportedModelError
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import Add, FloatArray, Linear
from snn2rtl.float_net.nodes import Node as FloatNode
from snn2rtl.nir import layers, neurons
from snn2rtl.nir.primitives import INTEGRATING, LINEAR, SPIKING, TIMED, Graph, Node
from snn2rtl.options import ReadOptions
from snn2rtl.pools import INPUT
from snn2rtl.windows import Shape

NEURONS = (*SPIKING, *INTEGRATING, "Threshold")
_WITHOUT_LEAK = ("IF", "I")
Loop = tuple[str, Node | None]  # what leads from neurons back into them, under its name; None for an edge alone

logger = logging.getLogger(__name__)


def to_network(graph: Graph, name: str, options: ReadOptions) -> SpikingNetwork:
    """Return the network that a graph computes in time steps.

    Raises:
        OptionError: the options do not say what the graph leaves open.
        UnsupportedModelError: something in it has no exact hardware here; every problem is named.
    """
    _check_asked(graph, options)
    graph, loops = _without_loops(graph)
    order = _order(graph)
    walk = _Walk(graph, loops, options)
    for node in order:
        walk.take(node)
    if walk.problems:
        raise UnsupportedModelError(walk.problems)
    return SpikingNetwork(name=name, nodes=tuple(walk.nodes.values()), edges=tuple(walk.edges), shape=walk.input_shape)


def _check_asked(graph: Graph, options: ReadOptions) -> None:
    """Raise OptionError where the options leave something open that the graph needs."""
    problems = []
    timed = _first(graph, TIMED)
    if timed and options.dt is None:
        rule = f"must be given, the seconds of a time step, for the times of node '{timed}' are seconds"
        problems.append(f"--dt: {rule}; 1e-4 is what snnTorch and SpikingJelly write with")
    if (spiking := _first(graph, SPIKING)) and not options.reset:
        rule = f"must be given, for the file does not say what a spike of node '{spiking}' does to the membrane"
        problems.append(f"--reset: {rule}: to v_reset (hard), less the threshold (soft), or late, stepped or none")
    for name, node in graph.nodes.items():
        if node.kind in _WITHOUT_LEAK and not options.integrate and not _has_one_reading(node, options.dt):
            rule = f"must be given, time or step, for node '{name}' adds r * dt * input by NIR's equation (time), and"
            problems.append(f"--integrate: {rule} r * input as Norse and sinabs write and read it (step)")
            break
        if node.kind in _WITHOUT_LEAK and options.integrate == "time" and options.dt is None:
            problems.append(f"--dt: must be given, the seconds of a time step, for node '{name}' adds r * dt * input")
            break
    if problems:
        raise OptionError("\n".join(problems))


def _first(graph: Graph, kinds: tuple[str, ...]) -> str | None:
    return next((name for name, node in graph.nodes.items() if node.kind in kinds), None)


def _has_one_reading(node: Node, dt: float | None) -> bool:
    """Return whether neurons without a leak add their input itself by NIR's equation, so that r says the time step."""
    return dt is not None and bool(np.all(neurons.plain(node["r"] * dt) == 1))


def _without_loops(graph: Graph) -> tuple[Graph, dict[str, list[Loop]]]:
    """Return the graph without what leads from spikes back into their own neurons, and that by the neurons' names.

    It is an edge from a node to itself, or a linear node that reads and is read by one node of neurons.
    """
    loops: dict[str, list[Loop]] = {}
    cut: set[str] = set()
    for name, node in graph.nodes.items():
        for target in graph.targets[name] if node.kind in (*SPIKING, "Threshold") else ():
            if target == name:
                loops.setdefault(name, []).append((name, None))
            elif graph.nodes[target].kind in LINEAR and graph.sources[target] == [name] == graph.targets[target]:
                loops.setdefault(name, []).append((target, graph.nodes[target]))
                cut.add(target)
    nodes = {name: node for name, node in graph.nodes.items() if name not in cut}
    edges = tuple((a, b) for a, b in graph.edges if not ({a, b} & cut or (a == b and a in loops)))
    return Graph(nodes, edges), loops


def _order(graph: Graph) -> list[str]:
    """Return the nodes in an order in which each reads only what comes before it.

    Raises:
        UnsupportedModelError: there is no such order, or nodes have no place between the input and the output.
    """
    problems = []
    for kind in ("Input", "Output"):
        ends = [name for name, node in graph.nodes.items() if node.kind == kind]
        if len(ends) != 1:
            problems.append(f"graph: must have one {kind} node, not {', '.join(ends) or 'none'}")
        problems += [f"node '{name}': {kind} must not {'be behind' if kind == 'Input' else 'come before'} '{other}'"
                     for name in ends
                     for other in (graph.sources if kind == "Input" else graph.targets)[name]]  # fmt: skip
    for name, node in graph.nodes.items():
        problems += [f"node '{name}': must read a node, not none"] * (node.kind != "Input" and not graph.sources[name])
        problems += [f"node '{name}': must be read by a node, not by none"] * (
            node.kind != "Output" and not graph.targets[name]
        )
    try:
        order = list(TopologicalSorter(graph.sources).static_order())
    except CycleError as error:
        path = " -> ".join(reversed(error.args[1]))
        rule = "must go from spiking neurons through one Linear, Affine or Scale, or none, back into themselves"
        problems.append(f"graph: the loop {path} {rule}")
        order = []
    if problems:
        raise UnsupportedModelError(problems)
    return order


class _Walk:
    """Makes the nodes in order.

    nodes, edges: of the float network. ends: what stands for a node of NIR in it, and the shape of what that makes;
    none where a node has a problem.
    """

    def __init__(self, graph: Graph, loops: dict[str, list[Loop]], options: ReadOptions) -> None:
        self.graph, self.loops, self.options = graph, loops, options
        self.nodes: dict[str, FloatNode] = {}
        self.edges: list[tuple[str, str]] = []
        self.ends: dict[str, tuple[str, Shape]] = {}
        self.input_shape: Shape = ()
        self.problems: list[str] = []

    def take(self, name: str) -> None:
        """Make what a node becomes; where something before it has a problem, nothing more is said."""
        if all(source in self.ends for source in self.graph.sources[name]):
            try:
                end, shape = self._made(name, self.graph.nodes[name])
                layers.check_size(name, shape)
                self.ends[name] = end, shape
            except UnsupportedModelError as error:
                self.problems += error.problems

    def _made(self, name: str, node: Node) -> tuple[str, Shape]:
        if node.kind == "Input":
            self.input_shape = layers.shape_of(name, node)
            return INPUT, self.input_shape
        before, shape = self._joined(name)
        if node.kind not in NEURONS:
            nodes, made = layers.nodes_of(name, node, shape, self.options)
            return self._append(before, nodes), made
        if name in self.loops:
            before = self._fed_back(name, before, shape)
        return self._append(before, neurons.nodes_of(name, node, shape, self.options)), shape

    def _append(self, before: str, nodes: list[FloatNode]) -> str:
        """Add nodes in a row behind another; return the last one's name."""
        for node in nodes:
            name = self._free(node.name)
            self.nodes[name] = replace(node, name=name)
            self.edges.append((before, name))
            before = name
        return before

    def _free(self, name: str) -> str:
        free, number = name, 1
        while free in self.nodes or free == INPUT:
            number += 1
            free = f"{name}_{number}"
        return free

    def _joined(self, name: str) -> tuple[str, Shape]:
        """Return what a node reads, which is the sum of several."""
        ends = [self.ends[source] for source in self.graph.sources[name]]
        shapes = {shape for _, shape in ends}
        if len(shapes) > 1:
            found = " and ".join(map(str, sorted(shapes)))
            raise UnsupportedModelError([f"node '{name}': must read nodes of one shape, not {found}"])
        if len(ends) == 1:
            return ends[0]
        total = self._free(f"{name}.sum")
        self.nodes[total] = Add(name=total)
        self.edges += [(source, total) for source, _ in ends]
        return total, ends[0][1]

    def _fed_back(self, name: str, before: str, shape: Shape) -> str:
        """Return a linear node behind another, whose weights the neurons' spikes of the step before have too."""
        weight, bias = _weights_back(name, self.loops[name], shape)
        last = self.nodes.get(before)
        (source, *others) = self.graph.sources[name]
        if isinstance(last, Linear) and last.recurrent is None and not others and self.graph.targets[source] == [name]:
            self.nodes[before] = replace(last, recurrent=weight, bias=last.bias + bias)
            return before
        label = self.loops[name][0][0]
        plain = Linear(name=f"{label}.back", weight=np.eye(len(weight)), bias=bias, recurrent=weight)
        return self._append(before, [plain])


def _weights_back(name: str, loops: list[Loop], shape: Shape) -> tuple[FloatArray, FloatArray]:
    """Return the sum of what leads from neurons back into them, as weights and as a bias of every step."""
    if len(shape) != 1:
        rule = f"must be neurons in a row, as a Flatten before them makes, where they read themselves, not {shape}"
        raise UnsupportedModelError([f"node '{name}': {rule}"])
    layers.check_square(name, shape)
    size = math.prod(shape)
    weight, bias = np.zeros((size, size)), np.zeros(size)
    for label, node in loops:
        if node is None:
            weight = weight + np.eye(size)
        elif node.kind == "Scale":
            weight = weight + np.diag(neurons.each(label, node, "scale", shape))
        else:
            linear = layers.linear(label, node, shape)
            if len(linear.weight) != size:
                rule = f"weight must have shape {(size, size)}, back into '{name}', not {linear.weight.shape}"
                raise UnsupportedModelError([f"node '{label}': {rule}"])
            weight, bias = weight + linear.weight, bias + linear.bias
            if linear.bias.any():
                logger.warning("node '%s': its bias is there from the first step on: NIR does not say so", label)
    return weight, bias
