"""Neurons of NIR in time steps, by forward Euler.

LIF: ``v = v + dt / tau * (v_leak - v + r * x)``; IF: ``v = v + dt * r * x``, or ``v + r * x``. Both fire where v is
above v_threshold. CubaLIF: ``i = i + dt / tau_syn * (w_in * x - i)``, then ``v = v + dt / tau_mem * (v_leak - v + r *
i)`` with that i. A sample begins at v_reset where a spike resets to it, else at 0, and with a current of 0.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from snn2rtl.errors import UnsupportedModelError, told_apart
from snn2rtl.float_net.nodes import BatchNorm, FloatArray, Integrator, NamedReset, Neuron, ResetKind, Scale
from snn2rtl.float_net.nodes import Node as FloatNode
from snn2rtl.nir.primitives import INTEGRATING, Node
from snn2rtl.options import ReadOptions
from snn2rtl.windows import Shape

_ROUNDING = 1e-6  # of a value: float32 holds seven digits
_FINEST = 16  # a number of so many parts of one is taken for what float32 made of it

logger = logging.getLogger(__name__)


def plain(values: FloatArray) -> FloatArray:
    """Return numbers, where they are multiples of 1/16 but for the rounding of float32, as those multiples.

    >>> plain(np.array([25.000000373, 1.0001]))
    array([25.    ,  1.0001])
    """
    near = np.round(values * _FINEST) / _FINEST
    return np.where(np.abs(values - near) <= _ROUNDING * np.abs(values), near, values)


@dataclass(eq=False)
class Parameters:
    """Reads the parameters of one node, in the shape of what it takes; problems: what is wrong with them."""

    name: str
    node: Node
    shape: Shape

    def __post_init__(self) -> None:
        self.problems: list[str] = []

    def each(self, key: str) -> FloatArray:
        """Return a parameter of each neuron."""
        value = np.asarray(self.node[key], np.float64)
        try:
            return np.broadcast_to(value.reshape(()) if value.size == 1 else value, self.shape)
        except ValueError:
            self.problems.append(f"{key} must be one number or have shape {self.shape}, not {value.shape}")
            return np.ones(self.shape)

    def steps(self, key: str, dt: float) -> FloatArray:
        """Return a time constant in time steps, at least one."""
        tau = self.each(key)
        steps = plain(tau / dt)
        if np.any(steps < 1):
            worst, step = told_apart(float(tau.min()), dt)
            self.problems.append(f"{key} must be at least a time step of --dt {step} s, not {worst} s")
            return np.ones(self.shape)
        return steps

    def close(self) -> None:
        """Raise UnsupportedModelError where there are problems."""
        if self.problems:
            raise UnsupportedModelError([f"node '{self.name}': {problem}" for problem in self.problems])


def each(name: str, node: Node, key: str, shape: Shape) -> FloatArray:
    """Return a parameter of each value of a shape.

    Raises:
        UnsupportedModelError: it has another one.
    """
    read = Parameters(name, node, shape)
    found = read.each(key)
    read.close()
    return found


def number(values: FloatArray) -> float | FloatArray:
    """Return the number that all neurons have, or an array of shape (neurons,)."""
    return float(values.flat[0]) if np.all(values == values.flat[0]) else np.ravel(values)


def nodes_of(name: str, node: Node, shape: Shape, options: ReadOptions) -> list[FloatNode]:
    """Return neurons, behind what scales and shifts their input, in a row.

    Raises:
        UnsupportedModelError: they have no exact hardware here; every problem is named.
    """
    read = Parameters(name, node, shape)
    if node.kind == "Threshold":
        threshold = read.each("threshold")
        read.close()
        return [Neuron(name=name, tau=1.0, v_threshold=number(threshold), v_reset=0.0, strict=True)]
    dynamics = _Dynamics(read, options)
    return _integrators(dynamics) if node.kind in INTEGRATING else _spiking(dynamics, options.reset)


class _Dynamics:
    """What neurons do between spikes, in time steps; tau and synapse_tau are None where they have none."""

    def __init__(self, read: Parameters, options: ReadOptions) -> None:
        dt = options.dt or 1.0  # where nothing is said it is not needed
        self.read, self.name = read, read.name
        self.has_current = read.node.kind in ("CubaLIF", "CubaLI")
        self.tau = self.synapse_tau = None
        self.leak = np.zeros(read.shape)  # the potential to which it goes
        self.gain = read.each("r")
        if self.has_current:
            self.synapse_tau = read.steps("tau_syn", dt)
            self.gain = self.gain * read.each("w_in") / self.synapse_tau
        if read.node.kind in ("IF", "I"):
            self.gain = self.gain if is_per_step(read.node, options) else plain(self.gain * dt)
        else:
            self.tau = read.steps("tau_mem" if self.has_current else "tau", dt)
            self.leak = read.each("v_leak")

    def times(self) -> dict[str, Any]:
        """Return the time constants of a float node."""
        given = {"tau": self.tau, "synapse_tau": self.synapse_tau}
        return {key: None if value is None else number(value) for key, value in given.items()}


def is_per_step(node: Node, options: ReadOptions) -> bool:
    """Return whether neurons without a leak add ``r * x`` in a step, and not ``dt * r * x``."""
    return options.integrate == "step" or options.dt is None


def _integrators(dynamics: _Dynamics) -> list[FloatNode]:
    read = dynamics.read
    if np.any(dynamics.leak):
        read.problems.append(f"v_leak must be 0, at which scores begin, not {_greatest(dynamics.leak):g}")
    read.close()
    before, decays = _before(dynamics, np.zeros(read.shape))
    return [*before, Integrator(name=dynamics.name, score="max", decay_input=decays, **dynamics.times())]


def _spiking(dynamics: _Dynamics, kind: ResetKind | Literal[""]) -> list[FloatNode]:
    """Return neurons in membranes ``u = v - v_reset``, or v where a spike does not reset to it."""
    read, is_hard = dynamics.read, kind == "hard"
    reset: NamedReset = kind if kind == "late" or kind == "stepped" or kind == "none" else ""  # noqa: PLR1714, for mypy
    threshold = read.each("v_threshold")
    rest = read.each("v_reset") if is_hard else np.zeros(read.shape)
    offset = np.zeros(read.shape) if dynamics.tau is None else dynamics.leak - rest
    where = "v_reset" if is_hard else "0"
    if dynamics.has_current and np.any(offset):
        read.problems.append(f"v_leak must be {where} behind a synaptic current, not {_greatest(offset):g} beside it")
    if kind not in ("hard", "none") and np.any(threshold <= 0):
        read.problems.append(f"v_threshold must be above 0 where a spike subtracts it, not {threshold.min():g}")
    read.close()
    if np.any(offset):
        logger.warning("node '%s': a sample begins at %s, not at v_leak: NIR does not say where", read.name, where)
    before, decays = _before(dynamics, offset)
    neuron = Neuron(
        name=read.name,
        v_threshold=number(threshold - rest),
        v_reset=0.0 if is_hard else None,
        decay_input=decays,
        strict=True,
        reset=reset,
        **dynamics.times(),
    )
    return [*before, neuron]


def _before(dynamics: _Dynamics, offset: FloatArray) -> tuple[list[FloatNode], bool]:
    """Return what makes ``(gain * x + offset) / tau`` of an input x, and whether the neurons do the division."""
    name, gain, tau = dynamics.name, plain(dynamics.gain), dynamics.tau
    decays = tau is not None
    if tau is not None and not np.any(offset) and np.all(plain(dynamics.gain / tau) == 1):
        gain, decays = np.ones_like(gain), False
    nodes: list[FloatNode] = []
    if np.any(gain != 1):
        same = number(gain)
        nodes.append(Scale(name=f"{name}.gain", gain=same if isinstance(same, float) else gain))
    if np.any(offset):
        nodes.append(_shift(name, offset))
    return nodes, decays


def _shift(name: str, offset: FloatArray) -> BatchNorm:
    rows = offset.reshape(offset.shape[0], -1)
    if np.any(rows != rows[:, :1]):
        rule = "v_leak - v_reset must be the same at all places of a channel"
        raise UnsupportedModelError([f"node '{name}': {rule}"])
    ones, zeros = np.ones(len(rows)), np.zeros(len(rows))
    return BatchNorm(name=f"{name}.leak", mean=zeros, variance=ones, epsilon=0.0, gamma=ones, beta=rows[:, 0])


def _greatest(values: FloatArray) -> float:
    return float(values.flat[int(np.abs(values).argmax())])
