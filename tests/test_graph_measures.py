"""What is counted of networks that are graphs, against loops: events, arrivals, operations; every estimate is one."""

import naive
import numpy as np
import pytest
from graphs import random_graph, random_inputs, with_readers

from snn2rtl.data.samples import Samples
from snn2rtl.errors import UnsupportedModelError
from snn2rtl.int_net.population import Population
from snn2rtl.int_net.reference import run
from snn2rtl.measure import energy, metrics
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.pools import INPUT
from snn2rtl.rtl.estimate import cycles
from snn2rtl.rtl.plan import plan
from snn2rtl.rtl.targets import recorded, worst_case
from snn2rtl.verify.limit import cycle_limit

STEPS, SAMPLES = 4, 3


def counted(network, inputs):
    """Return events of each node, arrivals and operations of each population, summed over samples one at a time."""
    events = {name: [0] * size for name, size in sizes(network).items()}
    arrived = {layer.name: [0] * len(layer.fan_out) for layer in network.populations}
    for n in range(SAMPLES):
        steps = [inputs[n].tolist()] * network.encoder.time_steps if network.takes_pixels else inputs[:, n].tolist()
        spikes, *_ = naive.run_sample(network, steps)
        made = {INPUT: steps, **{node.name: [step[k] for step in spikes] for k, node in enumerate(network.nodes)}}
        for name, values in made.items():
            pixels = name == INPUT and network.takes_pixels
            for step in [[int(value > 0) for value in values[0]]] if pixels else values:
                events[name] = [a + b for a, b in zip(events[name], step, strict=True)]
        for layer in network.populations:
            for step in range(len(steps)):
                entering = []
                for one in layer.inputs:
                    values = naive.arriving(one, made, step)
                    once = network.takes_values(one)  # a pixel is summed up once a sample
                    entering += [int(value > 0 and step == 0) for value in values] if once else values
                arrived[layer.name] = [a + b for a, b in zip(arrived[layer.name], entering, strict=True)]
    operations = {}
    for layer in network.populations:
        operations[layer.name], first = 0, 0
        for one in layer.inputs:
            for place in range(layer.num_sums):
                pairs = naive.weights(one.synapses, place)
                operations[layer.name] += sum(arrived[layer.name][first + i] for i, weight in pairs if weight)
            first += one.synapses.num_inputs
    return events, arrived, operations


def sizes(network):
    found = {INPUT: network.num_inputs}
    for node in network.nodes:
        match node:
            case Population():
                found[node.name] = node.num_neurons
            case _ if hasattr(node, "windows"):
                found[node.name] = node.channels * naive.size(node.windows.outputs)
            case _:
                found[node.name] = naive.size(node.shape)
    return found


@pytest.mark.parametrize("number", range(50))
def test_counts_are_those_of_the_loops(number):
    rng = np.random.default_rng((7, number))
    network = with_readers(rng, random_graph(rng))
    inputs = random_inputs(network, STEPS, SAMPLES, seed=number)
    events, arrived, operations = counted(network, inputs)
    found = metrics.observe(network, Samples(inputs, None, network.encoder))
    assert {name: values.tolist() for name, values in found.events.items()} == events
    assert {name: values.tolist() for name, values in found.arrived.items()} == arrived
    result = run(network, inputs, record_membranes=True)
    for layer in network.populations:
        reached = result.traces[layer.name].membranes
        assert found.membranes[layer.name] == (min(0, reached.min()), max(0, reached.max()))
    assert found.classes.tolist() == result.classes.tolist()
    try:
        design = plan(network, RtlOptions(lanes=PerLayer(3)))
    except UnsupportedModelError:
        assert network.is_direct
        return
    shown = metrics.measure(network, design, found, None)
    assert shown.input_spikes == sum(events[INPUT]) / SAMPLES
    for one, layer in zip(shown.layers, network.populations, strict=True):
        assert one.operations == operations[layer.name] / SAMPLES
        assert one.spikes == sum(events[layer.name]) / SAMPLES
        assert one.weights == sum(connection.synapses.weight.size for connection in layer.inputs)
        assert one.nonzero == sum(np.count_nonzero(connection.synapses.weight) for connection in layer.inputs)


@pytest.mark.parametrize("number", range(50))
def test_every_estimate_is_one(number):
    """No design is faster than the limit, and none takes longer than for the most that any sample can bring."""
    rng = np.random.default_rng((8, number))
    network = with_readers(rng, random_graph(rng))
    inputs = random_inputs(network, STEPS, SAMPLES, seed=number)
    try:
        design = plan(network, RtlOptions(lanes=PerLayer(3)))
    except UnsupportedModelError:
        assert network.is_direct
        return
    result = run(network, inputs)
    took, limit = cycles(network, design, inputs, result), cycle_limit(network, design, inputs, result)
    assert (took >= limit).all()
    assert (limit > 0).all()
    if network.encoder:
        most = worst_case(network)
        load = recorded(network, inputs)
        for layer in network.populations:
            assert most.events[layer.name].shape[1:] == (1, len(layer.fan_out))
            assert (load.events[layer.name] <= most.events[layer.name].max(axis=0)).all()
    activity = metrics.observe(network, Samples(inputs, None, network.encoder))
    for one in energy.estimate(network, design, activity):
        assert one.total_pj > 0
