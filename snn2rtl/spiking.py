"""The float network, frozen and framework-free: what the front ends produce and the passes rewrite.

A network is a chain of nodes, each one a value that was checked when it was built. Shapes: ``in`` and ``out`` are
neuron counts. Arrays are float64 and read-only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snn2rtl.encoders import Encoder
from snn2rtl.errors import UnsupportedModelError

FloatArray = NDArray[np.float64]


def _frozen(value: ArrayLike) -> FloatArray:
    if isinstance(value, np.ndarray) and value.dtype == np.float64 and _is_frozen(value):
        return value  # frozen by another node already: passes share what they do not change
    array = np.array(value, dtype=np.float64)
    array.setflags(write=False)
    return array


def _is_frozen(array: FloatArray) -> bool:
    return array.flags.owndata and not array.flags.writeable


@dataclass(frozen=True, eq=False, kw_only=True)
class Flatten:
    """``y = x`` with the axes after the batch made one."""

    name: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Dropout:
    """``y = x`` once the network is trained."""

    name: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Linear:
    """``y = weight @ x + bias``; weight has shape (out, in), bias (out,).

    step, of shape (out,), is the value of one integer weight of each neuron where training chose it; None where the
    quantizer chooses.
    """

    name: str
    weight: FloatArray
    bias: FloatArray
    step: FloatArray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", _frozen(self.weight))
        object.__setattr__(self, "bias", _frozen(self.bias))
        if self.step is not None:
            object.__setattr__(self, "step", _frozen(self.step))


@dataclass(frozen=True, eq=False, kw_only=True)
class BatchNorm:
    """``y = (x - mean) / sqrt(variance + epsilon) * gamma + beta``, all of shape (neurons,)."""

    name: str
    mean: FloatArray
    variance: FloatArray
    epsilon: float
    gamma: FloatArray
    beta: FloatArray

    def __post_init__(self) -> None:
        for key in ("mean", "variance", "gamma", "beta"):
            object.__setattr__(self, key, _frozen(getattr(self, key)))


@dataclass(frozen=True, eq=False, kw_only=True)
class Neuron:
    """Integrate-and-fire neurons, SpikingJelly's IFNode, LIFNode and ParametricLIFNode.

    charge: ``h = v + x`` where tau is None, else ``h = v - (v - v_rest) / tau + (x / tau if decay_input else x)``
    fire: ``s = h >= v_threshold``
    reset: ``v = v_reset if s else h``, or ``v = h - s * v_threshold`` where v_reset is None

    The rest potential ``v_rest``, also the membrane of a new sample, is v_reset, or 0 where v_reset is None.

    Source: spikingjelly 2.0.0, activation_based/neuron (charge, fire, reset of BaseNode, IFNode, LIFNode).
    """

    name: str
    tau: float | None
    v_threshold: float
    v_reset: float | None
    decay_input: bool = False

    @property
    def decay(self) -> float:
        """The fraction of the membrane that a step takes, 1 / tau, or 0 without a tau.

        ParametricLIFNode multiplies with a float32: a tau that is one over a float32, rounded, gives that very number.
        """
        if self.tau is None:
            return 0.0
        single = float(np.float32(1 / self.tau))
        return single if single and 1 / single == self.tau else 1 / self.tau


Node = Flatten | Dropout | Linear | BatchNorm | Neuron
NODE_TYPES: dict[str, type[Node]] = {cls.__name__: cls for cls in (Flatten, Dropout, Linear, BatchNorm, Neuron)}


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
    problems = [message for node in nodes for message in _node_problems(node)]
    if not any(isinstance(node, Linear) for node in nodes):
        problems.append("network: must have at least one Linear layer, not none")
    names = [node.name for node in nodes]
    problems += [f"layer '{n}': name must be unique, not used {names.count(n)} times"
                 for n in dict.fromkeys(names) if names.count(n) > 1]  # fmt: skip
    return problems or _chain_problems(nodes)


def _node_problems(node: Node) -> list[str]:
    where = f"layer '{node.name}'"
    problems = []
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, (np.ndarray, float)) and not np.all(np.isfinite(value)):
            bad = int(np.sum(~np.isfinite(value)))
            problems.append(f"{where}: {field.name} must be finite, not {bad} NaN or infinite value(s)")
    if isinstance(node, Linear):
        problems += _linear_problems(where, node)
    elif isinstance(node, BatchNorm):
        shapes = {node.mean.shape, node.variance.shape, node.gamma.shape, node.beta.shape}
        if shapes != {(node.mean.size,)}:
            problems.append(f"{where}: mean, variance, gamma and beta must have one shape (neurons,)")
        elif np.any(node.variance + node.epsilon <= 0):
            problems.append(f"{where}: variance + epsilon must be positive")
    elif isinstance(node, Neuron) and node.tau is not None and not node.tau >= 1:
        problems.append(f"{where}: tau must be at least 1, not {node.tau}")
    return problems


def _linear_problems(where: str, node: Linear) -> list[str]:
    if node.weight.ndim != 2 or 0 in node.weight.shape:
        return [f"{where}: weight must have shape (out, in), not {node.weight.shape}"]
    neurons = node.weight.shape[:1]
    problems = []
    if node.bias.shape != neurons:
        problems.append(f"{where}: bias must have shape {neurons}, not {node.bias.shape}")
    if node.step is not None and node.step.shape != neurons:
        problems.append(f"{where}: step must have shape {neurons}, not {node.step.shape}")
    elif node.step is not None and np.any(node.step <= 0):
        problems.append(f"{where}: step must be positive, not {node.step.min()}")
    return problems


def _chain_problems(nodes: tuple[Node, ...]) -> list[str]:
    problems = []
    width: int | None = None
    before = "input"
    for node in nodes:
        if isinstance(node, Linear):
            need, width_after = node.weight.shape[1], node.weight.shape[0]
        elif isinstance(node, BatchNorm):
            need = width_after = len(node.mean)
        else:
            continue
        if width is not None and need != width:
            problems.append(f"layer '{node.name}': must take {width} inputs from '{before}', not {need}")
        width, before = width_after, node.name
    return problems


def to_dict(network: SpikingNetwork) -> dict[str, Any]:
    """Return the network as plain dictionaries, numbers and arrays, for a file."""
    nodes = [_node_to_dict(node) for node in network.nodes]
    encoder = network.encoder.to_dict() if network.encoder else None
    return {"name": network.name, "nodes": nodes, "encoder": encoder}


def _node_to_dict(node: Node) -> dict[str, Any]:
    """Return the fields of a node; an optional one that is None is left out, as in files from before there was one."""
    values = {field.name: getattr(node, field.name) for field in fields(node) if not is_absent(field, vars(node))}
    return {"type": type(node).__name__, **values}


def is_absent(field: Field[Any], values: Mapping[str, Any]) -> bool:
    """Return whether a field is optional and the values of a node have none."""
    return field.default is None and values.get(field.name) is None


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
