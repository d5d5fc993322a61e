"""The table of the reference report on MNIST: every technique trained, compiled, measured on all test images."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.pyplot as plt
from common import IMAGES, RESULTS, record
from matplotlib.ticker import MaxNLocator
from mnist_identity import spikes_in_common
from mnist_lab import Job, Measured, arguments, run_all

from snn2rtl.api import compile
from snn2rtl.data.samples import load_samples
from snn2rtl.frontend import load
from snn2rtl.measure import metrics
from snn2rtl.measure.latency import latencies
from snn2rtl.options import PerLayer, QuantizeOptions

# What the reference report has: accuracy in percent, size as a share of the baseline's
ROWS = {
    "baseline": ("Baseline", 97.0, 1.0),
    "pruned": ("+ dynamic pruning", 96.3, 0.6),
    "tuned": ("+ auto-tuning", 96.7, 0.6),
    "dropout": ("+ dropout", 96.8, 1.0),
    "batch_norm": ("+ batch normalization", 96.9, 1.0),
    "rate_penalty": ("+ firing-rate regularization", 96.6, 1.0),
    "combined": ("+ all combined", 96.1, 0.55),
    "pruned_90_qat_4": ("90 % pruned, 4-bit QAT", None, None),
}


def main() -> None:
    """Train, measure and write docs/results/mnist.md and mnist.png."""
    args = arguments(__doc__ or "")
    names = [name for name in ROWS if not args.only or name in args.only]
    jobs = [Job(name, name, seed=seed) for seed in range(args.seeds) for name in names]
    results = run_all(jobs, args.runs, args.data, args.workers)
    lines = ["| technique | seeds | integer % | lowest | float % | bits | size | reference % | reference size |",
             "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"]  # fmt: skip
    costs = ["| technique | non-zero weights | spikes an image | synaptic operations an image | epochs |",
             "| --- | --- | --- | --- | --- |"]  # fmt: skip
    for name in names:
        runs = [results[job] for job in jobs if job.name == name]
        lines.append(_row(name, runs))
        costs.append(_costs(name, runs))
    sizes = ["| technique | parameters | dense MACs | int8 kB | memory kB | layout | golden ms | SpikingJelly ms |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]  # fmt: skip
    firsts = {name: Job(name, name) for name in names}
    sizes += [_sizes(name, args.runs / job.folder / "model.pt", results[job]) for name, job in firsts.items()]
    compared = sum(spikes_in_common(args.runs / job.folder, args.data) for job in jobs if job.config().bits)
    _curves([(name, args.runs / f"{name}-0") for name in names], RESULTS / "mnist.png")
    said = [
        "",
        "Memory: of the weights, in the layout that compile chooses for each layer. Latency: of one sample, batch 1,",
        "median after a warm-up, one thread. `snn2rtl measure` prints these for any model.",
        "",
        "tuned.toml: `snn2rtl tune mnist --config examples/mnist/search.toml --trials 21`. 12 trials ran to their end,",
        "9 were stopped; the last 10,000 training images judged, no test image.",
        "",
        "![trials of the study](mnist_tune_history.png)",
        "![importance of the options](mnist_tune_importance.png)",
        "",
        f"Quantization-aware networks beside their integer networks: {compared:,} spikes of all layers on all 10,000",
        "test images, every one the same.",
    ]
    record(
        "mnist",
        "MNIST, 784-400-10 LIF, Poisson coding",
        "make results-mnist",
        [*_protocol(jobs), *lines, "", *costs, "", *sizes, *said],
    )


def _row(name: str, runs: list[Measured]) -> str:
    title, reference, size = ROWS[name]
    accuracies = [run.accuracy for run in runs]
    mean = sum(accuracies) / len(runs)
    of_floats = sum(run.float_accuracy for run in runs) / len(runs)
    ours = sum(run.nonzero / run.weights for run in runs) / len(runs)
    theirs = ("", "") if reference is None else (f"{reference}", f"{size}x")
    cells = (
        title,
        len(runs),
        f"{mean:.2f}",
        f"{min(accuracies):.2f}",
        f"{of_floats:.2f}",
        runs[0].bits,
        f"{ours:.2f}x",
    )
    return f"| {' | '.join(map(str, (*cells, *theirs)))} |"


def _costs(name: str, runs: list[Measured]) -> str:
    n = len(runs)
    cells = (
        ROWS[name][0],
        f"{sum(run.nonzero for run in runs) / n:.0f}",
        f"{sum(run.spikes for run in runs) / n:.0f}",
        f"{sum(run.operations for run in runs) / n:.0f}",
        runs[0].epochs,
    )
    return f"| {' | '.join(map(str, cells))} |"


def _sizes(name: str, model: Path, run: Measured) -> str:
    source = load(model)
    compiled = compile(source, quantize=QuantizeOptions(bits=PerLayer(run.bits)))
    network = compiled.network
    samples = load_samples(IMAGES, inputs=network.num_inputs, encoder=network.encoder, limit=100)
    found = metrics.measure(network, compiled.design, metrics.observe(network, samples), None)
    golden, spikingjelly = (timed.median * 1e3 for timed in latencies(network, source, samples, 7, 1)[:2])
    cells = (
        ROWS[name][0],
        f"{metrics.total(found.layers, 'parameters'):,}",
        f"{metrics.total(found.layers, 'macs'):,}",
        f"{sum(layer.bits_as('int8') for layer in found.layers) / 8e3:.1f}",
        f"{sum(layer.bits[layer.layout] for layer in found.layers) / 8e3:.1f}",
        ", ".join(layer.layout for layer in found.layers),
        f"{golden:.2f}",
        f"{spikingjelly:.2f}",
    )
    return f"| {' | '.join(cells)} |"


def _protocol(jobs: list[Job]) -> list[str]:
    config = jobs[0].config()
    return [
        f"Recipes: examples/mnist/*.toml. Trained on all 60,000 training images, {config.train_time_steps} time steps",
        f"a sample, one core a run; measured on all 10,000 test images with T = {config.time_steps}, on the integer",
        "network of `snn2rtl compile --bits` (golden model), encoder seed 0. Size: non-zero weights over all weights",
        "of the baseline. float: the trained network before compile, at the width of its training. Mean over the",
        "seeds, and the lowest of them.",
        "",
        "![accuracy while training](mnist.png)",
        "",
    ]


def _curves(runs: list[tuple[str, Path]], path: Path) -> None:
    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for name, folder in runs:
        history = json.loads((folder / "results.json").read_text())["history"]
        accuracy = [entry["test"]["accuracy"] for entry in history]
        axes.plot(range(1, len(history) + 1), accuracy, label=ROWS[name][0], linewidth=1.5)
    axes.set(xlabel="epoch", ylabel="accuracy on test images (%)", ylim=(94, None))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, ncols=2, loc="lower right")
    figure.savefig(path, dpi=130)
    plt.close(figure)


if __name__ == "__main__":
    main()
