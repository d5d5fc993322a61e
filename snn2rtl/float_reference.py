"""Runs the float network, to say what integers cost; it is no golden model, since floats round."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snn2rtl.passes.fold_neurons import pair_layers
from snn2rtl.reference import Spikes
from snn2rtl.spiking import Neuron, SpikingNetwork


def spike_counts(network: SpikingNetwork, spikes: Spikes) -> NDArray[np.int64]:
    """Return the output spike counts of a folded network, shape (N, classes).

    Args:
        network: pairs of Linear and Neuron, as fold_neurons() leaves them.
        spikes: shape (T, N, inputs).
    """
    values = spikes
    for linear, neuron in pair_layers(network):
        current = values.astype(np.float32) @ linear.weight.T.astype(np.float32) + linear.bias.astype(np.float32)
        values = _fire(current, neuron)
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
