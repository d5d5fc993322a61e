"""The indexed layout: non-zero weights, each with its slot, in words of all lanes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from snn2rtl.fixed_point import IntArray, unsigned_bits
from snn2rtl.rtl.layouts.cost import Cost
from snn2rtl.rtl.layouts.entries import entries, entry_counts, field_type, slot_width
from snn2rtl.rtl.memory import Memory


@dataclass(frozen=True, eq=False)
class IndexedRows:
    """Only non-zero weights are stored, each with its slot; a row has as many words as its fullest lane has weights.

    The row table holds the first word and the number of words of each input's row. A lane with nothing to add in a
    word holds slot 0 and weight 0.
    """

    kind: ClassVar[str] = "indexed"
    module: ClassVar[str] = "snn_indexed_rows"
    in_turn: ClassVar[bool] = False
    lane_signals: ClassVar[tuple[str, ...]] = ()
    words: Memory
    row_table: Memory
    slots: int
    slot_width: int
    count_width: int

    @classmethod
    def cost(cls, weight: IntArray, lanes: int, weight_bits: int) -> Cost:
        """Return what weights of shape (slots * lanes, inputs) would cost."""
        width = slot_width(weight, lanes)
        words_per_row = entry_counts(weight, lanes, width).max(axis=1)
        words = max(1, int(words_per_row.sum()))
        row_bits = unsigned_bits(words - 1) + unsigned_bits(int(words_per_row.max()))
        word_bits = lanes * (width + weight_bits)
        return Cost(words * word_bits + len(words_per_row) * row_bits, words_per_row[:, None])

    @classmethod
    def build(cls, name: str, weight: IntArray, lanes: int, weight_bits: int) -> IndexedRows:
        """Return the layout of weights of shape (slots * lanes, inputs)."""
        width = slot_width(weight, lanes)
        words_per_row = entry_counts(weight, lanes, width).max(axis=1)
        first = np.concatenate([[0], np.cumsum(words_per_row)])
        fields = np.zeros((max(1, int(first[-1])), lanes), field_type(width + weight_bits))
        for row, lane, place, field in entries(weight, lanes, weight_bits, width):
            fields[first[row] + place, lane] = field
        count_width = unsigned_bits(int(words_per_row.max()))
        table = first[:-1] << count_width | words_per_row
        addr_width = unsigned_bits(len(fields) - 1)
        # a last empty row starts one past the last word; any address will do for it
        table = np.where(words_per_row == 0, 0, table)
        return cls(
            Memory(f"{name}_weight", fields, width + weight_bits),
            Memory(f"{name}_row", table[:, None], addr_width + count_width),
            weight.shape[0] // lanes,
            width,
            count_width,
        )

    def parameters(self, lanes: int) -> tuple[tuple[str, int], ...]:
        """Return the parameters of the row fetch besides widths of addresses and tags."""
        return (("CountWidth", self.count_width),)

    def weights(self) -> IntArray:
        """Return the weights, shape (slots * lanes, inputs)."""
        lanes = self.words.fields.shape[1]
        weight_bits = self.words.field_bits - self.slot_width
        fields = self.words.fields.astype(np.int64)
        value = fields & ((1 << weight_bits) - 1)
        value = value - ((value >> (weight_bits - 1)) << weight_bits)
        slot = fields >> weight_bits
        result = np.zeros((self.slots * lanes, self.row_table.depth), np.int64)
        words_per_row = self.row_table.fields[:, 0] & ((1 << self.count_width) - 1)
        rows = np.repeat(np.arange(self.row_table.depth), words_per_row)
        for lane in range(lanes):
            np.add.at(result, (slot[: len(rows), lane] * lanes + lane, rows), value[: len(rows), lane])
        return result

    @property
    def weight_memories(self) -> tuple[Memory, ...]:
        """The memories of the weights: one for all lanes."""
        return (self.words,)

    @property
    def tables(self) -> tuple[Memory, ...]:
        """The other memories of the layout."""
        return (self.row_table,)

    @property
    def word_width(self) -> int:
        """Bits of a word."""
        return self.words.width

    @property
    def word_addr_width(self) -> int:
        """Bits of a word's address."""
        return self.row_table.width - self.count_width
