"""Blocks of the top module between populations: forks, merges, address maps and pools of event streams; sums of scores.

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
    """Events of several streams in one, step by step; each source's addresses begin at its offset.

    Where events come with a value, it travels below the address; spike_values are those of sources that have none.
    """

    template: ClassVar[str] = "merge"
    memories: ClassVar[tuple[Memory, ...]] = ()
    block_memories: ClassVar[int] = 0
    sources: tuple[Stream, ...]
    offsets: tuple[int, ...]
    output: Stream
    spike_values: tuple[int, ...] = ()

    @property
    def in_width(self) -> int:
        """Bits of the widest source's address, with its value."""
        return max(source.addr_width for source in self.sources) + self.output.pixel_width

    @property
    def row_width(self) -> int:
        """Bits of an address of the output, with its value."""
        return self.output.addr_width + self.output.pixel_width

    @property
    def row(self) -> str:
        """The expression of an address of the output, with its value."""
        name = self.output.name
        return f"{{{name}_addr, {name}_pixel}}" if self.output.pixel_width else f"{name}_addr"

    @property
    def offsets_literal(self) -> str:
        """The offsets as one literal, the first in the lowest bits."""
        width, below = self.row_width, self.output.pixel_width
        return f"{{{', '.join(sized_int(offset << below, width) for offset in reversed(self.offsets))}}}"

    def wires(self, field: str) -> str:
        """Return the expression of a wire of all sources, the first in the lowest bit."""
        return _joined(self.sources, field)

    @property
    def addresses(self) -> str:
        """The expression of all sources' addresses, each in in_width bits, the first in the lowest."""
        return f"{{{', '.join(self._padded(index) for index in reversed(range(len(self.sources))))}}}"

    def _padded(self, index: int) -> str:
        """Return the expression of a source's address, with a value, in in_width bits."""
        source, below = self.sources[index], self.output.pixel_width
        parts = [f"{source.name}_addr"]
        if fill := self.in_width - below - source.addr_width:
            parts = [f"{fill}'d0", *parts]
        if below:
            value = f"{source.name}_pixel" if source.pixel_width else sized_int(self.spike_values[index], below)
            parts.append(value)
        return f"{{{', '.join(parts)}}}" if len(parts) > 1 else parts[0]


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
        """About how many block memories it takes: two banks of a bit for each window, in words of 32."""
        return 2 * block_memories(-(-self.num_windows // 32), 32, written=True)


@dataclass(frozen=True)
class GroupSum:
    """The scores of neighbouring integrators in a stream become one, their sum; sum_width holds every sum."""

    template: ClassVar[str] = "group_sum"
    memories: ClassVar[tuple[Memory, ...]] = ()
    block_memories: ClassVar[int] = 0
    source: str
    output: str
    size: int
    score_width: int
    sum_width: int


def _joined(streams: tuple[Stream, ...], field: str) -> str:
    return f"{{{', '.join(f'{stream.name}_{field}' for stream in reversed(streams))}}}"


Between = Fork | Merge | AddressMap | FirstOfStep | GroupSum
