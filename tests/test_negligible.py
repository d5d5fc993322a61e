"""Weights that are nothing beside threshold and bias: one such neuron costs the others of its layer nothing."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from float_layers import one_layer
from hypothesis import given, settings
from hypothesis import strategies as st

import snn2rtl
from snn2rtl import cli
from snn2rtl.compiler import compile_network, fold
from snn2rtl.errors import StrictError
from snn2rtl.float_net import reference as floats
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import Linear
from snn2rtl.int_net import reference
from snn2rtl.int_net.chain import layers_of
from snn2rtl.int_net.intervals import never_fires
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.passes.scale import choose_scale

LIVE = [[1.0, -0.5, 0.25], [-0.75, 1.0, 0.5]]
TINY = (1e-12, 1e-16, -1e-16, 1e-42, 1e-300, 5e-324)
KINDS = (
    {},
    {"tau": 2.0},
    {"tau": 3.0, "v_reset": None},
    {"tau": 2.0, "synapse_tau": 3.0},
    {"tau": 2.0, "grow": 0.3, "adaptation_tau": 5.3},
)


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def network(weight, bias=None, **changes) -> SpikingNetwork:
    linear, neuron = one_layer(weight, bias).nodes
    return SpikingNetwork(name="net", nodes=(linear, replace(neuron, **changes)))


def compiled(net: SpikingNetwork, **changes):
    integer, (report,) = compile_network(net, QuantizeOptions(**changes))
    return integer, layers_of(integer)[0], report


@pytest.mark.parametrize("value", TINY)
@pytest.mark.parametrize("changes", KINDS, ids=str)
@pytest.mark.parametrize("bits", [4, 8, 16])
def test_a_dead_neuron_is_zero_and_leaves_the_others_as_they_are(value, changes, bits):
    _, alone, report_alone = compiled(network(LIVE, **changes), bits=PerLayer(bits))
    _, layer, report = compiled(network([*LIVE, [value, -value, value]], **changes), bits=PerLayer(bits))
    assert np.array_equal(layer.weight[:2], alone.weight)
    assert np.array_equal(layer.neuron.fire_at[:2], alone.neuron.fire_at)
    assert layer.weight[2].tolist() == [0, 0, 0]
    assert never_fires(layer.population).tolist() == [False, False, True]
    assert layer.neuron.membrane_bits <= max(alone.neuron.membrane_bits, layer.weight_shift + bits + 2)
    assert (report.rounded_to_zero, report.silent_neurons) == (report_alone.rounded_to_zero + 3, 1)
    assert any(f"{report.rounded_to_zero} of 9 to zero" in note for note in report.approximations())


def test_strict_refuses_to_round_it():
    with pytest.raises(StrictError, match="3 of 9 to zero"):
        compile_network(network([*LIVE, [1e-12] * 3]), QuantizeOptions(strict=True))


@pytest.mark.parametrize("value", [*TINY, 0.0])
@pytest.mark.parametrize("bias", [-1e18, -1.1, -0.3, 0.0, 0.3, 1.1, 1e18])
@pytest.mark.parametrize("changes", KINDS[:3], ids=str)
def test_with_a_bias_it_does_what_the_float_neuron_does(value, bias, changes):
    net = network([*LIVE, [value, -value, value]], [0.0, 0.0, bias], **changes)
    integer, layer, _ = compiled(net, bits=PerLayer(8), membrane_fraction=PerLayer(12))
    spikes = (np.random.default_rng(0).random((100, 9, 3)) < 0.4).astype(np.uint8)
    (found,) = reference.run(integer, spikes).in_order
    (wanted,) = floats.run(fold(net), spikes, np.float64).values()
    assert np.array_equal(found.spikes[:, :, 2], wanted.spikes[:, :, 2])
    assert not layer.weight[2].any()


@pytest.mark.parametrize("value", [1e-10, 1e-11])
def test_a_membrane_is_not_wide_for_a_neuron_that_cannot_fire(value):
    _, layer, report = compiled(network([*LIVE, [value] * 3]))
    assert layer.weight[2].tolist() == [0, 0, 0]
    assert (layer.neuron.membrane_bits, report.silent_neurons) == (
        compiled(network(LIVE))[1].neuron.membrane_bits,
        1,
    )


def test_small_weights_that_take_a_neuron_to_its_threshold_stay():
    """1e-10 * 3 inputs * 2**16 steps is far below a threshold of 1, and above one of 1e-5."""
    many = {"time_steps": 1 << 16}
    assert not compiled(network([[1e-10] * 3], v_threshold=1.0), **many)[1].weight.any()
    assert compiled(network([[1e-10] * 3], v_threshold=1e-5), **many)[1].weight.all()


@pytest.mark.parametrize("bias", [2.0**10, -(2.0**10)])
def test_weights_beside_a_bias_that_decides_alone(bias):
    _, layer, report = compiled(network([[2.0**-40]], [bias], v_threshold=2.0**-40))
    assert layer.weight.tolist() == [[0]]
    assert never_fires(layer.population).tolist() == [bias < 0]
    assert any("weights are rounded" in note for note in report.approximations())


def test_a_step_of_training_does_not_keep_a_dead_neuron_alive():
    nodes = network([*LIVE, [3e-16, -1e-16, 2e-16]]).nodes
    net = SpikingNetwork(name="net", nodes=(replace(nodes[0], step=[0.25, 0.25, 1e-16]), nodes[1]))
    _, layer, report = compiled(net)
    assert layer.weight.tolist() == [[4, -2, 1], [-3, 4, 2], [0, 0, 0]]
    assert (report.dropped_steps, report.silent_neurons) == (1, 1)
    pruned = replace(nodes[0], weight=[*LIVE, [0.0] * 3], step=[0.25, 0.25, 1e-16])
    _, layer, report = compiled(SpikingNetwork(name="net", nodes=(pruned, nodes[1])))
    assert (report.silent_neurons, report.approximations()) == (1, [])


@pytest.mark.parametrize("scale", ["neuron", "layer"])
def test_a_layer_of_dead_neurons(scale, tmp_path):
    dead = Linear(name="out", weight=np.full((4, 2), 1e-13), bias=np.zeros(4))
    nodes = network(LIVE).nodes
    net = SpikingNetwork(name="net", nodes=(*nodes, dead, replace(nodes[1], name="last")))
    made = snn2rtl.compile(net, tmp_path / "rtl", quantize=QuantizeOptions(scale=scale))
    assert made.reports[1].silent_neurons == 4
    assert not layers_of(made.network)[1].weight.any()
    assert layers_of(made.network)[1].neuron.membrane_bits < 12


def test_dead_neurons_are_not_built():
    nodes = network([*LIVE, [1e-12] * 3, LIVE[0]]).nodes
    out = Linear(name="out", weight=np.ones((2, 4)), bias=np.zeros(2))
    net = SpikingNetwork(name="net", nodes=(*nodes, out, replace(nodes[1], name="last")))
    assert sorted(snn2rtl.compile(net).design.layers[0].placement.tolist()) == [0, 1, 3]


@pytest.mark.parametrize("grow", [2.0**46, 2.0**47, 1e30])
def test_an_adaptation_that_does_not_fit_is_as_great_as_it_can_be(grow):
    """A spike silences the neuron for the sample, as it would in floats."""
    net = network([[1.0], [1.0]], grow=np.array([0.5, grow]), adaptation_tau=2.0)
    integer, layer, report = compiled(net, bits=PerLayer(2), membrane_fraction=PerLayer(0))
    assert layer.neuron.adaptation_step[1] == 2**46 - 1
    spikes = np.ones((40, 1, 1), np.uint8)
    (found,) = reference.run(integer, spikes).in_order
    (wanted,) = floats.run(fold(net), spikes, np.float64).values()
    assert np.array_equal(found.spikes[..., 1], wanted.spikes[..., 1])
    assert found.spikes[:, 0, 1].sum() == 1
    assert report.grow_error >= grow - 2**46
    assert any("grow is rounded" in note for note in report.approximations())


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(-400, 400), st.sampled_from([1, 3, 8, 16]), st.booleans())
def test_a_scale_does_not_depend_on_the_size_of_the_numbers(seed, exponent, bits, per_neuron):
    """Nothing over- or underflows on the way: float32 ends at 2**128."""
    weight = np.random.default_rng(seed).normal(size=(3, 20))
    scale = choose_scale(weight, 0.7, bits, per_neuron)
    moved = choose_scale(np.ldexp(weight, exponent), np.ldexp(0.7, exponent), bits, per_neuron)
    assert np.array_equal(moved, np.ldexp(scale, exponent))


def test_nothing_of_numpy_reaches_the_user(tmp_path, capfd):
    from spikingjelly.activation_based import neuron
    from torch import nn

    net = nn.Sequential(nn.Linear(6, 5), neuron.LIFNode(), nn.Linear(5, 3), neuron.IFNode())
    net[0].weight.data[2] = 1e-42
    net[2].weight.data[1] = 1e-38
    snn2rtl.save(net, tmp_path / "m.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        for options in ([], ["--bits", "16"], ["--bits", "1"], ["--scale", "layer"]):
            argv = ["compile", str(tmp_path / "m.pt"), "--out", str(tmp_path / "net.npz"), "--quiet", *options]
            assert cli.main(argv) == 0
    assert "Warning" not in capfd.readouterr().err
