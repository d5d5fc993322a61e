"""``snn2rtl synth``: what the network of an output folder takes on a device, and how fast it runs there."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from snn2rtl.commands.arguments import integer, positive
from snn2rtl.commands.outcome import Outcome
from snn2rtl.flows.synth import SynthResult, synthesise
from snn2rtl.folder import open_folder
from snn2rtl.fpga import DEFAULT, TARGETS

HELP = "synthesise an output folder with Yosys, place and route it with nextpnr"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    devices = "; ".join(f"{name}: {', '.join(one.devices)}" for name, one in TARGETS.items() if one.devices)
    others = " and ".join(name for name, target in TARGETS.items() if not target.devices)
    add = parser.add_argument
    add("folder", type=Path, help="output folder of compile")
    add(
        "--target",
        choices=TARGETS,
        default=DEFAULT.name,
        help=f"device family; {others} gives counts only [%(default)s]",
    )
    add("--device", metavar="NAME", help=f"device of the family ({devices}) [the first]")
    add("--frequency", type=positive, default=100, metavar="MHZ", help="clock to aim for [%(default)s]")
    add(
        "--seeds",
        type=integer(1),
        default=1,
        metavar="N",
        help="place and route N times, keep the fastest [%(default)s]",
    )
    add("--no-place", action="store_true", help="counts only, without nextpnr")


def run(args: argparse.Namespace) -> Outcome:
    """Synthesise, and place and route where that can be done."""
    result = synthesise(
        args.folder,
        args.target,
        place=not args.no_place,
        frequency=args.frequency,
        device=args.device,
        seeds=args.seeds,
    )
    data = {"digest": open_folder(args.folder).design.digest, **result.to_dict()}
    shown = [table([result])]
    return Outcome(data, (*shown, f"slowest path: {result.slowest_path}") if result.slowest_path else (*shown,))


def table(results: Sequence[SynthResult]) -> Table:
    """Return the results as a table."""
    result = Table(title="synthesis", title_justify="left")
    for heading in ("target", "device"):
        result.add_column(heading)
    for heading in ("LUT", "LUT as RAM", "FF", "BRAM", "DSP", "Fmax"):
        result.add_column(heading, justify="right")
    for one in results:
        result.add_row(
            one.target,
            one.device,
            str(one.lut),
            str(one.lutram),
            str(one.ff),
            f"{one.bram:g} {one.bram_unit}",
            str(one.dsp),
            "not placed" if one.fmax_mhz is None else f"{one.fmax_mhz:.1f} MHz",
        )
    return result
