"""The end of a network: which outputs stand for a class."""

from __future__ import annotations

import math

import numpy as np

from snn2rtl.float_net.nodes import Node
from snn2rtl.passes.lower.currents import of_source
from snn2rtl.passes.lower.layers import copied
from snn2rtl.passes.lower.made import Made
from snn2rtl.passes.lower.maps import Gain
from snn2rtl.passes.lower.weights import Parts
from snn2rtl.pools import MaxPool, SumPool, pooled_shape


def readout(last: Node, parts: Parts, made: Made) -> int | None:
    """Return how many neighbouring outputs stand for a class; None where the network does not end with spikes.

    Args:
        last: the last node.
        parts: what flows from it.
        made: the layers. Pools at the end that say what stands for a class leave them, and a max pool at the end is
            followed by neurons that copy its spikes.
    """
    source, group = _end(parts), 1
    while made.nodes and isinstance(end := made.nodes[-1], SumPool) and end.name == source:
        if not (each := _neighbours(end)):
            return None
        source, group = end.source, group * each
        made.nodes.pop()
    if not made.nodes or made.nodes[-1].name != source or not made.are_spikes(source):
        return None
    if isinstance(pool := made.nodes[-1], MaxPool):
        copied(last.name, of_source(pool.name, pooled_shape(pool)), made)
    return group


def _end(parts: Parts) -> str | None:
    """Return the one source that parts are a positive multiple of, None where they are anything else."""
    term = parts[0].spikes if len(parts) == 1 else None
    if term is None or not isinstance(term.map, Gain):
        return None
    gain = np.ravel(term.map.gain)
    return term.source if gain[0] > 0 and np.all(gain == gain[0]) else None


def _neighbours(pool: SumPool) -> int:
    """Return how many neighbouring inputs each output of a pool adds, 0 where it adds others."""
    inputs, outputs = (pool.channels * math.prod(shape) for shape in (pool.windows.space, pool.windows.outputs))
    targets = pool.windows.targets()
    group, rest = divmod(inputs, outputs)
    neighbours = np.arange(len(targets))[:, None] // max(group, 1)
    return 0 if rest or not np.array_equal(targets, neighbours) else group
