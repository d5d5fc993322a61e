"""Netlists as Verilog that a simulator runs: what Yosys made of a folder, cell by cell."""

from __future__ import annotations

from snn2rtl.flows import tools, yosys
from snn2rtl.flows.synth import Target
from snn2rtl.folder import OutputFolder
from snn2rtl.output import BUILD
from snn2rtl.rtl.templates import render, static

# How Yosys reads its own models of cells; for iCE40 only those in use, for one large memory alone takes it minutes.
# Those in the templates are the ones that it has none of: they stay black boxes.
_LIBRARIES: dict[Target, tuple[str, ...]] = {
    "ecp5": ("read_verilog -lib -overwrite +/ecp5/cells_bb.v", "read_verilog -overwrite +/ecp5/cells_sim.v"),
    "ice40": ("read_verilog -defer -overwrite -D NO_ICE40_DEFAULT_ASSIGNMENTS +/ice40/cells_sim.v",),
    "xc7": ("read_verilog -overwrite +/xilinx/cells_sim.v",),
}
_MODELS: dict[Target, str] = {"ecp5": "cells/ecp5.v.j2", "xc7": "cells/xc7.v.j2"}


def netlist_sources(folder: OutputFolder, target: Target) -> list[str]:
    """Return the Verilog of the folder's netlist and of its cells, as paths from the root of the folder.

    It is the netlist that synth left if the folder's files are still the same; else Yosys makes it.

    Raises:
        ToolNotFoundError: Yosys is not installed.
        ToolFailedError: it refuses the Verilog.
    """
    home = f"{BUILD}/synth-{target}"
    place = folder.path / home
    if not (place / yosys.NETLIST).is_file() or not folder.is_current(place):
        yosys.synthesise(folder, yosys.FAMILIES[target].command, home)
    values = {"netlist": f"{home}/{yosys.NETLIST}", "out": f"{home}/netlist.v", "top": folder.design.top}
    (place / "netlist.ys").write_text(render("yosys/netlist.ys.j2", **values, libraries=_LIBRARIES[target]))
    tools.run(
        tools.require("yosys"), ["-q", "-s", f"{home}/netlist.ys"], cwd=folder.path, log_file=place / "netlist.log"
    )
    model = _MODELS.get(target)
    cells = static("cells/snn_cell_memory.v") + render(model) if model else ""
    (place / "cells.v").write_text(cells)
    return [f"{home}/netlist.v", f"{home}/cells.v"]
