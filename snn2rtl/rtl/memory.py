"""Memories: words of equal fields, and their text for $readmemh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from snn2rtl.fixed_point import IntArray
from snn2rtl.hextext import to_bits, to_lines

_CHUNK_BITS = 1 << 22


@dataclass(frozen=True, eq=False)
class Memory:
    """A read-only memory.

    fields has shape (depth, fields of a word); field 0 is in the lowest bits, each in two's complement of field_bits.
    """

    name: str
    fields: IntArray
    field_bits: int

    @property
    def depth(self) -> int:
        """Words."""
        return int(self.fields.shape[0])

    @property
    def width(self) -> int:
        """Bits of a word."""
        return int(self.fields.shape[1]) * self.field_bits

    @property
    def bits(self) -> int:
        """Bits of the memory."""
        return self.depth * self.width

    @property
    def path(self) -> str:
        """File name, from the root of the output folder."""
        return f"mem/{self.name}.mem"

    def text(self) -> Iterator[bytes]:
        """Yield the file's lines in chunks: one word a line, hexadecimal."""
        rows = max(1, _CHUNK_BITS // self.width)
        for first in range(0, self.depth, rows):
            fields = self.fields[first : first + rows, ::-1]
            yield to_lines(to_bits(fields.reshape(-1), self.field_bits).reshape(len(fields), self.width))
