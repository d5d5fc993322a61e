"""Rounding, ranges and shifts: the only place of the project that turns a float into an integer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

IntArray = NDArray[np.integer[Any]]
_NO_BITS = 1 << 30


def signed_range(bits: int) -> tuple[int, int]:
    """Return the least and the greatest two's complement integer of ``bits`` bits.

    >>> signed_range(8), signed_range(1)
    ((-128, 127), (-1, 0))
    """
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def signed_bits(low: int, high: int) -> int:
    """Return the least two's complement width that holds every integer of low..high.

    >>> [signed_bits(*r) for r in ((0, 0), (-1, 0), (0, 1), (-128, 127), (-129, 0))]
    [1, 1, 2, 8, 9]
    """
    return 1 + max((~low if low < 0 else low).bit_length(), (~high if high < 0 else high).bit_length())


def unsigned_bits(high: int) -> int:
    """Return the least unsigned width, at least 1, that holds 0..high.

    >>> [unsigned_bits(n) for n in (0, 1, 2, 255, 256)]
    [1, 1, 2, 8, 9]
    """
    return max(1, high.bit_length())


def int_dtype(bits: int) -> np.dtype[Any]:
    """Return the narrowest signed NumPy type of at least ``bits`` bits."""
    return np.dtype(next(f"i{size}" for size in (1, 2, 4, 8) if bits <= 8 * size))


def round_half_even(values: ArrayLike) -> NDArray[np.int64]:
    """Return the nearest integers, ties to the even one.

    >>> round_half_even([0.5, 1.5, -0.5, -1.5, 2.4]).tolist()
    [0, 2, 0, -2, 2]
    """
    return np.rint(np.asarray(values, np.float64)).astype(np.int64)


def quantize(values: ArrayLike, scale: float | NDArray[np.float64], bits: int) -> NDArray[np.int64]:
    """Return ``values / scale`` rounded (half to even) and saturated to signed integers of ``bits`` bits."""
    low, high = signed_range(bits)
    return np.clip(round_half_even(np.asarray(values, np.float64) / scale), low, high)


def snap(values: NDArray[np.float64], slack: ArrayLike) -> NDArray[np.float64]:
    """Return the values, but whole numbers where a value is off one by no more than ``slack`` of it.

    >>> snap(np.array([3.0000001, 3.1, 1e-9]), 1e-6).tolist()
    [3.0, 3.1, 1e-09]
    """
    whole = np.rint(values)
    return np.where(np.abs(values - whole) <= slack * np.abs(whole), whole, values)


def trailing_zeros(values: IntArray) -> int:
    """Return how many of the lowest bits are zero in all values; more than any number has where all are zero.

    >>> trailing_zeros(np.array([4, -24])), trailing_zeros(np.array([0])) > 64
    (2, True)
    """
    used = int(np.bitwise_or.reduce(values, axis=None))
    return (used & -used).bit_length() - 1 if used else _NO_BITS


def lowest_set_bit(values: ArrayLike) -> NDArray[np.int64]:
    """Return for each float the largest e such that it is an integer multiple of 2**e; 1023 for zero.

    >>> lowest_set_bit([1.0, 0.75, -6.0, 0.0]).tolist()
    [0, -2, 1, 1023]
    """
    mantissa, exponent = np.frexp(np.asarray(values, np.float64))
    digits = np.ldexp(mantissa, 53).astype(np.int64)
    trailing = np.frexp((digits & -digits).astype(np.float64))[1].astype(np.int64) - 1
    return np.where(digits == 0, 1023, exponent.astype(np.int64) - 53 + trailing)
