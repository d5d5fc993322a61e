import re
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn2rtl import reference
from snn2rtl.compiler import compile_network
from snn2rtl.encoders import Encoder
from snn2rtl.errors import OptionError, QuantizationError, StrictError
from snn2rtl.fixed_point import signed_range
from snn2rtl.network import MultiplierLeak, NoLeak, Reset, ShiftLeak
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.passes.quantize import choose_leak, kept, quantize_network
from snn2rtl.passes.scale import choose_scale
from snn2rtl.report import LayerReport
from snn2rtl.spiking import Linear, Neuron, SpikingNetwork


def one_layer(weight, bias=None, tau=None, v_threshold=1.0, v_reset=0.0, encoder=None) -> SpikingNetwork:
    """Return a folded network of one layer called fc."""
    weight = np.asarray(weight, float)
    bias = np.zeros(len(weight)) if bias is None else bias
    nodes = (
        Linear(name="fc", weight=weight, bias=bias),
        Neuron(name="lif", tau=tau, v_threshold=v_threshold, v_reset=v_reset),
    )
    return SpikingNetwork(name="net", nodes=nodes, encoder=encoder)


def quantized(network: SpikingNetwork, **options):
    """Return the integer layer and its report."""
    values = {
        key: PerLayer(value) if key in ("bits", "membrane_bits", "membrane_fraction") else value
        for key, value in options.items()
    }
    integer, (report,) = quantize_network(network, QuantizeOptions(**values))
    return integer.layers[0], report


def random_layer(seed: int, neurons: int = 5, inputs: int = 7, **changes) -> SpikingNetwork:
    random = np.random.default_rng(seed)
    return one_layer(random.normal(size=(neurons, inputs)), random.normal(size=neurons), **changes)


# Scale


@pytest.mark.parametrize("bits", range(1, 17))
@pytest.mark.parametrize("per_neuron", [True, False])
def test_every_width_holds_its_weights(bits, per_neuron):
    scale = "neuron" if per_neuron else "layer"
    layer, report = quantized(random_layer(bits), bits=bits, scale=scale)
    low, high = signed_range(bits)
    assert low <= layer.weight.min() <= layer.weight.max() <= high
    assert report.weight_bits == layer.weight_bits == bits
    assert (report.scale_min == report.scale_max) == (not per_neuron)


@given(st.integers(0, 2**32 - 1), st.integers(2, 16), st.integers(-20, 20), st.booleans())
def test_a_scale_that_is_exact_is_found(seed, bits, exponent, per_neuron):
    low, high = signed_range(bits)
    integers = np.random.default_rng(seed).integers(low, high + 1, (3, 4))
    weight = np.ldexp(integers.astype(float), exponent)
    scale = choose_scale(weight, 1.0, bits, per_neuron)
    steps = weight / scale[:, None]
    assert np.array_equal(steps, np.rint(steps))
    assert low <= steps.min() <= steps.max() <= high


def test_one_neuron_can_be_exact_and_another_searched():
    weight = np.array([[0.5, 0.25], [0.3, -1 / 3]])
    scale = choose_scale(weight, 1.0, 4, per_neuron=True)
    assert scale[0] == 0.25
    assert scale[1] not in (0.25, 0.5)


def test_an_exact_step_is_as_fine_as_bias_and_threshold_need():
    layer, report = quantized(one_layer([[1.0, -1.0]], [0.375], v_threshold=1.25))
    assert (layer.weight.tolist(), layer.bias.tolist(), layer.neuron.fire_at.tolist()) == ([[8, -8]], [3], [10])
    assert report.approximations() == []


def test_an_exact_step_is_no_finer_than_the_bits_reach():
    layer, report = quantized(one_layer([[1.0, -1.0]], [0.3]), bits=4)
    assert layer.weight.tolist() == [[4, -4]]
    assert (layer.bias.tolist(), report.weight_error) == ([1], 0.0)
    assert quantized(one_layer([[1.0, -1.0]], [0.3]), bits=2)[0].weight.tolist() == [[1, -1]]


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_a_neuron_without_weights_keeps_its_bias(bias, threshold):
    layer, _ = quantized(one_layer([[0.0, 0.0]], [bias], v_threshold=threshold))
    ratio = layer.bias[0] / layer.neuron.fire_at[0]
    largest = max(bias, threshold)
    assert abs(ratio * threshold - bias) <= (largest / 128) * (1 + bias / threshold)


@given(st.integers(0, 2**32 - 1), st.integers(2, 10), st.floats(0.01, 100))
def test_a_searched_scale_divides_the_threshold_and_is_no_worse_than_the_plain_one(seed, bits, threshold):
    weight = np.random.default_rng(seed).normal(size=(3, 100))
    scale = choose_scale(weight, threshold, bits, per_neuron=True)
    plain = np.abs(weight).max(axis=1) / signed_range(bits)[1]
    if np.all(threshold >= plain):
        assert np.allclose(threshold / scale, np.rint(threshold / scale))
    if np.all(threshold >= 20 * plain):  # threshold / n lies within 3 % of every candidate
        assert np.all(squared_error(weight, scale, bits) <= 1.3 * squared_error(weight, plain, bits) + 1e-12)


def squared_error(weight, scale, bits):
    low, high = signed_range(bits)
    return ((weight - np.clip(np.rint(weight / scale[:, None]), low, high) * scale[:, None]) ** 2).sum(axis=1)


def test_the_search_does_not_depend_on_its_blocks(monkeypatch):
    weight = np.random.default_rng(0).normal(size=(9, 7))
    wanted = [choose_scale(weight, 1.0, 5, per_neuron) for per_neuron in (True, False)]
    monkeypatch.setattr("snn2rtl.passes.scale._BLOCK", 15)
    assert np.array_equal(wanted, [choose_scale(weight, 1.0, 5, per_neuron) for per_neuron in (True, False)])


# Leak


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


# Bias, threshold and reset


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


def test_free_bits_go_to_bias_and_threshold():
    layer, report = quantized(one_layer([[1.0, -2.0], [0.0, 0.0]], [0.5, 0.75], v_threshold=1.25))
    assert report.scale_min == report.scale_max == 0.25
    assert layer.weight.tolist() == [[4, -8], [0, 0]]
    assert layer.bias.tolist() == [2, 3]
    assert layer.neuron.fire_at.tolist() == [5, 5]
    assert report.approximations() == []
    layer, report = quantized(one_layer([[1.0, -2.0]], [0.3], v_threshold=1.25))  # as fine as the weights let it
    assert report.scale_min == 2.0**-6
    assert report.bias_error == pytest.approx(abs(0.3 * 64 - round(0.3 * 64)))


def test_a_neuron_without_weights_keeps_bias_and_threshold():
    layer, report = quantized(one_layer([[0.0, 0.0]], [0.3], v_threshold=1.0))
    assert abs(layer.bias[0] * report.scale_min - 0.3) < 2.0**-8
    assert layer.neuron.fire_at[0] * report.scale_min == 1.0


def test_a_searched_scale_costs_the_threshold_nothing():
    _, report = quantized(random_layer(0, v_reset=None), bits=6)
    assert report.weight_error > 0
    assert report.threshold_error == report.reset_error == 0.0


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        (
            one_layer([[2.0**-40]], v_threshold=2.0**10),
            {},
            "layer 'fc': threshold must stay under 2**47 weight steps, not reach 1.13e+15; "
            "give the layer more --bits or scale its weights up",
        ),
        (
            one_layer([[2.0**-40]], [2.0**10], v_threshold=2.0**-40),
            {},
            "layer 'fc': bias must stay under 2**47 weight steps, not reach 1.13e+15; "
            "give the layer more --bits or scale its weights up",
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
        quantize_network(one_layer([[1.0]]), options)


def test_options_by_layer():
    nodes = (*one_layer([[1.0]]).nodes, *one_layer([[1.0]]).nodes)
    nodes = tuple(replace(node, name=f"{node.name}{index // 2}") for index, node in enumerate(nodes))
    options = QuantizeOptions(
        bits=PerLayer(8, {"fc1": 3}),
        membrane_bits=PerLayer(0, {"fc0": 20}),
        membrane_fraction=PerLayer(2, {"fc1": 4}),
    )
    first, second = quantize_network(SpikingNetwork(name="n", nodes=nodes), options)[0].layers
    assert (first.weight_bits, second.weight_bits) == (8, 3)
    assert (first.weight_shift, second.weight_shift) == (2, 4)
    assert first.neuron.membrane_bits == 20 != second.neuron.membrane_bits


# Width of the membrane and length of a sample


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
    membranes = reference.run(integer, spikes, record_membranes=True).layers[0].membranes
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
    integer, (report,) = quantize_network(one_layer([[1.0]], encoder=encoder), options)
    assert report.time_steps == expected
    assert integer.count_bits == expected.bit_length()
    assert integer.encoder == encoder


# Report


@settings(max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 12),
    st.sampled_from(["neuron", "layer"]),
    st.sampled_from([None, 1.7, 2.0, 5.0]),
    st.booleans(),
)
def test_the_errors_of_the_report_are_those_of_the_network(seed, bits, scale, tau, soft):
    network = random_layer(seed, tau=tau, v_reset=None if soft else 0.0, v_threshold=0.7)
    linear = network.nodes[0]
    layer, report = quantized(network, bits=bits, scale=scale)
    step = choose_scale(linear.weight, 0.7, bits, scale == "neuron")
    low, high = signed_range(bits)
    exact = linear.weight / step[:, None]
    membrane = step / 2**layer.weight_shift
    assert report.weight_error == np.abs(exact - layer.weight).max()
    assert report.saturated_weights == np.sum((exact > high + 0.5) | (exact < low - 0.5))
    assert report.rounded_to_zero == np.sum((layer.weight == 0) & (linear.weight != 0))
    assert report.bias_error == pytest.approx(np.abs(linear.bias / membrane - layer.bias).max(), abs=1e-6)
    assert report.threshold_error == pytest.approx(np.abs(0.7 / membrane - layer.neuron.fire_at).max(), abs=1e-6)
    if soft:
        assert report.reset_error == pytest.approx(np.abs(0.7 / membrane - layer.neuron.reset_by).max(), abs=1e-6)
    assert report.leak_asked == (1.0 if tau is None else 1 - 1 / tau)
    assert report.leak_got == kept(layer.neuron.leak)
    assert report.membrane_bits == layer.neuron.membrane_bits
    assert report.membrane_fraction == layer.weight_shift


def plain_report() -> LayerReport:
    return quantized(one_layer([[1.0]]))[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"saturated_weights": 1}, "layer 'fc': 1 of 1 weights saturate at 8 bits"),
        (
            {"weight_error": 0.123456, "rounded_to_zero": 1},
            "layer 'fc': weights are rounded by up to 0.123 steps, 1 of 1 to zero",
        ),
        ({"bias_error": 0.25}, "layer 'fc': bias is rounded by up to 0.25 membrane steps"),
        ({"threshold_error": 0.25}, "layer 'fc': threshold is rounded by up to 0.25 membrane steps"),
        ({"reset_error": 0.25}, "layer 'fc': reset is rounded by up to 0.25 membrane steps"),
        ({"leak_got": 0.75}, "layer 'fc': a step keeps 0.75 of the membrane, not 1"),
        (
            {"leak_floors": True, "membrane_fraction": 3},
            "layer 'fc': the leak floors the membrane to steps of 1/8 weight step",
        ),
        (
            {"membrane_low": -9, "membrane_bits": 4},
            "layer 'fc': the membrane saturates at 4 bits; 100 steps can charge it to -9..1",
        ),
        (
            {"membrane_high": 8, "membrane_bits": 4},
            "layer 'fc': the membrane saturates at 4 bits; 100 steps can charge it to 0..8",
        ),
    ],
)
def test_every_approximation_has_its_sentence_and_strict_refuses_it(changes, message):
    assert replace(plain_report(), **changes).approximations() == [message]


def test_an_exact_layer_has_no_approximation():
    assert plain_report().approximations() == []


@pytest.mark.parametrize(
    ("network", "options", "part"),
    [
        (one_layer([[0.3, 0.7]]), {}, "weights are rounded"),
        (one_layer([[1.0, 0.25]]), {"bits": 1}, "weights saturate at 1 bits"),
        (one_layer([[1.0]], [0.3]), {}, "bias is rounded"),
        (one_layer([[1.0]], v_threshold=1.5), {"bits": 2}, "threshold is rounded"),
        (one_layer([[1.0]], v_threshold=1.5, v_reset=None), {"bits": 2}, "reset is rounded"),
        (one_layer([[1.0]], tau=3.0), {}, "a step keeps 0.667969 of the membrane, not 0.666667"),
        (one_layer([[1.0]], tau=2.0), {}, "the leak floors"),
        (one_layer([[-1.0]]), {"membrane_bits": 3}, "the membrane saturates at 3 bits"),
    ],
)
def test_strict_refuses_what_it_would_report(network, options, part):
    values = {key: PerLayer(value) for key, value in options.items()}
    compile_network(network, QuantizeOptions(**values))
    with pytest.raises(StrictError, match=re.escape(part)) as caught:
        compile_network(network, QuantizeOptions(**values, strict=True))
    assert all(line.endswith(" (--strict allows no approximation)") for line in str(caught.value).splitlines())


def test_the_default_fraction_is_what_a_leak_shifts_out():
    for tau, fraction in ((None, 0), (1.0, 0), (2.0, 1), (3.0, 2), (16.0, 4), (1e9, 8)):
        assert quantized(one_layer([[1.0]], tau=tau))[0].weight_shift == fraction


def test_silent_neurons_are_counted():
    network = one_layer([[1.0], [-1.0], [0.0], [-1.0]], [0.0, 0.0, 0.0, 1.0])
    assert quantized(network)[1].silent_neurons == 2


def test_the_report_is_plain_values():
    report = plain_report()
    assert all(type(getattr(report, field.name)) in (str, int, float, bool) for field in fields(report))
