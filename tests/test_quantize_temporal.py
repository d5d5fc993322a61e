"""Quantizing networks for temporal data: dyadic ones cost nothing, and the golden model does what the floats do."""

import re
from dataclasses import replace

import numpy as np
import pytest
import temporal
from float_layers import quantized
from hypothesis import given, settings
from hypothesis import strategies as st

from snn2rtl.compiler import compile_network, fold
from snn2rtl.encoders import Encoder
from snn2rtl.errors import QuantizationError, StrictError
from snn2rtl.float_net import reference as float_reference
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import Integrator, Linear, Neuron
from snn2rtl.int_net import reference
from snn2rtl.int_net.chain import layers_of
from snn2rtl.int_net.neurons import (
    AdaptiveLifNeuron,
    CubaIntegrator,
    CubaLifNeuron,
    LifNeuron,
    MultiplierLeak,
    Score,
    ShiftLeak,
)
from snn2rtl.int_net.neurons import Integrator as IntegerIntegrator
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.passes.leaks import choose_leak, membrane_fraction
from snn2rtl.passes.quantize import quantize_network

STEPS, SAMPLES = 6, 5
EXACT = QuantizeOptions(bits=PerLayer(10), membrane_fraction=PerLayer(20), leak_bits=3, time_steps=STEPS, strict=True)


def one_layer(neuron: Neuron | Integrator, weight=((1.0,),), **changes) -> SpikingNetwork:
    linear = Linear(**{"name": "fc", "weight": weight, "bias": np.zeros(len(weight)), **changes})
    return SpikingNetwork(name="net", nodes=(linear, neuron))


def lif(**changes) -> Neuron:
    return Neuron(**{"name": "lif", "tau": 2.0, "v_threshold": 1.0, "v_reset": 0.0, **changes})


def check_exact(network: SpikingNetwork, seed: int, options: QuantizeOptions) -> list[type] | None:
    """Hold every spike, membrane and class of the integer network against the float one; return its neurons.

    None where it is not exact with these options, which the reports must say.
    """
    folded = fold(network)
    integer, reports = quantize_network(folded, options)
    if any(report.approximations() for report in reports):
        return None
    spikes = np.random.default_rng(seed).integers(0, 2, (STEPS, SAMPLES, network.num_inputs), dtype=np.uint8)
    result = reference.run(integer, spikes, record_membranes=True)
    wanted = float_reference.run(folded, spikes, np.float64).values()
    for got, floats, report in zip(result.in_order, wanted, reports, strict=True):
        assert np.array_equal(got.spikes, floats.spikes)
        if report.scale_min == report.scale_max:
            assert np.array_equal(got.membranes * (report.scale_min / 2**report.membrane_fraction), floats.membranes)
    if not isinstance(layers_of(integer)[-1].neuron, LifNeuron):
        assert np.array_equal(result.classes, float_reference.scores(folded, spikes).argmax(axis=1))
    return [type(layer.neuron) for layer in layers_of(integer)]


@pytest.mark.parametrize("scale", ["neuron", "layer"])
@pytest.mark.parametrize("choices", [temporal.TAUS, (*temporal.RATIOS, 2.0)])
def test_dyadic_networks_that_mix_all_features_are_exact(choices, scale):
    seen = []
    for seed in range(60):
        found = check_exact(temporal.random_network(seed, choices), seed, replace(EXACT, scale=scale))
        assert found, "these numbers need no more bits than there are"
        seen += found
    assert set(seen) == {LifNeuron, AdaptiveLifNeuron, CubaLifNeuron, IntegerIntegrator, CubaIntegrator}


def test_what_strict_accepts_is_exact():
    accepted = 0
    for seed in range(150):
        random = np.random.default_rng(seed)
        options = QuantizeOptions(
            bits=PerLayer(int(random.integers(4, 12))),
            scale=str(random.choice(["neuron", "layer"])),
            leak=str(random.choice(["auto", "shift", "multiplier"])),
            leak_bits=int(random.integers(2, 6)),
            membrane_fraction=PerLayer(int(random.integers(8, 24))),
            time_steps=STEPS,
        )
        accepted += check_exact(temporal.random_network(seed, (4 / 3, 2.0)), seed, options) is not None
    assert 40 < accepted < 140


def test_a_small_network_to_the_integer():
    nodes = (
        Linear(name="fc1", weight=[[0.5, -1.0]], bias=[0.25], recurrent=[[0.75]], delay=[0, 3]),
        lif(name="a", tau=[4.0], grow=[1.5], adaptation_tau=8.0, v_threshold=1.5, v_reset=None),
        Linear(name="fc2", weight=[[2.0], [1.0]], bias=[0.0, 0.0]),
        Integrator(name="li", tau=[2.0, 4.0], synapse_tau=[4.0, 2.0], score="sum"),
    )
    options = QuantizeOptions(bits=PerLayer(4), membrane_fraction=PerLayer(2), time_steps=5)
    first, second = layers_of(compile_network(SpikingNetwork(name="net", nodes=nodes), options)[0])
    assert (first.weight.tolist(), first.recurrent.tolist(), first.delay.tolist()) == ([[2, -4]], [[3]], [0, 3])
    assert (first.bias.tolist(), first.neuron.fire_at.tolist(), first.neuron.reset_by.tolist()) == ([4], [24], [24])
    assert isinstance(first.neuron, AdaptiveLifNeuron)
    assert (first.neuron.adaptation_step.tolist(), first.neuron.adaptation_leak) == ([24], ShiftLeak(3))
    assert first.neuron.leak == ShiftLeak(2)
    assert isinstance(second.neuron, CubaIntegrator)
    assert second.weight.tolist() == [[2], [1]]
    assert second.neuron.leak.shift.tolist() == [1, 2]
    assert second.neuron.synapse_leak.shift.tolist() == [2, 1]
    assert (second.neuron.score, second.neuron.score_bits) == (Score.SUM, second.neuron.membrane_bits + 3)


@pytest.mark.parametrize(("threshold", "fire_at"), [(2.0, 3), (2.25, 3), (1.75, 2), (-1.0, 0), (-0.5, 0)])
def test_a_strict_threshold_is_passed_at_the_next_whole_number(threshold, fire_at):
    network = one_layer(lif(tau=None, v_threshold=threshold, strict=True))
    layer, report = quantized(network, bits=2, membrane_fraction=0)
    assert layer.neuron.fire_at.tolist() == [fire_at]
    assert report.threshold_error == -threshold % 1


def test_recurrent_weights_share_the_step_of_their_neuron():
    layer, report = quantized(one_layer(lif(), recurrent=[[0.125]]), bits=8)
    assert (layer.weight.tolist(), layer.recurrent.tolist(), report.scale_min) == ([[8]], [[1]], 0.125)
    assert (report.weights, report.nonzero_weights, report.inputs) == (2, 2, 1)
    layer, report = quantized(one_layer(lif(), recurrent=[[0.3]]), bits=3)
    assert 0 < report.weight_error <= 0.5


def test_integrators_have_one_step_for_their_scores_are_compared():
    network = one_layer(Integrator(name="li", tau=None, score="last"), weight=[[3.0], [0.125]])
    layer, report = quantized(network, bits=6)
    assert (report.scale_min, report.scale_max) == (0.125, 0.125)
    assert (report.score, report.silent_neurons, layer.weight.tolist()) == ("last", 0, [[24], [1]])


@pytest.mark.parametrize(
    ("tau", "leak", "expected"),
    [
        ([2.0, 4.0], "auto", ShiftLeak(np.array([1, 2]))),
        ([2.0, 3.0], "auto", MultiplierLeak(np.array([128, 171]), 8)),
        ([2.0, 3.0], "shift", ShiftLeak(np.array([1, 2]))),
        ([2.0, 4.0], "multiplier", MultiplierLeak(np.array([128, 192]), 8)),
        ([2.0, 2.0], "auto", ShiftLeak(1)),
        ([3.0, 3.0], "auto", MultiplierLeak(171, 8)),
    ],
)
def test_leaks_of_each_neuron(tau, leak, expected):
    found = choose_leak(np.array(tau), QuantizeOptions(leak=leak))
    assert type(found) is type(expected)
    assert all(np.array_equal(value, vars(expected)[key]) for key, value in vars(found).items())


@pytest.mark.parametrize(
    ("taus", "bits"),
    [
        ((None,), 0),
        ((4.0,), 2),
        ((np.array([2.0, 5.0]),), 3),
        ((1e9,), 8),
        ((4.0, 4.0), 4),
        ((None, 8.0), 3),
        ((np.array([2.0, 16.0]), np.array([16.0, 2.0])), 5),
        ((1e3, 1e3), 12),
        ((10.0, 5.0), 6),
        ((4.0, None, 255), 0),
        ((1e3, 1e3, 255), 4),
        ((4.0, None, 1, 100.0), 7),
        ((64.0, None, 1, 2.0), 6),
    ],
)
def test_the_default_fraction_of_a_membrane(taus, bits):
    assert membrane_fraction(*taus) == bits


def test_the_default_fraction_is_taken():
    adaptive = one_layer(lif(grow=1.0, adaptation_tau=100.0))
    assert quantized(adaptive)[0].weight_shift == 7
    assert quantized(one_layer(lif(synapse_tau=4.0)))[0].weight_shift == 3
    direct = replace(one_layer(lif(tau=64.0, synapse_tau=64.0)), encoder=Encoder(kind="direct", time_steps=3))
    assert quantized(direct)[0].weight_shift == 4


@pytest.mark.parametrize(
    ("neuron", "notes"),
    [
        (
            lif(tau=[2.0, 3.0], synapse_tau=[5.0, 2.0]),
            [
                "a step keeps 0.667969 of the membrane, not 0.666667",
                "a step keeps 0.800781 of the synaptic current, not 0.8",
                "the leak floors the membrane to steps of 1/16 weight step",
            ],
        ),
        (
            lif(tau=None, grow=0.3, adaptation_tau=[3.0, 2.0]),
            [
                "grow is rounded by up to 0.4 membrane steps",
                "a step keeps 0.667969 of the adaptation, not 0.666667",
                "the leak floors the adaptation to steps of 1/4 weight step",
            ],
        ),
    ],
)
def test_every_approximation_is_reported_and_strict_refuses_it(neuron, notes):
    network = one_layer(neuron, weight=[[1.0], [1.0]])
    options = QuantizeOptions(bits=PerLayer(3), time_steps=50)
    _, (report,) = compile_network(network, options)
    found = [note.removeprefix("layer 'fc': ") for note in report.approximations()]
    assert [re.sub(r"up to [\d.]+", "up to 0.4", note) for note in found] == notes
    with pytest.raises(StrictError):
        compile_network(network, replace(options, strict=True))


@pytest.mark.parametrize(
    ("neuron", "message"),
    [
        (
            lif(synapse_tau=1e6),
            "synapse_tau of 'lif' must leave a leak of 8 bits, not be as long as 1e+06; give more --leak-bits",
        ),
        (
            lif(grow=1.0, adaptation_tau=[1000.0]),
            "adaptation_tau of 'lif' must leave a leak of 8 bits, not be as long as 1000; give more --leak-bits",
        ),
    ],
)
def test_numbers_that_have_no_integers(neuron, message):
    with pytest.raises(QuantizationError, match=rf"^layer 'fc': {re.escape(message)}$"):
        quantized(one_layer(neuron), membrane_fraction=0, bits=2)


def trained(seed: int) -> tuple[SpikingNetwork, dict[str, np.ndarray]]:
    """Return a layer as training leaves it in float32, with a step and a leak of each neuron, and its integers."""
    random = np.random.default_rng(seed)
    neurons, inputs, threshold = 6, 5, np.float32(0.7)
    whole = {
        "weight": random.integers(-8, 8, (neurons, inputs)),
        "recurrent": random.integers(-8, 8, (neurons, neurons)),
        "fire_at": random.integers(1, 60, neurons),
        "grow": random.integers(0, 60, neurons),
        "leak": random.integers(1, 256, neurons),
        "adaptation": random.integers(1, 256, neurons),
    }
    whole["leak"][0] = 200  # or all might be powers of two
    whole["adaptation"][0] = 201
    step = (threshold / whole["fire_at"].astype(np.float32)).astype(np.float64)
    linear = Linear(
        name="fc",
        weight=(whole["weight"] * step[:, None]).astype(np.float32),
        recurrent=(whole["recurrent"] * step[:, None]).astype(np.float32),
        bias=np.zeros(neurons),
        step=step,
    )
    neuron = lif(
        tau=1 / (1 - whole["leak"] / 256),
        grow=(whole["grow"] * step).astype(np.float32),
        adaptation_tau=1 / (1 - whole["adaptation"] / 256),
        v_threshold=float(threshold),
    )
    return SpikingNetwork(name="net", nodes=(linear, neuron)), whole


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_integers_of_training_are_kept_and_exact(seed):
    network, whole = trained(seed)
    integer, (report,) = compile_network(network, QuantizeOptions(bits=PerLayer(4)))
    layer = layers_of(integer)[0]
    shift = layer.weight_shift
    assert np.array_equal(layer.weight, whole["weight"])
    assert np.array_equal(layer.recurrent, whole["recurrent"])
    assert np.array_equal(layer.neuron.fire_at, whole["fire_at"] << shift)
    assert np.array_equal(layer.neuron.adaptation_step, whole["grow"] << shift)
    assert np.array_equal(layer.neuron.leak.factor, whole["leak"])
    assert np.array_equal(layer.neuron.adaptation_leak.factor, whole["adaptation"])
    errors = (report.weight_error, report.threshold_error, report.grow_error, report.bias_error)
    assert errors == (0, 0, 0, 0)
    assert report.leak_asked == report.leak_got
    assert report.adaptation_leak.asked == report.adaptation_leak.got
