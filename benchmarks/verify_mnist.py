"""1,000 MNIST images through the Verilog in Verilator, every spike compared: how long it takes."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from common import IMAGES, MODEL, record

import snn2rtl
from snn2rtl.data.samples import load_samples
from snn2rtl.folder import open_folder
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.progress import bar
from snn2rtl.verify.engines import Stalls, build
from snn2rtl.verify.verify import verify

LANES = (16, 32, 64)


def main() -> None:
    """Measure and write docs/results/verify_mnist.md."""
    rows = []
    for lanes in LANES:
        with tempfile.TemporaryDirectory() as scratch:
            out = Path(scratch) / "rtl"
            snn2rtl.compile(MODEL, out, rtl=RtlOptions(lanes=PerLayer(lanes)))
            folder = open_folder(out)
            samples = load_samples(IMAGES, inputs=784, encoder=folder.network.encoder)
            start = time.perf_counter()
            build(folder, "verilator")
            built = time.perf_counter()
            with bar(f"{lanes} lanes", len(samples)) as advance:
                found = verify(folder, samples, "verilator", Stalls(), advance)
            done = time.perf_counter()
        rows.append(
            f"| {lanes} | {found.samples} | {found.spikes} | {built - start:.0f} | {done - built:.0f} "
            f"| {found.cycles:.0f} | {found.limit:.0f} | {found.ratio:.3f} | {found.accuracy:.2%} |"
        )
    record(
        "verify_mnist",
        "1,000 MNIST images through Verilator",
        "make results",
        [
            "784-400-10 LIF, T = 100, 8-bit dense weights; every spike of every layer, every count and class is the "
            "golden model's.",
            "",
            "| lanes | images | spikes compared | build s | run s | cycles an image | limit | ratio | accuracy |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
            *rows,
        ],
    )


if __name__ == "__main__":
    main()
