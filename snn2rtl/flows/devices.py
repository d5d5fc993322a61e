"""FPGAs that nextpnr knows, and whether a network can fit one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from snn2rtl.errors import OptionError
from snn2rtl.rtl.design import RtlDesign

_MARGIN = 1.1  # of what compile estimates to what a device has: it is within a few per cent of what Yosys takes
_ICE40_BITS = 4096  # of a block memory


@dataclass(frozen=True)
class Device:
    """A device in a package: what tells nextpnr so, and its block memories."""

    options: Sequence[str]
    block_memories: int


# The first device of a family is the default one.
DEVICES: Mapping[str, Mapping[str, Device]] = {
    "ecp5": {
        "85k": Device(("--85k", "--package", "CABGA756", "--speed", "6"), 208),
        "45k": Device(("--45k", "--package", "CABGA554", "--speed", "6"), 108),
        "25k": Device(("--25k", "--package", "CABGA381", "--speed", "6"), 56),
    },
    "ice40": {
        "hx8k": Device(("--hx8k", "--package", "ct256"), 32),
        "up5k": Device(("--up5k", "--package", "sg48"), 30),
    },
}
_BLOCKS = {"ecp5": "DP16KD", "ice40": "SB_RAM40_4K"}


def check_memories(design: RtlDesign, family: str, device: str) -> None:
    """Raise OptionError where a network needs far more block memories than a device has, as is known before Yosys."""
    needed, has = _block_memories(design, family), DEVICES[family][device].block_memories
    if needed > _MARGIN * has:
        raise too_large(family, device, f"about {needed} {_BLOCKS[family]} of {has}", needed)


def too_large(family: str, device: str, needs: str, block_memories: int = 0) -> OptionError:
    """Return the error of a network that needs more than a device has.

    Args:
        family: a key of DEVICES.
        device: a key of DEVICES[family].
        needs: what it needs of what the device has.
        block_memories: those that it needs: another device with fewer is none to choose.
    """
    least = max(block_memories, DEVICES[family][device].block_memories + 1)
    larger = [name for name, other in DEVICES[family].items() if other.block_memories >= least]
    advice = "compile with fewer weights, bits or lanes"
    if "_IO" in needs:
        advice = "compile with --output class"
    choices = f"choose a larger --device ({', '.join(larger)}) or {advice}" if larger else f"{advice}; none is larger"
    return OptionError(f"{family}: the network must fit the {device}, but needs {needs}; {choices}")


def _block_memories(design: RtlDesign, family: str) -> int:
    """Return about how many block memories a network needs; of iCE40 those that its read-only memories fill."""
    if family == "ecp5":
        return design.block_memories
    return -(-sum(memory.bits for memory in design.memories if memory.is_block) // _ICE40_BITS)
