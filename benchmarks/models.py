"""Networks of others through the whole chain: read unmodified, exact in integers, the same in Verilog, or refused how.

Each gets weights of which float64 rounds nothing. Its own forward() and the integer network run the same samples, half
of them random and half images of digits; every spike of every layer is compared. Then its Verilog runs two of them in
Verilator and, where that does not take long, one in Icarus, under stalls.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from common import record
from model_check import Samples, compare, dyadic, example, samples
from model_zoo import ZOO
from zoo_model import Model

import snn2rtl
from snn2rtl.data.samples import load_samples
from snn2rtl.errors import Snn2RtlError
from snn2rtl.folder import open_folder
from snn2rtl.frontend import from_module
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.output import write_file
from snn2rtl.progress import bar
from snn2rtl.verify.engines import Stalls
from snn2rtl.verify.verify import verify

STALLS = Stalls(sender=64, receiver=64)
IN_VERILOG = 2  # samples
ICARUS_CYCLES = 50_000
BITS, FRACTION = 12, 20  # of weights, and of membranes below their steps: leaks drop nothing


@dataclass
class Row:
    """What was found; numbers are None where the network did not come so far.

    neurons and weights: of the integer network, kernels stored once. compared: spikes that its forward() and the
    integer network made, all the same. bits and memories: of the unrolled Verilog. spikes: the same in Verilator.
    is_in_icarus: in Icarus too. is_short: in as many samples as the network has steps, of two steps each, as an earlier
    version of this file ran them.
    """

    name: str
    origin: str
    refused: str = ""
    neurons: int | None = None
    weights: int | None = None
    compared: int | None = None
    bits: int | None = None
    memories: int | None = None
    spikes: int | None = None
    is_in_icarus: bool = False
    is_short: bool = False
    seconds: float = 0.0


def main() -> None:
    """Take every network as far as it goes; write docs/results/models.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs/models"), help="where rows are kept [%(default)s]")
    parser.add_argument("--only", help="only networks whose names contain this; nothing is written")
    parser.add_argument("--kept", action="store_true", help="only networks whose rows are kept: nothing is measured")
    args = parser.parse_args()
    args.runs.mkdir(parents=True, exist_ok=True)
    chosen = [model for model in ZOO if (args.only or "").lower() in model.name.lower()]
    if args.kept:
        chosen = [model for model in chosen if row_file(model, args.runs).is_file()]
    rows = []
    with bar("networks", len(chosen)) as advance:
        for model in chosen:
            rows.append(kept(model, args.runs))
            advance(1)
    if args.only:
        print(*rows, sep="\n")
    else:
        record("models", "Networks that others wrote", "make models", page(rows))


def row_file(model: Model, runs: Path) -> Path:
    """Return where the row of a network is kept."""
    return runs / f"{''.join(c if c.isalnum() else '_' for c in model.name)}.json"


def kept(model: Model, runs: Path) -> Row:
    """Return the row of a network, which an earlier run may have made."""
    path = row_file(model, runs)
    if path.is_file():
        return Row(**json.loads(path.read_text()))
    found = row(model)
    write_file(path, lambda part: part.write_text(json.dumps(asdict(found), indent=1)))
    return found


def row(model: Model) -> Row:
    """Take a network through the chain, to the first step that refuses it."""
    start = time.perf_counter()
    found = Row(model.name, model.origin)
    try:
        _measure(model, found)
    except Snn2RtlError as error:
        found.refused = str(error)
    found.seconds = time.perf_counter() - start
    return found


def _measure(model: Model, found: Row) -> None:
    torch.manual_seed(0)
    net = dyadic(model.build(), model.weight_bits).to(model.dtype)
    inputs = samples(model)
    source = from_module(net, example_input=example(model, inputs))
    steps = source.encoder.time_steps if source.encoder else len(inputs)
    options = QuantizeOptions(
        bits=PerLayer(BITS), scale="layer", membrane_fraction=PerLayer(FRACTION), time_steps=steps, strict=True
    )
    with tempfile.TemporaryDirectory() as scratch:
        network = snn2rtl.compile(source, quantize=options).network
        found.neurons = sum(one.num_neurons for one in network.populations)
        found.weights = sum(one.synapses.stored.size for layer in network.populations for one in layer.inputs)
        found.compared = compare(model, net, source, network, inputs)
        compiled = snn2rtl.compile(network, Path(scratch) / "rtl")
        found.bits = sum(layer.rom_bits for layer in compiled.design.layers)
        found.memories = compiled.design.block_memories
        found.spikes, found.is_in_icarus = in_verilog(Path(scratch), inputs)


def in_verilog(scratch: Path, inputs: Samples) -> tuple[int, bool]:
    """Return the spikes of the first and last sample in Verilator, and whether Icarus ran the first.

    Icarus, far slower, takes no network of more than ICARUS_CYCLES a sample.
    """
    folder = open_folder(scratch / "rtl")
    network, path = folder.network, scratch / "samples.npz"
    if network.takes_pixels:
        np.savez(path, images=inputs[[0, -1]].reshape(IN_VERILOG, -1))
    else:
        np.savez(path, spikes=inputs[:, [0, -1]].reshape(len(inputs), IN_VERILOG, -1))
    taken = load_samples(path, inputs=network.num_inputs, encoder=network.encoder)
    verdict = verify(folder, taken, "verilator", STALLS, lambda _: None)
    is_short = verdict.cycles <= ICARUS_CYCLES
    if is_short:
        verify(folder, taken.head(1), "icarus", STALLS, lambda _: None)
    return verdict.spikes, is_short


def page(rows: list[Row]) -> list[str]:
    """Return the lines of docs/results/models.md."""
    through = [row for row in rows if row.spikes is not None]
    exactly = [row for row in rows if row.compared is not None]
    refused = [row for row in rows if row.refused]
    return [
        f"{len(rows)} networks: {len(exactly)} are exact in integers, {len(through)} of them in Verilog; "
        f"{len(refused)} are refused somewhere, by the sentence below.",
        "",
        "Networks are imported unmodified from SpikingJelly 2.0.0 or Norse 1.1.0, or written after a layer list or "
        "listing, as the second column says. Weights are drawn as multiples of a power of two: nothing is rounded. "
        "**Spikes compared**: of all neurons, of random samples and of MNIST's digits, the same in the network's own "
        "forward() and in the integer network, as are the scores of classes. **In Verilog**: spikes of two samples, "
        "the same in the golden model and Verilator, under stalls; those of one of them in Icarus too, but where "
        f"a sample takes more than {ICARUS_CYCLES:,} cycles (marked V). Rows marked * ran two steps of each sample. "
        "Convolutions are unrolled, weights have 12 bits.",
        "",
        "| network | from | neurons | weights | spikes compared | weight bits | block memories | in Verilog |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_line(row) for row in rows),
        "",
        "## What is refused",
        "",
        *(line for row in refused for line in _refusal(row)),
    ]


def _line(row: Row) -> str:
    numbers = (row.neurons, row.weights, row.compared, row.bits, row.memories, row.spikes)
    texts = ["-" if number is None else f"{number:,}" for number in numbers]
    only = " V" if row.spikes is not None and not row.is_in_icarus else ""
    only += " *" if row.is_short else ""
    return f"| {row.name} | {row.origin} | {' | '.join(texts)}{only} |"


def _refusal(row: Row) -> list[str]:
    first, *others = row.refused.splitlines()
    more = f" (and {len(others)} more)" if others else ""
    return [f"- **{row.name}**: {_short(first)}{more}"]


def _short(sentence: str) -> str:
    """Return a sentence without the folder that packages are installed in."""
    before, found, after = sentence.partition("site-packages/")
    return after if found and " " not in before else sentence


if __name__ == "__main__":
    main()
