"""Neurons behind a max pool of currents: networks as people write them, files, hardware, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import lif
from run_steps import exact, run_neurons, spikes
from spikingjelly.activation_based import neuron
from torch import nn

from snn2rtl.compiler import fold
from snn2rtl.encoders import Encoder
from snn2rtl.errors import QuantizationError, UnsupportedModelError
from snn2rtl.frontend import from_module
from snn2rtl.int_net import network_file, reference
from snn2rtl.int_net.chain import layers_of
from snn2rtl.int_net.intervals import input_range, sum_range
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.network_file import digest, load, save
from snn2rtl.int_net.population import Connection, Input, Population
from snn2rtl.int_net.synapses import Dense
from snn2rtl.nir.export import to_graph
from snn2rtl.options import PerLayer, QuantizeOptions, RtlOptions
from snn2rtl.passes.fold_neurons import fold_neurons, plain_layers
from snn2rtl.passes.quantize import quantize_network
from snn2rtl.pools import INPUT
from snn2rtl.rtl import timing
from snn2rtl.rtl.estimate import cycles
from snn2rtl.rtl.placement import sums_at
from snn2rtl.rtl.plan import plan
from snn2rtl.verify.limit import cycle_limit
from snn2rtl.windows import Windows

STEPS, SAMPLES = 5, 8
PAIRS = Windows(space=(4,), kernel=(2,), stride=(2,), padding=(0,), dilation=(1,))
EDGES = Windows(space=(4,), kernel=(2,), stride=(2,), padding=(1,), dilation=(1,))


def population(
    weight: list[list[int]], pool: Windows = PAIRS, bias: int | list[int] = 0, fire_at: int = 3
) -> Population:
    """Return neurons that read the input through a pool."""
    synapses = Dense(np.array(weight))
    neurons = synapses.num_neurons // int(np.prod(pool.space)) * int(np.prod(pool.outputs))
    return Population(
        name="pooled",
        shape=(neurons,),
        inputs=(Connection(source=INPUT, synapses=synapses),),
        weight_bits=5,
        weight_shift=0,
        bias=np.broadcast_to(bias, synapses.num_neurons),
        neuron=lif([fire_at] * neurons, membrane_bits=8),
        pool=pool,
    )


def network(*nodes: Population) -> FixedPointNetwork:
    inputs = nodes[0].inputs[0].synapses.num_inputs
    return FixedPointNetwork(name="net", input=Input(shape=(inputs,)), nodes=nodes, count_bits=4)


def test_a_pool_written_by_hand() -> None:
    """The greatest of negative currents is negative, and padding is never the greatest."""
    layer = population([[-1], [-2], [2], [5]], EDGES, bias=[0, -1, 1, -7], fire_at=4)
    result = reference.run(network(layer), np.array([[[1]], [[0]], [[1]]], np.uint8), record_membranes=True)
    # places: -1, -3, 3, -2 with the input and 0, -1, 1, -7 without it; windows are 0, then 1 and 2, then 3
    assert result.traces["pooled"].membranes[:, 0].tolist() == [[-1, 3, -2], [-1, 0, -9], [-2, 3, -11]]
    assert result.traces["pooled"].spikes[:, 0].tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_ranges_are_those_of_the_greatest() -> None:
    layer = population([[3], [-2], [-4], [-6]], bias=[0, 1, 0, 5])
    assert [values.tolist() for values in sum_range(layer)] == [[0, -1, -4, -1], [3, 1, 0, 5]]
    assert [values.tolist() for values in input_range(layer)] == [[0, -1], [3, 5]]


def tutorial(reset: float | None) -> nn.Sequential:
    """Return the network of snnTorch's tutorials 6 and 7, with fewer channels and smaller kernels."""

    def fire(threshold: float) -> nn.Module:
        return neuron.LIFNode(2.0, False, threshold, reset)

    return nn.Sequential(
        *(nn.Conv2d(1, 3, 3), nn.MaxPool2d(2), fire(4.0)),
        *(nn.Conv2d(3, 4, 2), nn.MaxPool2d(2), fire(4.0)),
        *(nn.Flatten(), nn.Linear(16, 3), fire(4.0)),
    )


@pytest.mark.parametrize("reset", [0.0, None])
def test_every_spike_of_the_tutorial_s_network(reset: float | None) -> None:
    net = exact(tutorial(reset))
    for module in net.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            module.weight.data = (module.weight.data * 8).round() / 8
    x = spikes(STEPS, SAMPLES, 1, 12, 12)
    options = QuantizeOptions(bits=PerLayer(16), membrane_fraction=PerLayer(14), time_steps=STEPS, strict=True)
    layered = fold(from_module(net, example_input=x[0]))
    integer, reports = quantize_network(layered, options)
    assert [note for report in reports for note in report.approximations()] == []
    assert [layer.shape for layer in integer.populations] == [(3, 5, 5), (4, 2, 2), (3,)]
    result = reference.run(integer, x.flatten(2).numpy().astype(np.uint8), record_membranes=True)
    out, seen = run_neurons(net, x, in_steps=True)
    for layer, report, (fired, membranes) in zip(layered.layers, reports, seen.values(), strict=True):
        assert np.array_equal(result.traces[layer.name].spikes, fired.numpy())
        assert 0.02 < fired.mean() < 0.98
        if report.scale_min == report.scale_max:
            step = report.scale_min / 2**report.membrane_fraction
            assert np.array_equal(result.traces[layer.name].membranes * step, membranes.numpy())
    assert np.array_equal(result.counts, out.sum(dim=0).numpy())


def test_pixels_are_pooled_where_they_enter() -> None:
    """Currents of whole pixels, the same in every step, against torch."""
    random = np.random.default_rng(0)
    conv, pool = nn.Conv1d(1, 2, 3, padding=1), nn.MaxPool1d(2, 1, padding=1)
    conv.weight.data = torch.tensor(random.integers(-4, 5, (2, 1, 3)).astype(np.float32)) / 4
    conv.bias.data = torch.tensor([0.25, -0.5])
    net = nn.Sequential(nn.Unflatten(-1, (1, 6)), conv, pool, neuron.IFNode(2.0, None), nn.Flatten())
    floats = fold(replace(from_module(net), encoder=Encoder(kind="direct", time_steps=STEPS)))
    integer, _ = quantize_network(floats, QuantizeOptions(strict=True))
    pixels = random.integers(0, 256, (SAMPLES, 6)).astype(np.uint8)
    result = reference.run(integer, pixels)
    with torch.no_grad():
        current = pool(conv.double()(torch.tensor(pixels / 1.0)[:, None] / 255)).flatten(1).numpy()
    membrane = np.zeros_like(current)
    for step in range(STEPS):
        membrane = membrane + current
        fired = membrane >= 2.0 - 1e-9
        membrane = membrane - 2.0 * fired
        assert np.array_equal(result.traces[integer.output.name].spikes[step], fired)
    assert result.counts.any()


def test_a_file_with_a_pool_is_of_version_3(tmp_path: Path) -> None:
    pooled = network(population([[1], [2], [3], [4]]))
    save(pooled, tmp_path / "n.npz")
    assert digest(load(tmp_path / "n.npz")) == digest(pooled)
    assert load(tmp_path / "n.npz").populations[0].pool == PAIRS
    with np.load(tmp_path / "n.npz") as arrays:
        assert json.loads(arrays["header"].tobytes())["format_version"] == network_file.POOL_VERSION
    other = network(population([[1], [2], [3], [4]], replace(PAIRS, stride=(1,))))
    assert digest(other) != digest(pooled)
    plain = replace(pooled.populations[0], pool=None, shape=(4,), neuron=lif([3] * 4))
    save(network(plain), tmp_path / "n.npz")
    with np.load(tmp_path / "n.npz") as arrays:
        assert json.loads(arrays["header"].tobytes())["format_version"] == network_file.FORMAT_VERSION


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shape": (3,)}, "must have a multiple of 2 neurons, its pool's windows, not 3"),
        ({"shape": (4,)}, "must have 4 places before its pool as its weights from '<input>', not 8"),
        ({"pool": replace(PAIRS, kernel=(9,), outputs=())}, "pool: kernel must fit the input of"),
        ({"pool": replace(PAIRS, kernel=(1,))}, "pool must have windows of more than one place, not of one"),
        ({"pool": Windows(space=(1,), kernel=(2,), stride=(1,), padding=(1,), dilation=(2,))},
         "pool must not have a window outside its input"),
        ({"bias": np.zeros(2, int)}, r"bias must have shape \(4,\), not \(2,\)"),
    ],
)  # fmt: skip
def test_what_no_population_is(changes: dict[str, object], message: str) -> None:
    with pytest.raises(QuantizationError, match=rf"^layer 'pooled': {message}"):
        replace(population([[1], [2], [3], [4]]), **changes)


def test_a_population_with_a_pool_is_not_recurrent() -> None:
    layer = population([[1], [2], [3], [4]])
    back = Connection(source="pooled", synapses=Dense(np.ones((4, 2), int)), previous_step=True)
    with pytest.raises(QuantizationError, match=r"^layer 'pooled': must not be recurrent behind a pool of currents$"):
        replace(layer, inputs=(*layer.inputs, back))


def test_what_takes_chains_takes_no_pool() -> None:
    with pytest.raises(QuantizationError, match=r"to '<input>' alone, not through a pool of currents$"):
        layers_of(network(population([[1], [2], [3], [4]])))
    net = nn.Sequential(nn.Unflatten(-1, (1, 6)), nn.Conv1d(1, 2, 3), nn.MaxPool1d(2), neuron.IFNode(), nn.Flatten())
    floats = fold(from_module(net))
    with pytest.raises(UnsupportedModelError, match="must be neurons that read '<input>' without a pool of currents"):
        plain_layers(floats, "to run here")


def test_nir_has_no_pool_of_currents() -> None:
    net = nn.Sequential(nn.Unflatten(-1, (1, 6)), nn.Conv1d(1, 2, 3), nn.MaxPool1d(2), neuron.IFNode(), nn.Flatten())
    floats = fold(from_module(net))
    integer, _ = quantize_network(floats, QuantizeOptions())
    for one in (floats, integer):
        with pytest.raises(UnsupportedModelError) as caught:
            to_graph(one, 1e-3)
        assert f"layer '{floats.layers[0].name}': NIR has no max pool, of currents either" in caught.value.problems


def test_a_tau_of_each_neuron_with_decaying_input_is_refused() -> None:
    net = nn.Sequential(nn.Unflatten(-1, (1, 6)), nn.Conv1d(1, 2, 3), nn.MaxPool1d(2), neuron.IFNode(), nn.Flatten())
    floats = fold(from_module(net))
    (layer,) = floats.layers
    taus = replace(layer, neuron=replace(layer.neuron, tau=np.array([2.0, 3.0, 2.0, 4.0]), decay_input=True))
    with pytest.raises(UnsupportedModelError, match="must have one tau for all neurons, which decay their input"):
        fold_neurons(replace(floats, nodes=(taus,)))


def test_sums_of_a_neuron_lie_behind_each_other() -> None:
    layer = population([[1]] * 8, EDGES)  # six neurons, whose windows have one place, two and one
    assert layer.taps.tolist() == [[-1, 0], [1, 2], [3, -1], [-1, 4], [5, 6], [7, -1]]
    found = sums_at(layer, np.array([1, 0, 5, 4]), 3)
    assert found.reshape(-1, 3).tolist() == [[1, -1, 7], [2, 0, -1], [5, -1, -1], [6, -1, -1]]


def test_taps_outside_have_the_least_bias() -> None:
    layer = population([[1], [2], [3], [4]], EDGES, bias=[5, 6, 7, 8])
    (design,) = plan(network(layer), RtlOptions(lanes=PerLayer(1))).layers
    (bias,) = [one for one in design.each if one.name == "bias"]
    least = -(1 << design.current_width - 1)
    assert bias.memory is not None
    assert bias.memory.fields.ravel().tolist() == [least, 5, 6, 7, 8, least]
    assert (design.slots, design.taps, design.neuron_slots, design.num_neurons) == (6, 2, 3, 3)
    even = plan(network(population([[1]] * 8, bias=3)), RtlOptions(lanes=PerLayer(3))).layers[0]
    (bias,) = [one for one in even.each if one.name == "bias"]
    assert bias.memory is None  # a lane without a neuron needs none


def test_cycles_count_every_sum() -> None:
    """Two lanes of two neurons of two sums: four slots; a spike of the first input touches three weights."""
    layer = population([[1, 0], [1, 0], [1, 0], [0, 1], [0, 0], [0, 0], [0, 0], [0, 1]])
    toy = network(layer)
    design = plan(toy, RtlOptions(lanes=PerLayer(2), layout=PerLayer("ragged")))
    inputs = np.zeros((3, 2, 2), np.uint8)
    inputs[1, 1, 0] = 1
    result = reference.run(toy, inputs)
    walk = 4 + timing.DRAIN + timing.GREATEST_SUM
    assert cycles(toy, design, inputs, result).tolist() == [3 * walk, 3 * walk + 2]
    assert cycle_limit(toy, design, inputs, result).tolist() == [3 * 4, 3 * 4 + 2]
    overlapping = replace(PAIRS, stride=(1,), outputs=())
    toy = network(population([[1, 0], [1, 0], [1, 0], [0, 1]], overlapping))
    design = plan(toy, RtlOptions(lanes=PerLayer(1)))
    assert design.layers[0].slots == 6
    result = reference.run(toy, inputs)
    assert cycle_limit(toy, design, inputs, result).tolist() == [3 * 4, 3 * 4 + 3]  # a place counts once
