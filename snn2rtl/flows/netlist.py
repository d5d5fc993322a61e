"""Netlists as Verilog that a simulator runs: what Yosys made of a folder, cell by cell."""

from __future__ import annotations

import hashlib

from snn2rtl.flows import tools, yosys
from snn2rtl.flows.workspace import Workspace
from snn2rtl.flows.yosys import Netlist
from snn2rtl.folder import OutputFolder
from snn2rtl.rtl.templates import render, static

# How Yosys reads its own models of cells; for iCE40 only those in use, for one large memory alone takes it minutes.
# Those in the templates are the ones that it has none of: they stay black boxes.
_ICE40 = "read_verilog -defer -overwrite -D NO_ICE40_DEFAULT_ASSIGNMENTS +/ice40/cells_sim.v"
_LIBRARIES: dict[Netlist, tuple[str, ...]] = {
    "ecp5": ("read_verilog -lib -overwrite +/ecp5/cells_bb.v", "read_verilog -overwrite +/ecp5/cells_sim.v"),
    "ice40": (_ICE40,),
    "ice40-up5k": (_ICE40,),
    "xc7": ("read_verilog -overwrite +/xilinx/cells_sim.v",),
}
_MODELS: dict[Netlist, str] = {"ecp5": "cells/ecp5.v.j2", "xc7": "cells/xc7.v.j2"}


def make_netlist(folder: OutputFolder, workspace: Workspace, netlist: Netlist) -> str:
    """Put a netlist of a folder into its workspace and return the digest of it.

    It is the netlist that synth left if the folder's files are still the same; else Yosys makes it.

    Raises:
        ToolNotFoundError: Yosys is not installed.
        ToolFailedError: it refuses the Verilog.
    """
    made = yosys.fetch_netlist(folder, workspace, netlist) or yosys.synthesise(folder, workspace, netlist)
    return hashlib.sha256(made.read_bytes()).hexdigest()


def netlist_verilog(folder: OutputFolder, workspace: Workspace, netlist: Netlist) -> list[str]:
    """Return the netlist of a workspace as Verilog, and its cells, as paths from the root of the workspace.

    Raises:
        ToolFailedError: Yosys cannot write it.
    """
    home = yosys.home_of(netlist)
    place, log_file = workspace.path / home, folder.build_place(f"synth-{netlist}") / "netlist.log"
    values = {"netlist": f"{home}/{yosys.NETLIST}", "out": f"{home}/netlist.v", "top": folder.design.top}
    (place / "netlist.ys").write_text(
        render("yosys/netlist.ys.j2", **values, libraries=_LIBRARIES[netlist]), encoding="utf-8"
    )
    tools.run(tools.require("yosys"), ["-q", "-s", f"{home}/netlist.ys"], cwd=workspace.path, log_file=log_file)
    model = _MODELS.get(netlist)
    cells = static("cells/snn_cell_memory.v") + render(model) if model else ""
    (place / "cells.v").write_text(cells, encoding="utf-8")
    return [f"{home}/netlist.v", f"{home}/cells.v"]
