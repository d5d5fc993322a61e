"""Yosys: from an output folder to a netlist, and the cells that it has."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from snn2rtl.errors import ToolFailedError
from snn2rtl.flows import tools
from snn2rtl.flows.build_cache import build_key, fetch, keep
from snn2rtl.flows.workspace import Workspace
from snn2rtl.folder import OutputFolder
from snn2rtl.replacing import BUILD
from snn2rtl.rtl.scripts import yosys_script

NETLIST = "netlist.json"
Target = Literal["ecp5", "ice40", "xc7"]
TARGETS: tuple[Target, ...] = get_args(Target)
Netlist = Literal["ecp5", "ice40", "ice40-up5k", "xc7"]
NETLISTS: tuple[Netlist, ...] = get_args(Netlist)
COMMANDS: Mapping[Netlist, str] = {
    "ecp5": "synth_ecp5",
    "ice40": "synth_ice40",
    "ice40-up5k": "synth_ice40 -dsp -device u",  # the one iCE40 here that has multipliers
    "xc7": "synth_xilinx -family xc7 -flatten",
}


@dataclass(frozen=True)
class Family:
    """Cells of a device family: how many resources one of each type takes.

    lut: look-up tables of logic and carry. lutram: those that serve as memory or shift register.
    """

    bram_unit: str
    lut: Mapping[str, float]
    lutram: Mapping[str, float]
    ff: Mapping[str, float]
    bram: Mapping[str, float]
    dsp: Mapping[str, float]


def _each(*types: str) -> dict[str, float]:
    return dict.fromkeys(types, 1)


FAMILIES: Mapping[Target, Family] = {
    "ecp5": Family(
        bram_unit="DP16KD",
        lut={"LUT4": 1, "CCU2C": 2},
        lutram={"TRELLIS_DPR16X4": 6},  # four of data, two of the write port
        ff=_each("TRELLIS_FF"),
        bram=_each("DP16KD", "PDPW16KD"),
        dsp=_each("MULT18X18D"),
    ),
    "ice40": Family(
        bram_unit="SB_RAM40_4K",
        lut=_each("SB_LUT4"),
        lutram={},
        ff=_each(*(f"SB_DFF{n}{e}{r}" for n in ("", "N") for e in ("", "E") for r in ("", "R", "S", "SR", "SS"))),
        bram=_each(*(f"SB_RAM40_4K{kind}" for kind in ("", "NR", "NW", "NRNW"))),
        dsp=_each("SB_MAC16"),
    ),
    "xc7": Family(
        bram_unit="RAMB36",
        lut=_each("INV", *(f"LUT{inputs}" for inputs in range(1, 7))),
        lutram={
            **_each("SRL16E", "SRLC32E", "RAM32X1S", "RAM64X1S"),
            **{"RAM32X1D": 2, "RAM64X1D": 2, "RAM32M": 4, "RAM64M": 4, "RAM128X1D": 4, "RAM256X1S": 4},
        },
        ff=_each(*(f"FD{kind}E{edge}" for kind in "RSCP" for edge in ("", "_1"))),
        bram={"RAMB36E1": 1, "RAMB18E1": 0.5},
        dsp=_each("DSP48E1"),
    ),
}


def netlist_of(target: Target, device: str) -> Netlist:
    """Return which netlist a device takes."""
    return "ice40-up5k" if target == "ice40" and device == "up5k" else target


def home_of(netlist: Netlist) -> str:
    """Return where a netlist, its script and its reports are, from the root of a folder or of its workspace."""
    return f"{BUILD}/synth-{netlist}"


def synthesise(folder: OutputFolder, workspace: Workspace, netlist: Netlist) -> Path:
    """Make a netlist in a workspace, keep it in the folder, and return it.

    Raises:
        ToolFailedError: Yosys refuses the Verilog: an error, a latch, a loop, a wire with two drivers or none.
    """
    home, kept_in = home_of(netlist), folder.build_place(f"synth-{netlist}")
    for old in kept_in.iterdir():
        old.unlink(missing_ok=True)
    script = yosys_script(folder.design, folder.hdl, f"// snn2rtl synth, {home}", COMMANDS[netlist])
    made = workspace.path / home / NETLIST
    made.parent.mkdir(parents=True, exist_ok=True)
    for place in (made.parent, kept_in):
        (place / "synth.ys").write_text(script, encoding="utf-8")
    # relative paths: the WebAssembly build of Yosys sees the working folder, but not all of the disk
    arguments = ["-s", f"{home}/synth.ys", "-o", f"{home}/{NETLIST}"]
    yosys = tools.require("yosys")
    tools.run(yosys, arguments, cwd=workspace.path, log_file=kept_in / "yosys.log")
    keep(made, _key(workspace, yosys, netlist), kept_in / NETLIST)
    return made


def fetch_netlist(folder: OutputFolder, workspace: Workspace, netlist: Netlist) -> Path | None:
    """Copy the netlist that synth left of the same files to a workspace; None where there is none."""
    made = workspace.path / home_of(netlist) / NETLIST
    made.parent.mkdir(parents=True, exist_ok=True)
    kept = folder.build_place(f"synth-{netlist}") / NETLIST
    return made if fetch(kept, _key(workspace, tools.require("yosys"), netlist), made) else None


def _key(workspace: Workspace, yosys: tools.Tool, netlist: Netlist) -> str:
    return build_key(workspace.digest, [yosys], [COMMANDS[netlist]])


def count_cells(netlist: Path, top: str) -> Counter[str]:
    """Return how many cells of each type a flat netlist has.

    Raises:
        ToolFailedError: the file is no netlist of ``top``.
    """
    try:
        cells = json.loads(netlist.read_text(encoding="utf-8"))["modules"][top]["cells"]
        return Counter(cell["type"] for cell in cells.values() if cell["type"] != "$scopeinfo")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ToolFailedError(f"yosys: wrote no netlist of {top} ({error!r})") from error
