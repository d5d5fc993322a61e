"""Yosys: from an output folder to a netlist, and the cells that it has."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from snn2rtl.errors import ToolFailedError
from snn2rtl.flows import tools
from snn2rtl.folder import OutputFolder
from snn2rtl.rtl.scripts import yosys_script

NETLIST = "netlist.json"


@dataclass(frozen=True)
class Family:
    """Cells of a device family: how many resources one of each type takes.

    lut: look-up tables of logic and carry. lutram: those that serve as memory or shift register.
    """

    command: str
    bram_unit: str
    lut: Mapping[str, float]
    lutram: Mapping[str, float]
    ff: Mapping[str, float]
    bram: Mapping[str, float]
    dsp: Mapping[str, float]


def _each(*types: str) -> dict[str, float]:
    return dict.fromkeys(types, 1)


FAMILIES = {
    "ecp5": Family(
        command="synth_ecp5",
        bram_unit="DP16KD",
        lut={"LUT4": 1, "CCU2C": 2},
        lutram={"TRELLIS_DPR16X4": 6},  # four of data, two of the write port
        ff=_each("TRELLIS_FF"),
        bram=_each("DP16KD", "PDPW16KD"),
        dsp=_each("MULT18X18D"),
    ),
    "ice40": Family(
        command="synth_ice40",
        bram_unit="SB_RAM40_4K",
        lut=_each("SB_LUT4"),
        lutram={},
        ff=_each(*(f"SB_DFF{n}{e}{r}" for n in ("", "N") for e in ("", "E") for r in ("", "R", "S", "SR", "SS"))),
        bram=_each(*(f"SB_RAM40_4K{kind}" for kind in ("", "NR", "NW", "NRNW"))),
        dsp=_each("SB_MAC16"),
    ),
    "xc7": Family(
        command="synth_xilinx -family xc7 -flatten",
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


def synthesise(folder: OutputFolder, command: str, place: str) -> Counter[str]:
    """Write <place>/netlist.json and return how many cells of each type it has.

    Args:
        folder: the output folder.
        command: synth command of Yosys.
        place: where script, log and netlist go, from the root of the folder.

    Raises:
        ToolFailedError: Yosys refuses the Verilog: an error, a latch, a loop, a wire with two drivers or none.
    """
    # Only relative paths: the WebAssembly build of Yosys sees the working folder, but not all of the disk.
    home = folder.path / place
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / "synth.ys").write_text(yosys_script(folder.design, folder.hdl, f"// snn2rtl synth, {place}", command))
    netlist = home / NETLIST
    arguments = ["-s", f"{place}/synth.ys", "-o", f"{place}/{NETLIST}"]
    tools.run(tools.require("yosys"), arguments, cwd=folder.path, log_file=home / "yosys.log")
    cells = count_cells(netlist, folder.design.top)
    folder.mark(home)
    return cells


def count_cells(netlist: Path, top: str) -> Counter[str]:
    """Return how many cells of each type a flat netlist has.

    Raises:
        ToolFailedError: the file is no netlist of ``top``.
    """
    try:
        cells = json.loads(netlist.read_text())["modules"][top]["cells"]
        return Counter(cell["type"] for cell in cells.values() if cell["type"] != "$scopeinfo")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ToolFailedError(f"yosys: wrote no netlist of {top} to {netlist} ({error!r})") from error
