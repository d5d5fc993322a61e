"""The neurons of SpikingJelly, with and without spikes, and those that its containers feed back.

Source: spikingjelly 2.0.0, activation_based: neuron, surrogate, base (MemoryModule), layer (the recurrent containers).
"""

from __future__ import annotations

import operator
from dataclasses import replace
from reprlib import repr as short
from typing import Any

import numpy as np
import torch
from spikingjelly.activation_based import neuron, surrogate
from torch import nn

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.nodes import Integrator, Neuron, Node
from snn2rtl.frontend import tensors
from snn2rtl.frontend.frameworks.base import Place, listed

NEURONS = (neuron.IFNode, neuron.LIFNode, neuron.ParametricLIFNode)
NEURON_NAMES = tuple(kind.__name__ for kind in NEURONS)
INTEGRATORS: tuple[type, ...] = tuple(
    getattr(neuron, name)
    for name in ("NonSpikingIFNode", "NonSpikingLIFNode")
    if hasattr(neuron, name)  # SpikingJelly 0.0.0.0.14 has none
)
_SUMS = (operator.add, torch.add)
SCORES = {"max-mem": "max", "mean-mem": "sum", "last_mem": "last", None: "max"}  # of an integrator's decode
# These fire at ``x >= 0``; PoissonPass draws lots and MultiLevelSpikeCount counts, so they are not among them.
# SpikingJelly 0.0.0.0.14 lacks a few.
SURROGATES: tuple[type[nn.Module], ...] = tuple(
    getattr(surrogate, name)
    for name in (
        "ATan", "DeterministicPass", "Erf", "FakeNumericalGradient", "LeakyKReLU", "LogTailedReLU",
        "NonzeroSignLogAbs", "PiecewiseExp", "PiecewiseLeakyReLU", "PiecewiseQuadratic", "QPseudoSpike", "Rect",
        "S2NN", "Sigmoid", "SoftSign", "SquarewaveFourierSeries", "SuperSpike",
    )
    if hasattr(surrogate, name)
)  # fmt: skip


def read_neurons(place: Place) -> list[Node]:
    """Return the neurons of a module of NEURONS."""
    return [neuron_of(place.path, place.module)]


def neuron_of(path: str, module: Any) -> Neuron:
    """Return the neurons of a module of NEURONS.

    Raises:
        UnsupportedModelError: they have no exact hardware here.
    """
    problems = _neuron_problems(module)
    tau: float | None = None
    if type(module) is neuron.LIFNode:
        tau = tensors.number(module.tau)
        if tau is None:
            problems.append(f"tau must be a number, not {short(module.tau)}")
    if problems:
        raise UnsupportedModelError([f"layer '{path}': {problem}" for problem in problems])
    if type(module) is neuron.ParametricLIFNode:
        tau = tensors.parametric_tau(path, tensors.held(module))
    return Neuron(
        name=path,
        tau=tau,
        v_threshold=tensors.number(module.v_threshold) or 0.0,
        v_reset=tensors.number(module.v_reset),
        decay_input=tau is not None and bool(module.decay_input),
    )


def read_integrator(place: Place) -> list[Node]:
    """Return the integrators of a module of INTEGRATORS."""
    path, module = place.path, place.module
    problems = []
    if module.decode not in SCORES:
        *kinds, last = map(repr, SCORES)
        problems.append(f"decode must be {', '.join(kinds)} or {last}, not {module.decode!r}")
    tau = tensors.number(getattr(module, "tau", 1.0))
    if tau is None:
        problems.append(f"tau must be a number, not {short(module.tau)}")
    if problems:
        raise UnsupportedModelError([f"layer '{path}': {problem}" for problem in problems])
    leaks = hasattr(module, "tau")
    return [Integrator(name=path, tau=tau if leaks else None, score=SCORES[module.decode], decay_input=leaks)]


def score_of(module: Any) -> str:
    """Return what integrators make of all steps, "" where they give each of them."""
    if module.decode not in SCORES:
        raise UnsupportedModelError([f"decode must be one of {', '.join(map(repr, SCORES))}, not {module.decode!r}"])
    return SCORES[module.decode] if module.decode else ""


def _neuron_problems(module: Any) -> list[str]:
    problems = []
    if tensors.number(module.v_threshold) is None:
        problems.append(f"v_threshold must be a number, not {short(module.v_threshold)}")
    rest = 0.0 if module.v_reset is None else tensors.number(module.v_reset)
    if rest is None:
        problems.append(f"v_reset must be a number or None, not {short(module.v_reset)}")
    else:
        start = module._memories_rv["v"]  # get_reset_value("v"), which SpikingJelly 0.0.0.0.14 lacks
        if tensors.number(start) != rest:
            problems.append(f"membrane must start a sample at {rest}, its rest potential, not at {short(start)}")
    gradient = module.surrogate_function
    if type(gradient) not in SURROGATES:
        problems.append(f"surrogate_function must fire at x >= 0, as Sigmoid or ATan, not {type(gradient).__name__}")
    elif not gradient.spiking:
        problems.append("surrogate_function must be spiking, not spiking=False; call set_spiking_mode(True)")
    precision = getattr(module, "_neuron_precision", None)
    if precision is not None:
        problems.append(f"neuron precision must be the default, not {precision!r}")
    return problems


def recurrent(place: Place) -> list[Node]:
    """Return the layer of which the weights of x and of its own spikes of the step before stand side by side."""
    name, module = place.path, place.module
    if type(module.rc) is not nn.Linear:
        raise UnsupportedModelError([f"layer '{name}': rc must be a Linear, not {type(module.rc).__name__}"])
    both = tensors.linear(f"{name}.rc", tensors.held(module.rc))
    inputs = len(both.weight)
    if module.sub_module_out_features != inputs:
        rule = f"out_features must be {inputs} like in_features, for spikes go back to the neurons that made them"
        raise UnsupportedModelError([f"layer '{name}': {rule}, not {module.sub_module_out_features}"])
    weight, recurrent = both.weight[:, :inputs], both.weight[:, inputs:]
    return [replace(both, weight=weight, recurrent=recurrent), _cell(f"{name}.sub_module", module)]


def fed_back(place: Place) -> list[Node]:
    """Return neurons to whose input their own spikes of the step before are added."""
    name, module, shape = place.path, place.module, place.shape
    assert shape is not None
    function = module.element_wise_function
    if function not in _SUMS:
        rule = "element_wise_function must be operator.add or torch.add, whose sum weights can make"
        raise UnsupportedModelError([f"layer '{name}': {rule}, not {function!r}"])
    if len(shape) != 1:
        raise UnsupportedModelError([f"layer '{name}': must take samples of one axis, not of shape {shape}"])
    return [tensors.fed_back(name, np.eye(*shape)), _cell(f"{name}.sub_module", module)]


def _cell(name: str, module: Any) -> Neuron:
    kind = type(module.sub_module)
    if kind not in NEURONS:
        rule = f"must be a neuron ({listed(NEURON_NAMES)})"
        raise UnsupportedModelError([f"layer '{name}': {rule}, not {kind.__name__}"])
    return neuron_of(name, module.sub_module)
