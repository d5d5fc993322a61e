import doctest
import fractions

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn2rtl import fixed_point
from snn2rtl.fixed_point import (
    int_dtype,
    lowest_set_bit,
    quantize,
    round_half_even,
    signed_bits,
    signed_range,
    unsigned_bits,
)

BITS = st.integers(1, 16)
SCALES = st.sampled_from([2.0**-10, 0.25, 1.0, 4.0]) | st.floats(1e-6, 1e6)
VALUES = st.floats(-1e6, 1e6)


def test_doctests():
    assert doctest.testmod(fixed_point).failed == 0


@given(st.integers(-(2**70), 2**70), st.integers(-(2**70), 2**70))
def test_signed_bits_is_the_least_width(a, b):
    low, high = sorted((a, b))
    bits = signed_bits(low, high)
    least, greatest = signed_range(bits)
    assert least <= low <= high <= greatest
    if bits > 1:
        least, greatest = signed_range(bits - 1)
        assert low < least or high > greatest


@given(st.integers(0, 2**70))
def test_unsigned_bits_is_the_least_width(high):
    bits = unsigned_bits(high)
    assert high < 2**bits
    assert bits == 1 or high >= 2 ** (bits - 1)


@pytest.mark.parametrize(("bits", "size"), [(1, 1), (8, 1), (9, 2), (16, 2), (17, 4), (32, 4), (33, 8), (64, 8)])
def test_int_dtype_is_the_narrowest(bits, size):
    assert int_dtype(bits) == np.dtype(f"i{size}")


@given(VALUES)
def test_rounding_is_that_of_python(value):
    assert round_half_even(value) == round(value)


@given(st.integers(-(2**40), 2**40))
def test_ties_go_to_the_even_integer(n):
    assert round_half_even(n + 0.5) % 2 == 0


@given(VALUES, SCALES, BITS)
def test_quantize_is_in_range_and_nearest(value, scale, bits):
    low, high = signed_range(bits)
    got = int(quantize(value, scale, bits))
    assert low <= got <= high
    assert got == min(max(round(value / scale), low), high)


@given(VALUES, SCALES, BITS)
def test_quantize_is_idempotent(value, scale, bits):
    once = quantize(value, scale, bits)
    assert quantize(once * scale, scale, bits) == once


@given(VALUES, VALUES, SCALES, BITS)
def test_quantize_is_monotonic(a, b, scale, bits):
    low, high = sorted((a, b))
    assert quantize(low, scale, bits) <= quantize(high, scale, bits)


def test_quantize_takes_a_scale_for_each_row():
    assert quantize([[1.0, -3.0], [1.0, -3.0]], np.array([[0.5], [2.0]]), 3).tolist() == [[2, -4], [0, -2]]


@given(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False).filter(bool))
def test_lowest_set_bit_is_the_largest_power_of_two_that_divides(value):
    exponent = int(lowest_set_bit(value))
    quotient = fractions.Fraction(value) / fractions.Fraction(2) ** exponent
    assert quotient.denominator == 1
    assert quotient.numerator % 2 == 1


def test_lowest_set_bit_of_zero_is_above_all_others():
    assert lowest_set_bit([0.0, -0.0, np.finfo(float).max]).tolist() == [1023, 1023, 971]
