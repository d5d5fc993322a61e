"""The float network, frozen and framework-free: what the front ends produce and the passes rewrite.

A network is a graph of nodes (nodes.py), each one a value; the network is checked when it is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np

from snn2rtl.encoders import Encoder
from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.node_problems import node_problems
from snn2rtl.float_net.nodes import (
    JOINS,
    NODE_TYPES,
    OF_EACH_NEURON,
    BatchNorm,
    Convolution,
    Dropout,
    Flatten,
    Integrator,
    Linear,
    Neuron,
    Node,
    Scale,
    Vote,
)
from snn2rtl.pools import INPUT
from snn2rtl.windows import Shape

Edge = tuple[str, str]
BEHIND_INTEGRATORS = (Flatten, Dropout, Vote)


@dataclass(frozen=True, eq=False, kw_only=True)
class SpikingNetwork:
    """A graph of nodes, in an order in which each reads only what comes before it.

    edges: (source, target), the sources of a node in the order of its inputs; the network's input is called
    ``INPUT``. Without any the nodes are a chain. shape: of a sample where it is known, (inputs,), (channels, length) or
    (channels, height, width). greatest: count of an input in a step where no encoder says it, 1 for spikes. encoder:
    what turns samples into input spikes, where one is known.

    Raises:
        UnsupportedModelError: shapes do not chain or a number is not finite; every problem is named.
    """

    name: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()
    shape: Shape = ()
    greatest: int = 1
    encoder: Encoder | None = None

    def __post_init__(self) -> None:
        problems = _problems(self)
        if problems:
            raise UnsupportedModelError(problems)

    @property
    def is_chain(self) -> bool:
        """Whether each node reads the one before it."""
        return self.edges in ((), _chained(self.nodes))

    @property
    def sources(self) -> Mapping[str, tuple[str, ...]]:
        """What each node reads, by its name."""
        found: dict[str, tuple[str, ...]] = {node.name: () for node in self.nodes}
        for source, target in self.edges or _chained(self.nodes):
            found[target] += (source,)
        return found

    @property
    def num_inputs(self) -> int:
        """Inputs of the first linear layer."""
        return int(next(n.weight.shape[1] for n in self.nodes if isinstance(n, Linear)))


def _chained(nodes: tuple[Node, ...]) -> tuple[Edge, ...]:
    return tuple(pairwise((INPUT, *(node.name for node in nodes))))


def _problems(network: SpikingNetwork) -> list[str]:
    nodes = network.nodes
    problems = [message for node in nodes for message in node_problems(node)]
    if not any(isinstance(node, Linear | Convolution) for node in nodes):
        problems.append("network: must have at least one Linear layer, not none")
    names = [node.name for node in nodes]
    problems += [f"layer '{n}': name must be unique, not used {names.count(n)} times"
                 for n in dict.fromkeys(names) if names.count(n) > 1]  # fmt: skip
    problems += [f"layer '{INPUT}': name must be another, for it stands for the network's input"] * (INPUT in names)
    if network.shape and not (len(network.shape) <= 3 and min(network.shape) > 0):
        problems.append(f"network: shape must be one to three positive lengths, not {network.shape}")
    if network.greatest < 1 or (network.encoder and network.greatest > 1):
        rule = "must be 1 with an encoder" if network.encoder else "must be at least 1"
        problems.append(f"network: greatest count of an input {rule}, not {network.greatest}")
    if problems:
        return problems
    return _chain_problems(nodes) if network.is_chain else _edge_problems(network)


def _edge_problems(network: SpikingNetwork) -> list[str]:
    names = {node.name for node in network.nodes}
    lost = [f"edge {edge}: must join layers of the network" for edge in network.edges
            if edge[0] not in names | {INPUT} or edge[1] not in names]  # fmt: skip
    if lost:
        return lost
    problems, known = [], {INPUT}
    for node in network.nodes:
        where, sources = f"layer '{node.name}'", network.sources[node.name]
        problems += [f"{where}: must read layers before it, not '{one}'" for one in sources if one not in known]
        if not sources or (len(sources) > 1 and not isinstance(node, JOINS)):
            problems.append(f"{where}: {type(node).__name__} must have one input, not {len(sources)}")
        known.add(node.name)
    read = {source for source, _ in network.edges}
    ends = [node.name for node in network.nodes if node.name not in read]
    if len(ends) > 1:
        problems.append(f"network: must have one output, not {', '.join(ends)}")
    return problems


def _chain_problems(nodes: tuple[Node, ...]) -> list[str]:
    problems: list[str] = []
    width: int | None = None
    before = "input"
    for index, node in enumerate(nodes):
        if not isinstance(node, Flatten | Dropout | Scale | Linear | BatchNorm | Neuron | Integrator):
            return problems  # widths are checked once shapes are known
        where = f"layer '{node.name}'"
        need = _inputs(node)
        if None not in (need, width) and need != width:
            problems.append(f"{where}: must take {width} inputs from '{before}', not {need}")
        if need is not None:
            width, before = len(node.weight) if isinstance(node, Linear) else need, node.name
        if isinstance(node, Neuron | Integrator) and width is not None:
            problems += [f"{where}: {key} must have shape ({width},), not {value.shape}"
                         for key in OF_EACH_NEURON if isinstance(value := getattr(node, key, None), np.ndarray)
                         and value.shape != (width,)]  # fmt: skip
        if isinstance(node, Integrator) and not all(isinstance(one, BEHIND_INTEGRATORS) for one in nodes[index + 1 :]):
            problems.append(f"{where}: an Integrator must be the last layer, for it never fires")
    return problems


def _inputs(node: Node) -> int | None:
    """Return how many inputs a node must have, or None where it takes any number of them."""
    if isinstance(node, Linear):
        return int(node.weight.shape[1])
    return len(node.mean) if isinstance(node, BatchNorm) else None


def to_dict(network: SpikingNetwork) -> dict[str, Any]:
    """Return the network as plain dictionaries, numbers and arrays, for a file."""
    nodes = [_node_to_dict(node) for node in network.nodes]
    encoder = network.encoder.to_dict() if network.encoder else None
    graph: dict[str, Any] = {} if network.is_chain else {"edges": [list(edge) for edge in network.edges]}
    graph |= {"shape": list(network.shape)} if network.shape else {}
    graph |= {"greatest": network.greatest} if network.greatest > 1 else {}
    return {"name": network.name, "nodes": nodes, **graph, "encoder": encoder}


def _node_to_dict(node: Node) -> dict[str, Any]:
    """Return the fields of a node; one that is optional and not set is left out, as in older files."""
    values = {field.name: getattr(node, field.name) for field in fields(node) if not is_absent(field, vars(node))}
    return {"type": type(node).__name__, **values}


def is_absent(field: Field[Any], values: Mapping[str, Any]) -> bool:
    """Return whether a field is optional and the values of a node do not set it."""
    if field.default is MISSING:
        return False
    value = values.get(field.name, field.default)
    return value is field.default or (isinstance(value, tuple) and value == field.default)


def from_dict(data: dict[str, Any]) -> SpikingNetwork:
    """Return the network that to_dict() described.

    Raises:
        KeyError, TypeError: the description is not one of ours; callers name the file.
    """
    nodes = []
    for described in data["nodes"]:
        entry = dict(described)
        nodes.append(NODE_TYPES[entry.pop("type")](**entry))
    edges = tuple((str(source), str(target)) for source, target in data.get("edges", ()))
    shape = tuple(int(length) for length in data.get("shape", ()))
    encoder = Encoder.from_dict(data["encoder"]) if data.get("encoder") else None
    return SpikingNetwork(
        name=data["name"],
        nodes=tuple(nodes),
        edges=edges,
        shape=shape,
        greatest=int(data.get("greatest", 1)),
        encoder=encoder,
    )
