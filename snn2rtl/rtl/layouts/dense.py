"""The dense layout: every weight is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from snn2rtl.fixed_point import IntArray, unsigned_bits
from snn2rtl.rtl.layouts.cost import Cost
from snn2rtl.rtl.memory import Memory


@dataclass(frozen=True, eq=False)
class DenseRows:
    """Every weight is stored: word ``slot * inputs + i`` holds the weights from input i to the neurons of a slot."""

    kind: ClassVar[str] = "dense"
    module: ClassVar[str] = "snn_dense_rows"
    in_turn: ClassVar[bool] = True
    lane_signals: ClassVar[tuple[str, ...]] = ("row_slot",)
    words: Memory
    inputs: int

    @classmethod
    def cost(cls, weight: IntArray, lanes: int, weight_bits: int) -> Cost:
        """Return what weights of shape (slots * lanes, inputs) would cost."""
        return Cost(weight.size * weight_bits, np.full((weight.shape[1], 1), weight.shape[0] // lanes))

    @classmethod
    def build(cls, name: str, weight: IntArray, lanes: int, weight_bits: int) -> DenseRows:
        """Return the layout of weights of shape (slots * lanes, inputs)."""
        inputs = weight.shape[1]
        fields = weight.reshape(-1, lanes, inputs).transpose(0, 2, 1).reshape(-1, lanes)
        return cls(Memory(f"{name}_weight", fields, weight_bits), inputs)

    def parameters(self, lanes: int) -> tuple[tuple[str, int], ...]:
        """Return the parameters of the row fetch besides widths of addresses and tags."""
        slots = self.words.depth // self.inputs
        return (("NumInputs", self.inputs), ("NumSlots", slots), ("SlotWidth", unsigned_bits(slots - 1)))

    def weights(self) -> IntArray:
        """Return the weights, shape (slots * lanes, inputs)."""
        lanes = self.words.fields.shape[1]
        return self.words.fields.reshape(-1, self.inputs, lanes).transpose(0, 2, 1).reshape(-1, self.inputs)

    @property
    def weight_memories(self) -> tuple[Memory, ...]:
        """The memories of the weights: one for all lanes."""
        return (self.words,)

    @property
    def tables(self) -> tuple[Memory, ...]:
        """The other memories of the layout."""
        return ()

    @property
    def word_width(self) -> int:
        """Bits of a word."""
        return self.words.width

    @property
    def word_addr_width(self) -> int:
        """Bits of a word's address, and at least those of an input's."""
        return unsigned_bits(self.words.depth - 1)
