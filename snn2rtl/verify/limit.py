"""The cycles that no event-driven hardware with these lanes can beat, docs/architecture.md."""

from __future__ import annotations

import numpy as np

from snn2rtl.fixed_point import IntArray
from snn2rtl.network import FixedPointNetwork
from snn2rtl.reference import Result, Spikes, delayed
from snn2rtl.rtl.design import RtlDesign


def cycle_limit(network: FixedPointNetwork, design: RtlDesign, spikes: Spikes, result: Result) -> IntArray:
    """Return the limit of each sample in cycles, shape (N,).

    limit = max over layers of sum over steps of ``max(events, ceil(weights / P)) + ceil(neurons / P)``, where events
    are the spikes that arrive at the layer in the step, weights the non-zero ones that they touch, P the layer's lanes.
    A recurrent layer's own spikes of the step before are events, too. Neurons that can never fire are not in the
    hardware and count neither as neurons nor with their weights.
    """
    limits = []
    entering = spikes
    for integer, layer, trace in zip(network.layers, design.layers, result.layers, strict=True):
        entering = delayed(integer, entering)
        touched = np.count_nonzero(integer.weight[layer.placement], axis=0).astype(np.float32)
        events = entering.sum(axis=2, dtype=np.int64)
        # sums of integers below 2**24 are exact in float32, and fast
        weights = (entering.astype(np.float32) @ touched).astype(np.int64)
        if integer.recurrent is not None:  # the layer's own spikes of the step before enter it, too
            back = np.count_nonzero(integer.recurrent[layer.placement], axis=0)
            events[1:] += trace.spikes[:-1].sum(axis=2, dtype=np.int64)
            weights[1:] += trace.spikes[:-1].astype(np.int64) @ back
        steps = np.maximum(events, -(-weights // layer.lanes)) + -(-layer.num_neurons // layer.lanes)
        limits.append(steps.sum(axis=0))
        entering = trace.spikes
    limit: IntArray = np.max(limits, axis=0)
    return limit
