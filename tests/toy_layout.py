"""A layout as anybody may add one: this file, the folder toy_layout and a line in a table, which the tests write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snn2rtl.fixed_point import IntArray
from snn2rtl.rtl.layouts import DenseRows
from snn2rtl.rtl.memory import Memory


@dataclass(frozen=True, eq=False)
class InvertedRows(DenseRows):
    """Every weight is stored, with all of its bits inverted."""

    kind: ClassVar[str] = "inverted"

    @classmethod
    def build(cls, name: str, weight: IntArray, lanes: int, weight_bits: int) -> InvertedRows:
        plain = DenseRows.build(name, weight, lanes, weight_bits)
        return cls(Memory(plain.words.name, ~plain.words.fields, weight_bits), plain.inputs)

    def weights(self) -> IntArray:
        return ~super().weights()
