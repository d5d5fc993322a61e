"""The choice of a weight scale: that of training, else exact where one exists, else that of least squared error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from snn2rtl.fixed_point import lowest_set_bit, signed_bits, signed_range, snap
from snn2rtl.float_net.nodes import FloatArray, Linear
from snn2rtl.int_net.neurons import MAX_MEMBRANE_BITS
from snn2rtl.int_net.population import MAX_WEIGHT_BITS

_CANDIDATES = np.linspace(0.35, 1.05, 29)  # fractions of the scale that just holds the largest weight
_BLOCK = 1 << 17  # weights at a time: they stay in the cache while all candidates are tried
_ALL_ZERO = 1023  # what lowest_set_bit() says of zero
_FLOAT64_SLACK = 1e-9  # of a number: more than dividing it back rounds
FLOAT32_SLACK = 1e-6  # of a number: more than training's few operations round
MOST_STEPS = 2.0 ** (MAX_MEMBRANE_BITS - 2)  # of a number beside weights: a bit is left for what arrives
_LEAST = 2.0**-1000  # of the scales that are searched; 1 / _LEAST is a float, and smaller weights are nothing


@dataclass(frozen=True, eq=False)
class Scale:
    """The value of one weight step of each neuron, and what passes for one of its multiples, both of shape (neurons,).

    slack is the share of a number that float rounding may take it off a whole multiple of the step.
    """

    step: FloatArray
    slack: FloatArray


def find_scale(linear: Linear, others: FloatArray, threshold: float | FloatArray, bits: int, per_neuron: bool) -> Scale:
    """Return training's step for each neuron of which it is one, else what choose_scale() finds.

    It is one where every weight, or without weights every other number, is a multiple that fits.

    Args:
        linear: the layer.
        others: bias and threshold of each neuron, in what stands for weight steps, shape (out, 2).
        threshold: what the search divides, of all or of each neuron; 0 where it divides nothing.
        bits: width of the integer weights.
        per_neuron: a scale for each neuron rather than for the layer.
    """
    if linear.step is None:
        step = choose_scale(linear.weight, threshold, bits, per_neuron, others)
        return Scale(step, _slack(step, _FLOAT64_SLACK))
    trained = Scale(linear.step, _slack(linear.step, FLOAT32_SLACK))
    taken = _divides(trained, linear.weight, others, bits)
    if not per_neuron:
        taken = np.full_like(taken, bool(taken.all() and (trained.step == trained.step[0]).all()))
    if taken.all():
        return trained
    found = find_scale(replace(linear, step=None), others, threshold, bits, per_neuron)
    return Scale(np.where(taken, trained.step, found.step), np.where(taken, trained.slack, found.slack))


def trained_bits(linear: Linear, per_neuron: bool) -> int | None:
    """Return the least width that holds every weight as a whole multiple of training's step, None where none does."""
    if linear.step is None or not (per_neuron or (linear.step == linear.step[0]).all()):
        return None
    step, slack = linear.step[:, None], _slack(linear.step, FLOAT32_SLACK)[:, None]
    low, high, bits = *signed_range(MAX_WEIGHT_BITS), 1
    for rows in blocks(linear.weight):
        with np.errstate(over="ignore"):  # a step may be anything
            counts = snap(linear.weight[rows] / step[rows], slack[rows])
        if not _whole(counts, low, high).all():
            return None
        bits = max(bits, signed_bits(int(counts.min()), int(counts.max())))
    return bits


def _divides(scale: Scale, weight: FloatArray, others: FloatArray, bits: int) -> NDArray[np.bool_]:
    """Return whether a neuron's weights are multiples that fit, or without weights its other numbers are multiples."""
    low, high = signed_range(bits)
    step, slack = scale.step[:, None], scale.slack[:, None]
    with np.errstate(over="ignore", invalid="ignore"):  # a step may be anything
        counts = snap(others / step, slack)
        divides: NDArray[np.bool_] = weight.any(axis=1) | _whole(counts, -MOST_STEPS, MOST_STEPS)
        for rows in blocks(weight):
            divides[rows] &= _whole(snap(weight[rows] / step[rows], slack[rows]), low, high)
    return divides


def _whole(values: FloatArray, low: float, high: float) -> NDArray[np.bool_]:
    """Return which rows hold whole numbers of low..high alone."""
    whole: NDArray[np.bool_] = ((values == np.rint(values)) & (values >= low) & (values <= high)).all(axis=1)
    return whole


def _slack(step: FloatArray, slack: float) -> FloatArray:
    """Return the slack; none beside a power of two, by which floats divide and multiply without rounding."""
    return np.where(np.frexp(step)[0] == 0.5, 0.0, slack)


def choose_scale(
    weight: FloatArray, threshold: float | FloatArray, bits: int, per_neuron: bool, others: FloatArray | None = None
) -> FloatArray:
    """Return the value of one weight step for each neuron, shape (out,).

    Exact: a power of two of which all weights (of a neuron, or of the layer) are multiples that fit, fine enough for
    the other numbers where the bits reach that far. Otherwise the search minimises the squared weight error over
    scales of which the threshold is a whole multiple, so that quantizing costs the threshold nothing.

    One bit holds -1 and 0: the negative weights choose the step, for no step makes a positive one fit.

    Args:
        weight: shape (out, in).
        threshold: the layer's firing threshold, or that of each neuron.
        bits: width of the integer weights.
        per_neuron: a scale for each neuron rather than for the layer.
        others: numbers of each neuron that should be multiples too, such as its bias, shape (out, k).
    """
    others = np.broadcast_to(threshold, len(weight))[:, None] if others is None else others
    if bits == 1:
        weight = np.minimum(weight, 0.0)
    lowest = np.concatenate([lowest_set_bit(weight[rows]).min(axis=1) for rows in blocks(weight)])
    low, high = weight.min(axis=1), weight.max(axis=1)
    wanted, size = lowest_set_bit(others).min(axis=1), np.abs(others).max(axis=1)
    if not per_neuron:
        lowest, wanted, low = (np.full_like(values, values.min()) for values in (lowest, wanted, low))
        high, size = (np.full_like(values, values.max()) for values in (high, size))
    least, greatest = signed_range(bits)
    # without a weight the other numbers alone set the step
    empty = lowest == _ALL_ZERO
    finest = _holding(np.where(empty, size, np.maximum(high / max(1, greatest), low / least)), empty, bits)
    exact = finest <= lowest
    scale = np.ldexp(1.0, np.where(wanted == _ALL_ZERO, np.where(empty, 0, lowest), np.clip(wanted, finest, lowest)))
    if exact.all():
        return scale
    largest = np.maximum(-low, high)
    widest = np.where(largest > 0, np.maximum(largest / max(1, greatest), _LEAST), 1.0)
    return np.where(exact, scale, _search(weight, widest, threshold, bits, per_neuron))


def _holding(size: FloatArray, empty: NDArray[np.bool_], bits: int) -> NDArray[np.int64]:
    """Return the least e with ``size <= 2**e``; ``bits`` less for a neuron without weights."""
    mantissa, exponent = np.frexp(size)
    holding: NDArray[np.int64] = exponent - (mantissa == 0.5).astype(np.int64) - np.where(empty, bits, 0)
    return holding


def blocks(weight: NDArray[np.generic]) -> Iterator[slice]:
    """Yield the rows of a matrix in slices of a size that the caches hold."""
    rows = max(1, _BLOCK // weight.shape[1])
    for first in range(0, weight.shape[0], rows):
        yield slice(first, first + rows)


def _search(
    weight: FloatArray, widest: FloatArray, threshold: float | FloatArray, bits: int, per_neuron: bool
) -> FloatArray:
    scales = _dividing(threshold, _CANDIDATES[:, None] * widest)
    errors = np.empty_like(scales)
    # times a power of two the weights are about 1 in float32, too; it changes no digit of theirs
    near_one = np.ldexp(1.0, -np.frexp(widest)[1])
    for rows in blocks(weight):
        block = (weight[rows] * near_one[rows, None]).astype(np.float32)
        for scale, error in zip(scales[:, rows], errors[:, rows], strict=True):
            error[:] = _squared_error(block, scale * near_one[rows], bits)
    if not per_neuron:
        errors = np.broadcast_to(errors.sum(axis=1, keepdims=True), errors.shape)
    best: FloatArray = np.take_along_axis(scales, errors.argmin(axis=0)[None], axis=0)[0]
    return best


def _dividing(threshold: float | FloatArray, scale: FloatArray) -> FloatArray:
    """Return the scales moved to ``threshold / n`` for a whole n, where there is such a scale near."""
    with np.errstate(over="ignore"):  # beside weights that are nothing
        steps = np.rint(threshold / scale)
    return np.where((steps >= 1) & (steps < np.inf), threshold / np.maximum(steps, 1), scale)


def _squared_error(weight: NDArray[np.float32], scale: FloatArray, bits: int) -> FloatArray:
    low, high = signed_range(bits)
    steps = weight * (1 / scale[:, None]).astype(np.float32)
    error = steps - np.clip(np.rint(steps), low, high)
    squared: FloatArray = np.einsum("ij,ij->i", error, error) * scale**2
    return squared
