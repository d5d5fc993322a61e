"""net.toml: what a state_dict does not say. The weights come from the state_dict, under the layers' names.

A name that all tensors begin with, as DataParallel and LightningModules give, may be left out.

::

    name = "net"                      # optional
    [encoder]                         # optional
    kind = "poisson"                  # or "direct", or "values": new ones in each step, without time_steps
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

Also BatchNorm1d (eps, 1e-5 by default), Dropout and Flatten; Norse's LIFCell, LIFRecurrentCell, LIFBoxCell, LICell and
LIBoxCell with Norse's defaults; Neuron and Integrator for temporal data (arch_layers.py has their keys).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from snn2rtl.encoders import Encoder
from snn2rtl.errors import ModelFileError, UnsupportedModelError
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import Node
from snn2rtl.frontend import parts
from snn2rtl.frontend.arch_layers import MAKERS
from snn2rtl.frontend.arch_table import REQUIRED, Table


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
    file = Table("network", _parse(path), problems)
    name = file.take("name", "a string", default=name)
    encoder_values = file.take("encoder", "a table", default=None)
    layers = file.take("layer", "tables, each headed [[layer]]")
    file.close()
    encoder = None if encoder_values is None else _encoder(Table("encoder", encoder_values, problems))
    state_dict = parts.plain_names(state_dict, [values.get("name") for values in layers or []])
    nodes: list[Node] = []
    unused = dict(state_dict)
    for number, values in enumerate(layers or [], start=1):
        try:
            nodes += _layer(Table(f"layer {number}", values, problems), state_dict, unused)
        except UnsupportedModelError as error:
            problems += error.problems
    problems += [f"state_dict: '{key}' must belong to a layer of this file" for key in unused]
    if problems:
        raise ModelFileError("\n".join(f"{path}: {problem}" for problem in problems))
    return SpikingNetwork(name=name, nodes=tuple(nodes), encoder=encoder)


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path}: must be a TOML file: {error}") from error


def _encoder(table: Table) -> Encoder:
    kind = table.take("kind", "'poisson', 'direct' or 'values'")
    if kind == "values":
        table.close()
        return Encoder(kind="values")
    time_steps = table.take("time_steps", "a whole number of at least 1") or 1
    if kind == "direct":
        encoder = Encoder(kind="direct", time_steps=time_steps)
    else:
        scale = table.take("scale", "a number above 0 and at most 1", default=None if kind is None else REQUIRED)
        encoder = Encoder.poisson(time_steps, scale or 1.0)
    table.close()
    return encoder


def _layer(table: Table, state_dict: Mapping[Any, Any], unused: dict[Any, Any]) -> list[Node]:
    """Return the node of a table, if its type and name are known, and take its tensors out of those unused."""
    name = table.take("name", "a string")
    if name is not None:
        table.where = f"layer '{name}'"
    kind = table.take("type", "a string")
    if kind is not None and kind not in MAKERS:
        *kinds, last = MAKERS
        table.problems.append(f"{table.where}: type must be {', '.join(kinds)} or {last}, not {kind}")
    if kind not in MAKERS or name is None:
        return []
    keys, make = MAKERS[kind]
    found = {key: state_dict[f"{name}.{key}"] for key in keys if f"{name}.{key}" in state_dict}
    for key in found:
        unused.pop(f"{name}.{key}", None)
    return make(name, table, found)
