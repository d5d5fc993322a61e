"""Exact pass: neurons whose spikes nobody reads never fire, so that the hardware has none of them."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from snn2rtl.int_net.network import FixedPointNetwork, Layer, LifNeuron


def silence_unread(network: FixedPointNetwork) -> FixedPointNetwork:
    """Return the network in which a hidden neuron that nobody reads has no incoming weights.

    Nobody reads a neuron without outgoing weights, recurrent ones among them. The network's outputs stay what they
    were. It works backwards, so that silence spreads to the layers before.
    """
    layers = list(network.layers)
    for index in range(len(layers) - 2, -1, -1):
        unread = (layers[index + 1].nonzeros == 0) & (layers[index].recurrent_nonzeros == 0)
        if unread.any():
            layers[index] = _silenced(layers[index], unread)
    return replace(network, layers=tuple(layers))


def _silenced(layer: Layer, unread: NDArray[np.bool_]) -> Layer:
    assert isinstance(layer.neuron, LifNeuron)  # integrators are the last layer, which is read
    weight, bias, fire_at = layer.weight.copy(), layer.bias.copy(), layer.neuron.fire_at.copy()
    recurrent = None if layer.recurrent is None else np.where(unread[:, None], 0, layer.recurrent)
    weight[unread] = 0
    bias[unread] = 0
    fire_at[unread] = np.maximum(fire_at[unread], 1)
    return replace(layer, weight=weight, bias=bias, recurrent=recurrent, neuron=replace(layer.neuron, fire_at=fire_at))
