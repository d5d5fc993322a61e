"""Memories: words of equal fields, and their text for $readmemh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from snn2rtl.fixed_point import IntArray, unsigned_bits
from snn2rtl.fpga import DEFAULT
from snn2rtl.rtl.hextext import to_bits, to_lines

_CHUNK_BITS = 1 << 22
_BLOCK = DEFAULT.block_memory


def block_memories(depth: int, width: int, *, written: bool = False) -> int:
    """Return how many block memories (DP16KD, RAMB18) hold so many words; none where LUTs do it for less.

    Args:
        depth: words.
        width: bits of a word.
        written: whether the hardware writes it.
    """
    return _BLOCK.count(depth, width, written=written)


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
    def addr_width(self) -> int:
        """Bits of a word's address."""
        return unsigned_bits(self.depth - 1)

    @property
    def bits(self) -> int:
        """Bits of the memory."""
        return self.depth * self.width

    @property
    def path(self) -> str:
        """File name, from the root of the output folder."""
        return f"mem/{self.name}.mem"

    @property
    def block_memories(self) -> int:
        """Block memories that it takes, in its banks."""
        return sum(block_memories(bank.depth, bank.width) for bank in self.banks)

    @property
    def is_block(self) -> bool:
        """Whether block memories hold it: synthesisers choose LUTs for far larger ones in some devices."""
        return block_memories(self.depth, self.width) > 0

    @cached_property
    def bank_depth(self) -> int:
        """Words of a bank: a power of two for which the banks take the fewest block memories, and then are fewest."""
        whole = 1 << (self.depth - 1).bit_length()
        shapes = [shape for shape in _BLOCK.shapes if shape[0] <= whole]
        return min(shapes, key=lambda shape: (self._blocks(*shape), -shape[0]))[0] if shapes else whole

    def _blocks(self, bank_depth: int, block_width: int) -> int:
        """Return the block memories of banks; the last one may take a shape that is less deep."""
        whole, rest = divmod(self.depth, bank_depth)
        last = min((-(-self.width // width) for depth, width in _BLOCK.shapes if depth >= rest), default=0)
        return whole * -(-self.width // block_width) + (last if rest else 0)

    @property
    def banks(self) -> tuple[Memory, ...]:
        """The memory cut into banks of bank_depth words, within which nothing but block memories is needed."""
        depth = self.bank_depth
        if self.depth <= depth:
            return (self,)
        return tuple(
            Memory(f"{self.name}_{bank}", self.fields[first : first + depth], self.field_bits)
            for bank, first in enumerate(range(0, self.depth, depth))
        )

    def text(self) -> Iterator[bytes]:
        """Yield the file's lines in chunks: one word a line, hexadecimal."""
        rows = max(1, _CHUNK_BITS // self.width)
        for first in range(0, self.depth, rows):
            fields = self.fields[first : first + rows, ::-1]
            yield to_lines(to_bits(fields.reshape(-1), self.field_bits).reshape(len(fields), self.width))
