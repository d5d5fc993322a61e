"""The float network as spiking.py has it, in rational numbers: no sum and no comparison is rounded."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from snn2rtl.spiking import BatchNorm, Linear, Neuron, SpikingNetwork


def run_sample(net: SpikingNetwork, steps: list[list[int | Fraction]]) -> list[list[bool]]:
    """Return the output spikes of a sample, step by step."""
    membranes: dict[str, list[Fraction]] = {}
    outputs = []
    for step in steps:
        values = [Fraction(x) for x in step]
        for node in net.nodes:
            match node:
                case Linear():
                    values = [
                        sum((Fraction(w) * x for w, x in zip(row, values, strict=True)), Fraction(bias))
                        for row, bias in zip(node.weight.tolist(), node.bias.tolist(), strict=True)
                    ]
                case BatchNorm():
                    columns = (node.mean, node.variance, node.gamma, node.beta)
                    numbers = zip(values, *(column.tolist() for column in columns), strict=True)
                    values = [
                        (x - Fraction(mean)) / Fraction(np.sqrt(variance + node.epsilon)) * Fraction(gamma)
                        + Fraction(beta)
                        for x, mean, variance, gamma, beta in numbers
                    ]
                case Neuron():
                    rest = Fraction(node.v_reset or 0)
                    state = membranes.setdefault(node.name, [rest] * len(values))
                    values = fire(node, rest, state, values)
        outputs.append(values)
    return outputs


def fire(node: Neuron, rest: Fraction, state: list[Fraction], values: list[Fraction]) -> list[bool]:
    fired = []
    for index, x in enumerate(values):
        charged = state[index] + x
        if node.tau is not None:
            tau = Fraction(node.tau)
            charged = state[index] - (state[index] - rest) / tau + (x / tau if node.decay_input else x)
        spike = charged >= Fraction(node.v_threshold)
        fired.append(spike)
        if spike:
            charged = charged - Fraction(node.v_threshold) if node.v_reset is None else rest
        state[index] = charged
    return fired
