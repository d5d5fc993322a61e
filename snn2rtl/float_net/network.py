"""The float network, frozen and framework-free: what the front ends produce and the passes rewrite.

A network is a chain of nodes (nodes.py), each one a value; the network is checked when it is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any

import numpy as np

from snn2rtl.encoders import Encoder
from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.nodes import (
    NODE_TYPES,
    OF_EACH_NEURON,
    AveragePool,
    BatchNorm,
    Convolution,
    Dropout,
    Flatten,
    FloatArray,
    Integrator,
    Linear,
    Neuron,
    Node,
    Unflatten,
    decay,
    node_problems,
)

__all__ = [
    "NODE_TYPES",
    "AveragePool",
    "BatchNorm",
    "Convolution",
    "Dropout",
    "Flatten",
    "FloatArray",
    "Integrator",
    "Linear",
    "Neuron",
    "Node",
    "SpikingNetwork",
    "Unflatten",
    "decay",
    "from_dict",
    "is_absent",
    "to_dict",
]


@dataclass(frozen=True, eq=False, kw_only=True)
class SpikingNetwork:
    """A chain of nodes, with the encoder that turns samples into its input spikes where one is known.

    Raises:
        UnsupportedModelError: shapes do not chain or a number is not finite; every problem is named.
    """

    name: str
    nodes: tuple[Node, ...]
    encoder: Encoder | None = None

    def __post_init__(self) -> None:
        problems = _problems(self.nodes)
        if problems:
            raise UnsupportedModelError(problems)

    @property
    def num_inputs(self) -> int:
        """Inputs of the first linear layer."""
        return int(next(n.weight.shape[1] for n in self.nodes if isinstance(n, Linear)))


def _problems(nodes: tuple[Node, ...]) -> list[str]:
    problems = [message for node in nodes for message in node_problems(node)]
    if not any(isinstance(node, Linear | Convolution) for node in nodes):
        problems.append("network: must have at least one Linear layer, not none")
    names = [node.name for node in nodes]
    problems += [f"layer '{n}': name must be unique, not used {names.count(n)} times"
                 for n in dict.fromkeys(names) if names.count(n) > 1]  # fmt: skip
    return problems or _chain_problems(nodes)


def _chain_problems(nodes: tuple[Node, ...]) -> list[str]:
    problems: list[str] = []
    width: int | None = None
    before = "input"
    for index, node in enumerate(nodes):
        if isinstance(node, Unflatten | Convolution | AveragePool):
            return problems  # widths are checked once the network is unrolled
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
        if isinstance(node, Integrator) and _inputs_after(nodes[index + 1 :]):
            problems.append(f"{where}: an Integrator must be the last layer, for it never fires")
    return problems


def _inputs(node: Node) -> int | None:
    """Return how many inputs a node must have, or None where it takes any number of them."""
    match node:
        case Linear(weight=weight):
            return int(weight.shape[1])
        case BatchNorm(mean=mean):
            return len(mean)
        case _:
            return None


def _inputs_after(nodes: tuple[Node, ...]) -> bool:
    return any(not isinstance(node, Flatten | Dropout) for node in nodes)


def to_dict(network: SpikingNetwork) -> dict[str, Any]:
    """Return the network as plain dictionaries, numbers and arrays, for a file."""
    nodes = [_node_to_dict(node) for node in network.nodes]
    encoder = network.encoder.to_dict() if network.encoder else None
    return {"name": network.name, "nodes": nodes, "encoder": encoder}


def _node_to_dict(node: Node) -> dict[str, Any]:
    """Return the fields of a node; one that is optional and not set is left out, as in older files."""
    values = {field.name: getattr(node, field.name) for field in fields(node) if not is_absent(field, vars(node))}
    return {"type": type(node).__name__, **values}


def is_absent(field: Field[Any], values: Mapping[str, Any]) -> bool:
    """Return whether a field is optional and the values of a node do not set it."""
    return field.default is not MISSING and values.get(field.name, field.default) is field.default


def from_dict(data: dict[str, Any]) -> SpikingNetwork:
    """Return the network that to_dict() described.

    Raises:
        KeyError, TypeError: the description is not one of ours; callers name the file.
    """
    nodes = []
    for described in data["nodes"]:
        entry = dict(described)
        nodes.append(NODE_TYPES[entry.pop("type")](**entry))
    encoder = Encoder.from_dict(data["encoder"]) if data.get("encoder") else None
    return SpikingNetwork(name=data["name"], nodes=tuple(nodes), encoder=encoder)
