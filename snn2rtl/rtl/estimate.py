"""What a design will take before it is simulated: cycles of samples, counted on the golden model's spikes."""

from __future__ import annotations

import numpy as np

from snn2rtl.encoders import XORSHIFT_WORDS
from snn2rtl.fixed_point import IntArray
from snn2rtl.int_net import reference
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.reference import Inputs, Result, Spikes, arrivals
from snn2rtl.rtl import timing
from snn2rtl.rtl.design import RtlDesign
from snn2rtl.rtl.layer_design import LayerDesign
from snn2rtl.rtl.placement import row_order


def cycles(network: FixedPointNetwork, design: RtlDesign, inputs: Inputs, result: Result) -> IntArray:
    """Return about how many cycles each sample takes where samples follow each other, shape (N,).

    The slowest layer decides: in each step ``max(events, words of the fullest fetch) + slots + DRAIN``. A layer that
    pixels enter sums up the next sample while it takes this one's steps. An encoder takes ``max(events, groups of four
    pixels)`` in each step. Queues are taken for endless.

    Args:
        network: the integer network.
        design: its hardware.
        inputs: as for reference.run().
        result: of the golden model for them, with spikes.
    """
    slowest = encoder_cycles(network, inputs)
    for (layer, events), hardware in zip(arrivals(network, inputs, result), design.layers, strict=True):
        rows = row_order(layer, design.placement)
        slowest = np.maximum(slowest, layer_cycles(hardware, events[..., rows]))
    return slowest


def encoder_cycles(network: FixedPointNetwork, inputs: Inputs) -> IntArray:
    """Return about how many cycles an encoder in hardware takes for these inputs, shape (N,); 0 without one."""
    if not network.takes_pixels or network.weighs_values:
        return np.zeros(inputs.shape[-2], np.int64)
    return encoding_cycles(inputs, reference.encoded(network, inputs))


def encoding_cycles(inputs: Inputs, spikes: Spikes) -> IntArray:
    """Return about how many cycles an encoder takes to make spikes, shape (T, N, inputs), of pixels; shape (N,)."""
    groups = np.count_nonzero(inputs, axis=1) // XORSHIFT_WORDS + 1
    cycles: IntArray = np.maximum(spikes.sum(axis=2, dtype=np.int64) + 1, groups).sum(axis=0)
    return cycles


def layer_cycles(layer: LayerDesign, events: Spikes) -> IntArray:
    """Return about how many cycles a layer takes for events of shape (T, N, rows), (1, N, rows) of pixels; shape (N,).

    Rows come in the order of the layer's hardware.
    """
    drain = timing.DRAIN + (timing.GREATEST_SUM if layer.pools and not layer.is_direct else 0)
    sums, updates = _sums(layer, events), len(events) * layer.steps * (layer.slots + drain)
    cycles: IntArray = np.maximum(sums, updates) if layer.is_direct else sums + updates
    return cycles


def _sums(layer: LayerDesign, events: IntArray) -> IntArray:
    """Return the cycles in which events of shape (T, N, rows) are summed up, shape (N,)."""
    words = layer.costs[layer.layout.kind].words
    words = words if words.shape[1] > 1 else words.clip(1)
    # sums of integers below 2**24 are exact in float32, and fast
    fetched = (events.astype(np.float32) @ words.astype(np.float32)).max(axis=2).astype(np.int64)
    sums: IntArray = np.maximum(fetched, events.sum(axis=2, dtype=np.int64)).sum(axis=0)
    return sums
