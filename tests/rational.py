"""A chain of the float network's nodes in rational numbers: no sum and no comparison is rounded."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from snn2rtl.float_net.layered import LayeredNetwork, dense_pairs
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import BatchNorm, Integrator, Linear, Neuron, Node

Values = list[Fraction]


def run_sample(net: SpikingNetwork | LayeredNetwork, steps: list[list[int | Fraction]]) -> list[Values]:
    """Return the output spikes of a sample, or the membranes of integrators, step by step."""
    nodes = [node for pair in dense_pairs(net) for node in pair] if isinstance(net, LayeredNetwork) else net.nodes
    layers = [_Node(node) for node in nodes]
    outputs = []
    for step in steps:
        values = [Fraction(x) for x in step]
        synapses = None
        for layer in layers:
            values = layer.step(values)
            if isinstance(layer.node, Linear):
                synapses = layer
            if isinstance(layer.node, Neuron) and synapses:
                synapses.back = values
        outputs.append(values)
    return outputs


class _Node:
    """A node and its state: inputs on their way, own spikes of the step before, or membranes."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.history: list[Values] = []
        self.back: Values = []
        self.neurons: list[_State] = []

    def step(self, values: Values) -> Values:
        match self.node:
            case Linear():
                return self.linear(values)
            case BatchNorm():
                return self.batch_norm(values)
            case Neuron() | Integrator():
                if not self.neurons:
                    self.neurons = [_State(self.node, index) for index in range(len(values))]
                return [neuron.step(x) for neuron, x in zip(self.neurons, values, strict=True)]
            case _:
                return values

    def linear(self, values: Values) -> Values:
        node, now = self.node, len(self.history)
        self.history.append(values)
        if node.delay is not None:
            starts = [now - steps for steps in node.delay.tolist()]
            values = [self.history[start][i] if start >= 0 else Fraction(0) for i, start in enumerate(starts)]
        total = [
            dot(row, values) + Fraction(b) for row, b in zip(node.weight.tolist(), node.bias.tolist(), strict=True)
        ]
        if node.recurrent is not None and self.back:
            back = zip(total, node.recurrent.tolist(), strict=True)
            total = [before + dot(row, self.back) for before, row in back]
        return total

    def batch_norm(self, values: Values) -> Values:
        node = self.node
        columns = (node.mean, node.variance, node.gamma, node.beta)
        numbers = zip(values, *(column.tolist() for column in columns), strict=True)
        return [
            (x - Fraction(mean)) / Fraction(np.sqrt(variance + node.epsilon)) * Fraction(gamma) + Fraction(beta)
            for x, mean, variance, gamma, beta in numbers
        ]


def dot(row: list[float], values: Values) -> Fraction:
    return sum((Fraction(w) * x for w, x in zip(row, values, strict=True)), Fraction(0))


class _State:
    """One neuron."""

    def __init__(self, node: Neuron | Integrator, index: int) -> None:
        self.node = node
        self.rest = Fraction(getattr(node, "v_reset", None) or 0)
        self.membrane, self.current, self.adaptation = self.rest, Fraction(0), Fraction(0)
        self.threshold = number(getattr(node, "v_threshold", None), index)
        self.left = 0
        self.taken = {key: share(getattr(node, key, None), index) for key in ("tau", "synapse_tau", "adaptation_tau")}
        self.grow = number(getattr(node, "grow", None), index) or Fraction(0)

    def step(self, x: Fraction) -> Fraction:
        node = self.node
        if node.synapse_tau is not None:
            x = self.current = self.current * (1 - self.taken["synapse_tau"]) + x
        entering = x * self.taken["tau"] if node.decay_input and node.tau is not None else x
        charged = self.membrane - (self.membrane - self.rest) * self.taken["tau"] + entering
        if isinstance(node, Integrator):
            self.membrane = charged
            return charged
        assert self.threshold is not None
        if self.left:
            self.left -= 1
            return Fraction(0)
        again = self.reaches(self.membrane)
        if node.reset in ("late", "stepped"):  # as snnTorch has it, which takes a spike of the step before first
            charged -= again * self.threshold
        fired = self.reaches(charged + self.adaptation)
        self.adaptation = self.adaptation * (1 - self.taken["adaptation_tau"]) - fired * self.grow
        self.membrane = charged
        if node.reset == "stepped":  # and gives back what it took for nothing
            self.membrane = charged - (int(fired) - int(again)) * self.threshold
        elif fired and not node.reset:
            self.membrane = charged - self.threshold if node.v_reset is None else self.rest
            self.left = node.refractory
        return Fraction(fired)

    def reaches(self, felt: Fraction) -> bool:
        assert self.threshold is not None
        return felt > self.threshold if self.node.strict else felt >= self.threshold


def number(value: float | np.ndarray | None, index: int) -> Fraction | None:
    """Return the number of one neuron."""
    if value is None:
        return None
    return Fraction(float(value[index] if isinstance(value, np.ndarray) else value))


def share(tau: float | np.ndarray | None, index: int) -> Fraction:
    """Return what a step takes of a state; a tau that is one over a float32, rounded, means that float32."""
    exact = number(tau, index)
    if exact is None:
        return Fraction(0)
    single = Fraction(float(np.float32(1 / float(exact))))
    return single if single and 1 / float(single) == float(exact) else 1 / exact
