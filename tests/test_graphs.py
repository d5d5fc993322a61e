"""Networks that are graphs: what is refused, and the golden model against the scalar one."""

import re
from collections import Counter
from dataclasses import replace

import naive
import numpy as np
import pytest
from graphs import random_graph, random_inputs
from networks import dense, lif

from snn2rtl.encoders import Encoder
from snn2rtl.errors import QuantizationError
from snn2rtl.int_net import reference
from snn2rtl.int_net.network import INPUT, FixedPointNetwork, MaxPool, Sum, SumPool, shape_of, sources_of
from snn2rtl.int_net.neurons import Integrator, NoLeak, Score
from snn2rtl.int_net.population import Connection, Input, Population
from snn2rtl.int_net.reference import arrivals, run
from snn2rtl.int_net.synapses import Convolution, Dense
from snn2rtl.windows import Windows

HALVES = Windows(space=(4,), kernel=(2,), stride=(2,), padding=(0,), dilation=(1,))


def population(name: str, *inputs: Connection, fire_at: int = 1, **changes) -> Population:
    """Return LIF neurons without a leak, of 8-bit weights."""
    neurons = inputs[0].synapses.num_neurons
    values = {
        "name": name,
        "shape": (neurons,),
        "inputs": inputs,
        "weight_bits": 8,
        "weight_shift": 0,
        "bias": np.zeros(neurons, int),
        "neuron": lif(np.full(neurons, fire_at)),
    }
    return Population(**values | changes)


def reads(source: str, weight, **changes) -> Connection:
    return Connection(source=source, synapses=Dense(np.asarray(weight)), **changes)


def graph(*nodes, inputs: tuple[int, ...] = (4,), greatest: int = 1, **changes) -> FixedPointNetwork:
    values = {"name": "net", "input": Input(shape=inputs, greatest=greatest), "nodes": nodes, "count_bits": 8}
    return FixedPointNetwork(**values | changes)


def assert_naive(network: FixedPointNetwork, inputs: np.ndarray) -> reference.Result:
    """Hold every spike, value, membrane, count and class of the golden model against the scalar one."""
    result = run(network, inputs, record_membranes=True)
    assert list(result.traces) == [node.name for node in network.nodes]
    for n in range(inputs.shape[-2]):
        steps = [inputs[n].tolist()] * network.encoder.time_steps if network.takes_pixels else inputs[:, n].tolist()
        seen, membranes, counts, winner = naive.run_sample(network, steps)
        for index, (node, trace) in enumerate(zip(network.nodes, result.in_order, strict=True)):
            assert trace.spikes[:, n].tolist() == [step[index] for step in seen], node.name
            if isinstance(node, Population):
                assert trace.membranes[:, n].tolist() == [step[index] for step in membranes], node.name
            else:
                assert trace.membranes is None
        assert result.counts[n].tolist() == counts
        assert result.classes[n] == winner
    return result


GRAPHS = 150


@pytest.mark.parametrize("number", range(GRAPHS))
def test_random_graphs(number):
    network = random_graph(np.random.default_rng((1, number)))
    assert_naive(network, random_inputs(network, steps=6, samples=3, seed=number))


def test_the_random_graphs_have_everything():
    """Every kind of node and connection is in many of them, and most of their nodes do something."""
    seen: Counter[str] = Counter()
    for number in range(GRAPHS):
        network = random_graph(np.random.default_rng((1, number)))
        result = run(network, random_inputs(network, steps=6, samples=3, seed=number))
        found = {"group"} if network.group > 1 else set()
        found |= {"counts"} if network.input.greatest == 3 else {"pixels"} if network.is_direct else {"spikes"}
        found |= {"saturates"} if result.saturations.clipped(network) else set()
        found |= {"loses"} if result.saturations.lost else set()
        for node, trace in zip(network.nodes, result.in_order, strict=True):
            found |= {"value"} if trace.spikes.max(initial=0) > 1 else set()
            found |= {"skip"} if len({*sources_of(node)}) > 1 else set()
            found |= {type(node).__name__} if 0 < np.count_nonzero(trace.spikes) < trace.spikes.size else set()
            for one in node.inputs if isinstance(node, Population) else ():
                found.add(type(one.synapses).__name__)
                found |= {"delay"} if one.delay is not None else set()
                found |= {"recurrent"} if one.previous_step else set()
                found |= {"values entering"} if one.greatest not in (1, 255) else set()
                found |= {"groups"} if isinstance(one.synapses, Convolution) and one.synapses.groups > 1 else set()
        seen.update(found)
    wanted = {"group", "counts", "pixels", "spikes", "Population", "MaxPool", "SumPool", "Sum", "value", "skip"}
    wanted |= {"Dense", "Convolution", "delay", "recurrent", "values entering", "groups", "saturates", "loses"}
    assert seen.keys() == wanted
    assert min(seen.values()) >= 12, seen


@pytest.mark.parametrize("number", range(30))
def test_a_sample_does_not_depend_on_its_batch(number):
    network = random_graph(np.random.default_rng((2, number)))
    inputs = random_inputs(network, steps=5, samples=7)
    whole = run(network, inputs, record_membranes=True)
    widest = max(naive.size(shape_of(node)) for node in network.nodes)
    with pytest.MonkeyPatch.context() as patch:
        steps = network.encoder.time_steps if network.encoder else 5
        patch.setattr(reference, "_CHUNK_BYTES", (1 + number % 5) * 4 * steps * widest)
        parts = run(network, inputs, record_membranes=True)
    for name, trace in whole.traces.items():
        assert np.array_equal(parts.traces[name].spikes, trace.spikes)
        assert parts.traces[name].spikes.dtype == trace.spikes.dtype
        assert trace.membranes is None or np.array_equal(parts.traces[name].membranes, trace.membranes)
    assert np.array_equal(parts.counts, whole.counts)
    assert parts.saturations == whole.saturations


@pytest.mark.parametrize("number", range(30))
def test_what_arrives_explains_every_current(number):
    """The matrix of a population times what arrives is the current that the scalar model has."""
    network = random_graph(np.random.default_rng((3, number)))
    inputs = random_inputs(network, steps=4, samples=2, seed=number)
    result = run(network, inputs)
    made = {INPUT: inputs} | {name: trace.spikes for name, trace in result.traces.items()}
    for layer, arrived in arrivals(network, inputs, result):
        assert layer.matrix.shape == (layer.num_sums, arrived.shape[2])
        assert layer.fan_out.tolist() == np.count_nonzero(layer.matrix, axis=0).tolist()
        for n in range(0 if network.takes_pixels else 2):  # where pixels enter, ones stand for those that are not black
            steps = {name: values[:, n].tolist() for name, values in made.items()}
            for step in range(len(arrived)):
                entering = [naive.arriving(connection, steps, step) for connection in layer.inputs]
                assert arrived[step, n].tolist() == [value for part in entering for value in part]
                currents = layer.matrix.astype(int) @ arrived[step, n].astype(int) << layer.weight_shift
                for place in range(layer.num_sums):
                    assert currents[place] == naive.summed(layer, place, entering) - layer.bias[place]


def test_a_residual_network_written_by_hand():
    """A skip around a layer, as a sum and as a second connection, and a pool of what comes out."""
    first = population("a", reads(INPUT, np.eye(4, dtype=int)))
    inner = population("b", reads("a", np.eye(4, k=1, dtype=int)))
    added = Sum(name="sum", sources=("a", "b"), shape=(4,))
    pooled = MaxPool(name="pool", source="b", channels=1, windows=HALVES)
    counted = SumPool(name="count", source="sum", channels=1, windows=HALVES)
    last = population("out", reads("pool", [[1, 0], [0, 1]]), reads("count", [[1, 0], [0, 1]], greatest=4), fire_at=4)
    network = graph(first, inner, added, pooled, counted, last)
    assert network.greatest == {INPUT: 1, "a": 1, "b": 1, "sum": 2, "pool": 1, "count": 4, "out": 1}
    result = assert_naive(network, np.array([[[1, 1, 1, 0]], [[0, 0, 0, 1]]], np.uint8))
    made = {name: trace.spikes[:, 0].tolist() for name, trace in result.traces.items()}
    assert made["b"] == [[1, 1, 0, 0], [0, 0, 1, 0]]
    assert made["sum"] == [[2, 2, 1, 0], [0, 0, 1, 1]]
    assert made["pool"] == [[1, 0], [0, 1]]
    assert made["count"] == [[4, 1], [0, 2]]
    assert made["out"] == [[1, 0], [0, 1]]  # 4 + 1 and 1, then 2 + 1 on top of it


def test_pixels_arrive_once_beside_what_arrives_in_every_step():
    inputs = reads(INPUT, EYE, greatest=255), reads("out", EYE, previous_step=True)
    network = graph(population("out", *inputs), greatest=255, encoder=Encoder(kind="direct", time_steps=3))
    pixels = np.array([[0, 7, 255, 0]], np.uint8)
    ((layer, arrived),) = arrivals(network, pixels, run(network, pixels))
    assert layer is network.output
    assert arrived[:, 0].tolist() == [[0, 1, 1, 0, 0, 0, 0, 0], [0] * 4 + [0, 1, 1, 0], [0] * 4 + [0, 1, 1, 0]]


def test_a_group_of_outputs_votes_for_its_class():
    network = graph(population("out", reads(INPUT, np.eye(6, 4, dtype=int))), group=3, count_bits=3)
    assert network.num_classes == 2
    spikes = np.array([[[1, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1]]] * 4, np.uint8)
    result = assert_naive(network, spikes)
    assert result.counts.tolist() == [[7, 4], [4, 4], [0, 4]]  # 12 spikes saturate at 7
    assert result.classes.tolist() == [0, 0, 1]
    assert (result.saturations.readout, result.saturations.clipped(network)) == (
        1,
        ["readout: 1 of 6 spike counts saturate at 3 bits; samples of 4 time steps are too long for it"],
    )


def test_spikes_lost_to_delays_are_those_of_all_connections():
    inputs = (
        reads(INPUT, [[1, 1, 1, 1]], delay=np.array([0, 1, 2, 63])),
        reads(INPUT, [[1, 1, 1, 1]], delay=np.array([9, 0, 0, 0])),
    )
    found = assert_naive(graph(population("out", *inputs)), np.ones((3, 2, 4), np.uint8)).saturations
    assert found.lost_spikes == {"out": 2 * ((0 + 1 + 2 + 3) + 3)}


def test_values_beyond_a_byte_are_kept():
    pool = SumPool(name="pool", source=INPUT, channels=1, windows=HALVES)
    network = graph(pool, population("out", reads("pool", [[1, -1]], greatest=510), fire_at=300), greatest=255)
    result = assert_naive(network, np.array([[[255, 255, 100, 0]]], np.uint8))
    assert result.traces["pool"].spikes.tolist() == [[[510, 100]]]
    assert result.traces["pool"].spikes.dtype == np.uint16
    assert result.traces["out"].spikes.tolist() == [[[1]]]


def test_counts_of_two_bytes_enter():
    network = graph(population("out", reads(INPUT, [[1, 1, 1, 1]], greatest=700), fire_at=2800), greatest=700)
    assert run(network, np.full((1, 1, 4), 700, np.uint16)).counts.tolist() == [[1]]
    assert run(network, np.full((1, 1, 4), 255, np.uint8)).counts.tolist() == [[0]]
    for wrong in (np.full((1, 1, 4), 701, np.uint16), np.ones((1, 1, 4), np.int64)):
        with pytest.raises(reference.DataError, match=r"^input counts: must be 0\.\.700 of type uint8 or uint16$"):
            run(network, wrong)


def test_nothing_runs():
    pool = MaxPool(name="pool", source=INPUT, channels=1, windows=HALVES)
    network = graph(pool, population("out", reads("pool", [[1, 1]])))
    for steps, samples in ((0, 2), (2, 0), (0, 0)):
        result = run(network, np.zeros((steps, samples, 4), np.uint8), record_membranes=True)
        assert result.counts.tolist() == [[0]] * samples
        assert result.traces["pool"].spikes.shape == (steps, samples, 2)


EYE = np.eye(4, dtype=int)
OUT = population("out", reads(INPUT, EYE))
POOL = MaxPool(name="pool", source=INPUT, channels=1, windows=HALVES)
SPREAD = {"space": (4,), "kernel": (4,), "stride": (4,), "padding": (0,), "dilation": (1,)}
INTEGRATOR = Integrator(neurons=4, leak=NoLeak(), membrane_bits=8, score=Score.LAST, score_bits=8)
BAD_GRAPHS = [
    (lambda: Input(shape=(), greatest=1), "input: shape must have positive lengths, not ()"),
    (lambda: Input(shape=(2, 0)), "input: shape must have positive lengths, not (2, 0)"),
    (lambda: Input(shape=(2,), greatest=0), "input: greatest must be 1..65535, not 0"),
    (lambda: Input(shape=(2,), greatest=65536), "input: greatest must be 1..65535, not 65536"),
    (lambda: reads("a", EYE, greatest=0), "greatest must be 1..65535, not 0"),
    (lambda: reads("a", EYE, delay=np.zeros(3, int)), "delay must have shape (4,), not (3,)"),
    (lambda: reads("a", EYE, delay=np.zeros(4)), "delay must hold integers, not float64"),
    (lambda: reads("a", EYE, delay=np.full(4, 64)), "delays must be 0..63 steps, not reach 64"),
    (
        lambda: reads("a", EYE, delay=np.zeros(4, int), greatest=2),
        "delays must be those of spikes, not of pixels or counts",
    ),
    (
        lambda: reads("a", EYE, delay=np.zeros(4, int), previous_step=True),
        "delays must not stand in a connection of the previous step",
    ),
    (lambda: population("p", reads("a", EYE), shape=(0,)), "layer 'p': shape must have positive lengths, not (0,)"),
    (
        lambda: population("p", reads("a", EYE), shape=(5,)),
        "layer 'p': must have 4 neurons as its weights from 'a', not 5",
    ),
    (
        lambda: population("p", reads("a", EYE), reads("b", np.ones((3, 4), int))),
        "layer 'p': must have 3 neurons as its weights from 'b', not 4",
    ),
    (
        lambda: population("p", reads("a", EYE), reads("b", EYE * 128)),
        "layer 'p': weights must fit 8 bits, not reach 128",
    ),
    (
        lambda: population("p", reads("p", EYE, previous_step=True)),
        "layer 'p': must have an input besides itself",
    ),
    (
        lambda: population("p", reads("a", EYE), reads("p", EYE * 200, previous_step=True)),
        "layer 'p': recurrent weights must fit 8 bits, not reach 200",
    ),
    (
        lambda: population("p", reads("a", EYE), reads("b", EYE, previous_step=True)),
        "layer 'p': must read the previous step of itself, not of 'b'",
    ),
    (
        lambda: population("p", reads("a", EYE), reads("p", np.ones((4, 3), int), previous_step=True)),
        "layer 'p': recurrent must have shape (4, 4), not (4, 3)",
    ),
    (
        lambda: population("p", reads("p", EYE, previous_step=True), reads("a", EYE)),
        "layer 'p': a recurrent connection must be the last one",
    ),
    (
        lambda: population("p", reads("a", EYE), *[reads("p", EYE, previous_step=True)] * 2),
        "layer 'p': must have at most one recurrent connection, not 2",
    ),
    (
        lambda: population("p", reads("a", EYE), reads("p", EYE, previous_step=True), neuron=INTEGRATOR),
        "layer 'p': integrators must not be recurrent",
    ),
    (lambda: graph(POOL), "network: must have at least one layer, not none"),
    (lambda: graph(OUT, POOL), "network: must end with a layer of neurons, not 'pool'"),
    (lambda: graph(OUT, OUT), "network: layer names must be unique, not ['out', 'out']"),
    (lambda: graph(replace(OUT, name=INPUT)), "network: no layer must be called '<input>'"),
    (
        lambda: graph(population("out", reads("a", EYE))),
        "layer 'out': must read the input or a layer before it, not 'a'",
    ),
    (
        lambda: graph(replace(POOL, source="out"), OUT),
        "layer 'pool': must read the input or a layer before it, not 'out'",
    ),
    (
        lambda: graph(Sum(name="sum", sources=(INPUT, "sum"), shape=(4,)), OUT),
        "layer 'sum': must read the input or a layer before it, not 'sum'",
    ),
    (lambda: graph(OUT, inputs=(5,)), "layer 'out': must take 5 inputs, not 4"),
    (lambda: graph(OUT, greatest=3), "layer 'out': input_max must be 3, not 1, as '<input>' has it"),
    (lambda: graph(replace(POOL, channels=2), OUT), "layer 'pool': must take 4 inputs, not 8"),
    (lambda: graph(POOL, OUT, greatest=2), "layer 'pool': a max pool must take spikes, not values up to 2"),
    (
        lambda: graph(replace(POOL, windows=replace(HALVES, stride=(0,))), OUT),
        "layer 'pool': stride must be at least 1, not 0",
    ),
    (
        lambda: graph(SumPool(name="pool", source=INPUT, channels=1, windows=Windows(**SPREAD)), OUT, greatest=20000),
        "layer 'pool': values must stay within 65535, not reach 80000",
    ),
    (
        lambda: graph(Sum(name="sum", sources=(INPUT,) * 4, shape=(4,)), OUT, greatest=20000),
        "layer 'sum': values must stay within 65535, not reach 80000",
    ),
    (
        lambda: graph(Sum(name="sum", sources=(), shape=(4,)), OUT),
        "layer 'sum': must have sources and positive lengths, not () of (4,)",
    ),
    (
        lambda: graph(POOL, Sum(name="sum", sources=(INPUT, "pool"), shape=(4,)), OUT),
        "layer 'sum': must take 4 inputs of 'pool', not 2",
    ),
    (
        lambda: graph(population("a", reads(INPUT, EYE), neuron=INTEGRATOR), OUT),
        "layer 'a': integrators must be the last layer, for they never spike",
    ),
    (lambda: graph(OUT, group=3), "network: group must divide 4 outputs, not be 3"),
    (lambda: graph(OUT, group=0), "network: group must divide 4 outputs, not be 0"),
    (
        lambda: graph(replace(OUT, neuron=replace(INTEGRATOR, score=Score.MAX)), group=2),
        "network: group must be 1 where a score is the greatest membrane, for sums come before it",
    ),
    (
        lambda: graph(OUT, encoder=Encoder(kind="direct", time_steps=3)),
        "network: input must reach 255 as its encoder says, not 1",
    ),
]


@pytest.mark.parametrize(("build", "message"), BAD_GRAPHS)
def test_invalid_graphs_cannot_be_built(build, message):
    with pytest.raises(QuantizationError, match=rf"^{re.escape(message)}$"):
        build()


def test_what_a_network_says_of_itself():
    kernel = Convolution(
        weight=np.array([[[1, 0], [2, 0]]]), input_shape=(2, 3), stride=(1,), padding=(0,), dilation=(1,)
    )
    conv = population("conv", Connection(source=INPUT, synapses=kernel), shape=(1, 2))
    out = population(
        "out", reads("conv", [[1, 1]]), reads(INPUT, np.ones((1, 6), int)), reads("out", [[-1]], previous_step=True)
    )
    network = graph(conv, out, inputs=(2, 3))
    assert network.populations == (conv, out)
    assert (shape_of(conv), shape_of(out)) == ((1, 2), (1,))
    assert (conv.num_inputs, conv.num_neurons, conv.num_weights, conv.num_nonzero) == (6, 2, 4, 2)
    assert (out.num_inputs, out.num_weights, out.num_nonzero) == (8, 9, 9)
    assert (conv.recurrent, out.recurrent) == (None, out.inputs[-1])
    assert out.matrix.tolist() == [[1] * 8 + [-1]]
    assert sources_of(out) == ("conv", INPUT)
    assert [node.name for node in network.readers(INPUT)] == ["conv", "out"]


def test_a_layer_is_a_population_of_one_connection():
    layer = dense([[1, 2, 3]], recurrent=np.ones((1, 1), int), delay=np.array([1, 2, 3]))
    assert [one.source for one in layer.population.inputs] == [INPUT, "fc"]
    assert layer.reading("x").forward[0].source == "x"
