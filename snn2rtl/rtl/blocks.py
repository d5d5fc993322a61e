"""Blocks of the top module between populations: forks, merges, address maps and pools of event streams.

Each names the template of its instance in templates/verilog/top, its read-only memories, and about how many block
memories it takes. A stream's wires are declared by the block that makes it. Templates see nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snn2rtl.rtl.memory import Memory, block_memories
from snn2rtl.rtl.names import sized_int


@dataclass(frozen=True)
class Stream:
    """Wires of an event stream: valid, ready, the ends of steps and samples, an address; of pixels, a value too."""

    name: str
    addr_width: int
    pixel_width: int = 0

    @property
    def fields(self) -> tuple[tuple[str, int], ...]:
        """What a beat carries and its bits, highest first."""
        pixel = (("pixel", self.pixel_width),) if self.pixel_width else ()
        return ("sample_end", 1), ("step_end", 1), *pixel, ("addr", self.addr_width)

    @property
    def beat(self) -> str:
        """Expression of a beat."""
        return f"{{{', '.join(f'{self.name}_{field}' for field, _ in self.fields)}}}"

    @property
    def beat_width(self) -> int:
        """Bits of a beat."""
        return sum(width for _, width in self.fields)


@dataclass(frozen=True)
class Fork:
    """Every beat of a stream goes to several."""

    template: ClassVar[str] = "fork"
    memories: ClassVar[tuple[Memory, ...]] = ()
    block_memories: ClassVar[int] = 0
    source: Stream
    outputs: tuple[Stream, ...]

    def wires(self, field: str) -> str:
        """Return the expression of a wire of all outputs, the first in the lowest bit."""
        return _joined(self.outputs, field)


@dataclass(frozen=True)
class Merge:
    """Events of several streams in one, step by step; each source's addresses begin at its offset."""

    template: ClassVar[str] = "merge"
    memories: ClassVar[tuple[Memory, ...]] = ()
    block_memories: ClassVar[int] = 0
    sources: tuple[Stream, ...]
    offsets: tuple[int, ...]
    output: Stream

    @property
    def in_width(self) -> int:
        """Bits of the widest source's address."""
        return max(source.addr_width for source in self.sources)

    @property
    def offsets_literal(self) -> str:
        """The offsets as one literal, the first in the lowest bits."""
        width = self.output.addr_width
        return f"{{{', '.join(sized_int(offset, width) for offset in reversed(self.offsets))}}}"

    def wires(self, field: str) -> str:
        """Return the expression of a wire of all sources, the first in the lowest bit."""
        return _joined(self.sources, field)

    @property
    def addresses(self) -> str:
        """The expression of all sources' addresses, each in in_width bits, the first in the lowest."""
        return f"{{{', '.join(self._padded(source) for source in reversed(self.sources))}}}"

    def _padded(self, source: Stream) -> str:
        """Return the expression of a source's address in in_width bits."""
        fill = self.in_width - source.addr_width
        return f"{{{fill}'d0, {source.name}_addr}}" if fill else f"{source.name}_addr"


@dataclass(frozen=True)
class AddressMap:
    """Each event goes on as one for each of the targets of its address."""

    template: ClassVar[str] = "address_map"
    source: Stream
    output: Stream
    table: Memory
    num_targets: int

    @property
    def memories(self) -> tuple[Memory, ...]:
        """Its read-only memories."""
        return (self.table,)

    @property
    def block_memories(self) -> int:
        """About how many block memories it takes."""
        return self.table.block_memories


@dataclass(frozen=True)
class FirstOfStep:
    """The first event of each address in a step goes on: a max pool behind the map of its windows."""

    template: ClassVar[str] = "max_pool"
    memories: ClassVar[tuple[Memory, ...]] = ()
    source: Stream
    output: Stream
    num_windows: int

    @property
    def block_memories(self) -> int:
        """About how many block memories it takes: two banks of a bit for each window."""
        return block_memories(2 * -(-self.num_windows // 32), 32)


def _joined(streams: tuple[Stream, ...], field: str) -> str:
    return f"{{{', '.join(f'{stream.name}_{field}' for stream in reversed(streams))}}}"


Between = Fork | Merge | AddressMap | FirstOfStep
