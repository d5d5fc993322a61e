"""The ragged layout: only non-zero weights are stored, and every lane walks its own part of a row at its own pace.

Lanes in lockstep wait for the one that has the most weights in a row; here each has its own memory and a queue of the
parts of rows that it still has to walk, so that only the sum over a time step must be even (docs/adr/0007).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from snn2rtl.fixed_point import IntArray, unsigned_bits
from snn2rtl.rtl.hextext import to_bits
from snn2rtl.rtl.layouts.cost import Cost
from snn2rtl.rtl.layouts.entries import entries, entry_counts, field_type, skip_width
from snn2rtl.rtl.memory import Memory

SHARED = 2  # rows that share a word of the row table: their parts lie behind each other
_CANDIDATES = 256  # words of the row table of which the next one is chosen
_MOST_OFFSET_BITS = 12


@dataclass(frozen=True, eq=False)
class _Packing:
    """Where the parts lie: those of word w of the row table start at base[w] + offset[w, p] of lane p's memory."""

    base: IntArray
    offset: IntArray
    offset_width: int
    depth: int

    def table_width(self, count_width: int) -> int:
        """Return the bits of a word of the row table."""
        return unsigned_bits(self.depth - 1) + int(self.offset.shape[1]) * (self.offset_width + SHARED * count_width)

    def bits(self, entry_bits: int, count_width: int) -> int:
        """Return the bits of all memories."""
        words, lanes = map(int, self.offset.shape)
        return lanes * self.depth * entry_bits + words * self.table_width(count_width)


@dataclass(frozen=True, eq=False)
class RaggedRows:
    """One memory of non-zero weights, each with its slot or skip, for every lane; a table says where a row's parts lie.

    The rows lie in an order in which all lanes fill evenly. So the parts of a row start at about the same place in
    every memory, and a few bits of offset from a common base say where. Two rows share a word of the table: the parts
    of the odd one lie behind those of the even one, whose number of weights says where.
    """

    kind: ClassVar[str] = "ragged"
    module: ClassVar[str] = "snn_ragged_rows"
    in_turn: ClassVar[bool] = False
    lane_signals: ClassVar[tuple[str, ...]] = ("first_entry",)
    lists: tuple[Memory, ...]
    row_table: Memory
    rows: int
    slots: int
    skip_width: int
    offset_width: int
    count_width: int

    @classmethod
    def cost(cls, weight: IntArray, lanes: int, weight_bits: int) -> Cost:
        """Return what weights of shape (slots * lanes, inputs) would cost."""
        width = skip_width(weight, lanes)
        count = entry_counts(weight, lanes, width)
        packing = _pack(count, width + weight_bits)
        return Cost(packing.bits(width + weight_bits, _count_width(count)), count)

    @classmethod
    def build(cls, name: str, weight: IntArray, lanes: int, weight_bits: int) -> RaggedRows:
        """Return the layout of weights of shape (slots * lanes, inputs)."""
        width = skip_width(weight, lanes)
        entry_bits = width + weight_bits
        count = entry_counts(weight, lanes, width)
        count_width = _count_width(count)
        packing = _pack(count, entry_bits)
        pairs = _pairs(count)
        fields = np.zeros((lanes, packing.depth, 1), field_type(entry_bits))
        for row, lane, place, field in entries(weight, lanes, weight_bits, width):
            word = row // SHARED
            start = packing.base[word] + packing.offset[word, lane] + row % SHARED * pairs[word, 0, lane]
            fields[lane, start + place, 0] = field
        parts = (packing.offset << SHARED * count_width | pairs[:, 1] << count_width | pairs[:, 0])[:, ::-1].reshape(-1)
        part_bits = to_bits(parts, packing.offset_width + SHARED * count_width).reshape(len(pairs), -1)
        base_bits = to_bits(packing.base, unsigned_bits(packing.depth - 1))
        return cls(
            tuple(Memory(f"{name}_weight_{p}", fields[p], entry_bits) for p in range(lanes)),
            Memory(f"{name}_row", np.hstack([base_bits, part_bits])[:, ::-1], 1),
            weight.shape[1],
            weight.shape[0] // lanes,
            width,
            packing.offset_width,
            count_width,
        )

    def parameters(self, lanes: int) -> tuple[tuple[str, int], ...]:
        """Return the parameters of the row fetch besides widths of addresses and tags."""
        return (
            ("NumLanes", lanes),
            ("RowAddrWidth", self.row_table.addr_width),
            ("OffsetWidth", self.offset_width),
            ("CountWidth", self.count_width),
        )

    def weights(self) -> IntArray:
        """Return the weights, shape (slots * lanes, inputs), as the row table and the lists say."""
        lanes, weight_bits = len(self.lists), self.lists[0].field_bits - self.skip_width
        part_width = self.offset_width + SHARED * self.count_width
        result = np.zeros((self.slots * lanes, SHARED * self.row_table.depth), np.int64)

        def number(first: int, width: int) -> IntArray:
            return self.row_table.fields[:, first : first + width] @ (1 << np.arange(width))

        base = number(lanes * part_width, self.word_addr_width)
        for lane, fields in enumerate(self.lists):
            even, odd = (number(lane * part_width + n * self.count_width, self.count_width) for n in range(SHARED))
            start = base + number(lane * part_width + SHARED * self.count_width, self.offset_width)
            count, start = np.stack([even, odd], axis=1).ravel(), np.stack([start, start + even], axis=1).ravel()
            row = np.repeat(np.arange(len(count)), count)
            first = np.repeat(np.cumsum(count) - count, count)
            entry = fields.fields[start[row] + np.arange(len(row)) - first, 0].astype(np.int64)
            value = entry & ((1 << weight_bits) - 1)
            value = value - ((value >> (weight_bits - 1)) << weight_bits)
            slot = entry >> weight_bits
            if self.has_skips:
                passed = np.cumsum(slot + 1)
                slot = passed - 1 - np.concatenate([[0], passed])[first]
            np.add.at(result, (slot * lanes + lane, row), value)
        return result[:, : self.rows]

    @property
    def has_skips(self) -> bool:
        """Whether entries say how many zeros lie before them, and not their slot."""
        return self.skip_width < unsigned_bits(self.slots - 1)

    @property
    def weight_memories(self) -> tuple[Memory, ...]:
        """The memories of the weights, one for each lane."""
        return self.lists

    @property
    def tables(self) -> tuple[Memory, ...]:
        """The other memories of the layout."""
        return (self.row_table,)

    @property
    def word_width(self) -> int:
        """Bits of a word."""
        return self.lists[0].width

    @property
    def word_addr_width(self) -> int:
        """Bits of a word's address."""
        return unsigned_bits(self.lists[0].depth - 1)


def _pairs(count: IntArray) -> IntArray:
    """Return the weights of the rows that share a word of the row table, shape (words, SHARED, lanes)."""
    padded = np.pad(count, ((0, -len(count) % SHARED), (0, 0)))
    return padded.reshape(-1, SHARED, count.shape[1])


def _count_width(count: IntArray) -> int:
    return unsigned_bits(int(count.max()))


def _pack(count: IntArray, entry_bits: int) -> _Packing:
    """Return the packing with the offset width that needs the fewest bits."""
    together = _pairs(count).sum(axis=1)
    order, count_width = list(_even_order(together)), _count_width(count)
    packings = []
    for offset_width in range(1, _MOST_OFFSET_BITS + 1):
        packings.append(_pack_rows(together, order, offset_width))
        if packings[-1].depth <= max(2, int(count.sum(axis=0).max())):
            break
    return min(packings, key=lambda packing: packing.bits(entry_bits, count_width))


def _pack_rows(count: IntArray, order: list[int], offset_width: int) -> _Packing:
    """Return where parts lie when rows are stored in this order, each as early as the offset's width allows."""
    rows, lanes = count.shape
    base, start = np.zeros(rows, np.int64), np.zeros((rows, lanes), np.int64)
    ends, lowest, window = np.zeros(lanes, np.int64), 0, (1 << offset_width) - 1
    for row in order:
        lowest = max(lowest, int(ends.max()) - window)
        base[row] = lowest
        start[row] = np.maximum(ends, lowest)
        ends = start[row] + count[row]
    # a part of no weights may start one past the end; any place in reach will do for it
    depth = max(2, int(ends.max()))
    offset = np.where(count > 0, start - base[:, None], 0)
    return _Packing(np.minimum(base, depth - 1), offset, offset_width, depth)


def _even_order(count: IntArray) -> Iterator[int]:
    """Yield the rows such that after each one all lanes hold about as many weights.

    The next one is that of some candidates which leaves the least variance.
    """
    rows, lanes = count.shape
    ends = np.zeros(lanes, np.int64)
    total, square = count.sum(axis=1), (count * count).sum(axis=1)
    waiting, candidates = np.arange(_CANDIDATES, rows).tolist()[::-1], np.arange(min(rows, _CANDIDATES))
    for _ in range(rows):
        # lanes * variance of ends + count[row], up to a constant
        sums = ends.sum() + total[candidates]
        spread = lanes * (2 * (count[candidates] @ ends) + square[candidates]) - sums * sums
        chosen = int(np.argmin(spread))
        row = int(candidates[chosen])
        yield row
        ends = ends + count[row]
        if waiting:
            candidates[chosen] = waiting.pop()
        else:
            candidates = np.delete(candidates, chosen)
