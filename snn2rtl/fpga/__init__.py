"""Targets, families of FPGAs: a file of this folder and a line here for each."""

from __future__ import annotations

from snn2rtl.errors import OptionError
from snn2rtl.fpga.ecp5 import ECP5
from snn2rtl.fpga.ice40 import ICE40
from snn2rtl.fpga.target import BlockMemory, Cells, Device, Target
from snn2rtl.fpga.xc7 import XC7

DEFAULT = ECP5  # that of scripts; networks are planned for its block memories
TARGETS: dict[str, Target] = {target.name: target for target in (ECP5, ICE40, XC7)}

__all__ = ["DEFAULT", "TARGETS", "BlockMemory", "Cells", "Device", "Target", "named", "netlists", "target_of"]


def named(name: str) -> Target:
    """Return the target of a name.

    Raises:
        OptionError: there is no such target.
    """
    if name not in TARGETS:
        raise OptionError(f"--target: must be {' or '.join(TARGETS)}, not {name}")
    return TARGETS[name]


def netlists() -> tuple[str, ...]:
    """Return the names of all netlists: one a target, and those of devices that have their own."""
    return tuple(netlist for target in TARGETS.values() for netlist in target.commands)


def target_of(netlist: str) -> Target:
    """Return the target that a netlist, one of netlists(), is of."""
    return next(target for target in TARGETS.values() if netlist in target.commands)
