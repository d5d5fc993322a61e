"""The non-zero weights of a layer, as the layouts that store nothing else take them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from snn2rtl.fixed_point import IntArray, int_dtype

_BLOCK = 1 << 18  # weights at a time: what is made of one takes 50 bytes


class Entries(NamedTuple):
    """Some non-zero weights: row, lane, place in the lane's part of the row, and ``slot << weight_bits | weight``."""

    row: IntArray
    lane: IntArray
    place: IntArray
    field: IntArray


def entry_counts(weight: IntArray, lanes: int) -> IntArray:
    """Return the non-zero weights of each input in each lane, shape (inputs, lanes)."""
    found: IntArray = np.count_nonzero(weight.reshape(-1, lanes, weight.shape[1]), axis=0).T
    return found


def entries(weight: IntArray, lanes: int, weight_bits: int) -> Iterator[Entries]:
    """Yield the non-zero weights of shape (slots * lanes, inputs), part by part, in the order of row, lane and slot."""
    places, inputs = weight.shape
    rows = max(1, _BLOCK // places)
    for first in range(0, inputs, rows):
        part = weight[:, first : first + rows]
        row, lane, slot = np.nonzero(part.reshape(places // lanes, lanes, -1).transpose(2, 1, 0))
        lengths = entry_counts(part, lanes).reshape(-1)
        # sorted by row and lane: the place of one counts from where its part starts
        place = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        value = part[slot * lanes + lane, row].astype(np.int64) & ((1 << weight_bits) - 1)
        yield Entries(first + row, lane, place, slot << weight_bits | value)


def field_type(bits: int) -> np.dtype[np.signedinteger]:
    """Return the narrowest type that holds unsigned fields of so many bits."""
    return int_dtype(bits + 1)
