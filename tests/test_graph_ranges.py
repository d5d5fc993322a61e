"""Ranges of membranes and neurons that nobody reads, in networks that are graphs."""

from collections import Counter

import naive
import numpy as np
import pytest
from graphs import random_graph, random_inputs

from snn2rtl.int_net.intervals import input_range, membrane_range, never_fires, never_saturates
from snn2rtl.int_net.population import Population
from snn2rtl.int_net.reference import arrivals, run
from snn2rtl.int_net.synapses import Convolution
from snn2rtl.passes.silence_unread import silence_unread

GRAPHS = 80


@pytest.mark.parametrize("number", range(GRAPHS))
def test_nothing_leaves_its_range(number: int) -> None:
    network = random_graph(np.random.default_rng((9, number)))
    inputs = random_inputs(network, steps=12, samples=6, seed=number)
    result = run(network, inputs, record_membranes=True)
    for layer, arrived in arrivals(network, inputs, result):
        trace, membranes = result.traces[layer.name], membrane_range(layer)
        assert not trace.spikes[..., never_fires(layer)].any()
        assert not (never_saturates(layer) and layer.name in result.saturations.membranes)
        assert not (membranes.bits > layer.neuron.membrane_bits and never_saturates(layer))
        low, high = input_range(layer)
        if not network.takes_pixels:  # whose arrivals are ones
            currents = arrived.astype(int) @ layer.matrix.T.astype(int)
            currents = layer.pooled(layer.bias + (currents << layer.weight_shift))
            assert (currents >= low).all()
            assert (currents <= high).all()


@pytest.mark.parametrize("number", range(20))
def test_the_range_of_a_current_is_that_of_the_loops(number: int) -> None:
    """Every connection brings from nothing to its greatest value, at each of its inputs."""
    network = random_graph(np.random.default_rng((10, number)))
    for layer in network.populations:
        low, high = input_range(layer)
        of_sums = []
        for place in range(layer.num_sums):
            ends = [0, 0]
            for one in layer.inputs:
                for _, weight in naive.weights(one.synapses, place):
                    ends[weight > 0] += weight * one.greatest
            of_sums.append([int(layer.bias[place]) + end * 2**layer.weight_shift for end in ends])
        for neuron in range(layer.num_neurons):
            window = [of_sums[place] for place in naive.places(layer, neuron)]
            assert [low[neuron], high[neuron]] == [max(least for least, _ in window), max(most for _, most in window)]


def unread(network, layer: Population) -> np.ndarray:
    """Return which neurons nobody reads; of a convolution, whole channels, and none where something else reads."""
    if layer is network.output or not all(isinstance(node, Population) for node in network.readers(layer.name)):
        return np.zeros(layer.num_neurons, bool)
    read = np.zeros(layer.num_neurons, bool)
    for one in (one for node in network.populations for one in node.inputs if one.source == layer.name):
        read |= one.synapses.matrix.any(axis=0)
    if layer.pool or any(isinstance(one.synapses, Convolution) for one in layer.inputs):
        read = np.repeat(read.reshape(layer.shape[0], -1).any(axis=1), layer.num_neurons // layer.shape[0])
    return ~read


def test_neurons_that_nobody_reads_fall_silent() -> None:
    seen: Counter[str] = Counter()
    for number in range(GRAPHS):
        network = random_graph(np.random.default_rng((11, number)))
        after = silence_unread(network)
        inputs = random_inputs(network, steps=6, samples=3, seed=number)
        wanted, found = (run(one, inputs, record_membranes=True) for one in (network, after))
        output = network.output.name
        assert np.array_equal(found.traces[output].spikes, wanted.traces[output].spikes)
        assert np.array_equal(found.traces[output].membranes, wanted.traces[output].membranes)
        assert np.array_equal(found.counts, wanted.counts)
        for layer in after.populations:
            silent = unread(after, layer)
            assert not found.traces[layer.name].spikes[..., silent].any()
            assert never_fires(layer)[silent].all()
            kind = "convolution" if any(isinstance(one.synapses, Convolution) for one in layer.inputs) else "dense"
            seen[kind] += int(wanted.traces[layer.name].spikes[..., silent].any())
    assert min(seen["convolution"], seen["dense"]) >= 5, seen
