"""Whether a network can fit a device."""

from __future__ import annotations

from snn2rtl.errors import OptionError
from snn2rtl.fpga import DEFAULT, Target
from snn2rtl.rtl.design import RtlDesign

_MARGIN = 1.1  # of what compile estimates to what a device has: it is within a few per cent of what Yosys takes


def check_memories(design: RtlDesign, target: Target, device: str) -> None:
    """Raise OptionError where a network needs far more block memories than a device has, as is known before Yosys."""
    needed, has = _block_memories(design, target), target.devices[device].block_memories
    if needed > _MARGIN * has:
        raise too_large(target, device, f"about {needed} {target.cells.bram_unit} of {has}", needed)


def too_large(target: Target, device: str, needs: str, block_memories: int = 0) -> OptionError:
    """Return the error of a network that needs more than a device has.

    Args:
        target: the family.
        device: one of it.
        needs: what it needs of what the device has.
        block_memories: those that it needs: another device with fewer is none to choose.
    """
    least = max(block_memories, target.devices[device].block_memories + 1)
    larger = [name for name, other in target.devices.items() if other.block_memories >= least]
    advice = "compile with fewer weights, bits or lanes"
    if "_IO" in needs:
        advice = "compile with --output class"
    choices = f"choose a larger --device ({', '.join(larger)}) or {advice}" if larger else f"{advice}; none is larger"
    return OptionError(f"{target.name}: the network must fit the {device}, but needs {needs}; {choices}")


def _block_memories(design: RtlDesign, target: Target) -> int:
    """Return about how many block memories a network needs; where it was planned for others, its read-only ones."""
    if target.block_memory == DEFAULT.block_memory:
        return design.block_memories
    return -(-sum(memory.bits for memory in design.memories if memory.is_block) // target.block_memory.bits)
