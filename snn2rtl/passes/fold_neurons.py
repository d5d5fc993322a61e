"""Exact pass: bring every neuron to the one form that the hardware has."""

from dataclasses import replace

import numpy as np

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.spiking import FloatArray, Linear, Neuron, Node, SpikingNetwork


def fold_neurons(network: SpikingNetwork) -> SpikingNetwork:
    """Return the network as pairs of Linear and Neuron, no neuron of which decays its input or rests above zero.

    decay_input: ``x / tau`` goes into weight and bias, so that only the leak is left to round.
    v_reset: the membrane becomes ``u = v - v_reset``, which rests at, starts from and resets to 0.

    Raises:
        UnsupportedModelError: a node is not one of a Linear and Neuron pair.
    """
    nodes: list[Node] = []
    for linear, neuron in pair_layers(network):
        rest = neuron.v_reset or 0.0
        nodes.append(_with_decayed_input(linear, neuron) if neuron.decay_input else linear)
        nodes.append(
            replace(
                neuron,
                decay_input=False,
                v_threshold=neuron.v_threshold - rest,
                v_reset=None if neuron.v_reset is None else 0.0,
            )
        )
    return replace(network, nodes=tuple(nodes))


def _with_decayed_input(linear: Linear, neuron: Neuron) -> Linear:
    if neuron.tau is None:
        return linear
    exact = neuron.decay == float(np.float32(neuron.decay))  # times a float32 weight
    factor, divisor = (neuron.decay, 1.0) if exact else (1.0, neuron.tau)
    weight, bias = (_times(values, factor, divisor) for values in (linear.weight, linear.bias))
    step = None if linear.step is None else _times(linear.step, factor, divisor)
    return replace(linear, weight=weight, bias=bias, step=step)


def _times(values: FloatArray, factor: float, divisor: float) -> FloatArray:
    product = values * factor
    product /= divisor
    product.setflags(write=False)  # a node takes it as it is, without a copy
    return product


def pair_layers(network: SpikingNetwork) -> list[tuple[Linear, Neuron]]:
    """Return the layers of a network that is nothing but pairs of Linear and Neuron.

    Raises:
        UnsupportedModelError: it is not; every node out of place is named.
    """
    pairs, problems = [], []
    nodes = list(network.nodes)
    while nodes:
        node = nodes.pop(0)
        following = nodes[0] if nodes else None
        if isinstance(node, Linear) and isinstance(following, Neuron):
            pairs.append((node, following))
            nodes.pop(0)
        elif isinstance(node, Linear):
            after = f"by {type(following).__name__} '{following.name}'" if following else "by nothing"
            problems.append(f"layer '{node.name}': Linear must be followed by a spiking neuron, not {after}")
        else:
            problems.append(f"layer '{node.name}': {type(node).__name__} must follow a Linear layer")
    if problems:
        raise UnsupportedModelError(problems)
    return pairs
