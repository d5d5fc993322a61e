"""``snn2rtl verify``: the generated Verilog against the golden model, spike by spike."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.table import Table

from snn2rtl.commands.arguments import natural, positive, share
from snn2rtl.commands.outcome import Outcome, saturation_notes
from snn2rtl.data.samples import Samples, samples_for
from snn2rtl.folder import OutputFolder, open_folder
from snn2rtl.fpga import netlists
from snn2rtl.progress import bar
from snn2rtl.verify.engines import STALL_RANGE, Stalls
from snn2rtl.verify.recipes import Engine
from snn2rtl.verify.verify import Verdict, verify

HELP = "compare the Verilog of an output folder with the golden model, spike by spike"
ENGINES: tuple[Engine, ...] = ("verilator", "icarus")
DEFAULT_SAMPLES = {"verilator": 100, "icarus": 2}
NETLIST_SAMPLES = 20  # a netlist takes thirty times as long as its Verilog
RANDOM_STEPS = 20  # of random samples, where no encoder makes them
PART = 10  # one sample in so many runs again alone, and again with random stalls


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("folder", type=Path, help="output folder of compile")
    add("--data", type=Path, metavar="FILE", help=".npz with images or spikes (and labels), or .npy [random]")
    add("--engine", choices=[*ENGINES, "both"], help="simulator [both; verilator for a netlist]")
    add("--samples", type=positive, metavar="N", help="samples on Verilator [100, 20 of a netlist]")
    add("--icarus-samples", type=positive, metavar="N", help="samples on Icarus, which is slow [2]")
    add("--netlist", choices=netlists(),
        help="run the netlist that synth left for this target, or makes now, in place of the Verilog")  # fmt: skip
    add("--jobs", type=positive, metavar="N", help="simulators that run at once [one for each core]")
    add("--stalls", type=share, default=0.25, metavar="P",
        help="probability that a side waits in a cycle, in the runs with stalls [%(default)s]")  # fmt: skip
    add("--seed", type=natural, default=1, metavar="N", help="of the stalls and the encoder [%(default)s]")


def run(args: argparse.Namespace) -> Outcome:
    """Verify without stalls, for the cycles; a part of the samples one at a time, for the latency, and with stalls."""
    folder = open_folder(args.folder)
    probability = min(STALL_RANGE - 1, round(args.stalls * STALL_RANGE))
    chosen = args.engine or ("verilator" if args.netlist else "both")
    engines: tuple[Engine, ...] = tuple(engine for engine in ENGINES if chosen in (engine, "both"))
    limit = max(_count(args, engine) for engine in engines)
    given = samples_for(folder.network, args.data, limit=limit, seed=args.seed) if args.data else None
    verdicts = []
    for engine in engines:
        samples = _samples(folder, given, _count(args, engine), args.seed)
        part = _samples(folder, given, max(1, len(samples) // PART), args.seed)
        runs = [(samples, Stalls()), (part, Stalls(alone=True)), (part, Stalls(probability, probability, args.seed))]
        for batch, stalls in runs:
            what = f"{_what(engine, args.netlist)}, {_pace(stalls)}"
            with bar(what, len(batch)) as advance:
                verdicts.append(verify(folder, batch, engine, stalls, advance, netlist=args.netlist, jobs=args.jobs))
    data = {"digest": folder.design.digest, "verdicts": [verdict.to_dict() for verdict in verdicts]}
    most = max(verdicts, key=lambda verdict: verdict.samples)
    notes = saturation_notes(most.saturations, folder.network)
    return Outcome(data, (table(verdicts), *notes, "PASS: every spike, count and class is the golden model's"))


def _count(args: argparse.Namespace, engine: Engine) -> int:
    asked: int | None = args.samples if engine == "verilator" else args.icarus_samples
    return asked or (NETLIST_SAMPLES if args.netlist and engine == "verilator" else DEFAULT_SAMPLES[engine])


def _what(engine: Engine, netlist: str | None) -> str:
    return f"{engine}, {netlist} netlist" if netlist else engine


def _pace(stalls: Stalls) -> str:
    if stalls.sender:
        return f"stalls {stalls.sender / STALL_RANGE:.2f}"
    return "alone" if stalls.alone else "in a row"


def table(verdicts: Sequence[Verdict]) -> Table:
    """Return the verdicts as a table."""
    proven = "netlist" if any(verdict.netlist for verdict in verdicts) else "Verilog"
    result = Table(title=f"golden model = {proven}", title_justify="left")
    numbers = ("samples", "identical spikes", "cycles a sample", "limit", "ratio", "latency", "worst", "accuracy")
    for heading in ("engine", "samples come", *numbers):
        result.add_column(heading, justify="right" if heading in numbers else "left")
    for verdict in verdicts:
        in_a_row = verdict.stalls == Stalls()
        result.add_row(
            _what(verdict.engine, verdict.netlist),
            _pace(verdict.stalls),
            str(verdict.samples),
            str(verdict.spikes),
            f"{verdict.cycles:.0f}",
            f"{verdict.limit:.0f}",
            f"{verdict.ratio:.3f}" if in_a_row else "",
            f"{verdict.latency:.0f}",
            str(verdict.worst),
            "" if verdict.accuracy is None else f"{verdict.accuracy:.2%}",
        )
    return result


def _samples(folder: OutputFolder, given: Samples | None, limit: int, seed: int) -> Samples:
    """Return the first samples of those that were given, else random ones."""
    network = folder.network
    if given:
        return given.head(limit)
    rng = np.random.default_rng(seed)
    if network.takes_pixels:
        shape = (limit, network.num_inputs) if network.makes_steps else (RANDOM_STEPS, limit, network.num_inputs)
        pixels = rng.integers(0, 256, shape, np.uint8)
        return Samples(pixels * (rng.random(pixels.shape) < rng.uniform(0, 0.5, (limit, 1))), None, network.encoder)
    steps = network.encoder.time_steps if network.encoder else RANDOM_STEPS
    density = rng.uniform(0, 0.5, (1, limit, 1))
    spikes = (rng.random((steps, limit, network.num_inputs), np.float32) < density).astype(np.uint8)
    return Samples(spikes, None, None)
