"""``snn2rtl verify``: the generated Verilog against the golden model, spike by spike."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.table import Table

from snn2rtl.commands.arguments import positive
from snn2rtl.commands.outcome import Outcome
from snn2rtl.folder import OutputFolder, open_folder
from snn2rtl.progress import bar
from snn2rtl.samples import Samples, load_samples
from snn2rtl.verify.engines import STALL_RANGE, Engine, Stalls
from snn2rtl.verify.verify import Verdict, verify

HELP = "compare the Verilog of an output folder with the golden model, spike by spike"
ENGINES: tuple[Engine, ...] = ("verilator", "icarus")
DEFAULT_SAMPLES = {"verilator": 100, "icarus": 2}
STALLED_SHARE = 10  # one sample in so many runs again with random stalls


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("folder", type=Path, help="output folder of compile")
    add("--data", type=Path, metavar="FILE", help=".npz with images or spikes (and labels), or .npy [random]")
    add("--engine", choices=[*ENGINES, "both"], default="both", help="simulator [%(default)s]")
    add("--samples", type=positive, metavar="N", help="samples on Verilator [100, of --data or random]")
    add("--icarus-samples", type=positive, metavar="N", help="samples on Icarus, which is slow [2]")
    add("--stalls", type=float, default=0.25, metavar="P",
        help="probability that a side waits in a cycle, in the runs with stalls [%(default)s]")  # fmt: skip
    add("--seed", type=int, default=1, metavar="N", help="of the stalls and the encoder [%(default)s]")


def run(args: argparse.Namespace) -> Outcome:
    """Verify without stalls, for the cycles, and a part of the samples with random stalls."""
    folder = open_folder(args.folder)
    probability = min(STALL_RANGE - 1, max(0, round(args.stalls * STALL_RANGE)))
    verdicts = []
    for engine in ENGINES if args.engine == "both" else (args.engine,):
        asked = args.samples if engine == "verilator" else args.icarus_samples
        samples = _samples(folder, args, asked or DEFAULT_SAMPLES[engine])
        part = _samples(folder, args, max(1, len(samples) // STALLED_SHARE))
        for batch, stalls in ((samples, Stalls()), (part, Stalls(probability, probability, args.seed))):
            what = f"{engine}{' with stalls' if stalls.sender else ''}"
            with bar(what, len(batch)) as advance:
                verdicts.append(verify(folder, batch, engine, stalls, advance))
    data = {"digest": folder.design.digest, "verdicts": [verdict.to_dict() for verdict in verdicts]}
    return Outcome(data, (table(verdicts), "PASS: every spike, count and class is the golden model's"))


def table(verdicts: Sequence[Verdict]) -> Table:
    """Return the verdicts as a table."""
    result = Table(title="golden model = Verilog", title_justify="left")
    for heading in ("engine", "stalls", "samples", "identical spikes", "cycles a sample", "limit", "ratio", "accuracy"):
        result.add_column(heading, justify="left" if heading == "engine" else "right")
    for verdict in verdicts:
        stalled = verdict.stalls.sender > 0
        result.add_row(
            verdict.engine,
            f"{verdict.stalls.sender / STALL_RANGE:.2f}" if stalled else "none",
            str(verdict.samples),
            str(verdict.spikes),
            f"{verdict.cycles:.0f}",
            f"{verdict.limit:.0f}",
            "" if stalled else f"{verdict.ratio:.3f}",
            "" if verdict.accuracy is None else f"{verdict.accuracy:.2%}",
        )
    return result


def _samples(folder: OutputFolder, args: argparse.Namespace, limit: int) -> Samples:
    network = folder.network
    if args.data:
        inputs, encoder = network.num_inputs, network.encoder
        return load_samples(args.data, inputs=inputs, encoder=encoder, limit=limit, seed=args.seed)
    rng = np.random.default_rng(args.seed)
    if network.is_direct:
        pixels = rng.integers(0, 256, (limit, network.num_inputs), np.uint8)
        return Samples(pixels * (rng.random(pixels.shape) < rng.uniform(0, 0.5, (limit, 1))), None, network.encoder)
    steps = network.encoder.time_steps if network.encoder else 20
    density = rng.uniform(0, 0.5, (1, limit, 1))
    spikes = (rng.random((steps, limit, network.num_inputs), np.float32) < density).astype(np.uint8)
    return Samples(spikes, None, None)
