import numpy as np
import pytest
from float_layers import one_layer, quantized, random_layer
from hypothesis import given
from hypothesis import strategies as st

from snn2rtl.fixed_point import signed_range
from snn2rtl.passes.scale import choose_scale


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


@pytest.mark.parametrize("per_neuron", [True, False])
@pytest.mark.parametrize(("weight", "step"), [([1.0, -0.5], 0.5), ([0.25, -1.0], 1.0), ([0.75, -2.0], 2.0)])
def test_one_bit_is_minus_one_or_zero_so_negative_weights_alone_choose_the_step(weight, step, per_neuron):
    assert choose_scale(np.array([weight]), 0.3, 1, per_neuron).tolist() == [step]
    layer, report = quantized(one_layer([weight], v_threshold=0.3), bits=1)
    assert layer.weight.tolist() == [[0, -1]]
    assert report.weight_error == weight[0] / step
    assert any("weights are rounded" in note for note in report.approximations())


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
        usual = weight.shape[1] * plain**2 / 12  # rounding's, which the plain scale may undercut by luck
        bound = 1.3 * np.maximum(squared_error(weight, plain, bits), usual)
        assert np.all(squared_error(weight, scale, bits) <= bound)


def squared_error(weight, scale, bits):
    low, high = signed_range(bits)
    return ((weight - np.clip(np.rint(weight / scale[:, None]), low, high) * scale[:, None]) ** 2).sum(axis=1)


def test_the_search_does_not_depend_on_its_blocks(monkeypatch):
    weight = np.random.default_rng(0).normal(size=(9, 7))
    wanted = [choose_scale(weight, 1.0, 5, per_neuron) for per_neuron in (True, False)]
    monkeypatch.setattr("snn2rtl.passes.scale._BLOCK", 15)
    assert np.array_equal(wanted, [choose_scale(weight, 1.0, 5, per_neuron) for per_neuron in (True, False)])


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
