"""The layers of an arch file, each made of its table and its tensors.

Besides the layers of PyTorch and SpikingJelly there are those for temporal data::

    [[layer]]
    type = "Neuron"                   # nodes.py has the equations
    name = "lif1"
    tau = 10.0                        # as the next two: a number, a tensor lif1.tau of shape (neurons,), or left out
    synapse_tau = 5.0
    adaptation_tau = 100.0
    grow = 0.1                        # a number, or a tensor lif1.grow
    v_threshold = 1.0
    v_reset = 0.0                     # or reset = "soft"
    decay_input = false               # optional, as strict
    strict = false
    [[layer]]
    type = "Integrator"               # the last layer; tau, synapse_tau and decay_input as above
    name = "li"
    tau = 10.0
    score = "max"                     # or "last", "sum"; optional
    [[layer]]
    type = "LIFCell"                  # of Norse; everything is optional, with Norse's defaults
    name = "cell"
    dt = 0.001
    tau_syn_inv = 200.0               # not of the LIFBoxCell and the LIBoxCell
    tau_mem_inv = 100.0
    v_leak = 0.0
    v_th = 1.0                        # not of the LICell and the LIBoxCell, which take a score
    v_reset = 0.0

A Linear may have tensors ``recurrent`` of shape (out, out) and ``delay`` of shape (in,); a LIFRecurrentCell has its
``input_weights`` and ``recurrent_weights``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from snn2rtl.float_net.nodes import OF_EACH_NEURON, Dropout, Flatten, Integrator, Neuron, Node
from snn2rtl.frontend import tensors
from snn2rtl.frontend.arch_table import Table
from snn2rtl.frontend.frameworks import norse, norse_neurons


def _linear(name: str, table: Table, found: tensors.Tensors) -> list[Node]:
    table.close()
    return [tensors.linear(name, found)]


def _batch_norm(name: str, table: Table, found: tensors.Tensors) -> list[Node]:
    epsilon = table.number("eps", default=1e-5)  # PyTorch's default
    table.close()
    return [tensors.batch_norm(name, found, epsilon)]


def _flatten(name: str, table: Table, found: tensors.Tensors) -> list[Node]:
    table.close()
    return [Flatten(name=name)]


def _dropout(name: str, table: Table, found: tensors.Tensors) -> list[Node]:
    table.close()
    return [Dropout(name=name)]


def _if_node(name: str, table: Table, found: tensors.Tensors) -> list[Node]:
    return [_spiking(name, table, tau=None, decay_input=False)]


def _lif_node(name: str, table: Table, found: tensors.Tensors) -> list[Node]:
    tau = table.number("tau")
    return [_spiking(name, table, tau=tau, decay_input=table.take("decay_input", "true or false"))]


def _parametric_lif_node(name: str, table: Table, found: tensors.Tensors) -> list[Node]:
    node = _spiking(name, table, tau=None, decay_input=table.take("decay_input", "true or false"))
    return [replace(node, tau=tensors.parametric_tau(name, found))]


def _neuron(name: str, table: Table, found: tensors.Tensors) -> list[Node]:
    values = _of_each_neuron(name, table, found, _OPTIONAL_OF_EACH)
    flags = {key: bool(table.take(key, "true or false", default=False)) for key in ("decay_input", "strict")}
    return [_spiking(name, table, **values, **flags)]


def _integrator(name: str, table: Table, found: tensors.Tensors) -> list[Node]:
    values = _of_each_neuron(name, table, found, ("tau", "synapse_tau"))
    decay_input = bool(table.take("decay_input", "true or false", default=False))
    score = _score(table)
    table.close()
    return [Integrator(name=name, score=score, decay_input=decay_input, **values)]


def _score(table: Table) -> str:
    return table.take("score", "'max', 'last' or 'sum'", default="max") or "max"


def _of_each_neuron(name: str, table: Table, found: tensors.Tensors, keys: tuple[str, ...]) -> dict[str, Any]:
    """Return what the table has a number of, or the state_dict a tensor of each neuron; None of the others."""
    values: dict[str, Any] = {key: tensors.optional(name, found, key) for key in keys}
    for key in keys:
        if key in table.values and values[key] is not None:
            table.problems.append(f"{table.where}: must have {key} here or in the state_dict, not both")
        if key in table.values:
            values[key] = table.number(key)
    return values


def _spiking(name: str, table: Table, **values: Any) -> Neuron:
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
    return Neuron(name=name, v_threshold=v_threshold, v_reset=v_reset, **values)


def _cell(name: str, table: Table, found: tensors.Tensors, kind: str) -> list[Node]:
    """Return the nodes of a cell of Norse; its parameters are float32 tensors, as Norse makes them."""
    before = len(table.problems)
    defaults = norse.defaults(kind)
    given = {key: table.number(key, default=value) for key, value in defaults.items()}
    score = None if norse.KINDS[kind].fires else _score(table)
    table.close()
    if len(table.problems) > before:
        return []
    values: dict[str, Any] = {key: value if key == "dt" else torch.tensor(value) for key, value in given.items()}
    parameters = norse_neurons.Parameters(**values)
    if score:
        return [norse_neurons.integrator(name, parameters, score)]
    if not norse.KINDS[kind].has_weights:
        return [norse_neurons.neuron(name, parameters)]
    return [tensors.recurrent(name, found), norse_neurons.neuron(f"{name}.neuron", parameters)]


_PRUNABLE = tuple(f"{key}{suffix}" for key in ("weight", "bias") for suffix in ("", "_orig", "_mask"))
_OPTIONAL_OF_EACH = tuple(key for key in OF_EACH_NEURON if key != "v_threshold")
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
# For each type: the tensors that a state_dict may hold under its name, and what makes the node of them and the table.
Maker = Callable[[str, Table, tensors.Tensors], list[Node]]
MAKERS: dict[str, tuple[tuple[str, ...], Maker]] = {
    "Linear": ((*_PRUNABLE, "weight_step", "recurrent", "delay"), _linear),
    "Flatten": ((), _flatten),
    "BatchNorm1d": ((*_PRUNABLE, *_STATISTICS), _batch_norm),
    "Dropout": ((), _dropout),
    "IFNode": ((), _if_node),
    "LIFNode": ((), _lif_node),
    "ParametricLIFNode": (("w",), _parametric_lif_node),
    "Neuron": (_OPTIONAL_OF_EACH, _neuron),
    "Integrator": (("tau", "synapse_tau"), _integrator),
    **{
        kind: (norse.TENSORS if traits.has_weights else (), partial(_cell, kind=kind))
        for kind, traits in norse.KINDS.items()
        if traits.in_arch
        if not traits.over_time
    },
}
