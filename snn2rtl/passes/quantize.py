"""Approximating pass: from the float network to the integer network, with what it cost in the report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from snn2rtl.encoders import Encoder
from snn2rtl.errors import QuantizationError
from snn2rtl.fixed_point import IntArray, int_dtype, quantize, signed_range, unsigned_bits
from snn2rtl.float_net.network import FloatArray, Linear, Neuron, SpikingNetwork
from snn2rtl.float_net.network import Integrator as FloatIntegrator
from snn2rtl.int_net.network import FixedPointNetwork, Layer
from snn2rtl.options import DEFAULT_BITS, QuantizeOptions
from snn2rtl.passes.fold_neurons import folded_pair, pair_layers
from snn2rtl.passes.leaks import membrane_fraction
from snn2rtl.passes.quantize_neurons import Steps, bias_of, integer_neuron, negligible, size_membrane
from snn2rtl.passes.quantize_report import WeightError, report_layer
from snn2rtl.passes.scale import FLOAT32_SLACK, blocks, find_scale, trained_bits
from snn2rtl.report import BitsFrom, LayerReport, StepsFrom

DEFAULT_TIME_STEPS = 100


def quantize_network(
    network: SpikingNetwork, options: QuantizeOptions, sample_steps: int = 0
) -> tuple[FixedPointNetwork, tuple[LayerReport, ...]]:
    """Return the integer network and a report of every layer.

    Args:
        network: pairs of Linear and Neuron, the last one an Integrator or not. They are folded one after the other, so
            that no more than one layer's weights are there twice.
        options: widths, scales and leaks.
        sample_steps: time steps of the calibration samples, which widths must hold, 0 without any.

    Raises:
        QuantizationError: a number does not fit the widths that were asked for.
        OptionError: an option names a layer that is not there.
    """
    pairs = pair_layers(network)
    names = [linear.name for linear, _ in pairs]
    for option in ("bits", "membrane_bits", "membrane_fraction"):
        getattr(options, option).check_names(option.replace("_", "-"), names)
    steps, steps_from = _length(options, network.encoder, sample_steps)
    layers, reports = [], []
    for index, (linear, neuron) in enumerate(pairs):
        input_max = network.encoder.input_max if network.encoder and index == 0 else 1
        layer, report = _quantize_layer(*folded_pair(linear, neuron), options, steps, input_max)
        layers.append(layer)
        reports.append(replace(report, steps_from=steps_from))
    integer = FixedPointNetwork(
        name=network.name, layers=tuple(layers), count_bits=unsigned_bits(steps), encoder=network.encoder
    )
    return integer, tuple(reports)


def _length(options: QuantizeOptions, encoder: Encoder | None, sample_steps: int) -> tuple[int, StepsFrom]:
    """Return how many time steps the widths must hold, the most that anything says, and what says it."""
    lengths: dict[StepsFrom, int] = {
        "asked": options.time_steps,
        "encoder": encoder.time_steps if encoder else 0,
        "samples": sample_steps,
    }
    if not (options.time_steps or encoder):
        lengths["default"] = DEFAULT_TIME_STEPS
    longest = max(lengths, key=lambda kind: lengths[kind])
    return lengths[longest], longest


def choose_bits(linear: Linear, options: QuantizeOptions, per_neuron: bool) -> tuple[int, BitsFrom]:
    """Return the width of a layer's weights, recurrent ones among them, and where it is from."""
    if asked := options.bits[linear.name]:
        return asked, "asked"
    trained = trained_bits(_rows(linear), per_neuron)
    return (trained, "training") if trained else (DEFAULT_BITS, "default")


def _quantize_layer(
    linear: Linear, neuron: Neuron | FloatIntegrator, options: QuantizeOptions, time_steps: int, input_max: int
) -> tuple[Layer, LayerReport]:
    per_neuron = options.scale == "neuron" and isinstance(neuron, Neuron)
    bits, bits_from = choose_bits(linear, options, per_neuron)
    shift = options.membrane_fraction[linear.name]
    if shift < 0:
        adaptation_tau = getattr(neuron, "adaptation_tau", None)
        shift = membrane_fraction(neuron.tau, neuron.synapse_tau, input_max, adaptation_tau)
    inputs = linear.weight.shape[1]
    try:
        steps = _choose_steps(linear, neuron, per_neuron, bits, input_max, shift, options, time_steps)
        rows, error = _quantize_weights(_rows(linear).weight, steps, bits)
        layer = Layer(
            name=linear.name,
            weight=rows[:, :inputs],
            weight_bits=bits,
            weight_shift=shift,
            bias=bias_of(linear, steps),
            neuron=integer_neuron(neuron, len(rows), steps, options),
            input_max=input_max,
            recurrent=None if linear.recurrent is None else rows[:, inputs:],
            delay=linear.delay,
        )
        layer = size_membrane(layer, options.membrane_bits[linear.name], time_steps)
    except QuantizationError as problem:
        where = f"layer '{linear.name}': "
        raise QuantizationError(where + str(problem).removeprefix(where)) from problem
    return layer, report_layer(linear, neuron, layer, steps, error, time_steps, bits_from)


def _rows(linear: Linear) -> Linear:
    """Return the layer with its recurrent weights beside those of the inputs, for both have one step."""
    if linear.recurrent is None:
        return linear
    return replace(linear, weight=np.concatenate([linear.weight, linear.recurrent], axis=1), recurrent=None)


def _choose_steps(
    linear: Linear,
    neuron: Neuron | FloatIntegrator,
    per_neuron: bool,
    bits: int,
    input_max: int,
    shift: int,
    options: QuantizeOptions,
    time_steps: int,
) -> Steps:
    """Return the steps of weights and membranes; scores are compared, so all integrators have one.

    Weights that are nothing beside the threshold, such as those of a neuron that pruning and weight decay left, do not
    choose a step: they become zero in that of the other numbers.
    """
    membrane = input_max << shift  # an input of input_max is the float 1.0
    numbers: list[FloatArray | float] = [linear.bias]
    threshold = 0.0
    if isinstance(neuron, Neuron):
        threshold = neuron.v_threshold
        numbers += [threshold] if neuron.grow is None else [threshold, neuron.grow]
    others = membrane * np.stack([np.broadcast_to(number, linear.bias.shape) for number in numbers], axis=1)
    rows = _rows(linear)
    scale = find_scale(rows, others, input_max * threshold, bits, per_neuron)
    nothing = negligible(rows, neuron, others, scale, bits, options, time_steps)
    if nothing.any() if per_neuron else nothing.all():
        rows = replace(rows, weight=np.where(nothing[:, None], 0.0, rows.weight))
        scale = find_scale(rows, others, input_max * threshold, bits, per_neuron)
    slack = scale.slack
    if linear.step is not None and input_max > 1:  # no float holds a 255th, though its step be a power of two
        slack = np.where(scale.step == linear.step, FLOAT32_SLACK, slack)
    return Steps(scale, membrane, slack)


def _quantize_weights(weight: FloatArray, in_steps: Steps, bits: int) -> tuple[IntArray, WeightError]:
    low, high = signed_range(bits)
    integers = np.empty(weight.shape, int_dtype(bits))
    largest, saturated, to_zero = 0.0, 0, 0
    for rows in blocks(weight):
        steps = in_steps.count_weights(weight, rows)
        integers[rows] = quantize(steps, 1.0, bits)
        largest = max(largest, float(np.abs(steps - integers[rows]).max()))
        saturated += int(np.count_nonzero((steps > high + 0.5) | (steps < low - 0.5)))
        to_zero += int(np.count_nonzero((integers[rows] == 0) & (weight[rows] != 0)))
    integers.setflags(write=False)
    return integers, WeightError(largest, saturated, to_zero)
