"""Netlists as Verilog that a simulator runs: what Yosys made of a folder, cell by cell."""

from __future__ import annotations

import hashlib

from snn2rtl.flows import tools, yosys
from snn2rtl.flows.workspace import Workspace
from snn2rtl.folder import OutputFolder
from snn2rtl.fpga import target_of
from snn2rtl.rtl.templates import render, static


def make_netlist(folder: OutputFolder, workspace: Workspace, netlist: str) -> str:
    """Put a netlist of a folder into its workspace and return the digest of it.

    It is the netlist that synth left if the folder's files are still the same; else Yosys makes it.

    Raises:
        ToolNotFoundError: Yosys is not installed.
        ToolFailedError: it refuses the Verilog.
    """
    made = yosys.fetch_netlist(folder, workspace, netlist) or yosys.synthesise(folder, workspace, netlist)
    return hashlib.sha256(made.read_bytes()).hexdigest()


def netlist_verilog(folder: OutputFolder, workspace: Workspace, netlist: str) -> list[str]:
    """Return the netlist of a workspace as Verilog, and its cells, as paths from the root of the workspace.

    Raises:
        ToolFailedError: Yosys cannot write it.
    """
    home, target = yosys.home_of(netlist), target_of(netlist)
    place, log_file = workspace.path / home, folder.build_place(f"synth-{netlist}") / "netlist.log"
    values = {"netlist": f"{home}/{yosys.NETLIST}", "out": f"{home}/netlist.v", "top": folder.design.top}
    (place / "netlist.ys").write_text(
        render("yosys/netlist.ys.j2", **values, libraries=target.libraries), encoding="utf-8"
    )
    tools.run(tools.require("yosys"), ["-q", "-s", f"{home}/netlist.ys"], cwd=workspace.path, log_file=log_file)
    cells = static("cells/snn_cell_memory.v") + render(target.models) if target.models else ""
    (place / "cells.v").write_text(cells, encoding="utf-8")
    return [f"{home}/netlist.v", f"{home}/cells.v"]
