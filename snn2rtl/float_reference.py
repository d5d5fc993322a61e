"""Runs the float network, to say what integers cost; it is no golden model, since floats round."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snn2rtl.encoders import MAX_PIXEL
from snn2rtl.passes.fold_neurons import pair_layers
from snn2rtl.reference import Inputs, Spikes
from snn2rtl.spiking import Neuron, SpikingNetwork


def spike_counts(network: SpikingNetwork, inputs: Inputs) -> NDArray[np.int64]:
    """Return the output spike counts of a folded network, shape (N, classes).

    Args:
        network: pairs of Linear and Neuron, as fold_neurons() leaves them.
        inputs: spikes of shape (T, N, inputs), or pixels of shape (N, inputs) for an encoder that takes them; direct
            coding makes 1.0 of 255.
    """
    inputs = network.encoder.entering(inputs) if network.encoder else inputs
    values = inputs.astype(np.float32)
    steps = len(inputs)
    if network.encoder and network.encoder.kind == "direct":
        values /= MAX_PIXEL
        steps = network.encoder.time_steps
    for linear, neuron in pair_layers(network):
        current = values @ linear.weight.T.astype(np.float32) + linear.bias.astype(np.float32)
        values = _fire(np.broadcast_to(current, (steps, *current.shape[-2:])), neuron).astype(np.float32)
    counts: NDArray[np.int64] = values.sum(axis=0, dtype=np.int64)
    return counts


def _fire(current: NDArray[np.float32], neuron: Neuron) -> Spikes:
    keep = np.float32(1.0 - neuron.decay)
    threshold = np.float32(neuron.v_threshold)
    membrane = np.zeros_like(current[0])
    spikes = np.empty(current.shape, np.uint8)
    for t, step in enumerate(current):
        membrane = membrane * keep + step
        fired = membrane >= threshold
        membrane = membrane * ~fired if neuron.v_reset is not None else membrane - fired * threshold
        spikes[t] = fired
    return spikes
