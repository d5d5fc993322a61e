"""The cycles that no event-driven hardware with these lanes can beat, docs/architecture.md."""

from __future__ import annotations

import numpy as np

from snn2rtl.fixed_point import IntArray
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.reference import Inputs, Result, arrivals
from snn2rtl.rtl.design import RtlDesign


def cycle_limit(network: FixedPointNetwork, design: RtlDesign, inputs: Inputs, result: Result) -> IntArray:
    """Return the limit of each sample in cycles, shape (N,).

    limit = max over layers of sum over steps of ``max(events, ceil(weights / P)) + ceil(sums / P)``, where events
    are the spikes that arrive at the layer in the step, weights the non-zero ones that they touch, P the layer's lanes.
    There is a sum for each neuron; where neurons take the greatest of several, each that one of them takes counts once.
    A recurrent layer's own spikes of the step before are events, too. A layer that pixels enter is two of them: the
    sums, once a sample, and the neurons, in every step. Neurons that can never fire are not in the hardware and count
    neither as neurons nor with their weights.
    """
    limits = []
    for (integer, entering), layer in zip(arrivals(network, inputs, result), design.layers, strict=True):
        taps = integer.taps[layer.placement]
        summed = np.unique(taps[taps >= 0])
        touched = np.count_nonzero(integer.matrix[summed], axis=0).astype(np.float32)
        events = entering.sum(axis=2, dtype=np.int64)
        # sums of integers below 2**24 are exact in float32, and fast
        weights = (entering.astype(np.float32) @ touched).astype(np.int64)
        sums = np.maximum(events, -(-weights // layer.lanes)).sum(axis=0)
        updates = len(result.traces[integer.name].spikes) * -(-len(summed) // layer.lanes)
        limits.append(np.maximum(sums, updates) if layer.is_direct else sums + updates)
    limit: IntArray = np.max(limits, axis=0)
    return limit
