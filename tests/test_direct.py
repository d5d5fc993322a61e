"""Direct coding: the pixels are the input of every step, in the golden model and from floats to integers."""

from dataclasses import replace
from fractions import Fraction

import naive
import numpy as np
import pytest
import torch
from float_networks import random_network
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import chain, dense, direct, lif, networks, random_pixels
from rational import run_sample
from spikingjelly.activation_based import functional, neuron
from torch import nn

from snn2rtl.compiler import compile_network, fold
from snn2rtl.encoders import Encoder
from snn2rtl.errors import DataError
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import Linear, Neuron
from snn2rtl.float_net.reference import scores
from snn2rtl.frontend import from_module
from snn2rtl.int_net import reference
from snn2rtl.int_net.chain import layers_of
from snn2rtl.int_net.intervals import charged_range
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.options import PerLayer, QuantizeOptions

STEPS = 4
ENCODER = Encoder(kind="direct", time_steps=STEPS)


# The golden model


def assert_naive(network: FixedPointNetwork, pixels: np.ndarray) -> None:
    steps = network.encoder.time_steps
    result = reference.run(network, pixels, record_membranes=True)
    for n, sample in enumerate(pixels.tolist()):
        seen, membranes, counts, winner = naive.run_sample(network, [sample] * steps)
        for index, trace in enumerate(result.in_order):
            assert trace.spikes[:, n].tolist() == [step[index] for step in seen]
            assert trace.membranes[:, n].tolist() == [step[index] for step in membranes]
        assert result.counts[n].tolist() == counts
        assert result.classes[n] == winner


@settings(max_examples=80)
@given(networks(), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_random_networks(network, steps, seed):
    assert_naive(direct(network, steps), random_pixels(network.num_inputs, 4, seed))


def test_a_pixel_is_the_current_of_every_step():
    network = direct(chain(dense([[2, -1]], lif([1000]), bias=[3], weight_shift=1)), 3)
    trace = reference.run(network, np.array([[100, 255]], np.uint8), record_membranes=True).in_order[0]
    current = 3 + (2 * 100 - 255 << 1)
    assert trace.membranes.ravel().tolist() == [current, 2 * current, 3 * current]


@pytest.mark.parametrize("inputs", [784, 4096])
def test_large_sums_are_exact(inputs):
    """255 * 784 * 127 does not fit the mantissa of a float32, and 4,096 weights of 16 bits do not fit an int32."""
    weight = np.full((2, inputs), 127 if inputs == 784 else 32767)
    weight[0, 0] = 1
    layer = replace(dense(0 * weight, lif([1, 1 << 30], membrane_bits=48)), weight=weight, weight_bits=16)
    pixels = np.full((1, inputs), 255, np.uint8)
    pixels[0, :3] = (2, 2, 254)  # an odd sum, which a float32 cannot hold
    assert_naive(direct(chain(layer), 2), pixels)


def test_a_batch_in_parts_is_the_whole(monkeypatch):
    network = direct(chain(dense([[3, -2], [-1, 5]], lif([400, 300])), dense([[1, 1]])), 5)
    pixels = random_pixels(2, 11)
    whole = reference.run(network, pixels, record_membranes=True)
    monkeypatch.setattr(reference, "_CHUNK_BYTES", 4 * 5 * 2 * 3)
    parts = reference.run(network, pixels, record_membranes=True)
    for one, other in zip(whole.in_order, parts.in_order, strict=True):
        assert np.array_equal(one.spikes, other.spikes)
        assert np.array_equal(one.membranes, other.membranes)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((2, 2, 3), np.uint8), r"input pixels: must have shape \(N, 3\), not \(2, 2, 3\)"),
        (np.zeros((2, 4), np.uint8), r"input pixels: must have shape \(N, 3\), not \(2, 4\)"),
        (np.zeros((2, 3)), "input pixels: must be of type uint8, not float64"),
    ],
)
def test_pixels_that_do_not_fit(pixels, message):
    with pytest.raises(DataError, match=rf"^{message}$"):
        reference.run(direct(chain(dense([[1, 2, 3]])), 2), pixels)


def test_the_range_of_a_membrane_holds_what_pixels_can_charge():
    layer = dense([[1, -2], [0, 3]], lif([10**6] * 2, membrane_bits=48), bias=[5, 0], weight_shift=1)
    found = charged_range(replace(layer, input_max=255, neuron=lif([1, 1], membrane_bits=48)).population)
    assert found.high.tolist() == [5 + 255 * 2, 255 * 6]
    with_pixels = charged_range(direct(chain(layer), 1).populations[0])
    assert with_pixels.bits > charged_range(layer.population).bits


# From floats


def quarters(random: np.random.Generator, *shape: int) -> np.ndarray:
    return random.integers(-4, 7, shape) / 4


@st.composite
def dyadic_networks(draw: st.DrawFn) -> SpikingNetwork:
    """Draw a directly coded network of dyadic numbers."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    nodes = []
    for index, (inputs, outputs) in enumerate(((5, 4), (4, 3))):
        tau = draw(st.sampled_from([None, 2.0, 4.0]))
        nodes += [
            Linear(name=f"fc{index}", weight=quarters(random, outputs, inputs), bias=quarters(random, outputs) / 4),
            Neuron(
                name=f"lif{index}",
                tau=tau,
                v_threshold=draw(st.sampled_from([0.5, 1.0])),
                v_reset=draw(st.sampled_from([None, 0.0, 0.25])),
                decay_input=tau is not None and draw(st.booleans()),
            ),
        ]
    return SpikingNetwork(name="net", nodes=tuple(nodes), encoder=ENCODER)


def exact(bits: int = 10) -> QuantizeOptions:
    """Return options with which the networks here lose nothing: the leak shifts out two bits a step at most."""
    return QuantizeOptions(bits=PerLayer(bits), membrane_fraction=PerLayer(2 * STEPS + 4), strict=True)


@settings(max_examples=60)
@given(dyadic_networks(), st.integers(0, 99))
def test_every_spike_is_that_of_the_float_network_in_rational_numbers(network, seed):
    pixels = random_pixels(5, 6, seed)
    integer, _ = compile_network(network, exact())
    spikes = reference.run(integer, pixels).in_order[-1].spikes
    for n, sample in enumerate(pixels.tolist()):
        assert spikes[:, n].tolist() == run_sample(network, [[Fraction(pixel, 255) for pixel in sample]] * STEPS)


def test_a_tie_at_the_threshold_fires_and_one_pixel_less_does_not():
    nodes = (
        Linear(name="fc", weight=[[0.5, 1.0]], bias=[0.0]),
        Neuron(name="if", tau=None, v_threshold=1.0, v_reset=0.0),
    )
    integer, (report,) = compile_network(SpikingNetwork(name="n", nodes=nodes, encoder=ENCODER), exact(3))
    pixels = np.array([[0, 255], [0, 254], [2, 254], [1, 254]], np.uint8)
    assert reference.run(integer, pixels).in_order[0].spikes[0].ravel().tolist() == [1, 0, 1, 0]
    assert (report.input_max, layers_of(integer)[0].input_max) == (255, 255)


@pytest.mark.parametrize("v_reset", [0.0, 0.25, None])
@pytest.mark.parametrize("tau", [None, 2.0])
def test_every_spike_is_that_of_spikingjelly(tau, v_reset):
    """Dividing pixels by 255 is not exact; a first layer of 255 times the bias, threshold and rest takes them whole."""
    random = np.random.default_rng(1)

    def build(scale: float) -> nn.Sequential:
        node = neuron.IFNode if tau is None else neuron.LIFNode
        common = {} if tau is None else {"tau": tau, "decay_input": False}
        first = node(v_threshold=scale, v_reset=None if v_reset is None else scale * v_reset, **common)
        return nn.Sequential(nn.Linear(7, 6), first, nn.Linear(6, 3), node(v_threshold=0.5, v_reset=v_reset, **common))

    net, whole = build(1.0), build(255.0)
    with torch.no_grad():
        for one, other, inputs, outputs in ((net[0], whole[0], 7, 6), (net[2], whole[2], 6, 3)):
            one.weight.copy_(torch.tensor(quarters(random, outputs, inputs)))
            one.bias.copy_(torch.tensor(quarters(random, outputs)))
            other.weight.copy_(one.weight)
            other.bias.copy_(one.bias * (255 if one is net[0] else 1))
    pixels = random_pixels(7, 40)
    integer, _ = compile_network(from_module(net, encoder=ENCODER), exact())
    result = reference.run(integer, pixels)
    functional.reset_net(whole)
    for t in range(STEPS):
        hidden = whole[1](whole[0](torch.tensor(pixels).float()))
        out = whole[3](whole[2](hidden))
        assert np.array_equal(result.in_order[0].spikes[t], hidden.detach().numpy())
        assert np.array_equal(result.in_order[1].spikes[t], out.detach().numpy())
    assert 0.1 < result.in_order[0].spikes.mean() < 0.9


def test_a_trained_step_counts_the_threshold_in_pixels():
    """Training in float32: the threshold of 1 is n / 255 weight steps of each neuron."""
    random = np.random.default_rng(0)
    times = random.integers(300, 3000, 6)
    step = (np.float32(255) / times.astype(np.float32)).astype(np.float32)
    weight = random.integers(-7, 8, (6, 9))
    bias = random.integers(-500, 500, 6)
    linear = Linear(
        name="fc",
        weight=weight.astype(np.float32) * step[:, None],
        bias=bias.astype(np.float32) * (step / np.float32(255)),
        step=step,
    )
    nodes = (linear, Neuron(name="if", tau=None, v_threshold=1.0, v_reset=None))
    network = SpikingNetwork(name="net", nodes=nodes, encoder=ENCODER)
    (layer,) = layers_of(compile_network(network, QuantizeOptions(bits=PerLayer(4), strict=True))[0])
    assert np.array_equal(layer.weight, weight)
    assert np.array_equal(layer.bias, bias)
    assert np.array_equal(layer.neuron.fire_at, times)


def test_the_membrane_of_pixels_has_no_fraction_below_them_unless_asked():
    for asked, wanted in ((PerLayer(-1), [0, 1]), (PerLayer(3), [3, 3]), (PerLayer(-1, {"fc0": 2}), [2, 1])):
        integer, reports = compile_network(random_network(ENCODER), QuantizeOptions(membrane_fraction=asked))
        assert [layer.weight_shift for layer in layers_of(integer)] == wanted
        assert [report.membrane_fraction for report in reports] == wanted
        assert [report.input_max for report in reports] == [255, 1]
        notes = [note for report in reports for note in report.approximations() if "floors" in note]
        assert f"steps of 1/{255 << wanted[0]} weight step" in notes[0]
        assert f"steps of 1/{1 << wanted[1]} weight step" in notes[1]


def test_a_searched_step_costs_a_threshold_below_it_nothing():
    """Pixels divide a weight step once more."""
    weight = np.random.default_rng(0).normal(size=(4, 6)) * 5
    nodes = (
        Linear(name="fc", weight=weight, bias=np.zeros(4)),
        Neuron(name="if", tau=None, v_threshold=0.3, v_reset=0.0),
    )
    _, (report,) = compile_network(
        SpikingNetwork(name="net", nodes=nodes, encoder=ENCODER), QuantizeOptions(bits=PerLayer(4))
    )
    assert report.scale_min > 0.3
    assert (report.threshold_error, report.weight_error > 0) == (0.0, True)


def test_with_many_bits_the_integers_are_the_float_network():
    network = random_network(ENCODER)
    integer, reports = compile_network(network, QuantizeOptions(bits=PerLayer(16), membrane_fraction=PerLayer(8)))
    pixels = random_pixels(20, 200)
    got = reference.run(integer, pixels).counts
    assert np.mean(got == scores(fold(network), pixels)) > 0.99
    assert 0.1 < got.mean() / STEPS < 0.9
    assert reports[0].threshold_error == 0


def test_the_float_network_is_spikingjelly_s():
    net = nn.Sequential(nn.Linear(9, 8), neuron.LIFNode(tau=2.0, v_threshold=0.2), nn.Linear(8, 3), neuron.IFNode())
    torch.manual_seed(0)
    pixels = random_pixels(9, 30)
    with torch.no_grad():
        for linear in (net[0], net[2]):
            linear.weight.mul_(3)
        counts = sum(net(torch.tensor(pixels).float() / 255) for _ in range(STEPS))
    got = scores(fold(from_module(net, encoder=ENCODER)), pixels)
    assert np.mean(got == counts.numpy()) > 0.99
    assert got.any()
