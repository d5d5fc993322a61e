"""Yosys: from an output folder to a netlist, and the cells that it has."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from snn2rtl.errors import ToolFailedError
from snn2rtl.flows import tools
from snn2rtl.flows.build_cache import build_key, fetch, keep
from snn2rtl.flows.workspace import Workspace
from snn2rtl.folder import OutputFolder
from snn2rtl.fpga import target_of
from snn2rtl.replacing import BUILD
from snn2rtl.rtl.scripts import yosys_script

NETLIST = "netlist.json"


def home_of(netlist: str) -> str:
    """Return where a netlist, its script and its reports are, from the root of a folder or of its workspace."""
    return f"{BUILD}/synth-{netlist}"


def synthesise(folder: OutputFolder, workspace: Workspace, netlist: str) -> Path:
    """Make a netlist in a workspace, keep it in the folder, and return it.

    Raises:
        ToolFailedError: Yosys refuses the Verilog: an error, a latch, a loop, a wire with two drivers or none.
    """
    home, kept_in = home_of(netlist), folder.build_place(f"synth-{netlist}")
    for old in kept_in.iterdir():
        old.unlink(missing_ok=True)
    script = yosys_script(folder.design, folder.hdl, f"// snn2rtl synth, {home}", target_of(netlist).commands[netlist])
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


def fetch_netlist(folder: OutputFolder, workspace: Workspace, netlist: str) -> Path | None:
    """Copy the netlist that synth left of the same files to a workspace; None where there is none."""
    made = workspace.path / home_of(netlist) / NETLIST
    made.parent.mkdir(parents=True, exist_ok=True)
    kept = folder.build_place(f"synth-{netlist}") / NETLIST
    return made if fetch(kept, _key(workspace, tools.require("yosys"), netlist), made) else None


def _key(workspace: Workspace, yosys: tools.Tool, netlist: str) -> str:
    return build_key(workspace.digest, [yosys], [target_of(netlist).commands[netlist]])


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
