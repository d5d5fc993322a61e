"""The choice of a weight scale: exact where one exists, else the one with the least squared error."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from snn2rtl.fixed_point import lowest_set_bit, signed_range
from snn2rtl.spiking import FloatArray

_CANDIDATES = np.linspace(0.35, 1.05, 29)  # fractions of the scale that just holds the largest weight
_BLOCK = 1 << 17  # weights at a time: they stay in the cache while all candidates are tried
_ALL_ZERO = 1023  # what lowest_set_bit() says of zero


def choose_scale(
    weight: FloatArray, threshold: float, bits: int, per_neuron: bool, others: FloatArray | None = None
) -> FloatArray:
    """Return the value of one weight step for each neuron, shape (out,).

    Exact: a power of two of which all weights (of a neuron, or of the layer) are multiples that fit, fine enough for
    the other numbers where the bits reach that far. Otherwise the search minimises the squared weight error over
    scales of which the threshold is a whole multiple, so that quantizing costs the threshold nothing.

    One bit holds -1 and 0: the negative weights choose the step, for no step makes a positive one fit.

    Args:
        weight: shape (out, in).
        threshold: the layer's firing threshold.
        bits: width of the integer weights.
        per_neuron: a scale for each neuron rather than for the layer.
        others: numbers of each neuron that should be multiples too, such as its bias, shape (out, k).
    """
    others = np.full((len(weight), 1), threshold) if others is None else others
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
    widest = np.where(largest > 0, largest / max(1, greatest), 1.0)
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


def _search(weight: FloatArray, widest: FloatArray, threshold: float, bits: int, per_neuron: bool) -> FloatArray:
    scales = _dividing(threshold, _CANDIDATES[:, None] * widest)
    errors = np.empty_like(scales)
    for rows in blocks(weight):
        block = weight[rows].astype(np.float32)
        for scale, error in zip(scales[:, rows], errors[:, rows], strict=True):
            error[:] = _squared_error(block, scale, bits)
    if not per_neuron:
        errors = np.broadcast_to(errors.sum(axis=1, keepdims=True), errors.shape)
    best: FloatArray = np.take_along_axis(scales, errors.argmin(axis=0)[None], axis=0)[0]
    return best


def _dividing(threshold: float, scale: FloatArray) -> FloatArray:
    """Return the scales moved to ``threshold / n`` for a whole n, where there is such a scale near."""
    if threshold <= 0:
        return scale
    steps = np.rint(threshold / scale)
    return np.where(steps >= 1, threshold / np.maximum(steps, 1), scale)


def _squared_error(weight: NDArray[np.float32], scale: FloatArray, bits: int) -> FloatArray:
    low, high = signed_range(bits)
    steps = weight * (1 / scale[:, None]).astype(np.float32)
    error = steps - np.clip(np.rint(steps), low, high)
    squared: FloatArray = np.einsum("ij,ij->i", error, error) * scale**2
    return squared
