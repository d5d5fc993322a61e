"""net.toml: what a state_dict does not say. The weights come from the state_dict, under the layers' names.

::

    name = "net"                      # optional
    [encoder]                         # optional
    kind = "poisson"                  # or "direct"
    time_steps = 100
    scale = 0.7                       # poisson: the spike probability of a pixel of 255
    [[layer]]                         # the layers in order, each with type and name
    type = "Linear"                   # fc1.weight and, if they are there, fc1.bias and fc1.weight_step
    name = "fc1"
    [[layer]]
    type = "LIFNode"                  # or IFNode, without tau and decay_input, or ParametricLIFNode, without tau
    name = "lif1"
    tau = 2.0
    decay_input = true
    v_threshold = 1.0
    v_reset = 0.0                     # or reset = "soft"

Also BatchNorm1d (eps, 1e-5 by default), Dropout and Flatten.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from reprlib import repr as short
from typing import Any

from snn2rtl.encoders import Encoder
from snn2rtl.errors import ModelFileError, UnsupportedModelError
from snn2rtl.frontend import tensors
from snn2rtl.spiking import Dropout, Flatten, Neuron, Node, SpikingNetwork

_REQUIRED = object()
_RULES: dict[str, Callable[[Any], bool]] = {
    "a string": lambda value: isinstance(value, str),
    "true or false": lambda value: isinstance(value, bool),
    "a finite number": lambda value: type(value) in (int, float) and abs(value) <= sys.float_info.max,
    "a number above 0 and at most 1": lambda value: type(value) in (int, float) and 0 < value <= 1,
    "a whole number of at least 1": lambda value: type(value) is int and value >= 1,
    "'poisson' or 'direct'": lambda value: value in ("poisson", "direct"),
    "'soft', or left out": lambda value: value == "soft",
    "a table": lambda value: isinstance(value, dict),
    "tables, each headed [[layer]]": lambda value: (
        isinstance(value, list) and all(isinstance(item, dict) for item in value)
    ),
}


def build(path: Path, state_dict: Mapping[Any, Any], *, name: str) -> SpikingNetwork:
    """Return the network that the text file describes, with the weights of the state_dict.

    Args:
        path: the text file.
        state_dict: tensors by name; every one must belong to a layer.
        name: the name of the network where the file gives none.

    Raises:
        ModelFileError: the text file cannot be read, or does not fit the state_dict; every problem is named.
        UnsupportedModelError: the network that it describes is not a valid one.
    """
    problems: list[str] = []
    file = _Table("network", _parse(path), problems)
    name = file.take("name", "a string", default=name)
    encoder_values = file.take("encoder", "a table", default=None)
    layers = file.take("layer", "tables, each headed [[layer]]")
    file.close()
    encoder = None if encoder_values is None else _encoder(_Table("encoder", encoder_values, problems))
    nodes: list[Node] = []
    unused = dict(state_dict)
    for number, values in enumerate(layers or [], start=1):
        try:
            nodes += _layer(_Table(f"layer {number}", values, problems), state_dict, unused)
        except UnsupportedModelError as error:
            problems += error.problems
    problems += [f"state_dict: '{key}' must belong to a layer of this file" for key in unused]
    if problems:
        raise ModelFileError("\n".join(f"{path}: {problem}" for problem in problems))
    return SpikingNetwork(name=name, nodes=tuple(nodes), encoder=encoder)


class _Table:
    """A table of the file, out of which the values are taken one by one; problems gathers what is wrong with them."""

    def __init__(self, where: str, values: dict[str, Any], problems: list[str]) -> None:
        self.where = where
        self.values = dict(values)
        self.problems = problems

    def take(self, key: str, rule: str, default: Any = _REQUIRED) -> Any:
        """Return the value, the default where there is none, or None where it is at fault."""
        if key not in self.values:
            if default is _REQUIRED:
                self.problems.append(f"{self.where}: must have {key}, {rule}, which is missing")
            return None if default is _REQUIRED else default
        value = self.values.pop(key)
        if _RULES[rule](value):
            return value
        self.problems.append(f"{self.where}: {key} must be {rule}, not {short(value)}")
        return None

    def number(self, key: str, default: Any = _REQUIRED) -> float:
        return float(self.take(key, "a finite number", default) or 0.0)

    def close(self) -> None:
        """Note the keys that nothing asked for."""
        self.problems += [f"{self.where}: must not have the unknown key '{key}'" for key in self.values]


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path}: must be a TOML file: {error}") from error


def _encoder(table: _Table) -> Encoder:
    kind = table.take("kind", "'poisson' or 'direct'")
    time_steps = table.take("time_steps", "a whole number of at least 1") or 1
    if kind == "direct":
        encoder = Encoder(kind="direct", time_steps=time_steps)
    else:
        scale = table.take("scale", "a number above 0 and at most 1", default=None if kind is None else _REQUIRED)
        encoder = Encoder.poisson(time_steps, scale or 1.0)
    table.close()
    return encoder


def _layer(table: _Table, state_dict: Mapping[Any, Any], unused: dict[Any, Any]) -> list[Node]:
    """Return the node of a table, if its type and name are known, and take its tensors out of those unused."""
    name = table.take("name", "a string")
    if name is not None:
        table.where = f"layer '{name}'"
    kind = table.take("type", "a string")
    if kind is not None and kind not in _MAKERS:
        *kinds, last = _MAKERS
        table.problems.append(f"{table.where}: type must be {', '.join(kinds)} or {last}, not {kind}")
    if kind not in _MAKERS or name is None:
        return []
    keys, make = _MAKERS[kind]
    found = {key: state_dict[f"{name}.{key}"] for key in keys if f"{name}.{key}" in state_dict}
    for key in found:
        unused.pop(f"{name}.{key}", None)
    return [make(name, table, found)]


def _linear(name: str, table: _Table, found: tensors.Tensors) -> Node:
    table.close()
    return tensors.linear(name, found)


def _batch_norm(name: str, table: _Table, found: tensors.Tensors) -> Node:
    epsilon = table.number("eps", default=1e-5)  # PyTorch's default
    table.close()
    return tensors.batch_norm(name, found, epsilon)


def _flatten(name: str, table: _Table, found: tensors.Tensors) -> Node:
    table.close()
    return Flatten(name=name)


def _dropout(name: str, table: _Table, found: tensors.Tensors) -> Node:
    table.close()
    return Dropout(name=name)


def _if_node(name: str, table: _Table, found: tensors.Tensors) -> Node:
    return _neuron(name, table, tau=None, decay_input=False)


def _lif_node(name: str, table: _Table, found: tensors.Tensors) -> Node:
    tau = table.number("tau")
    return _neuron(name, table, tau=tau, decay_input=table.take("decay_input", "true or false"))


def _parametric_lif_node(name: str, table: _Table, found: tensors.Tensors) -> Node:
    node = _neuron(name, table, tau=None, decay_input=table.take("decay_input", "true or false"))
    return replace(node, tau=tensors.parametric_tau(name, found))


def _neuron(name: str, table: _Table, tau: float | None, decay_input: bool) -> Neuron:
    v_threshold = table.number("v_threshold")
    v_reset: float | None = None
    if {"reset", "v_reset"} <= table.values.keys():
        table.problems.append(f"{table.where}: must have v_reset or reset = 'soft', not both")
    if "reset" in table.values:
        table.take("reset", "'soft', or left out")
        table.take("v_reset", "a finite number", default=None)
    elif "v_reset" in table.values:
        v_reset = table.number("v_reset")
    else:
        table.problems.append(f"{table.where}: must have v_reset, a finite number, or reset = 'soft', which is missing")
    table.close()
    return Neuron(name=name, tau=tau, v_threshold=v_threshold, v_reset=v_reset, decay_input=decay_input)


_PRUNABLE = tuple(f"{key}{suffix}" for key in ("weight", "bias") for suffix in ("", "_orig", "_mask"))
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
# For each type: the tensors that a state_dict may hold under its name, and what makes the node of them and the table.
_MAKERS: dict[str, tuple[tuple[str, ...], Callable[[str, _Table, tensors.Tensors], Node]]] = {
    "Linear": ((*_PRUNABLE, "weight_step"), _linear),
    "Flatten": ((), _flatten),
    "BatchNorm1d": ((*_PRUNABLE, *_STATISTICS), _batch_norm),
    "Dropout": ((), _dropout),
    "IFNode": ((), _if_node),
    "LIFNode": ((), _lif_node),
    "ParametricLIFNode": (("w",), _parametric_lif_node),
}
