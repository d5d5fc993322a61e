"""Approximating pass: from the float network to the integer network, with what it cost in the report."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from snn2rtl.errors import QuantizationError
from snn2rtl.fixed_point import (
    IntArray,
    int_dtype,
    quantize,
    round_half_even,
    signed_bits,
    signed_range,
    snap,
    unsigned_bits,
)
from snn2rtl.intervals import membrane_range_after, never_fires, never_saturates
from snn2rtl.network import (
    MAX_MEMBRANE_BITS,
    FixedPointNetwork,
    Layer,
    Leak,
    LifNeuron,
    MultiplierLeak,
    NoLeak,
    Reset,
    ShiftLeak,
)
from snn2rtl.options import QuantizeOptions
from snn2rtl.passes.fold_neurons import plain_layers
from snn2rtl.passes.scale import FLOAT32_SLACK, Scale, blocks, find_scale
from snn2rtl.report import LayerReport
from snn2rtl.spiking import FloatArray, Linear, Neuron, SpikingNetwork, decay

DEFAULT_TIME_STEPS = 100
_NO_BITS = 1 << 30  # trailing zeros of zero: more than any leak shifts


def quantize_network(
    network: SpikingNetwork, options: QuantizeOptions
) -> tuple[FixedPointNetwork, tuple[LayerReport, ...]]:
    """Return the integer network and a report of every layer.

    Args:
        network: pairs of Linear and Neuron, as fold_neurons() leaves them.
        options: widths, scales and leaks.

    Raises:
        QuantizationError: a number does not fit the widths that were asked for.
        OptionError: an option names a layer that is not there.
    """
    pairs = plain_layers(network, "before it is quantized")
    names = [linear.name for linear, _ in pairs]
    for option in ("bits", "membrane_bits", "membrane_fraction"):
        getattr(options, option).check_names(option.replace("_", "-"), names)
    steps = options.time_steps or (network.encoder.time_steps if network.encoder else DEFAULT_TIME_STEPS)
    layers, reports = [], []
    for index, (linear, neuron) in enumerate(pairs):
        input_max = network.encoder.input_max if network.encoder and index == 0 else 1
        layer, report = _quantize_layer(linear, neuron, options, steps, input_max)
        layers.append(layer)
        reports.append(report)
    integer = FixedPointNetwork(
        name=network.name, layers=tuple(layers), count_bits=unsigned_bits(steps), encoder=network.encoder
    )
    return integer, tuple(reports)


def choose_leak(tau: float | None, options: QuantizeOptions) -> Leak:
    """Return the integer leak nearest to ``v - v / tau``."""
    if tau is None:
        return NoLeak()
    exact = math.frexp(tau)[0] == 0.5
    if options.leak == "shift" or (options.leak == "auto" and exact):
        return ShiftLeak(min(range(MAX_MEMBRANE_BITS), key=lambda shift: abs(2.0**-shift - 1 / tau)))
    one = 1 << options.leak_bits
    return MultiplierLeak(int(round_half_even((1 - 1 / tau) * one)), options.leak_bits)


def kept(leak: Leak) -> float:
    """Return the fraction of the membrane that a leak keeps in a step."""
    match leak:
        case NoLeak():
            return 1.0
        case ShiftLeak(shift):
            return 1.0 - 2.0**-shift
        case MultiplierLeak(factor, fraction):
            return factor / (1 << fraction)
        case _:
            raise AssertionError("a float network has one leak a layer")


def _leak_floors(layer: Layer, time_steps: int) -> bool:
    """Return whether the floor of the leak can drop a bit: every step shifts the membrane's last bit further down."""
    neuron = _lif(layer)
    shifted = 0
    match neuron.leak:
        case ShiftLeak(shift):
            shifted = shift
        case MultiplierLeak(factor, fraction):
            shifted = fraction - min(_trailing_zeros(np.array([factor])), fraction)
    weight_zeros = _trailing_zeros(layer.weight) + layer.weight_shift
    zeros = min(weight_zeros, _trailing_zeros(layer.bias), _trailing_zeros(neuron.reset_by))
    return shifted * (time_steps - 1) > zeros


def _lif(layer: Layer) -> LifNeuron:
    assert isinstance(layer.neuron, LifNeuron)
    return layer.neuron


def _trailing_zeros(values: IntArray) -> int:
    """Return how many of the lowest bits are zero in all values."""
    used = int(np.bitwise_or.reduce(values, axis=None))
    return (used & -used).bit_length() - 1 if used else _NO_BITS


@dataclass(frozen=True, eq=False)
class _Steps:
    """The scale of the weights, how many membrane steps a weight step is, and what passes for one of those."""

    scale: Scale
    membrane: int
    slack: FloatArray

    def count(self, value: FloatArray | float) -> FloatArray:
        """Return a value of each neuron in membrane steps, without what float rounding added."""
        return snap(value / self.scale.step * self.membrane, self.slack)

    def count_weights(self, weight: FloatArray, rows: slice) -> FloatArray:
        """Return the weights of some neurons in weight steps, without what float rounding added."""
        return snap(weight[rows] / self.scale.step[rows, None], self.scale.slack[rows, None])


def _quantize_layer(
    linear: Linear, neuron: Neuron, options: QuantizeOptions, time_steps: int, input_max: int
) -> tuple[Layer, LayerReport]:
    bits = options.bits[linear.name]
    assert not isinstance(neuron.tau, np.ndarray)
    leak = choose_leak(neuron.tau, options)
    shift = options.membrane_fraction[linear.name]
    if shift < 0:  # the membrane steps of pixels are fine already
        shift = 0 if neuron.tau is None or input_max > 1 else min(8, math.ceil(math.log2(neuron.tau)))
    membrane = input_max << shift  # an input of input_max is the float 1.0
    others = membrane * np.stack([linear.bias, np.full_like(linear.bias, neuron.v_threshold)], axis=1)
    per_neuron = options.scale == "neuron"
    scale = find_scale(linear, others, input_max * neuron.v_threshold, bits, per_neuron)
    slack = scale.slack
    if linear.step is not None and input_max > 1:  # no float holds a 255th, though its step be a power of two
        slack = np.where(scale.step == linear.step, FLOAT32_SLACK, slack)
    steps = _Steps(scale, membrane, slack)
    weight, error = _quantize_weights(linear.weight, steps, bits)
    fire_at, reset_by = _thresholds(linear.name, neuron, steps)
    layer = Layer(
        name=linear.name,
        weight=weight,
        weight_bits=bits,
        weight_shift=shift,
        bias=_fitting(f"layer '{linear.name}': bias", steps.count(linear.bias)),
        neuron=LifNeuron(
            fire_at=fire_at,
            reset_by=reset_by,
            reset=Reset.SOFT if neuron.v_reset is None else Reset.HARD,
            leak=leak,
            membrane_bits=MAX_MEMBRANE_BITS,
        ),
        input_max=input_max,
    )
    layer = _size_membrane(layer, options.membrane_bits[linear.name], time_steps)
    return layer, _report(linear, neuron, layer, steps, error, time_steps)


@dataclass(frozen=True)
class _WeightError:
    """Largest error in weight steps, and how many weights saturate or become zero."""

    largest: float
    saturated: int
    to_zero: int


def _quantize_weights(weight: FloatArray, in_steps: _Steps, bits: int) -> tuple[IntArray, _WeightError]:
    low, high = signed_range(bits)
    integers = np.empty(weight.shape, int_dtype(bits))
    largest, saturated, to_zero = 0.0, 0, 0
    for rows in blocks(weight):
        steps = in_steps.count_weights(weight, rows)
        integers[rows] = quantize(steps, 1.0, bits)
        largest = max(largest, float(np.abs(steps - integers[rows]).max()))
        saturated += int(np.count_nonzero((steps > high + 0.5) | (steps < low - 0.5)))
        to_zero += int(np.count_nonzero((integers[rows] == 0) & (steps != 0)))
    integers.setflags(write=False)
    return integers, _WeightError(largest, saturated, to_zero)


def _thresholds(name: str, neuron: Neuron, steps: _Steps) -> tuple[IntArray, IntArray]:
    """Return fire_at and reset_by; a membrane of whole steps reaches the threshold where it reaches its ceiling."""
    where = f"layer '{name}': threshold"
    wanted = steps.count(neuron.v_threshold)
    fire_at = _fitting(where, np.ceil(wanted))
    if neuron.v_reset is not None:
        return fire_at, np.zeros_like(fire_at)
    if neuron.v_threshold <= 0:
        raise QuantizationError(f"{where} must be positive with a soft reset, not {neuron.v_threshold}")
    return fire_at, np.maximum(_fitting(where, wanted), 1)


def _fitting(what: str, values: FloatArray) -> IntArray:
    limit = 2.0 ** (MAX_MEMBRANE_BITS - 1)
    worst = float(np.abs(values).max())
    if not worst < limit:
        raise QuantizationError(
            f"{what} must stay under 2**{MAX_MEMBRANE_BITS - 1} weight steps, not reach {worst:.3g}; "
            "give the layer more --bits or scale its weights up"
        )
    return round_half_even(values)


def _size_membrane(layer: Layer, asked: int, time_steps: int) -> Layer:
    """Return the layer with the asked membrane width, or with one that ``time_steps`` steps cannot fill."""
    found = membrane_range_after(layer, time_steps)
    neuron = _lif(layer)
    lowest = int(neuron.fire_at.min())
    highest = max(int(neuron.fire_at.max()), int(neuron.reset_by.max()))
    least = signed_bits(min(lowest - 1, 0), max(highest, 0))
    needed = max(found.bits, least)
    if not asked and needed > MAX_MEMBRANE_BITS:
        raise QuantizationError(
            f"layer '{layer.name}': membrane must need at most {MAX_MEMBRANE_BITS} bits, not {needed}; "
            "choose a width at which it saturates with --membrane-bits"
        )
    if asked and asked < least:
        raise QuantizationError(
            f"layer '{layer.name}': membrane must have at least {least} bits to reach the threshold "
            f"{max(lowest, highest, key=abs)}, not {asked}"
        )
    return replace(layer, neuron=replace(neuron, membrane_bits=max(2, asked or needed)))


def _report(
    linear: Linear, neuron: Neuron, layer: Layer, steps: _Steps, error: _WeightError, time_steps: int
) -> LayerReport:
    found = membrane_range_after(layer, time_steps)
    integer = _lif(layer)
    soft = integer.reset is Reset.SOFT
    return LayerReport(
        name=layer.name,
        inputs=layer.num_inputs,
        neurons=layer.num_neurons,
        weight_bits=layer.weight_bits,
        scale_min=float(steps.scale.step.min()),
        scale_max=float(steps.scale.step.max()),
        nonzero_weights=int(layer.nonzeros.sum()),
        rounded_to_zero=error.to_zero,
        saturated_weights=error.saturated,
        weight_error=error.largest,
        bias_error=_largest(steps.count(linear.bias) - layer.bias),
        threshold_error=_largest(steps.count(neuron.v_threshold) - integer.fire_at),
        reset_error=_largest(steps.count(neuron.v_threshold) - integer.reset_by) if soft else 0.0,
        leak_asked=1.0 - float(decay(neuron.tau)),
        leak_got=kept(integer.leak),
        input_max=layer.input_max,
        membrane_fraction=layer.weight_shift,
        membrane_bits=integer.membrane_bits,
        membrane_low=int(found.low.min()),
        membrane_high=int(found.high.max()),
        leak_floors=_leak_floors(layer, time_steps),
        may_saturate=not never_saturates(layer),
        silent_neurons=int(np.count_nonzero(never_fires(layer))),
        time_steps=time_steps,
    )


def _largest(difference: FloatArray) -> float:
    return float(np.abs(difference).max())
