"""The main job on real data: compile the example network, verify it on 100 images, synthesise it; prints one table."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

import snn2rtl
from snn2rtl.data.samples import Samples, load_samples
from snn2rtl.flows.synth import synthesise
from snn2rtl.folder import open_folder
from snn2rtl.progress import bar
from snn2rtl.verify.engines import Stalls
from snn2rtl.verify.verify import verify

log = logging.getLogger("demo")
HERE = Path(__file__).parent
IMAGES = 100
STALLED_IMAGES = 10


def main() -> int:
    """Run the demo and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/demo"), help="output folder [%(default)s]")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    table = Table("what", "result", "seconds", title="784-400-10 LIF network, MNIST, 100 time steps, 8-bit weights")
    images = HERE / "mnist_test_1000.npz"

    log.info("compiling the trained network to %s", args.out)
    start = time.monotonic()
    compiled = snn2rtl.compile(
        HERE / "mnist_784_400_10.pt",
        args.out,
        calibration=lambda network: load_samples(images, inputs=784, encoder=network.encoder),
    )
    accuracy = compiled.accuracy
    assert accuracy is not None
    assert accuracy.before is not None
    result = f"{accuracy.before:.1%} -> {accuracy.after:.1%} of {accuracy.samples} images"
    table.add_row("compile: float -> integer accuracy", result, _since(start))
    bits = sum(memory.bits for memory in compiled.design.memories)
    layouts = ", ".join(f"{layer.label} {layer.layout.kind} x{layer.lanes}" for layer in compiled.design.layers)
    table.add_row("hardware: lanes, ROM", f"{layouts}; {bits / 1e6:.2f} Mbit", "")

    folder = open_folder(args.out)
    for count, stalls in ((IMAGES, Stalls()), (STALLED_IMAGES, Stalls(64, 64))):
        start = time.monotonic()
        samples: Samples = load_samples(images, inputs=784, encoder=folder.network.encoder, limit=count)
        name = "verify on Verilator" + (", random stalls" if stalls.sender else "")
        log.info("%s: %d images", name, count)
        with bar(name, count) as advance:
            verdict = verify(folder, samples, "verilator", stalls, advance)
        table.add_row(name, f"{count} of {count} images identical, {verdict.spikes} spikes", _since(start))
        if not stalls.sender:
            cycles = verdict.cycles
            table.add_row("cycles an image", f"{cycles:.0f}, {verdict.ratio:.3f} of the limit", "")

    log.info("synthesis, place and route for ECP5: about three minutes")
    start = time.monotonic()
    synth = synthesise(args.out, "ecp5")
    area = f"{synth.lut} LUT4, {synth.ff} FF, {synth.bram:g} {synth.bram_unit}, {synth.dsp} multipliers"
    table.add_row("synthesis, place and route, ECP5", area, _since(start))
    assert synth.fmax_mhz is not None
    table.add_row("clock", f"{synth.fmax_mhz:.1f} MHz: {cycles / synth.fmax_mhz / 1000:.2f} ms an image", "")
    Console(width=120).print(table)
    return 0


def _since(start: float) -> str:
    return f"{time.monotonic() - start:.0f}"


if __name__ == "__main__":
    sys.exit(main())
