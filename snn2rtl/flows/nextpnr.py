"""nextpnr: from a netlist to a placed and routed device, its clock frequency and its slowest path."""

from __future__ import annotations

import json
import logging
import re
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snn2rtl.errors import ToolFailedError
from snn2rtl.flows import tools
from snn2rtl.flows.devices import too_large
from snn2rtl.fpga import Target

log = logging.getLogger(__name__)

_USED = re.compile(r"^Info:\s+(\w+):\s*(\d+)/\s*(\d+)\s", re.MULTILINE)
_CELL_SUFFIX = re.compile(r"(_(TRELLIS_FF|TRELLIS_DPR16X4|SB_DFF[ENRS]*|SB_RAM40_4K)(_.*)?|\$.*|_(LC|DFFLC))$")


@dataclass(frozen=True)
class Timing:
    """The clock that a placed design can have, and its slowest path from register to register."""

    fmax_mhz: float
    slowest_path: str


def place_and_route(
    netlist: Path, workspace: Path, kept_in: Path, target: Target, device: str, frequency: float, seed: int
) -> Timing:
    """Place and route a netlist of Yosys, and keep log and report.

    Args:
        netlist: the file, somewhere in the workspace.
        workspace: where nextpnr works.
        kept_in: where nextpnr-<seed>.log and .json go.
        target: a family that nextpnr knows.
        device: one of it.
        frequency: clock to aim for, in MHz.
        seed: of the placer: equal inputs give equal results.

    Raises:
        OptionError: the device is too small.
        ToolFailedError: nextpnr fails for another reason.
    """
    report = netlist.with_name(f"nextpnr-{seed}.json")
    files = [str(file.relative_to(workspace)) for file in (netlist, report)]
    arguments = ["--json", files[0], "--report", files[1], "--freq", f"{frequency:g}"]
    arguments += ["--seed", str(seed), "--timing-allow-fail", target.unconstrained, *target.devices[device].options]
    start = time.monotonic()
    try:
        log_file = kept_in / f"nextpnr-{seed}.log"
        tools.run(tools.require(f"nextpnr-{target.name}"), arguments, cwd=workspace, log_file=log_file)
    except ToolFailedError as error:
        _check_fit(error.output, target, device)
        raise error
    timing = read_timing(report)
    with suppress(OSError):  # the timing counts; compile may just have replaced the folder
        shutil.copy(report, kept_in)
    log.info(
        "nextpnr: %s %s, seed %d: %.1f MHz, took %.0f s",
        target.name,
        device,
        seed,
        timing.fmax_mhz,
        time.monotonic() - start,
    )
    return timing


def read_timing(report: Path) -> Timing:
    """Return what nextpnr's report says of the one clock.

    Raises:
        ToolFailedError: the file is no report of a design with a clock.
    """
    try:
        data = json.loads(report.read_text(encoding="utf-8"))
        fmax = min(clock["achieved"] for clock in data["fmax"].values())
        path = next(p["path"] for p in data["critical_paths"] if p["from"] == p["to"])
        return Timing(fmax, f"{_register(path[0]['from'])} -> {_register(path[-1]['to'])}")
    except (OSError, ValueError, KeyError, TypeError, IndexError, StopIteration) as error:
        raise ToolFailedError(f"nextpnr: wrote no timing report ({error!r})") from error


def _register(end: dict[str, Any]) -> str:
    """Return the name that a register or memory has in the Verilog, as far as the cell's name still shows it."""
    return _CELL_SUFFIX.sub("", str(end["cell"]))


def _check_fit(text: str, target: Target, device: str) -> None:
    """Raise OptionError if nextpnr says that the design needs more of something than the device has."""
    needs = {kind: (int(used), int(has)) for kind, used, has in _USED.findall(text)}
    short = {kind: counts for kind, counts in needs.items() if counts[0] > counts[1]}
    if not short:
        return
    raise too_large(target, device, ", ".join(f"{used} {kind} of {has}" for kind, (used, has) in short.items()))
