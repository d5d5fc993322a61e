"""The non-zero weights of a layer, as the layouts that store nothing else take them.

An entry is a weight and where it goes. That is its slot; or, where it takes fewer bits, its skip: the zero weights
between it and the entry before it in its lane's part of a row. A skip that needs more bits than there are is cut in
pieces by fillers, entries of weight 0 (docs/adr/0012).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from snn2rtl.fixed_point import IntArray, int_dtype, unsigned_bits

_MOST_FILLERS = 1 / 64  # of the weights: a filler takes a cycle, as a weight does
_BLOCK = 1 << 18  # weights at a time: what is made of one takes 50 bytes


class Entries(NamedTuple):
    """Some entries: row, lane, place in the lane's part of the row, and ``skip or slot << weight_bits | weight``."""

    row: IntArray
    lane: IntArray
    place: IntArray
    field: IntArray


class _NonZeros(NamedTuple):
    """Some non-zero weights, in the order of row, lane and slot; ``gap`` slots of weight 0 lie before each."""

    row: IntArray
    lane: IntArray
    slot: IntArray
    gap: IntArray
    value: IntArray


def slot_width(weight: IntArray, lanes: int) -> int:
    """Return the bits of a slot's number."""
    return unsigned_bits(weight.shape[0] // lanes - 1)


def skip_width(weight: IntArray, lanes: int) -> int:
    """Return the fewest bits of a skip with hardly any fillers; those of a slot say that entries have slots."""
    widest = slot_width(weight, lanes)
    gaps = np.zeros(weight.shape[0] // lanes, np.int64)
    for found in _nonzeros(weight, lanes):
        gaps += np.bincount(found.gap, minlength=len(gaps))
    fillers = (gaps @ (np.arange(len(gaps)) >> width) for width in range(1, widest))
    few = (width for width, found in enumerate(fillers, 1) if found <= _MOST_FILLERS * gaps.sum())
    return next(few, widest)


def entry_counts(weight: IntArray, lanes: int, width: int) -> IntArray:
    """Return the entries of each input in each lane, shape (inputs, lanes), whose skips have this width."""
    if width == slot_width(weight, lanes):
        found: IntArray = np.count_nonzero(weight.reshape(-1, lanes, weight.shape[1]), axis=0).T
        return found
    counts = np.zeros((weight.shape[1], lanes), np.int64)
    for part in _nonzeros(weight, lanes):
        np.add.at(counts, (part.row, part.lane), 1 + (part.gap >> width))
    return counts


def entries(weight: IntArray, lanes: int, weight_bits: int, width: int) -> Iterator[Entries]:
    """Yield the entries of shape (slots * lanes, inputs), part by part, in the order of row, lane and slot.

    width: bits of a skip; those of a slot for slots in its stead.
    """
    has_slots = width == slot_width(weight, lanes)
    longest = (1 << width) - 1
    for found in _nonzeros(weight, lanes):
        fillers = np.zeros_like(found.gap) if has_slots else found.gap >> width
        skip = found.slot if has_slots else found.gap & longest
        last = np.cumsum(fillers + 1) - 1  # entry of each weight, behind its fillers
        field = np.full(int(last[-1]) + 1 if len(last) else 0, longest << weight_bits)
        field[last] = skip << weight_bits | found.value & ((1 << weight_bits) - 1)
        row, lane = np.repeat(found.row, fillers + 1), np.repeat(found.lane, fillers + 1)
        # sorted by row and lane: the place of one counts from where its part starts
        starts = np.flatnonzero(np.diff(row * lanes + lane, prepend=-1))
        place = np.arange(len(row)) - np.repeat(starts, np.diff(starts, append=len(row)))
        yield Entries(row, lane, place, field)


def _nonzeros(weight: IntArray, lanes: int) -> Iterator[_NonZeros]:
    """Yield the non-zero weights of shape (slots * lanes, inputs), some rows at a time."""
    places, inputs = weight.shape
    rows = max(1, _BLOCK // places)
    for first in range(0, inputs, rows):
        part = weight[:, first : first + rows]
        row, lane, slot = np.nonzero(part.reshape(places // lanes, lanes, -1).transpose(2, 1, 0))
        starts = np.diff(row * lanes + lane, prepend=-1) != 0
        before = np.where(starts, -1, np.roll(slot, 1))
        value = part[slot * lanes + lane, row].astype(np.int64)
        yield _NonZeros(first + row, lane, slot, slot - before - 1, value)


def field_type(bits: int) -> np.dtype[np.signedinteger]:
    """Return the narrowest type that holds unsigned fields of so many bits."""
    return int_dtype(bits + 1)
