"""All 10,000 test images through the Verilog in Verilator, and 20 through the netlist of ECP5, every spike compared."""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from common import MODEL, ROOT, record

import snn2rtl
from snn2rtl.data import mnist
from snn2rtl.data.samples import Samples
from snn2rtl.flows.synth import synthesise
from snn2rtl.folder import OutputFolder, open_folder
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.progress import bar
from snn2rtl.verify.engines import Stalls, build
from snn2rtl.verify.verify import Verdict, verify

T = TypeVar("T")
TARGET = "ecp5"


def main() -> None:
    """Measure and write docs/results/verify_scale.md or verify_netlist.md, or both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the MNIST files")
    parser.add_argument("--images", type=int, default=10000, help="0 for none")
    parser.add_argument("--netlist-images", type=int, default=20, help="0 for none")
    parser.add_argument("--lanes", type=int, nargs="+", default=(16, 32))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "scale", help="where designs are kept")
    args = parser.parse_args()
    images, labels = mnist.load("test", args.data)
    folders = [compiled(lanes, args.work) for lanes in args.lanes]

    def samples(folder: OutputFolder, count: int) -> Samples:
        pixels = images[:count].reshape(count, -1)
        return Samples(pixels, labels[:count].astype(np.int64), folder.network.encoder)

    if args.images:
        record_verilog([(folder, samples(folder, args.images)) for folder in folders], args.jobs)
    if args.netlist_images:
        record_netlist(folders[0], samples(folders[0], args.netlist_images), args.jobs)


def compiled(lanes: int, work: Path) -> OutputFolder:
    """Return the examples' network with so many lanes, compiled to 8 bits; what an earlier run built of it stays."""
    out = work / f"{lanes}"
    if not out.is_dir():
        snn2rtl.compile(MODEL, out, rtl=RtlOptions(lanes=PerLayer(lanes)))
    return open_folder(out)


def record_verilog(runs: list[tuple[OutputFolder, Samples]], jobs: int) -> None:
    """Run the Verilog and write verify_scale.md."""
    rows = []
    for folder, samples in runs:
        _, built, _ = timed(lambda folder=folder: build(folder, "verilator"))
        found, seconds, processor = timed(lambda folder=folder, samples=samples: checked(folder, samples, None, jobs))
        rows.append(
            f"| {folder.design.layers[0].lanes} | {found.samples} | {found.spikes} | {built:.0f} | {seconds:.0f} "
            f"| {processor:.0f} | {found.cycles:.0f} | {found.ratio:.3f} | {found.accuracy:.2%} |"
        )
    record(
        "verify_scale",
        "All MNIST test images through Verilator",
        "make scale",
        [
            "784-400-10 LIF, T = 100, 8-bit dense weights; every spike of every layer, every count and class is the "
            f"golden model's; {jobs} simulators at once.",
            "",
            "| lanes | images | spikes compared | build s | run s | processor s | cycles an image | over the limit "
            "| accuracy |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
            *rows,
        ],
    )


def record_netlist(folder: OutputFolder, samples: Samples, jobs: int) -> None:
    """Synthesise, run the netlist and write verify_netlist.md."""
    found, synthesis, _ = timed(lambda: synthesise(folder.path, TARGET, place=False))
    _, built, _ = timed(lambda: build(folder, "verilator", netlist=TARGET))
    verdict, seconds, processor = timed(lambda: checked(folder, samples, TARGET, jobs))
    record(
        "verify_netlist",
        "The synthesised netlist against the golden model",
        "make scale",
        [
            f"784-400-10 LIF, T = 100, 8-bit dense weights, {folder.design.layers[0].lanes} lanes: what Yosys makes of "
            "it for ECP5, cell by cell in Verilator; every spike, count and class is the golden model's.",
            "",
            "| LUT4 | FF | DP16KD | images | spikes compared | cycles an image | synthesis s | build s | run s "
            "| processor s of the run |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
            f"| {found.lut + found.lutram} | {found.ff} | {found.bram:g} | {verdict.samples} | {verdict.spikes} "
            f"| {verdict.cycles:.0f} | {synthesis:.0f} | {built:.0f} | {seconds:.0f} | {processor:.0f} |",
        ],
    )


def checked(folder: OutputFolder, samples: Samples, netlist: str | None, jobs: int) -> Verdict:
    """Return the verdict of a run without stalls."""
    with bar("netlist" if netlist else "Verilog", len(samples)) as advance:
        return verify(folder, samples, "verilator", Stalls(), advance, netlist=netlist, jobs=jobs)


def timed(call: Callable[[], T]) -> tuple[T, float, float]:
    """Return what a call gives, its seconds, and those that the processes which it began spent on a processor."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    result = call()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return result, time.perf_counter() - start, spent


if __name__ == "__main__":
    main()
