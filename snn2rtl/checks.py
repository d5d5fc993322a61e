"""What the integer network's values are held against when they are built."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from snn2rtl.errors import QuantizationError
from snn2rtl.fixed_point import IntArray, int_dtype, signed_bits


def check(condition: bool, message: str) -> None:
    """Raise QuantizationError with the message unless the condition holds."""
    if not condition:
        raise QuantizationError(message)


@contextmanager
def named(where: str) -> Iterator[None]:
    """Begin the message of a QuantizationError raised inside with where it is, unless it says so already."""
    try:
        yield
    except QuantizationError as error:
        text = str(error)
        raise QuantizationError(text if text.startswith(where) else f"{where}: {text}") from error


def check_integers(what: str, values: IntArray) -> None:
    """Raise unless the array holds integers."""
    check(np.issubdtype(values.dtype, np.integer), f"{what} must hold integers, not {values.dtype}")


def check_range(rule: str, values: IntArray, low: int, high: int) -> None:
    """Raise unless all values are in low..high; zero must be in it, too."""
    least, greatest = int(values.min(initial=0)), int(values.max(initial=0))
    check(low <= least and greatest <= high, f"{rule}, not reach {max(least, greatest, key=abs)}")


def frozen(values: IntArray, bits: int) -> IntArray:
    """Return the values read-only, in the narrowest type of so many bits."""
    flags = values.flags
    if values.dtype == int_dtype(bits) and flags.c_contiguous and flags.owndata and not flags.writeable:
        return values  # frozen by another layer already
    array: IntArray = np.array(values, dtype=int_dtype(bits), order="C")
    array.setflags(write=False)
    return array


def narrowed(values: IntArray) -> IntArray:
    """Return the values read-only, in the narrowest signed type that holds them."""
    return frozen(values, signed_bits(int(values.min(initial=0)), int(values.max(initial=0))))
