"""Synthesis of an output folder: how much of a device it takes, and how fast it runs there."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from snn2rtl import fpga
from snn2rtl.errors import OptionError
from snn2rtl.flows import nextpnr, yosys
from snn2rtl.flows.devices import check_memories
from snn2rtl.flows.workspace import Workspace
from snn2rtl.folder import open_folder

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SynthResult:
    """What a network takes on a device.

    lut: look-up tables of logic and carry. lutram: look-up tables used as memory. bram: block memories in bram_unit;
    half a RAMB36 is a RAMB18. fmax_mhz and slowest_path: after the fastest place and route; None where there was none.
    seeds_mhz: the clock that each seed of the placer gives. cells: of the netlist, by type.
    """

    target: str
    device: str
    lut: int
    lutram: int
    ff: int
    bram: float
    bram_unit: str
    dsp: int
    fmax_mhz: float | None
    slowest_path: str | None
    seeds_mhz: Sequence[float]
    cells: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON can hold it."""
        return asdict(self)


def synthesise(
    folder: Path,
    target: str,
    *,
    place: bool = True,
    frequency: float = 100,
    device: str | None = None,
    seeds: int = 1,
) -> SynthResult:
    """Synthesise the network of an output folder with Yosys, place and route it with nextpnr.

    Scripts, logs, the netlist and nextpnr's report go to <folder>/build/synth-<target>/, those of a
    device with a netlist of its own to synth-<netlist>/. A target without devices, of which nextpnr has none, gives
    counts only.

    Args:
        folder: what compile wrote.
        target: a name of fpga.TARGETS.
        place: place and route too.
        frequency: clock to aim for, in MHz; what is reached may be more or less.
        device: device of the family; its first one by default.
        seeds: how often to place and route, from another seed each time; the fastest counts.

    Raises:
        OptionError: there is no such target, the device is not of the family, or too small.
        ModelFileError: the folder is none that compile wrote.
        ToolNotFoundError: a tool is not installed.
        ToolFailedError: a tool refuses the design.
    """
    family = fpga.named(target)
    devices = family.devices
    chosen = device or next(iter(devices), target)
    if device and device not in devices:
        raise OptionError(f"--device: must be {' or '.join(devices) or 'left out'} for {target}, not {device}")
    opened = open_folder(folder)
    if place and devices:
        check_memories(opened.design, family, chosen)
    workspace, which = Workspace.of(opened), family.netlist_of(chosen)
    start = time.monotonic()
    netlist = yosys.synthesise(opened, workspace, which)
    cells = yosys.count_cells(netlist, opened.design.top)
    log.info("yosys: %s took %.0f s", target, time.monotonic() - start)
    kept_in = opened.build_place(f"synth-{which}")
    timings = [
        nextpnr.place_and_route(netlist, workspace.path, kept_in, family, chosen, frequency, seed)
        for seed in (range(1, seeds + 1) if place and devices else ())
    ]
    fastest = max(timings, key=lambda timing: timing.fmax_mhz, default=None)

    def count(costs: Mapping[str, float]) -> float:
        return sum(cost * cells[kind] for kind, cost in costs.items())

    return SynthResult(
        target=target,
        device=chosen,
        lut=int(count(family.cells.lut)),
        lutram=int(count(family.cells.lutram)),
        ff=int(count(family.cells.ff)),
        bram=count(family.cells.bram),
        bram_unit=family.cells.bram_unit,
        dsp=int(count(family.cells.dsp)),
        fmax_mhz=fastest.fmax_mhz if fastest else None,
        slowest_path=fastest.slowest_path if fastest else None,
        seeds_mhz=[timing.fmax_mhz for timing in timings],
        cells=dict(sorted(cells.items())),
    )
