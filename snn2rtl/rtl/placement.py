"""Which neuron sits in which lane and slot.

A lane works off the weights of its own neurons, and a time step lasts as long as its fullest lane. So neurons that the
same inputs reach go to different lanes, inputs that fire often counting more.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.fixed_point import IntArray
from snn2rtl.int_net.intervals import never_fires
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.population import Population
from snn2rtl.options import RtlOptions
from snn2rtl.windows import MAX_UNROLLED

_SPARSE = 0.75  # density below which places matter


Placement = Mapping[str, IntArray]  # of each population, by name: the neuron at each hardware index


def place(network: FixedPointNetwork, options: RtlOptions, firing: Mapping[str, IntArray] | None = None) -> Placement:
    """Return for each population the neuron at each hardware index; those that can never fire have none.

    Args:
        network: the integer network.
        options: has the lanes.
        firing: how often the input and each node fired on calibration data; all equally often without it.

    Raises:
        UnsupportedModelError: a layer is too large when unrolled; all of these are named.
    """
    _check_unrolled(network)
    placement: dict[str, IntArray] = {}
    for layer in network.populations:
        # the hardware index of an output is its number, so that groups of them are neighbours
        last = layer is network.output
        live = np.arange(layer.num_neurons) if last else _live(layer)
        lanes = options.lanes_of(layer.name, len(live))
        rows = row_order(layer, placement | {layer.name: live})
        used = _used(layer, live, rows)
        if not last and lanes > 1 and (used != 0).mean() < _SPARSE:
            weigh = np.ones(used.shape[1], np.int64)
            if firing:
                weigh = np.concatenate([firing[connection.source] for connection in layer.inputs])[rows] + 1
            live = live[_even_places(used, lanes, weigh)]
        placement[layer.name] = live
    return placement


def _check_unrolled(network: FixedPointNetwork) -> None:
    """Raise UnsupportedModelError where populations have more weights than memory here holds, zeros counted."""
    sizes = {layer.name: layer.taps.size * sum(one.synapses.num_inputs for one in layer.inputs)
             for layer in network.populations}  # fmt: skip
    rule = f"must have at most {MAX_UNROLLED} weights when unrolled for Verilog, zeros counted"
    problems = [f"layer '{name}': {rule}, not {size}" for name, size in sizes.items() if size > MAX_UNROLLED]
    if problems:
        raise UnsupportedModelError(problems)


def sums_at(layer: Population, placement: IntArray, lanes: int) -> IntArray:
    """Return which sum of weights each slot of each lane makes, shape (slots * lanes,); -1 for none.

    Those of a neuron lie in slots of its lane behind each other.

    Args:
        layer: the population.
        placement: the neuron at each hardware index.
        lanes: lanes.
    """
    taps = layer.taps[placement]
    padded = np.full((-(-len(taps) // lanes) * lanes, taps.shape[1]), -1)
    padded[: len(taps)] = taps
    order: IntArray = padded.reshape(-1, lanes, taps.shape[1]).transpose(0, 2, 1).reshape(-1)
    return order


def _used(layer: Population, neurons: IntArray, rows: IntArray) -> IntArray:
    """Return how many non-zero weights neurons have in rows, shape (neurons, rows): of all their sums."""
    found: IntArray = np.zeros((len(neurons), len(rows)), np.int64)
    for tap in layer.taps[neurons].T:
        found += (layer.matrix[np.ix_(tap, rows)] != 0) & (tap >= 0)[:, None]
    return found


def row_order(layer: Population, placement: Placement) -> IntArray:
    """Return which column of a population's matrix each row of its hardware is: its connections one after the other.

    The events of a population carry hardware indices, those of the input and of pools the numbers of their places.
    """
    order, first = [], 0
    for connection in layer.inputs:
        size = connection.synapses.num_inputs
        own = placement[connection.source] if connection.source in placement else np.arange(size)
        order.append(first + own)
        first += size
    return np.concatenate(order)


def _live(layer: Population) -> IntArray:
    """Return the neurons that can fire, at least one."""
    live = np.flatnonzero(~never_fires(layer))
    return live if len(live) else np.zeros(1, np.int64)


def _even_places(used: IntArray, lanes: int, firing: IntArray) -> IntArray:
    """Return neurons by place, such that lanes have about equally many weights in every row.

    Args:
        used: how many weights are not zero, shape (neurons, inputs).
        lanes: lanes.
        firing: how much each input counts, shape (inputs,).

    The neuron of the most work comes first; each goes to the lane where the sum over rows of ``firing * weights ** 2``
    grows least.
    """
    neurons = len(used)
    slots = -(-neurons // lanes)
    free = np.where(np.arange(lanes) < neurons - (slots - 1) * lanes, slots, slots - 1)
    weights = np.zeros((lanes, used.shape[1]), np.int64)  # of each lane in each row, times firing
    members: list[list[int]] = [[] for _ in range(lanes)]
    work = used @ firing
    for neuron in np.argsort(-work, kind="stable"):
        row = np.flatnonzero(used[neuron])
        count = used[neuron, row]
        growth = weights[:, row] @ count
        lane = int(np.argmin(np.where(free > 0, growth, np.iinfo(np.int64).max)))
        weights[lane, row] += firing[row] * count
        free[lane] -= 1
        members[lane].append(int(neuron))
    return np.array([members[place % lanes][place // lanes] for place in range(neurons)], np.int64)
