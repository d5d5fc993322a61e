import re
from dataclasses import replace

import numpy as np
import pytest
from float_layers import one_layer, quantized, random_layer
from hypothesis import given, settings
from hypothesis import strategies as st

from snn2rtl.compiler import compile_network
from snn2rtl.encoders import Encoder
from snn2rtl.errors import OptionError, QuantizationError
from snn2rtl.fixed_point import signed_range
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.int_net import reference
from snn2rtl.int_net.chain import layers_of
from snn2rtl.int_net.neurons import MultiplierLeak, NoLeak, Reset, ShiftLeak
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.passes.leaks import choose_leak, kept
from snn2rtl.passes.lower import lower
from snn2rtl.passes.quantize import quantize_network


def test_a_small_network_to_the_integer():
    network = one_layer([[0.5, -1.0], [0.25, 0.75]], [0.25, -0.5], tau=2.0, v_reset=None, v_threshold=1.5)
    layer, report = quantized(network, membrane_fraction=3, time_steps=3)
    assert layer.weight.tolist() == [[1, -2], [1, 3]]
    assert layer.weight_shift == 3
    assert layer.bias.tolist() == [4, -16]
    assert layer.neuron.fire_at.tolist() == layer.neuron.reset_by.tolist() == [24, 48]
    assert (layer.neuron.reset, layer.neuron.leak) == (Reset.SOFT, ShiftLeak(1))
    assert (report.scale_min, report.scale_max) == (0.25, 0.5)
    assert (report.inputs, report.neurons, report.nonzero_weights) == (2, 2, 4)
    assert report.approximations() == []


def test_the_threshold_is_reached_at_its_ceiling():
    layer, report = quantized(one_layer([[1.0]], v_threshold=2.25), bits=2)
    assert layer.neuron.fire_at.tolist() == [3]
    assert report.threshold_error == 0.75
    layer, report = quantized(one_layer([[1.0]], v_threshold=2.25, v_reset=None), bits=2)
    assert (layer.neuron.fire_at.tolist(), layer.neuron.reset_by.tolist()) == ([3], [2])
    assert (report.threshold_error, report.reset_error) == (0.75, 0.25)


def test_a_soft_reset_takes_away_at_least_one():
    layer, report = quantized(one_layer([[1.0]], v_threshold=0.125, v_reset=None), bits=2)
    assert (layer.neuron.fire_at.tolist(), layer.neuron.reset_by.tolist()) == ([1], [1])
    assert report.reset_error == 0.875


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        (
            one_layer([[1.0], [1.0]], [2.0**50, 0.0]),
            {"scale": "layer"},
            "layer 'fc': bias must stay under 2**47 weight steps, not reach 1.13e+15; "
            "give the layer fewer --bits or less --membrane-fraction, or --scale neuron",
        ),
        (
            one_layer([[1.0]], v_threshold=0.0, v_reset=None),
            {},
            "layer 'fc': threshold must be positive with a soft reset, not 0.0",
        ),
        (
            one_layer([[1.0]], v_threshold=100.0),
            {"membrane_bits": 7},
            "layer 'fc': membrane must have at least 8 bits to reach the threshold 100, not 7",
        ),
        (
            one_layer([[1.0]], v_threshold=-100.0),
            {"membrane_bits": 7},
            "layer 'fc': membrane must have at least 8 bits to reach the threshold -100, not 7",
        ),
        (
            one_layer([[1.0]], v_threshold=1.0),
            {"membrane_bits": 1},
            "layer 'fc': membrane must have at least 2 bits to reach the threshold 1, not 1",
        ),
        (
            one_layer(np.full((1, 64), -32767.0), v_threshold=1.0),
            {"membrane_fraction": 24, "time_steps": 100, "bits": 16},
            "layer 'fc': membrane must need at most 48 bits, not 49; "
            "choose a width at which it saturates with --membrane-bits",
        ),
    ],
)
def test_numbers_that_do_not_fit(network, options, message):
    with pytest.raises(QuantizationError, match=rf"^{re.escape(message)}$"):
        quantized(network, **options)


@pytest.mark.parametrize("option", ["bits", "membrane_bits", "membrane_fraction"])
def test_options_for_a_layer_that_is_not_there(option):
    options = QuantizeOptions(**{option: PerLayer(8, {"fc9": 4})})
    message = f"--{option.replace('_', '-')}: layers must be among fc, not fc9"
    with pytest.raises(OptionError, match=rf"^{message}$"):
        quantize_network(lower(one_layer([[1.0]])), options)


def test_options_by_layer():
    nodes = (*one_layer([[1.0]]).nodes, *one_layer([[1.0]]).nodes)
    nodes = tuple(replace(node, name=f"{node.name}{index // 2}") for index, node in enumerate(nodes))
    options = QuantizeOptions(
        bits=PerLayer(8, {"fc1": 3}),
        membrane_bits=PerLayer(0, {"fc0": 20}),
        membrane_fraction=PerLayer(2, {"fc1": 4}),
    )
    first, second = layers_of(quantize_network(lower(SpikingNetwork(name="n", nodes=nodes)), options)[0])
    assert (first.weight_bits, second.weight_bits) == (8, 3)
    assert (first.weight_shift, second.weight_shift) == (2, 4)
    assert first.neuron.membrane_bits == 20 != second.neuron.membrane_bits


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.sampled_from([None, 2.0, 3.0]), st.booleans())
def test_the_steps_of_a_sample_cannot_fill_the_membrane(seed, time_steps, tau, soft):
    network = random_layer(seed, tau=tau, v_reset=None if soft else 0.0)
    layer, report = quantized(network, time_steps=time_steps)
    low, high = signed_range(layer.neuron.membrane_bits)
    assert low <= report.membrane_low <= report.membrane_high <= high
    integer, _ = compile_network(network, QuantizeOptions(time_steps=time_steps))
    extremes = np.stack([layer.weight[0] > 0, layer.weight[0] < 0]).astype(np.uint8)
    spikes = np.broadcast_to(extremes, (time_steps, 2, 7)).copy()
    membranes = reference.run(integer, spikes, record_membranes=True).in_order[0].membranes
    assert report.membrane_low <= membranes.min()
    assert membranes.max() <= report.membrane_high


def test_a_membrane_that_may_saturate_is_reported():
    network = one_layer([[-1.0]], v_threshold=4.0)
    _, report = quantized(network, time_steps=100, membrane_bits=4)
    assert report.may_saturate
    assert report.approximations() == [
        "layer 'fc': the membrane saturates at 4 bits; 100 steps can charge it to -100..0"
    ]
    _, report = quantized(network, time_steps=100)
    assert (report.membrane_bits, report.may_saturate, report.approximations()) == (8, True, [])
    _, report = quantized(one_layer([[1.0]], v_threshold=4.0), time_steps=100)
    assert (report.membrane_bits, report.may_saturate) == (4, False)


@pytest.mark.parametrize(
    ("encoder", "time_steps", "expected"),
    [(None, 0, 100), (Encoder.poisson(30, 0.5), 0, 30), (Encoder.poisson(30, 0.5), 255, 255), (None, 256, 256)],
)
def test_the_length_of_a_sample(encoder, time_steps, expected):
    options = QuantizeOptions(time_steps=time_steps)
    integer, (report,) = quantize_network(lower(one_layer([[1.0]], encoder=encoder)), options)
    assert report.time_steps == expected
    assert integer.count_bits == expected.bit_length()
    assert integer.encoder == encoder


@pytest.mark.parametrize(
    ("tau", "leak", "expected"),
    [
        (None, "auto", NoLeak()),
        (None, "multiplier", NoLeak()),
        (1.0, "auto", ShiftLeak(0)),
        (2.0, "auto", ShiftLeak(1)),
        (8.0, "auto", ShiftLeak(3)),
        (3.0, "auto", MultiplierLeak(171, 8)),
        (3.0, "shift", ShiftLeak(2)),  # 3/4 is nearer to 2/3 than 1/2 is
        (2.5, "shift", ShiftLeak(1)),
        (2.0, "multiplier", MultiplierLeak(128, 8)),
        (1.0, "multiplier", MultiplierLeak(0, 8)),
        (1e9, "multiplier", MultiplierLeak(256, 8)),
        (2.0**40, "auto", ShiftLeak(40)),
        (2.0**60, "auto", ShiftLeak(47)),
    ],
)
def test_choose_leak(tau, leak, expected):
    assert choose_leak(tau, QuantizeOptions(leak=leak)) == expected


@given(st.floats(1, 1e6), st.integers(1, 15))
def test_a_leak_is_the_nearest(tau, bits):
    asked = 1 - 1 / tau
    assert abs(kept(choose_leak(tau, QuantizeOptions(leak="multiplier", leak_bits=bits))) - asked) <= 2.0 ** -(bits + 1)
    got = kept(choose_leak(tau, QuantizeOptions(leak="shift")))
    assert all(abs(got - asked) <= abs(1 - 2.0**-shift - asked) for shift in range(48))


@pytest.mark.parametrize(
    ("leak", "membrane_fraction", "time_steps", "floors"),
    [
        ("shift", 7, 8, False),
        ("shift", 7, 9, True),
        ("multiplier", 7, 8, False),  # 128/256 drops a bit a step, as a shift of 1 does
        ("multiplier", 7, 9, True),
        ("shift", 0, 1, False),
        ("shift", 0, 2, True),
    ],
)
def test_when_a_leak_floors(leak, membrane_fraction, time_steps, floors):
    network = one_layer([[1.0]], tau=2.0)
    report = quantized(network, leak=leak, membrane_fraction=membrane_fraction, time_steps=time_steps)[1]
    assert report.leak_floors == floors


def test_no_leak_floors_never():
    assert not quantized(one_layer([[1.0]]), membrane_fraction=0, time_steps=1000)[1].leak_floors
    assert not quantized(one_layer([[1.0]], tau=1.0), membrane_fraction=0, time_steps=1000)[1].leak_floors


def test_the_default_fraction_is_what_a_leak_shifts_out():
    for tau, fraction in ((None, 0), (1.0, 0), (2.0, 1), (3.0, 2), (16.0, 4), (1e9, 8)):
        assert quantized(one_layer([[1.0]], tau=tau))[0].weight_shift == fraction
