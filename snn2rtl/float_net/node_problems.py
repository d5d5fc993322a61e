"""What is wrong with a node of the float network by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np

from snn2rtl.delays import MAX_DELAY
from snn2rtl.float_net.nodes import (
    MAX_REFRACTORY,
    RESETS,
    SCORES,
    AdaptiveAveragePool,
    AveragePool,
    BatchNorm,
    Convolution,
    Integrator,
    Linear,
    MaxPool,
    Neuron,
    Node,
    Unflatten,
    Vote,
)


def node_problems(node: Node) -> list[str]:
    """Return a sentence for everything that is wrong with a node by itself."""
    where = f"layer '{node.name}'"
    problems = []
    for field in fields(node):
        value = getattr(node, field.name)
        if not isinstance(value, (np.ndarray, float)):
            continue
        allowed = np.isfinite(value)
        if field.name == "tau" and isinstance(value, np.ndarray):  # of neurons without a leak among others
            allowed |= value == np.inf
        if not np.all(allowed):
            bad = int(np.sum(~allowed))
            problems.append(f"{where}: {field.name} must be finite, not {bad} NaN or infinite value(s)")
    check = _CHECKS.get(type(node))
    return problems + [f"{where}: {problem}" for problem in (check(node) if check else [])]


def _linear_problems(node: Linear) -> list[str]:
    if node.weight.ndim != 2 or 0 in node.weight.shape:
        return [f"weight must have shape (out, in), not {node.weight.shape}"]
    out, inputs = node.weight.shape
    shapes = {"bias": (out,), "step": (out,), "recurrent": (out, out), "delay": (inputs,)}
    problems = [
        f"{key} must have shape {shape}, not {value.shape}"
        for key, shape in shapes.items()
        if (value := getattr(node, key)) is not None and value.shape != shape
    ]
    if problems:
        return problems
    if node.step is not None and np.any(node.step <= 0):
        problems.append(f"step must be positive, not {node.step.min()}")
    if node.delay is not None and not np.issubdtype(node.delay.dtype, np.integer):
        problems.append(f"delay must hold whole time steps, not {node.delay.dtype}")
    elif node.delay is not None and not (node.delay.min() >= 0 and node.delay.max() <= MAX_DELAY):
        problems.append(f"delay must be 0..{MAX_DELAY} time steps, not {node.delay.min()}..{node.delay.max()}")
    return problems


def _convolution_problems(node: Convolution) -> list[str]:
    if node.weight.ndim not in (3, 4) or 0 in node.weight.shape:
        return [f"weight must have shape (out, in, length) or (out, in, height, width), not {node.weight.shape}"]
    axes, out = node.weight.ndim - 2, len(node.weight)
    problems = [
        f"{key} must be {axes} whole numbers of at least {least}, not {value}"
        for key, least in (("stride", 1), ("padding", 0), ("dilation", 1))
        if not _are_whole(value := getattr(node, key), axes, least)
    ]
    problems += [
        f"{key} must have shape ({out},), not {value.shape}"
        for key in ("bias", "step")
        if (value := getattr(node, key)) is not None and value.shape != (out,)
    ]
    if node.step is not None and np.any(node.step <= 0):
        problems.append(f"step must be positive, not {node.step.min()}")
    if type(node.groups) is not int or node.groups < 1 or out % node.groups:
        problems.append(f"groups must divide the {out} channels, not be {node.groups}")
    return problems


def _pool_problems(node: AveragePool | MaxPool) -> list[str]:
    axes = len(node.kernel)
    given = {"kernel": 1, "stride": 1, "padding": 0, "dilation": 1}
    problems = [
        f"{key} must be {axes} whole numbers of at least {least}, not {value}"
        for key, least in given.items()
        if (value := getattr(node, key, ())) and not _are_whole(value, axes, least)
    ]
    if node.padding and not problems and any(2 * pad > k for pad, k in zip(node.padding, node.kernel, strict=True)):
        problems.append(f"padding must be at most half of the kernel {node.kernel}, not {node.padding}")
    if isinstance(node, AveragePool) and node.divisor < 0:
        problems.append(f"divisor must be positive, not {node.divisor}")
    return problems


def _adaptive_pool_problems(node: AdaptiveAveragePool) -> list[str]:
    if _are_whole(node.outputs, len(node.outputs), 1) and len(node.outputs) in (1, 2):
        return []
    return [f"outputs must be one or two whole numbers of at least 1, not {node.outputs}"]


def _vote_problems(node: Vote) -> list[str]:
    return [] if node.size >= 1 else [f"size must be at least 1, not {node.size}"]


def _unflatten_problems(node: Unflatten) -> list[str]:
    if len(node.shape) in (2, 3) and _are_whole(node.shape, len(node.shape), 1):
        return []
    return [f"shape must be (channels, length) or (channels, height, width), not {node.shape}"]


def _are_whole(values: tuple[int, ...], count: int, least: int) -> bool:
    return len(values) == count and all(type(value) is int and value >= least for value in values)


def _batch_norm_problems(node: BatchNorm) -> list[str]:
    shapes = {node.mean.shape, node.variance.shape, node.gamma.shape, node.beta.shape}
    if shapes != {(node.mean.size,)}:
        return ["mean, variance, gamma and beta must have one shape (neurons,)"]
    return ["variance + epsilon must be positive"] if np.any(node.variance + node.epsilon <= 0) else []


def _neuron_problems(node: Neuron) -> list[str]:
    problems = _tau_problems(node, "tau", "synapse_tau", "adaptation_tau")
    if (node.grow is None) != (node.adaptation_tau is None):
        given, missing = ("grow", "adaptation_tau") if node.adaptation_tau is None else ("adaptation_tau", "grow")
        problems.append(f"{given} must come with {missing}, which is missing")
    elif node.grow is not None and np.min(node.grow) < 0:
        problems.append(f"grow must be at least 0, not {np.min(node.grow)}")
    if node.grow is not None and node.synapse_tau is not None:
        problems.append("neuron must have a synaptic current or an adaptation, not both")
    return problems + _reset_problems(node)


def _reset_problems(node: Neuron) -> list[str]:
    problems = []
    if node.reset not in RESETS:
        problems.append(f"reset must be {', '.join(map(repr, RESETS[:-1]))} or {RESETS[-1]!r}, not {node.reset!r}")
    elif node.reset and node.v_reset is not None:
        problems.append(f"v_reset must be None where reset is {node.reset!r}, not {node.v_reset}")
    if type(node.refractory) is not int or not 0 <= node.refractory <= MAX_REFRACTORY:
        problems.append(f"refractory must be 0..{MAX_REFRACTORY} time steps, not {node.refractory}")
    elif node.refractory and node.v_reset is None:
        problems.append(f"refractory must come with a v_reset, at which the membrane stays for {node.refractory} steps")
    return problems


def _integrator_problems(node: Integrator) -> list[str]:
    problems = _tau_problems(node, "tau", "synapse_tau")
    if node.score not in SCORES:
        problems.append(f"score must be {', '.join(SCORES[:-1])} or {SCORES[-1]}, not {node.score!r}")
    return problems


def _tau_problems(node: Neuron | Integrator, *keys: str) -> list[str]:
    # a NaN is named already
    given = {key: getattr(node, key) for key in keys if getattr(node, key) is not None}
    return [f"{key} must be at least 1, not {np.min(value)}" for key, value in given.items() if np.any(value < 1)]


_CHECKS: dict[type, Callable[[Any], list[str]]] = {
    Linear: _linear_problems,
    Unflatten: _unflatten_problems,
    Convolution: _convolution_problems,
    AveragePool: _pool_problems,
    MaxPool: _pool_problems,
    AdaptiveAveragePool: _adaptive_pool_problems,
    Vote: _vote_problems,
    BatchNorm: _batch_norm_problems,
    Neuron: _neuron_problems,
    Integrator: _integrator_problems,
}
