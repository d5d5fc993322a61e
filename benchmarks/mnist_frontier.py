"""Accuracy against weights, bits and time steps of directly coded networks; and QAT beside quantizing afterwards."""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
from common import RESULTS, record
from mnist_identity import spikes_in_common
from mnist_lab import Job, Measured, arguments, run_all

from snn2rtl.compiler import compile_network
from snn2rtl.frontend import load
from snn2rtl.options import PerLayer, QuantizeOptions

BITS = (2, 3, 4, 8)
STEPS = (1, 2, 4, 8)
SPARSITIES = (0.9, 0.95)


def main() -> None:
    """Train, measure and write docs/results/mnist_direct.md and mnist_direct.png."""
    args = arguments(__doc__ or "")
    jobs = [
        _job(bits, steps, sparsity) for steps in reversed(STEPS) for bits in (4, 3, 2, 8) for sparsity in SPARSITIES
    ]
    jobs += [Job("direct-float", "direct", (("bits", 0),))]
    results = run_all(jobs, args.runs, args.data, args.workers)
    lines = ["| T | bits | pruned | accuracy % | non-zero weights | weight bits | synaptic operations an image |",
             "| --- | --- | --- | --- | --- | --- | --- |"]  # fmt: skip
    points = {(bits, steps, sparsity): results[_job(bits, steps, sparsity)]
              for bits in BITS for steps in STEPS for sparsity in SPARSITIES}  # fmt: skip
    for (bits, steps, sparsity), one in sorted(points.items(), key=lambda item: -item[1].accuracy):
        cells = (
            steps,
            bits,
            f"{sparsity:.0%}",
            f"{one.accuracy:.2f}",
            one.nonzero,
            one.nonzero * bits,
            f"{one.operations:.0f}",
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    compared = sum(spikes_in_common(args.runs / _job(*point).folder, args.data) for point in points)
    said = [
        "",
        f"Every network beside its integer network: {compared:,} spikes of all layers on all 10,000 test images, every",
        "one the same.",
        "",
    ]
    _plot(points, RESULTS / "mnist_direct.png")
    record(
        "mnist_direct",
        "MNIST, 784-400-10 LIF, direct coding",
        "make results-mnist",
        [*_protocol(), *lines, *said, *_afterwards(args, results)],
    )


def _job(bits: int, steps: int, sparsity: float) -> Job:
    changes = (("bits", bits), ("time_steps", steps), ("sparsity", sparsity))
    return Job(f"direct-{bits}b-{steps}t-{round(100 * sparsity)}", "direct", changes)


def _protocol() -> list[str]:
    return [
        "Recipe: examples/mnist/direct.toml, trained on all 60,000 training images; one seed,",
        "one core a run. Accuracy of the integer network (golden model) on all 10,000 test images.",
        "",
        "![accuracy against weights](mnist_direct.png)",
        "",
    ]


def _afterwards(args: argparse.Namespace, results: dict[Job, Measured]) -> list[str]:
    """Return quantization-aware training beside quantizing the same float network afterwards."""
    from mnist_lab import measure

    float_run = Job("direct-float", "direct", (("bits", 0),))
    source = load(args.runs / float_run.folder / "model.pt")
    lines = ["T = 8, 90 % pruned:", "", "| bits | quantized after training % | QAT % |", "| --- | --- | --- |"]
    for bits in BITS:
        network = compile_network(source, QuantizeOptions(bits=PerLayer(bits)))[0]
        after = measure(network, args.data, results[float_run].float_accuracy, float_run.config(), 0)
        lines.append(f"| {bits} | {after.accuracy:.2f} | {results[_job(bits, 8, 0.9)].accuracy:.2f} |")
    lines.append(f"| float | {results[float_run].float_accuracy:.2f} | |")
    return lines


def _plot(points: dict[tuple[int, int, float], Measured], path: Path) -> None:
    colours = dict(zip(BITS, ("#D55E00", "#E69F00", "#0072B2", "#555555"), strict=True))
    figure, panels = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
    for axes, sparsity in zip(panels, SPARSITIES, strict=True):
        for bits in BITS:
            accuracy = [points[bits, steps, sparsity].accuracy for steps in STEPS]
            axes.plot(STEPS, accuracy, "o-", color=colours[bits], label=f"{bits} bits")
        weights = points[4, 4, sparsity].nonzero
        axes.set(
            title=f"{sparsity:.0%} pruned: about {round(weights, -2):,} weights", xlabel="time steps T", xscale="log"
        )
        axes.set_xticks(STEPS, map(str, STEPS))
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("integer accuracy on 10,000 test images (%)")
    panels[0].legend()
    figure.savefig(path, dpi=130)
    plt.close(figure)


if __name__ == "__main__":
    main()
