"""What sparsity buys: MNIST networks of falling weights in the same hardware; the fastest; the smallest."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import matplotlib.pyplot as plt
from common import RESULTS, ROOT, record
from hardware_points import ECP5_AND_XC7, IMAGES, Parts, Point, measured
from mnist_lab import Job, arguments

Found = Mapping[str, Any]

SPARSITIES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.97)
SPIKER_CYCLES, SPIKER_US = 78_000, 780  # an image, as published (100 MHz); it visits every input in every step


def sweep_point(sparsity: float, lanes: int = 16, parts: Parts = ECP5_AND_XC7, layout: str = "auto") -> Point:
    """Return the direct recipe's network with another share of weights pruned, its first layer in a layout."""
    run = f"pruned-{round(100 * sparsity)}"
    name = f"{run}-{lanes}-lanes" + ("" if layout == "auto" else f"-{layout}")
    return Point(name, Job(run, "direct", (("sparsity", sparsity),)), lanes, parts=parts, layout=layout)


FAST = Point("fast", ROOT / "examples" / "mnist_fast.npz", 18)
SMALL = Point("small", ROOT / "examples" / "mnist_small.npz", 1, beat_pixels=1, parts=(("ice40", "up5k"),))
SWEEP = {sparsity: sweep_point(sparsity) for sparsity in SPARSITIES}
LIMITS = [
    *(SWEEP[0.0] if lanes == 16 else sweep_point(0.0, lanes, ()) for lanes in (16, 32, 64)),
    *(sweep_point(0.0, lanes, (), "ragged") for lanes in (16, 32, 64)),
    *(SWEEP[0.9] if lanes == 16 else sweep_point(0.9, lanes, ()) for lanes in (16, 32, 64)),
]


def main() -> None:
    """Measure and write docs/results/hardware.md and hardware.png."""
    args = arguments(__doc__ or "")
    work = ROOT / "build" / "hardware"
    points = [
        point
        for point in dict.fromkeys((FAST, SMALL, *SWEEP.values(), *LIMITS))
        if not args.only or point.name in args.only
    ]
    with ProcessPoolExecutor(args.workers) as pool:
        futures = {point: pool.submit(measured, point, args.runs, work, args.data) for point in points}
        results = {point: future.result() for point, future in futures.items()}
    sections = {
        _fast: [FAST],
        _small: [SMALL],
        _sweep: [*SWEEP.values()],
        _limits: LIMITS,
    }
    lines = [
        line
        for section, wanted in sections.items()
        if results.keys() >= set(wanted)
        for line in section([results[point] for point in wanted])
    ]
    record("hardware", "MNIST in hardware", "make results-hardware", lines)


def _title(found: Found) -> str:
    steps, pruned, bits = found["time_steps"], found["pruned"], found["bits"]
    return f"{found['sizes']}, T = {steps}, {pruned:.0%} of the weights zero, the rest {bits} bits"


def _luts(part: Found) -> int:
    """Return the look-up tables, those that serve as memory included."""
    return int(part["lut"] + part["lutram"])


def _fast(points: list[Found]) -> list[str]:
    (found,) = points
    ecp5, xc7, alone, in_a_row = (found[key] for key in ("ecp5", "xc7", "alone", "in_a_row"))
    mhz = ecp5["fmax_mhz"]
    figures = {
        "accuracy, integer network, 10,000 test images": f"{found['accuracy']:.2f} %",
        "latency": f"{alone['latency']:.0f} cycles, {alone['latency'] / mhz:.2f} us",
        "worst latency": f"{alone['worst']} cycles, {alone['worst'] / mhz:.2f} us",
        "images in a row": f"one in {in_a_row['cycles']:.0f} cycles, {mhz * 1e6 / in_a_row['cycles']:,.0f} a second",
        "ECP5": f"{mhz:.1f} MHz, {_luts(ecp5):,} LUT4 ({ecp5['lutram']:,} of them memory), {ecp5['ff']:,} FF, "
        f"{ecp5['bram']:g} DP16KD, {ecp5['dsp']} multipliers",
        "7 series": f"{_luts(xc7):,} LUT ({xc7['lutram']:,} of them memory), {xc7['ff']:,} FF, {xc7['bram']:g} RAMB36, "
        f"{xc7['dsp']} DSP48E1",
        "Spiker+, as published": f"93.85 %, {SPIKER_US} us, 7,612 logic cells, 18 block memories",
    }
    return [
        f"## An image in {alone['latency'] / mhz:.1f} us",
        "",
        f"{_title(found)}, {found['point']['lanes']} lanes (examples/mnist_fast.npz).",
        "Pixels enter, eight in a beat of 64 bits; the class leaves. Latency: from the first beat of pixels to the",
        f"class, both counted, of images that come alone; the first {IMAGES} test images, every spike compared with",
        "the golden model. Clock: nextpnr-ecp5, speed grade 6.",
        "",
        "| what | figure |",
        "| --- | --- |",
        *(f"| {what} | {figure} |" for what, figure in figures.items()),
        "",
    ]


def _small(points: list[Found]) -> list[str]:
    (found,) = points
    part, alone = found["ice40"], found["alone"]
    mhz = part["fmax_mhz"]
    return [
        "## The smallest: iCE40 UP5K",
        "",
        f"{_title(found)}, one lane, a pixel in a beat (examples/mnist_small.npz): {found['accuracy']:.2f} % of all",
        f"test images, {alone['latency']:.0f} cycles an image, {alone['latency'] / mhz:.0f} us at {mhz:.1f} MHz; "
        f"{part['lut']:,} of 5,280 LUT4, {part['ff']:,} FF,",
        f"{part['bram']:g} of 30 block memories, {part['dsp']} of 8 multipliers; placed and routed by nextpnr-ice40.",
        "",
    ]


def _sweep(points: list[Found]) -> list[str]:
    _plot(points, RESULTS / "hardware.png")
    lines = [
        "## Sparsity pays",
        "",
        "784-400-10, T = 8, 4 bits, 16 lanes: the recipe examples/mnist/direct.toml with another share pruned. Over",
        "the entropy: bits of the weights in their layout over those of their values and the entropy of their places,",
        "of each layer. Cycles as above, ECP5.",
        "",
        "![cycles and memory against sparsity](hardware.png)",
        "",
        "| pruned | accuracy % | non-zero | latency | in a row | weight bits | layouts | over the entropy | LUT4 | FF "
        "| DP16KD | MHz | us |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in points:
        ecp5, alone = one["ecp5"], one["alone"]
        cells = (
            f"{one['pruned']:.0%}",
            f"{one['accuracy']:.2f}",
            f"{one['nonzero']:,}",
            f"{alone['latency']:.0f}",
            f"{one['in_a_row']['cycles']:.0f}",
            f"{_bits(one):,}",
            ", ".join(layer["layout"] for layer in one["layers"]),
            ", ".join(f"{layer['bits'] / layer['entropy_bits']:.2f}" for layer in one["layers"]),
            f"{_luts(ecp5):,}",
            f"{ecp5['ff']:,}",
            f"{ecp5['bram']:g}",
            f"{ecp5['fmax_mhz']:.1f}",
            f"{alone['latency'] / ecp5['fmax_mhz']:.2f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def _limits(points: list[Found]) -> list[str]:
    lines = [
        "## Beside the limit",
        "",
        f"Cycles of {IMAGES} images in a row over what no event-driven hardware with so many lanes can go below.",
        "Some weights of 4 bits are zero before any is pruned: the limit leaves those out, dense rows walk them,",
        "ragged ones do not (`--layout ragged`). Weights of 8 bits hardly are zero: dense rows of those are in",
        "[verify_mnist.md](verify_mnist.md).",
        "",
        "| pruned | first layer | lanes | weight bits | cycles | limit | ratio |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in points:
        run, first = one["in_a_row"], one["layers"][0]["layout"]
        cells = (f"{one['pruned']:.0%}", first, one["point"]["lanes"], f"{_bits(one):,}", f"{run['cycles']:.0f}",
            f"{run['limit']:.0f}", f"{run['ratio']:.3f}")  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


def _bits(found: Found) -> int:
    return sum(layer["bits"] for layer in found["layers"])


def _plot(found: list[Found], path: Any) -> None:
    pruned = [100 * one["pruned"] for one in found]
    figure, (cycles, memory) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    cycles.plot(pruned, [one["alone"]["latency"] for one in found], "o-", color="#0072B2", label="latency, alone")
    cycles.plot(pruned, [one["in_a_row"]["cycles"] for one in found], "s--", color="#009E73", label="images in a row")
    cycles.axhline(SPIKER_CYCLES, color="#D55E00", label="Spiker+ (784-128-10), as published")
    cycles.set(xlabel="weights pruned (%)", ylabel="cycles an image, 16 lanes", yscale="log")
    memory.plot(pruned, [_bits(one) / 1000 for one in found], "o-", color="#0072B2", label="as stored")
    entropy = [sum(layer["entropy_bits"] for layer in one["layers"]) / 1000 for one in found]
    memory.plot(pruned, entropy, "--", color="#555555", label="values and entropy of their places")
    memory.axhline(found[0]["weights"] * 4 / 1000, color="#D55E00", label="every weight stored")
    memory.set(xlabel="weights pruned (%)", ylabel="weights, thousands of bits", ylim=0)
    for axes in (cycles, memory):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=130)
    plt.close(figure)


if __name__ == "__main__":
    main()
