"""Steps that training chose: taken where they are steps of the weights, and only there."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from spikingjelly.activation_based import neuron
from torch import nn

import snn2rtl
from snn2rtl.compiler import compile_network
from snn2rtl.errors import StrictError, UnsupportedModelError
from snn2rtl.fixed_point import signed_bits, signed_range
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import AveragePool, BatchNorm, Flatten, Integrator, Linear, Neuron, Unflatten
from snn2rtl.frontend import from_module
from snn2rtl.int_net.chain import layers_of
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.passes.scale import find_scale

NEURONS, INPUTS, THRESHOLD = 6, 9, 0.7
CHANGES = ["none", "decay_input", "batch norm", "both"]


def float32(values) -> np.ndarray:
    return np.asarray(values, np.float32).astype(np.float64)


def trained(seed: int, bits: int, soft: bool = False, change: str = "none"):
    """Return a network as training in float32 leaves it, and its integers: weights, bias and n of threshold = n * step.

    Every neuron has a step of its own, threshold / n; one is without weights, one has a gain below zero.
    """
    random = np.random.default_rng(seed)
    low, high = signed_range(bits)
    weight = random.integers(low, high + 1, (NEURONS, INPUTS))
    weight[random.random(weight.shape) < 0.3] = 0
    weight[1] = 0
    bias = random.integers(-40, 41, NEURONS)
    times = random.integers(1, 200, NEURONS)
    tau = 2.0 if change in ("decay_input", "both") else 4.0
    step = np.float32(THRESHOLD) / times.astype(np.float32)
    step = float32(step * tau if change in ("decay_input", "both") else step)
    gain = np.ones(NEURONS)
    if change in ("batch norm", "both"):
        gain = random.uniform(0.1, 3, NEURONS) * np.where(np.arange(NEURONS) == 2, -1, 1)
        step = float32(step / np.abs(gain))
    sign = np.sign(gain).astype(int)
    linear = Linear(
        name="fc",
        weight=float32(weight.astype(np.float32) * step[:, None].astype(np.float32)),
        bias=float32(bias.astype(np.float32) * step.astype(np.float32)),
        step=step,
    )
    one = np.ones(NEURONS)
    norm = BatchNorm(name="bn", mean=0 * one, variance=one, epsilon=0.0, gamma=gain, beta=0 * one)
    decay = change in ("decay_input", "both")
    neuron = Neuron(
        name="lif", tau=tau, v_threshold=float32(THRESHOLD), v_reset=None if soft else 0.0, decay_input=decay
    )
    nodes = (linear, neuron) if gain[0] == 1 else (linear, norm, neuron)
    return SpikingNetwork(name="net", nodes=nodes), weight * sign[:, None], bias * sign, times


def options(bits: int, **changes) -> QuantizeOptions:
    return QuantizeOptions(bits=PerLayer(bits), membrane_fraction=PerLayer(12), time_steps=4, strict=True, **changes)


@settings(max_examples=80)
@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.booleans(), st.sampled_from(CHANGES))
def test_a_trained_network_keeps_its_integers_and_strict_accepts_it(seed, bits, soft, change):
    network, weight, bias, times = trained(seed, bits, soft, change)
    integer, (report,) = compile_network(network, options(min(16, bits + 1)))  # a negative gain turns -2**n around
    (layer,) = layers_of(integer)
    assert np.array_equal(layer.weight, weight)
    assert np.array_equal(layer.bias, bias << 12)
    assert np.array_equal(layer.neuron.fire_at, times << 12)
    assert np.array_equal(layer.neuron.reset_by, (times << 12) * soft)
    assert report.approximations() == []


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 16), st.booleans(), st.sampled_from(CHANGES))
def test_without_a_width_it_is_the_least_that_holds_the_weights(seed, bits, soft, change):
    network, weight, *_ = trained(seed, bits, soft, change)
    least = signed_bits(int(weight.min()), int(weight.max()))
    assume(least <= 16)  # a negative gain turns -2**15 around
    integer, (report,) = compile_network(network, QuantizeOptions(membrane_fraction=PerLayer(12), time_steps=4))
    assert (layers_of(integer)[0].weight_bits, report.weight_bits, report.bits_from) == (least, least, "training")
    assert np.array_equal(layers_of(integer)[0].weight, weight)


def test_a_width_that_is_asked_for_stays():
    network, weight, *_ = trained(0, 4)
    for asked in (4, 8):
        integer, (report,) = compile_network(network, options(asked))
        assert (layers_of(integer)[0].weight_bits, report.bits_from) == (asked, "asked")
        assert np.array_equal(layers_of(integer)[0].weight, weight)


def test_without_a_step_that_holds_for_all_weights_the_width_is_8():
    network, *_ = trained(0, 4)
    linear, neuron = network.nodes
    changed = linear.weight.copy()
    changed[0, 0] *= 1.001
    wide = replace(linear, weight=linear.weight * 2**14)
    for one in (replace(linear, step=None), replace(linear, weight=changed), wide):
        _, (report,) = compile_network(replace(network, nodes=(one, neuron)), QuantizeOptions())
        assert (report.weight_bits, report.bits_from) == (8, "default")
    _, (report,) = compile_network(network, QuantizeOptions(scale="layer"))
    assert (report.weight_bits, report.bits_from) == (8, "default")
    same = replace(linear, weight=np.round(linear.weight / linear.step[:, None]) * 0.25, step=np.full(NEURONS, 0.25))
    _, (report,) = compile_network(replace(network, nodes=(same, neuron)), QuantizeOptions(scale="layer"))
    assert (report.weight_bits, report.bits_from) == (4, "training")


def test_each_layer_has_its_own_width():
    """--bits fc=... is for the layers that it names; the report says of each where its width is from."""
    network, *_ = trained(0, 3)
    linear, neuron = network.nodes
    rng = np.random.default_rng(0)
    after = Linear(name="out", weight=rng.normal(size=(2, NEURONS)), bias=np.zeros(2))
    chain = replace(network, nodes=(linear, neuron, after, replace(neuron, name="last")))
    _, reports = compile_network(chain, QuantizeOptions())
    assert [(one.weight_bits, one.bits_from) for one in reports] == [(3, "training"), (8, "default")]
    _, reports = compile_network(chain, QuantizeOptions(bits=PerLayer(0, {"out": 5})))
    assert [(one.weight_bits, one.bits_from) for one in reports] == [(3, "training"), (5, "asked")]


def test_without_the_steps_the_same_network_is_rounded():
    network, *_ = trained(0, 4)
    linear, neuron = network.nodes
    without = replace(network, nodes=(replace(linear, step=None), neuron))
    with pytest.raises(StrictError, match=r"layer 'fc': weights are rounded"):
        compile_network(without, options(4))


@pytest.mark.parametrize("off", [0.3, 1e-3, 2e-6])
def test_a_neuron_with_a_weight_between_two_steps_is_searched_and_reported(off):
    network, *_ = trained(0, 4)
    linear, neuron = network.nodes
    changed = linear.weight.copy()
    changed[0, 0] = linear.step[0] * 5 * (1 + off)
    found = compiled_scale(replace(linear, weight=changed), neuron, 4)
    searched = compiled_scale(replace(linear, weight=changed, step=None), neuron, 4)
    assert (found.step[0], found.slack[0]) == (searched.step[0], searched.slack[0])
    assert np.allclose(found.step[1:], linear.step[1:], rtol=1e-6)
    assert np.all(found.slack[1:] > searched.slack[1:])
    with pytest.raises(StrictError, match=r"layer 'fc': weights are rounded"):
        compile_network(replace(network, nodes=(replace(linear, weight=changed), neuron)), options(4))


def compiled_scale(linear: Linear, neuron: Neuron, bits: int, per_neuron: bool = True):
    others = np.stack([linear.bias, np.full(NEURONS, neuron.v_threshold)], axis=1)
    return find_scale(linear, others, neuron.v_threshold, bits, per_neuron)


def test_weights_that_do_not_fit_the_bits_are_searched():
    network, weight, _, _ = trained(3, 6)
    linear, neuron = network.nodes
    low, high = signed_range(4)
    fits = ((weight >= low) & (weight <= high)).all(axis=1)
    assert 0 < fits.sum() < NEURONS
    assert np.array_equal(np.isclose(compiled_scale(linear, neuron, 4).step, linear.step, rtol=1e-6), fits)


def test_one_scale_for_the_layer_takes_the_steps_only_where_they_are_one():
    network, weight, *_ = trained(1, 4)
    linear, neuron = network.nodes
    found = compiled_scale(linear, neuron, 4, per_neuron=False).step
    assert (found == found[0]).all()
    one = float32(THRESHOLD) / 20
    linear = replace(linear, weight=weight * one, bias=np.zeros(NEURONS), step=np.full(NEURONS, one))
    assert np.allclose(compiled_scale(linear, neuron, 4, per_neuron=False).step, one, rtol=1e-9)


def test_a_neuron_without_weights_takes_a_step_only_where_it_costs_the_bias_nothing():
    network, *_ = trained(0, 4)
    linear, neuron = network.nodes
    bias = linear.bias.copy()
    bias[1] = linear.step[1] * 0.37
    assert np.isclose(compiled_scale(linear, neuron, 8).step[1], linear.step[1], rtol=1e-6)
    found, searched = (compiled_scale(replace(linear, bias=bias, step=step), neuron, 8) for step in (linear.step, None))
    assert found.step[1] == searched.step[1]


def test_beside_a_power_of_two_nothing_passes_for_rounding():
    """It divides and multiplies exactly, so that a difference is one of the network."""
    weight, bias = np.array([[3.0, -1.0]]), np.array([2.0])
    neuron = Neuron(name="if", tau=None, v_threshold=4.0, v_reset=0.0)
    exact = Linear(name="fc", weight=weight, bias=bias, step=np.ones(1))

    def compile_with(linear: Linear):
        return compile_network(SpikingNetwork(name="net", nodes=(linear, neuron)), options(2 + 1))

    assert layers_of(compile_with(exact)[0])[0].weight.tolist() == [[3, -1]]
    for change in ({"weight": weight + 2.0**-22}, {"bias": bias + 2.0**-22}):
        with pytest.raises(StrictError):
            compile_with(replace(exact, **change))


@pytest.mark.parametrize("step", [1e-320, 1e-300, 1e300])
def test_a_step_of_any_size_is_no_more_than_useless(step):
    network, *_ = trained(0, 4)
    linear, neuron = network.nodes
    found = compiled_scale(replace(linear, step=np.full(NEURONS, step)), neuron, 4)
    assert np.isfinite(found.step).all()
    assert (found.step > 0).all()
    searched = compiled_scale(replace(linear, step=None), neuron, 4)
    assert np.array_equal(found.step, searched.step)


NEURON = Neuron(name="if", tau=None, v_threshold=4.0, v_reset=0.0)
STEPPED = Linear(name="fc", weight=[[3.0, -1.0], [0.5, 1.0]], bias=[0.0, 0.0], step=[1.0, 0.5])


def dropped(*nodes, **changes) -> int:
    """Return for how many neurons the step is not taken; strict refuses them, and takes a network that has none."""
    network = SpikingNetwork(name="net", nodes=nodes)
    _, (report,) = compile_network(network, QuantizeOptions(**changes))
    if report.dropped_steps:
        with pytest.raises(StrictError, match=r"layer 'fc': the weight_step of training is not taken for"):
            compile_network(network, QuantizeOptions(strict=True, **changes))
    else:
        compile_network(network, QuantizeOptions(strict=True, **changes))
    return report.dropped_steps


def test_a_step_that_is_not_taken_is_said_and_strict_refuses_it():
    """The numbers are exact with the steps that are found in place of it; yet another one was asked for."""
    assert dropped(STEPPED, NEURON) == 0
    assert dropped(replace(STEPPED, step=[1.0, 1.0]), NEURON) == 1
    assert dropped(replace(STEPPED, step=[2.0, 1.0]), NEURON) == 2
    assert dropped(STEPPED, NEURON, bits=PerLayer(3)) == 0
    assert dropped(STEPPED, NEURON, bits=PerLayer(2)) == 2  # neither 3 nor 2 steps fit
    assert dropped(STEPPED, NEURON, scale="layer") == 1  # it is 0.5 for both


def test_recurrent_weights_between_the_steps():
    recurrent = np.array([[0.25, 0.0], [0.0, 0.5]])
    assert dropped(replace(STEPPED, recurrent=recurrent), NEURON) == 1
    assert dropped(replace(STEPPED, recurrent=recurrent * 4), NEURON) == 0


def test_a_readout_has_one_step():
    integrator = Integrator(name="li", tau=None, score="last")
    assert dropped(STEPPED, integrator) == 1
    assert dropped(replace(STEPPED, step=[0.5, 0.5]), integrator) == 0


def test_a_neuron_without_weights_has_no_step_to_take():
    threshold = replace(NEURON, v_threshold=0.75)
    assert dropped(replace(STEPPED, weight=[[0.0, 0.0], [0.5, 1.0]], step=[1.0, 0.25]), threshold) == 0


def test_an_average_pool_before_the_layer_divides_the_steps():
    linear = replace(STEPPED, step=[1.0, 0.5])
    before = [Unflatten(name="u", shape=(1, 8)), AveragePool(name="p", kernel=(4,), stride=(4,)), Flatten(name="f")]
    assert dropped(*before, linear, NEURON) == 0
    integer, (report,) = compile_network(SpikingNetwork(name="net", nodes=(*before, linear, NEURON)))
    assert report.bits_from == "training"
    (synapses,) = (connection.synapses for connection in integer.output.inputs)
    assert synapses.weight.tolist() == [[3, -1], [1, 2]]


def test_a_batch_norm_before_the_layer_may_leave_no_step():
    def before(*gain: float) -> BatchNorm:
        one = np.ones(2)
        return BatchNorm(name="bn", mean=0 * one, variance=one, epsilon=0.0, gamma=np.array(gain), beta=0 * one)

    assert dropped(before(2.0, -2.0), STEPPED, NEURON) == 0
    assert dropped(before(2.0, 0.5), STEPPED, NEURON) == 1  # 6 and -0.5 are no multiples of 1; 1 and 0.5 are of 0.5


def stepped_convolution(step: torch.Tensor) -> tuple[nn.Sequential, torch.Tensor]:
    torch.manual_seed(0)
    conv = nn.Conv2d(1, 3, 3, bias=False)
    whole = torch.randint(-7, 8, conv.weight.shape).float()
    conv.weight.data = whole * torch.tensor([0.1, 0.3, 0.07]).view(3, 1, 1, 1)
    conv.register_buffer("weight_step", step)
    return nn.Sequential(conv, neuron.IFNode(v_threshold=2.1), nn.Flatten(), nn.Linear(108, 2), neuron.IFNode()), whole


def test_a_convolution_has_a_step_of_each_channel(tmp_path):
    net, whole = stepped_convolution(torch.tensor([0.1, 0.3, 0.07]))
    snn2rtl.save(net, tmp_path / "m.pt")
    made = snn2rtl.compile(tmp_path / "m.pt", input_shape=(1, 8, 8))
    report = made.reports[0]
    assert (report.weight_bits, report.bits_from, report.dropped_steps, report.weight_error) == (4, "training", 0, 0.0)
    (synapses,) = (connection.synapses for connection in made.network.populations[0].inputs)
    assert np.array_equal(synapses.weight.reshape(whole.shape), whole.numpy())


def test_a_step_of_a_convolution_that_is_not_taken_is_said(tmp_path):
    net, _ = stepped_convolution(torch.tensor([0.1, 0.2, 0.07]))
    snn2rtl.save(net, tmp_path / "m.pt")
    made = snn2rtl.compile(tmp_path / "m.pt", input_shape=(1, 8, 8))
    assert made.reports[0].dropped_steps == 36  # neurons of the second channel
    with pytest.raises(StrictError, match="the weight_step of training is not taken for 36 of 108 neurons"):
        snn2rtl.compile(tmp_path / "m.pt", input_shape=(1, 8, 8), quantize=QuantizeOptions(strict=True))


@pytest.mark.parametrize(
    ("step", "rule"),
    [(torch.ones(2), r"step must have shape \(3,\), not \(2,\)"), (torch.zeros(3), r"step must be positive, not 0.0")],
)
def test_a_step_that_is_none(step, rule):
    with pytest.raises(UnsupportedModelError, match=f"layer '0': {rule}"):
        from_module(stepped_convolution(step)[0])
