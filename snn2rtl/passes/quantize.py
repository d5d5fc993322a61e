"""Approximating pass: from the float network to the integer network, with what it cost in the report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from snn2rtl.checks import named
from snn2rtl.encoders import Encoder
from snn2rtl.fixed_point import IntArray, int_dtype, quantize, signed_range, unsigned_bits
from snn2rtl.float_net.layered import FloatConnection, FloatLayer, LayeredNetwork, greatest_values
from snn2rtl.float_net.nodes import FloatArray, Linear, Neuron
from snn2rtl.int_net.network import FixedPointNetwork, Node
from snn2rtl.int_net.population import Connection, Input, Population
from snn2rtl.int_net.synapses import Convolution, Dense, Synapses
from snn2rtl.options import DEFAULT_BITS, QuantizeOptions
from snn2rtl.passes.fold_neurons import folded_layer
from snn2rtl.passes.fold_resets import fold_reset
from snn2rtl.passes.leaks import membrane_fraction
from snn2rtl.passes.quantize_neurons import Steps, bias_of, integer_neuron, negligible, size_membrane
from snn2rtl.passes.quantize_report import WeightError, report_layer
from snn2rtl.passes.scale import FLOAT32_SLACK, blocks, find_scale, trained_bits
from snn2rtl.pools import INPUT
from snn2rtl.report import BitsFrom, LayerReport, StepsFrom

DEFAULT_TIME_STEPS = 100


def quantize_network(
    network: LayeredNetwork, options: QuantizeOptions, sample_steps: int = 0
) -> tuple[FixedPointNetwork, tuple[LayerReport, ...]]:
    """Return the integer network and a report of every layer.

    Args:
        network: layers as lower() leaves them. They are folded one after the other, so that no more than one layer's
            weights are there twice.
        options: widths, scales and leaks.
        sample_steps: time steps of the calibration samples, which widths must hold, 0 without any.

    Raises:
        QuantizationError: a number does not fit the widths that were asked for.
        OptionError: an option names a layer that is not there.
    """
    names = [layer.name for layer in network.layers]
    for option in ("bits", "membrane_bits", "membrane_fraction"):
        getattr(options, option).check_names(option.replace("_", "-"), names)
    steps, steps_from = _length(options, network.encoder, sample_steps)
    greatest = greatest_values(network)
    nodes: list[Node] = []
    reports = []
    for node in network.nodes:
        if not isinstance(node, FloatLayer):
            nodes.append(node)
            continue
        layer, report = _quantize_layer(folded_layer(node), options, steps, network.unit(node), greatest)
        nodes.append(layer)
        reports.append(replace(report, steps_from=steps_from))
    integer = FixedPointNetwork(
        name=network.name,
        input=Input(shape=network.shape, greatest=greatest[INPUT]),
        nodes=tuple(nodes),
        count_bits=unsigned_bits(steps * network.group),
        group=network.group,
        encoder=network.encoder,
    )
    return integer, tuple(reports)


def _length(options: QuantizeOptions, encoder: Encoder | None, sample_steps: int) -> tuple[int, StepsFrom]:
    """Return how many time steps the widths must hold, the most that anything says, and what says it."""
    made = encoder.time_steps if encoder else 0
    lengths: dict[StepsFrom, int] = {
        "asked": options.time_steps,
        "encoder": made,
        "samples": sample_steps,
    }
    if not (options.time_steps or made):
        lengths["default"] = DEFAULT_TIME_STEPS
    longest = max(lengths, key=lambda kind: lengths[kind])
    return lengths[longest], longest


def choose_bits(rows: Linear, options: QuantizeOptions, per_neuron: bool) -> tuple[int, BitsFrom]:
    """Return the width of a layer's weights, recurrent ones among them, and where it is from."""
    if asked := options.bits[rows.name]:
        return asked, "asked"
    trained = trained_bits(rows, per_neuron)
    return (trained, "training") if trained else (DEFAULT_BITS, "default")


@dataclass(frozen=True)
class _Format:
    """Widths of a layer: of weights, of the membrane below a weight step; unit is the input that is the float 1.0."""

    bits: int
    shift: int
    unit: int
    per_neuron: bool


def _quantize_layer(
    layer: FloatLayer, options: QuantizeOptions, time_steps: int, unit: int, greatest: Mapping[str, int]
) -> tuple[Population, LayerReport]:
    """Return a layer in integers; unit is the input that is the float 1.0."""
    neuron, rows = layer.neuron, _rows(layer)
    per_neuron = options.scale == "neuron" and isinstance(neuron, Neuron)
    bits, bits_from = choose_bits(rows, options, per_neuron)
    shift = options.membrane_fraction[layer.name]
    if shift < 0:
        adaptation_tau = getattr(neuron, "adaptation_tau", None)
        shift = membrane_fraction(neuron.tau, neuron.synapse_tau, unit, adaptation_tau)
    with named(f"layer '{layer.name}'"):
        currents = _greatest_currents(layer, greatest, unit)
        of_rows = _choose_steps(layer, rows, _Format(bits, shift, unit, per_neuron), currents, options, time_steps)
        integers, error = _quantize_weights(rows.weight, of_rows, bits)
        made = Population(
            name=layer.name,
            shape=layer.shape,
            inputs=_connections(layer, integers, greatest, unit),
            weight_bits=bits,
            weight_shift=shift,
            bias=bias_of(layer.bias, of_rows.repeated(layer.places)),
            neuron=integer_neuron(neuron, math.prod(layer.shape), of_rows.repeated(layer.positions), options),
            pool=layer.pool,
        )
        made = size_membrane(fold_reset(made), options.membrane_bits[layer.name], time_steps)
    return made, report_layer(layer, made, of_rows, error, time_steps, bits_from, unit)


def _greatest_currents(layer: FloatLayer, greatest: Mapping[str, int], unit: int) -> FloatArray:
    """Return the greatest current that a step can bring to each row, bias included, shape (rows,)."""
    total: FloatArray = np.maximum(layer.bias, 0).reshape(layer.num_rows, -1).max(axis=1)
    for connection in layer.inputs:
        of_one = unit if connection.source == INPUT else 1
        most = 1 if connection.previous_step else greatest[connection.source] / of_one
        rows = layer.rows(connection)
        total = total + most * np.concatenate([np.maximum(rows[part], 0).sum(axis=1) for part in blocks(rows)])
    return total


def _rows(layer: FloatLayer) -> Linear:
    """Return the weights of all connections beside each other, which have one step: a row for a neuron or channel."""
    parts = [layer.rows(connection) for connection in layer.inputs]
    weight = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    return Linear(name=layer.name, weight=weight, bias=np.zeros(len(weight)), step=layer.step)


def _connections(
    layer: FloatLayer, integers: IntArray, greatest: Mapping[str, int], unit: int
) -> tuple[Connection, ...]:
    """Return the connections with the integers of their rows; unit is the input that is the float 1.0."""
    made, first = [], 0
    for connection in layer.inputs:
        size = connection.weight.size // layer.num_rows
        weight = integers[:, first : first + size].reshape(connection.weight.shape)
        first += size
        source = connection.source
        made.append(
            Connection(
                source=source,
                synapses=_synapses(connection, weight),
                greatest=1 if connection.previous_step else greatest[source],
                delay=connection.delay,
                previous_step=connection.previous_step,
                spike_value=unit if unit > 1 and source != INPUT else None,
            )
        )
    return tuple(made)


def _synapses(connection: FloatConnection, weight: IntArray) -> Synapses:
    windows = connection.windows
    if windows is None:
        return Dense(weight)
    return Convolution(
        weight=weight,
        input_shape=(connection.channels, *windows.space),
        stride=windows.stride,
        padding=windows.padding,
        dilation=windows.dilation,
        groups=connection.groups,
    )


def _choose_steps(
    layer: FloatLayer,
    rows: Linear,
    form: _Format,
    currents: FloatArray,
    options: QuantizeOptions,
    time_steps: int,
) -> Steps:
    """Return the steps of weights and membranes of each row; scores are compared, so all integrators have one.

    Weights that are nothing beside the threshold, such as those of a neuron that pruning and weight decay left, do not
    choose a step: they become zero in that of the other numbers.
    """
    neuron, membrane = layer.neuron, form.unit << form.shift  # an input of unit is the float 1.0
    threshold, bias = np.zeros(()), _largest_of_rows(layer.bias, layer)
    numbers: list[FloatArray | float] = [layer.bias]
    largest = [bias]
    if isinstance(neuron, Neuron):
        threshold = _shared_threshold(neuron, layer, form.per_neuron)
        numbers += [neuron.v_threshold] if neuron.grow is None else [neuron.v_threshold, neuron.grow]
        largest.append(_largest_of_rows(neuron.v_threshold, layer))
    others = membrane * np.concatenate([_of_rows(number, layer) for number in numbers], axis=1)
    scale = find_scale(rows, others, form.unit * threshold, form.bits, form.per_neuron)
    beside = membrane * np.stack(largest, axis=1)
    nothing = negligible(currents, neuron, beside, scale, form.bits, options, time_steps)
    if nothing.any() if form.per_neuron else nothing.all():
        rows = replace(rows, weight=np.where(nothing[:, None], 0.0, rows.weight))
        scale = find_scale(rows, others, form.unit * threshold, form.bits, form.per_neuron)
    slack = scale.slack
    if layer.step is not None and form.unit > 1:  # no float holds a 255th, though its step be a power of two
        slack = np.where(scale.step == layer.step, FLOAT32_SLACK, slack)
    return Steps(scale, membrane, slack)


def _shared_threshold(neuron: Neuron, layer: FloatLayer, per_neuron: bool) -> FloatArray:
    """Return what steps should divide: the threshold of each row, 0 where neurons of one step have different ones."""
    each = _each_of_rows(neuron.v_threshold, layer).reshape(layer.num_rows if per_neuron else 1, -1)
    shared = np.where(each.min(axis=1) == each.max(axis=1), each[:, 0], 0.0)
    return np.broadcast_to(shared, layer.num_rows)


def _largest_of_rows(number: FloatArray | float, layer: FloatLayer) -> FloatArray:
    """Return the largest size of a number of each neuron in each row of weights, shape (rows,)."""
    largest: FloatArray = np.abs(_each_of_rows(number, layer)).max(axis=1)
    return largest


def _each_of_rows(number: FloatArray | float, layer: FloatLayer) -> FloatArray:
    """Return a number of each neuron or of each sum, with a row for each row of weights."""
    each = number if np.ndim(number) else np.full(layer.num_rows, number)
    return np.reshape(each, (layer.num_rows, -1))


def _of_rows(number: FloatArray | float, layer: FloatLayer) -> FloatArray:
    """Return a number of each neuron, with a row for each row of weights; one column where all of a row agree."""
    each = _each_of_rows(number, layer)
    return each[:, :1] if bool(np.all(each == each[:, :1])) else each


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
