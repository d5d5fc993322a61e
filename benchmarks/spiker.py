"""Spiker+'s network in our hardware, beside Spiker+'s own: 784-128-10, 4-bit weights, 8-bit state, T = 100.

The weights are those that its package trained and cut (spiker_weights.py), dense as they are, then pruned by magnitude
without any training after it. A network of the same sizes that was trained as it was pruned stands beside them
(examples/mnist/spiker_pruned.toml, compiled with --bits 4 --membrane-bits 8 --membrane-fraction 0). Spiker+'s row is
quoted as it was measured in the same flow. A point takes minutes; what is in the work folder already is not run again.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from common import IMAGES, ROOT, record
from spiker_weights import ENCODER, STATE_BITS, WEIGHT_BITS, WEIGHTS

from snn2rtl.data import mnist
from snn2rtl.data.samples import Samples, load_samples
from snn2rtl.fixed_point import IntArray
from snn2rtl.flows.synth import synthesise
from snn2rtl.folder import open_folder
from snn2rtl.int_net import network_file, reference
from snn2rtl.int_net.chain import DenseLayer, chain_of, layers_of
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.neurons import LifNeuron, Reset, ShiftLeak
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.progress import bar
from snn2rtl.rtl.emit import write_rtl
from snn2rtl.rtl.plan import plan
from snn2rtl.verify.engines import Stalls
from snn2rtl.verify.verify import verify

TRAINED = Path(__file__).with_name("spiker_pruned_784_128_10.npz")
THRESHOLD = 64  # 1.0 with 6 fraction bits; snnTorch fires above it
LEAK = 4  # beta = 1 - 2**-4
# 784-128-10, w4 / v8, spikerplus 2.0.3 with GHDL 2.0, Yosys 0.70 and nextpnr-ecp5 0.11.1, 500 test images
SPIKER = {
    "name": "Spiker+ 2.0.3, as recorded",
    "cycles": 91187,
    "lut": 7706,
    "ff": 3841,
    "bram": 15.5,
    "lut4": 16051,
    "dp16kd": 31,
    "mhz": 49.6,
    "accuracy": 0.942,
}


def networks(shares: Sequence[float]) -> dict[str, FixedPointNetwork]:
    """Return Spiker+'s network with each share of its weights pruned, and the one that was trained so, by name."""
    found = {f"{share:.0%} pruned": _pruned(share) for share in shares}
    trained = network_file.load(TRAINED)
    zero = np.concatenate([layer.weight.ravel() == 0 for layer in layers_of(trained)])
    return found | {f"trained, {zero.mean():.0%} pruned": trained}


def _pruned(share: float) -> FixedPointNetwork:
    """Return Spiker+'s network without a share of its weights, the smallest of each layer first."""
    with np.load(WEIGHTS) as arrays:
        layers = tuple(_layer(name, prune(arrays[name].astype(np.int64), share)) for name in ("fc1", "fc2"))
    return chain_of(name="spiker", layers=layers, count_bits=8, encoder=ENCODER)


def prune(weight: IntArray, share: float) -> IntArray:
    """Return the weights with at least ``share`` of them zero: of equal ones the first in the array go."""
    order = np.argsort(np.abs(weight), axis=None, kind="stable")
    kept = weight.copy()
    kept.flat[order[: round(share * weight.size)]] = 0
    return kept


def _layer(name: str, weight: IntArray) -> DenseLayer:
    neurons = len(weight)
    neuron = LifNeuron(
        fire_at=np.full(neurons, THRESHOLD + 1),
        reset_by=np.full(neurons, THRESHOLD),
        reset=Reset.SOFT,
        leak=ShiftLeak(LEAK),
        membrane_bits=STATE_BITS,
    )
    bias = np.zeros(neurons, np.int64)
    return DenseLayer(name=name, weight=weight, weight_bits=WEIGHT_BITS, weight_shift=0, bias=bias, neuron=neuron)


def accuracy(network: FixedPointNetwork, test: Samples) -> float:
    """Return the accuracy of the golden model."""
    assert test.labels is not None
    right = 0
    for first in range(0, len(test), 500):
        found = reference.run(network, test.inputs(first, first + 500), record_spikes=False)
        right += int((found.classes == test.labels[first : first + 500]).sum())
    return right / len(test)


def measure(name: str, integer: FixedPointNetwork, lanes: int, images: int, test: Samples, work: Path) -> None:
    """Keep what a point takes: cycles in Verilator, sizes on xc7 and ECP5, clock on ECP5."""
    home = work / re.sub(r"\W+", "-", f"{name} {lanes}")
    result = home / "result.json"
    if not result.is_file():
        # the second layer has as few lanes as do not make it the slower one
        design = plan(integer, RtlOptions(lanes=PerLayer(lanes, {"fc2": max(1, min(10, lanes // 8))})))
        write_rtl(integer, design, home / "rtl")
        folder = open_folder(home / "rtl")
        samples = load_samples(IMAGES, inputs=784, encoder=ENCODER, limit=images)
        run = verify(folder, samples, "verilator", Stalls(), lambda _: None)
        xilinx = synthesise(home / "rtl", "xc7")
        lattice = synthesise(home / "rtl", "ecp5")
        layout = "/".join(layer.layout.kind for layer in design.layers)
        point = {
            "name": f"{name}, {layout}, {design.layers[0].lanes} lanes",
            "cycles": run.cycles,
            "lut": xilinx.lut + xilinx.lutram,
            "ff": xilinx.ff,
            "bram": xilinx.bram,
            "lut4": lattice.lut + lattice.lutram,
            "dp16kd": lattice.bram,
            "mhz": lattice.fmax_mhz,
            "accuracy": accuracy(integer, test),
        }
        result.write_text(json.dumps(point))


def row(point: dict[str, Any]) -> str:
    """Return a line of the table."""
    time, times = point["cycles"] / point["mhz"], SPIKER["cycles"] / point["cycles"]
    quicker = SPIKER["cycles"] / SPIKER["mhz"] / time
    return (
        f"| {point['name']} | {point['cycles']:.0f} | {times:.1f} | {point['lut']} | {point['ff']} | {point['bram']:g} "
        f"| {point['lut4']} | {point['dp16kd']:g} | {point['mhz']:.1f} | {time:.0f} | {quicker:.1f} "
        f"| {point['accuracy']:.2%} |"
    )


def main() -> None:
    """Measure and write docs/results/spiker.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the MNIST files")
    parser.add_argument("--pruned", type=float, nargs="*", default=(0.0, 0.8))
    parser.add_argument("--lanes", type=int, nargs="+", default=(8, 16, 32, 128))
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "spiker", help="where results are kept")
    args = parser.parse_args()
    images, labels = mnist.load("test", args.data)
    test = Samples(images.reshape(len(images), -1), labels.astype(np.int64), ENCODER)
    points = [(name, one, lanes) for name, one in networks(args.pruned).items() for lanes in args.lanes]
    with bar("spiker", len(points)) as advance:
        for name, one, lanes in points:
            measure(name, one, lanes, args.images, test, args.work)
            advance(1)
    found = [json.loads(path.read_text()) for path in sorted(args.work.glob("*/result.json"))]
    rate = test.inputs(0, args.images).sum() / args.images / ENCODER.time_steps
    record(
        "spiker",
        "Spiker+'s network in our hardware",
        "make spiker",
        [
            f"784-128-10, {WEIGHT_BITS}-bit weights of Spiker+'s trainer, {STATE_BITS}-bit membranes that saturate, "
            f"T = {ENCODER.time_steps}; {args.images} test images in Verilator, every spike the golden model's, "
            f"{rate:.1f} input spikes a step (Spiker+'s images: 94.5); accuracy of ours on all {len(test)} images. "
            "Pruned: Spiker+'s weights, the smallest zero, without training after it. Trained: the same sizes, widths, "
            "leak and spikes, trained by this project as it was pruned (examples/mnist/spiker_pruned.toml). "
            "One flow for all: Yosys 0.70 (xc7: LUTs as logic and memory, flip-flops, "
            "RAMB36), nextpnr-ecp5, LFE5U-85 of speed grade 6.",
            "",
            "| hardware | cycles an image | times fewer | LUT | FF | RAMB36 | LUT4 | DP16KD | MHz | us an image "
            "| times faster | accuracy |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
            row(SPIKER),
            *map(row, found),
        ],
    )


if __name__ == "__main__":
    main()
