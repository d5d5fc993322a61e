"""Exact pass: neurons whose spikes nobody reads never fire, so that the hardware has none of them."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from snn2rtl.fixed_point import IntArray
from snn2rtl.int_net.network import FixedPointNetwork, Node
from snn2rtl.int_net.population import Population
from snn2rtl.int_net.synapses import Dense


def silence_unread(network: FixedPointNetwork) -> FixedPointNetwork:
    """Return the network in which a hidden neuron that nobody reads has no incoming weights.

    Nobody reads a neuron without outgoing weights, recurrent ones among them. The network's outputs stay what they
    were. It works backwards, so that silence spreads to the layers before.
    """
    nodes = list(network.nodes)
    for index in range(len(nodes) - 2, -1, -1):
        layer = nodes[index]
        # what a pool or a sum reads counts as read
        if isinstance(layer, Population) and all(isinstance(node, Population) for node in network.readers(layer.name)):
            unread = _silenceable(layer, _touched(nodes, layer) == 0)
            if unread.any():
                nodes[index] = _silenced(layer, unread)
    return replace(network, nodes=tuple(nodes))


def _silenceable(layer: Population, unread: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which of the neurons can lose their weights by themselves: of a convolution or a pool, whole channels."""
    if layer.pool is None and all(isinstance(connection.synapses, Dense) for connection in layer.inputs):
        return unread
    positions = math.prod(layer.pool.outputs if layer.pool else layer.shape[1:])
    return np.repeat(unread.reshape(-1, positions).all(axis=1), positions)


def _touched(nodes: list[Node], layer: Population) -> IntArray:
    """Return how many non-zero weights a spike of each neuron touches, recurrent ones among them."""
    found: IntArray = np.zeros(layer.num_neurons, np.int64)
    for node in nodes:
        for connection in node.inputs if isinstance(node, Population) else ():
            if connection.source == layer.name:
                found = found + connection.synapses.fan_out
    return found


def _silenced(layer: Population, unread: NDArray[np.bool_]) -> Population:
    assert layer.neuron.spikes  # integrators are the last layer, which is read
    bias, fire_at = layer.bias.copy(), layer.neuron.fire_at.copy()
    sums = unread
    if layer.pool:
        channels = unread.reshape(-1, math.prod(layer.pool.outputs)).all(axis=1)
        sums = np.repeat(channels, math.prod(layer.pool.space))
    inputs = tuple(replace(one, synapses=one.synapses.without(sums)) for one in layer.inputs)
    bias[sums] = 0
    fire_at[unread] = np.maximum(fire_at[unread], 1)
    return replace(layer, inputs=inputs, bias=bias, neuron=replace(layer.neuron, fire_at=fire_at))
