"""The choice of a weight scale: exact where one exists, else the one with the least squared error."""

from __future__ import annotations

import numpy as np

from snn2rtl.fixed_point import lowest_set_bit, signed_range
from snn2rtl.spiking import FloatArray

_CANDIDATES = np.linspace(0.35, 1.05, 29)  # fractions of the scale that just holds the largest weight
_BLOCK = 1 << 22  # weights at a time, so that the search needs little memory
_ALL_ZERO = 1023  # what lowest_set_bit() says of zero


def choose_scale(weight: FloatArray, threshold: float, bits: int, per_neuron: bool) -> tuple[FloatArray, bool]:
    """Return the value of one weight step for each neuron, shape (out,), and whether it makes every weight exact.

    Exact: the power of two of which all weights (of a neuron, or of the layer) are multiples that fit. Otherwise the
    search minimises the squared weight error over scales of which the threshold is a whole multiple, so that
    quantizing costs the threshold nothing.

    Args:
        weight: shape (out, in).
        threshold: the layer's firing threshold.
        bits: width of the integer weights.
        per_neuron: a scale for each neuron rather than for the layer.
    """
    lowest = np.concatenate([lowest_set_bit(rows).min(axis=1) for rows in _blocks(weight)])
    largest = np.abs(weight).max(axis=1)
    high = np.concatenate([rows.max(axis=1) for rows in _blocks(weight)])
    low = np.concatenate([rows.min(axis=1) for rows in _blocks(weight)])
    if not per_neuron:
        lowest, largest = np.full_like(lowest, lowest.min()), np.full_like(largest, largest.max())
        high, low = np.full_like(high, high.max()), np.full_like(low, low.min())
    scale = np.ldexp(1.0, np.where(lowest == _ALL_ZERO, 0, lowest))
    least, greatest = signed_range(bits)
    exact = (high <= greatest * scale) & (low >= least * scale)
    if exact.all():
        return scale, True
    searched = _search(weight, largest, threshold, bits, per_neuron)
    return np.where(exact, scale, searched), False


def _search(weight: FloatArray, largest: FloatArray, threshold: float, bits: int, per_neuron: bool) -> FloatArray:
    widest = largest / max(1, signed_range(bits)[1])
    best = np.where(widest > 0, widest, 1.0)
    best_error = np.full(len(weight), np.inf)
    for fraction in _CANDIDATES:
        scale = _dividing(threshold, np.where(widest > 0, widest, 1.0) * fraction)
        error = _squared_error(weight, scale, bits)
        if not per_neuron:
            error = np.full_like(error, error.sum())
        better = error < best_error
        best, best_error = np.where(better, scale, best), np.where(better, error, best_error)
    return best


def _dividing(threshold: float, scale: FloatArray) -> FloatArray:
    """Return the scales moved to ``threshold / n`` for a whole n, where there is such a scale near."""
    if threshold <= 0:
        return scale
    steps = np.rint(threshold / scale)
    return np.where(steps >= 1, threshold / np.maximum(steps, 1), scale)


def _squared_error(weight: FloatArray, scale: FloatArray, bits: int) -> FloatArray:
    low, high = signed_range(bits)
    errors = []
    first = 0
    for rows in _blocks(weight):
        steps = (rows / scale[first : first + len(rows), None]).astype(np.float32)
        error = steps - np.clip(np.rint(steps), low, high)
        errors.append(np.einsum("ij,ij->i", error, error, dtype=np.float64))
        first += len(rows)
    return np.concatenate(errors) * scale**2


def _blocks(weight: FloatArray) -> list[FloatArray]:
    rows = max(1, _BLOCK // weight.shape[1])
    return [weight[first : first + rows] for first in range(0, len(weight), rows)]
