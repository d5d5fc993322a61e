"""Clock and size on ECP5 against lanes and neurons: random layers, placed and routed by nextpnr from several seeds.

A point takes minutes; what is in the work folder already is not run again.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from common import ROOT, record

from snn2rtl.flows.synth import synthesise
from snn2rtl.int_net.chain import DenseLayer, chain_of
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.neurons import LifNeuron, Reset, ShiftLeak
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.progress import bar
from snn2rtl.rtl.emit import write_rtl
from snn2rtl.rtl.plan import plan

INPUTS, CLASSES, BITS = 784, 10, 8
LANES, NEURONS = (16, 32, 64), (128, 256, 512, 1024)


def network(neurons: int, density: float) -> FixedPointNetwork:
    """Return a network of random weights, thresholds and no bias, with one hidden layer."""
    rng = np.random.default_rng(0)

    def layer(name: str, outputs: int, inputs: int) -> DenseLayer:
        weight = rng.integers(-127, 128, (outputs, inputs)) * (rng.random((outputs, inputs)) < density)
        neuron = LifNeuron(
            fire_at=rng.integers(1000, 2000, outputs),
            reset_by=np.zeros(outputs, np.int64),
            reset=Reset.HARD,
            leak=ShiftLeak(1),
            membrane_bits=16,
        )
        bias = np.zeros(outputs, np.int64)
        return DenseLayer(name=name, weight=weight, weight_bits=BITS, weight_shift=0, bias=bias, neuron=neuron)

    layers = (layer("fc1", neurons, INPUTS), layer("fc2", CLASSES, neurons))
    return chain_of(name=f"random_{neurons}", layers=layers, count_bits=8)


def measure(lanes: int, neurons: int, density: float, seeds: int, work: Path) -> None:
    """Keep what nextpnr says of a point."""
    home = work / f"{lanes}-{neurons}-{density:g}"
    result = home / "result.json"
    if not result.is_file():
        integer = network(neurons, density)
        design = plan(integer, RtlOptions(lanes=PerLayer(lanes)))
        write_rtl(integer, design, home / "rtl")
        found = synthesise(home / "rtl", "ecp5", seeds=seeds)
        point = {"lanes": lanes, "neurons": neurons, "density": density, "layout": design.layers[0].layout.kind}
        result.write_text(json.dumps(point | found.to_dict()))


def main() -> None:
    """Measure and write docs/results/clock.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lanes", type=int, nargs="+", default=LANES)
    parser.add_argument("--neurons", type=int, nargs="+", default=NEURONS)
    parser.add_argument("--density", type=float, default=0.1, help="share of the weights that are not zero")
    parser.add_argument("--seeds", type=int, default=3, help="places and routes of a point [%(default)s]")
    parser.add_argument(
        "--work", type=Path, default=ROOT / "build" / "clock", help="where designs and results are kept"
    )
    args = parser.parse_args()
    points = [(lanes, neurons) for lanes in args.lanes for neurons in args.neurons]
    with bar("clock", len(points)) as advance:
        for lanes, neurons in points:
            measure(lanes, neurons, args.density, args.seeds, args.work)
            advance(1)
    write([json.loads(path.read_text()) for path in args.work.glob("*/result.json")])


def write(points: list[dict[str, Any]]) -> None:
    """Write docs/results/clock.md; the clock of a point is the median of its seeds."""
    points = sorted(points, key=lambda point: [point[key] for key in ("density", "lanes", "neurons")])
    clocks = [statistics.median(point["seeds_mhz"]) for point in points]
    best = {
        point["lanes"]: max(mhz for one, mhz in zip(points, clocks, strict=True) if one["lanes"] == point["lanes"])
        for point in points
    }
    lines = [_row(point, mhz, best[point["lanes"]]) for point, mhz in zip(points, clocks, strict=True)]
    record(
        "clock",
        "Clock and size on ECP5",
        "python benchmarks/clock.py",
        [*NOTES.splitlines(), "", "| " + " | ".join(COLUMNS) + " |", "| --- " * len(COLUMNS) + "|", *lines],
    )


NOTES = f"""\
{INPUTS}-N-{CLASSES}, random weights of {BITS} bits; LFE5U-85 of speed grade 6, Yosys, nextpnr-ecp5. A placement moves
the clock by several MHz: the clock here is the median of the seeds of the placer, beside the slowest and the fastest.
Below the best: how far the median is below the one of the fastest size with as many lanes."""
COLUMNS = ("pruned", "layout", "lanes", "neurons", "MHz", "seeds", "slowest to fastest", "below the best", "LUT4",
    "LUT4 as memory", "FF", "DP16KD", "slowest path of the fastest")  # fmt: skip


def _row(point: Mapping[str, Any], mhz: float, best: float) -> str:
    seeds = point["seeds_mhz"]
    sizes = " | ".join(str(point[key]) for key in ("lut", "lutram", "ff", "bram", "slowest_path"))
    what = f"{1 - point['density']:.0%} | {point['layout']} | {point['lanes']} | {point['neurons']}"
    clock = f"{mhz:.1f} | {len(seeds)} | {min(seeds):.1f} to {max(seeds):.1f}"
    return f"| {what} | {clock} | {1 - mhz / best:.1%} | {sizes} |"


if __name__ == "__main__":
    main()
