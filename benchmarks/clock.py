"""Clock and size on ECP5 against lanes and neurons: random layers, placed and routed by nextpnr.

A point takes minutes; what is in the work folder already is not run again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from common import ROOT, record

from snn2rtl.flows.synth import synthesise
from snn2rtl.network import FixedPointNetwork, Layer, LifNeuron, Reset, ShiftLeak
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.progress import bar
from snn2rtl.rtl.emit import write_rtl
from snn2rtl.rtl.plan import plan

INPUTS, CLASSES, BITS = 784, 10, 8
LANES, NEURONS = (16, 32, 64), (128, 256, 512, 1024)


def network(neurons: int, density: float) -> FixedPointNetwork:
    """Return a network of random weights, thresholds and no bias, with one hidden layer."""
    rng = np.random.default_rng(0)

    def layer(name: str, outputs: int, inputs: int) -> Layer:
        weight = rng.integers(-127, 128, (outputs, inputs)) * (rng.random((outputs, inputs)) < density)
        neuron = LifNeuron(
            fire_at=rng.integers(1000, 2000, outputs),
            reset_by=np.zeros(outputs, np.int64),
            reset=Reset.HARD,
            leak=ShiftLeak(1),
            membrane_bits=16,
        )
        bias = np.zeros(outputs, np.int64)
        return Layer(name=name, weight=weight, weight_bits=BITS, weight_shift=0, bias=bias, neuron=neuron)

    layers = (layer("fc1", neurons, INPUTS), layer("fc2", CLASSES, neurons))
    return FixedPointNetwork(name=f"random_{neurons}", layers=layers, count_bits=8)


def measure(lanes: int, neurons: int, density: float, work: Path) -> dict[str, object]:
    """Return what nextpnr says of a point."""
    home = work / f"{lanes}-{neurons}-{density:g}"
    result = home / "result.json"
    if not result.is_file():
        integer = network(neurons, density)
        design = plan(integer, RtlOptions(lanes=PerLayer(lanes)))
        write_rtl(integer, design, home / "rtl")
        found = synthesise(home / "rtl", "ecp5")
        point = {"lanes": lanes, "neurons": neurons, "density": density, "layout": design.layers[0].layout.kind}
        result.write_text(json.dumps(point | found.to_dict()))
    return dict(json.loads(result.read_text()))


def main() -> None:
    """Measure and write docs/results/clock.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lanes", type=int, nargs="+", default=LANES)
    parser.add_argument("--neurons", type=int, nargs="+", default=NEURONS)
    parser.add_argument("--density", type=float, default=0.1, help="share of the weights that are not zero")
    parser.add_argument(
        "--work", type=Path, default=ROOT / "build" / "clock", help="where designs and results are kept"
    )
    args = parser.parse_args()
    points = [(lanes, neurons) for lanes in args.lanes for neurons in args.neurons]
    with bar("clock", len(points)) as advance:
        for lanes, neurons in points:
            measure(lanes, neurons, args.density, args.work)
            advance(1)
    found = [json.loads(path.read_text()) for path in args.work.glob("*/result.json")]
    keys = ("density", "layout", "lanes", "neurons", "fmax_mhz", "lut", "lutram", "ff", "bram", "slowest_path")
    rows = sorted([point[key] for key in keys] for point in found)
    lines = [
        f"| {1 - density:.0%} | {layout} | {lanes} | {neurons} | {fmax:.1f} | {' | '.join(map(str, rest))} |"
        for density, layout, lanes, neurons, fmax, *rest in rows
    ]
    record(
        "clock",
        "Clock and size on ECP5",
        "python benchmarks/clock.py",
        [
            f"{INPUTS}-N-{CLASSES}, random weights of {BITS} bits; LFE5U-85 of speed grade 6, Yosys and nextpnr-ecp5, "
            "one seed.",
            "",
            "| pruned | layout | lanes | neurons | MHz | LUT4 | LUT4 as memory | FF | DP16KD | slowest path |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
            *lines,
        ],
    )


if __name__ == "__main__":
    main()
