"""What a family of FPGAs is to this package: how tools map a network to it, and what its devices have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from snn2rtl.fixed_point import unsigned_bits

_LUTRAM_WIDTH = 4  # of LUTs that are written


@dataclass(frozen=True)
class BlockMemory:
    """A block memory of a family.

    shapes: depths and widths that it can have, the widest first; smaller memories have the same steps.
    lut_bits: up to how many bits Yosys finds LUTs cheaper: the cost in its brams.txt, 16 bits of logic each.
    """

    shapes: tuple[tuple[int, int], ...]
    lut_bits: int

    @property
    def bits(self) -> int:
        """Bits that it holds."""
        depth, width = self.shapes[0]
        return depth * width

    def count(self, depth: int, width: int, *, written: bool = False) -> int:
        """Return how many hold so many words; none where LUTs do it for less.

        LUTs that are written come for 4 bits of a word, and Yosys takes block memories where both cost the same.
        """
        deepest = self.shapes[-1][0]
        if depth > deepest:
            return depth // deepest * width + self.count(max(1, depth % deepest), width, written=written)
        count = min(-(-width // block_width) for block_depth, block_width in self.shapes if block_depth >= depth)
        if written:
            bits = -(-width // _LUTRAM_WIDTH) * _LUTRAM_WIDTH << unsigned_bits(depth - 1)
            return count if bits >= count * self.lut_bits else 0
        return count if width << unsigned_bits(depth - 1) > count * self.lut_bits else 0


# DP16KD of ECP5 and RAMB18 of Xilinx
BLOCK_18K = BlockMemory(shapes=((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)), lut_bits=2048)


@dataclass(frozen=True, kw_only=True)
class Cells:
    """Cells of a netlist: how many resources one of each type takes.

    lut: look-up tables of logic and carry. lutram: those that serve as memory or shift register. bram_unit: what block
    memories are counted in.
    """

    bram_unit: str
    lut: Mapping[str, float]
    lutram: Mapping[str, float]
    ff: Mapping[str, float]
    bram: Mapping[str, float]
    dsp: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device in a package: what tells nextpnr so, its block memories, and its netlist where that is its own."""

    options: Sequence[str]
    block_memories: int
    netlist: str = ""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A family of FPGAs.

    commands: what Yosys maps to it with, by the name of the netlist, the family's own first.
    libraries: how Yosys reads its models of the cells. models: a template of those that it has none of, or "".
    block_memory: as planning counts it; cells: as a netlist does.
    unconstrained: the option with which nextpnr-<name> chooses pins, "" where there is no nextpnr.
    devices: those that nextpnr knows, the default one first.
    """

    name: str
    commands: Mapping[str, str]
    libraries: Sequence[str]
    models: str = ""
    block_memory: BlockMemory
    cells: Cells
    unconstrained: str = ""
    devices: Mapping[str, Device] = field(default_factory=dict)

    def netlist_of(self, device: str) -> str:
        """Return the name of the netlist that a device takes."""
        own = self.devices[device].netlist if device in self.devices else ""
        return own or next(iter(self.commands))


def each(*types: str) -> dict[str, float]:
    """Return cells that take one resource each."""
    return dict.fromkeys(types, 1)
