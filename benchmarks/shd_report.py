"""The four systems of the second reference report, trained on SHD by one loop and measured: docs/results/shd.md."""

from __future__ import annotations

import argparse
import json
import logging
import math
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import matplotlib
import numpy as np
import torch
from common import RESULTS, record
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, NullFormatter
from shd_systems import SYSTEMS, System, operations
from torch import nn
from torch.nn import functional

from snn2rtl.data.events import Binning
from snn2rtl.data.shd import CLASSES, WORDS, hold_out
from snn2rtl.data.shd_cache import Recordings, find, load
from snn2rtl.fixed_point import IntArray
from snn2rtl.measure import plots
from snn2rtl.measure.latency import time_calls
from snn2rtl.output import write_file
from snn2rtl.training.recordings import augment
from snn2rtl.training.tasks.shd import ShdConfig

BINNING = Binning(step_ms=10, time_steps=140, channels=700)
AUGMENT = ShdConfig(time_steps=140, channels=700, shift_channels=40, shift_steps=0, stretch=0.25, stretch_channels=0.15)
TIMED_BATCH, REPEATS = 32, 15
COLOURS = (plots.BLUE, "#56B4E9", plots.GREY, plots.ORANGE)
log = logging.getLogger("shd")


@dataclass(frozen=True)
class Measured:
    """losses: mean cross-entropy of each epoch; accuracies: after each, percent; operations: of a recording.

    inference_s, seconds: processor time of a batch, and of the training.
    """

    losses: list[float]
    accuracies: list[float]
    confusion: list[list[int]]
    parameters: int
    inference_s: float
    macs: float
    operations: float
    seconds: float


def train(system: System, data: Recordings, learn: IntArray, test: Recordings, judge: IntArray, seed: int) -> Measured:
    """Train for the report's epochs with Adam; the last epoch is what counts, none is chosen."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    model, losses, accuracies = system.build(), [], []
    optimizer = torch.optim.Adam(model.parameters(), lr=system.lr)
    batches = system.epochs * math.ceil(len(learn) / system.batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, batches)
    seconds = 0.0
    for epoch in range(1, system.epochs + 1):
        start = time.process_time()
        losses.append(_epoch(model, optimizer, schedule, data, learn, system.batch_size, random))
        seconds += time.process_time() - start
        confusion = _confusion(model, test, judge)
        accuracies.append(100 * float(confusion.trace() / confusion.sum()))
        log.info("%s: epoch %d, loss %.3f, accuracy %.2f %%", system.title, epoch, losses[-1], accuracies[-1])
    batch = _batch(test, judge[:TIMED_BATCH])
    macs, sparse = operations(model, _batch(test, judge[:: max(1, len(judge) // 200)]))
    with torch.no_grad():
        inference = statistics.median(time_calls(lambda: model(batch), REPEATS, time.process_time))
    parameters = sum(one.numel() for one in model.parameters())
    return Measured(losses, accuracies, confusion.tolist(), parameters, inference, macs, sparse, seconds)


def _batch(data: Recordings, numbers: IntArray) -> torch.Tensor:
    return torch.from_numpy(data.batch(numbers)).float()


def _epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    data: Recordings,
    learn: IntArray,
    batch_size: int,
    random: np.random.Generator,
) -> float:
    model.train()
    total = 0.0
    for numbers in np.array_split(random.permutation(learn), math.ceil(len(learn) / batch_size)):
        spikes = augment(torch.from_numpy(data.batch(numbers)).transpose(0, 1), AUGMENT).transpose(0, 1).float()
        loss = functional.cross_entropy(model(spikes), torch.from_numpy(data.labels[numbers]))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        total += float(loss.detach()) * len(numbers)
    return total / len(learn)


def _confusion(model: nn.Module, data: Recordings, numbers: IntArray) -> IntArray:
    """Return how often each label (rows) was taken for each class (columns)."""
    model.eval()
    matrix = np.zeros((CLASSES, CLASSES), np.int64)
    with torch.no_grad():
        for some in np.array_split(numbers, math.ceil(len(numbers) / 128)):
            classes = model(_batch(data, some)).argmax(1).numpy()
            np.add.at(matrix, (data.labels[some], classes), 1)
    return matrix


def main() -> None:
    """Train what is not yet measured, and write the table and the plots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of shd_train.h5, shd_test.h5")
    parser.add_argument("--runs", type=Path, default=Path("runs/shd"), help="where measurements are kept [%(default)s]")
    parser.add_argument("--only", nargs="*", choices=SYSTEMS, default=list(SYSTEMS), help="systems to train")
    parser.add_argument("--held-out", type=int, nargs="*", metavar="SPEAKER",
        help="measure on these training speakers, not on the test file, and write no table")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    data = test = load(find("train", args.data), BINNING)
    if args.held_out:
        learn, judge = hold_out(data.speakers, args.held_out)
    else:
        test = load(find("test", args.data), BINNING)
        learn, judge = np.arange(len(data)), np.arange(len(test))
    for name in args.only:
        kept = args.runs / f"{name}-{args.seed}.json"
        if args.held_out:
            train(SYSTEMS[name], data, learn, test, judge, args.seed)
        elif not kept.exists():
            found = train(SYSTEMS[name], data, learn, test, judge, args.seed)
            write_file(kept, lambda partial, found=found: partial.write_text(json.dumps(asdict(found))))
    if not args.held_out:
        kept = {name: args.runs / f"{name}-{args.seed}.json" for name in SYSTEMS}
        write(
            {name: Measured(**json.loads(path.read_text())) for name, path in kept.items() if path.exists()}, args.seed
        )


def write(results: dict[str, Measured], seed: int) -> None:
    """Write docs/results/shd.md and its plots."""
    with matplotlib.rc_context(plots.STYLE):
        figures = {"shd_curves": curves(results), "shd_comparison": comparison(results)}
        for name, found in results.items():
            figures[f"shd_confusion_{name}"] = confusion(found, SYSTEMS[name].title)
        for name, figure in figures.items():
            figure.savefig(RESULTS / f"{name}.png", bbox_inches="tight", metadata={"Software": None})
    columns = ("system", "parameters", "epochs", "loss, first to last epoch", "accuracy %", "report %",
        f"inference of {TIMED_BATCH}, ms", "dense MACs", "synaptic operations", "training, s")  # fmt: skip
    rows = [" | ".join(columns), " | ".join("---" for _ in columns), *(_row(name, results[name]) for name in results)]
    record("shd", "SHD: the four systems of the reference report", "make results-shd DATA=<folder of SHD>",
        [*PROTOCOL.format(seed=seed).splitlines(), "", *(f"| {row} |" for row in rows), "", *NOTES.splitlines(), "",
         "![learning curves](shd_curves.png)", "", "![comparison](shd_comparison.png)", "",
         *(f"![{SYSTEMS[name].title}](shd_confusion_{name}.png)" for name in results)])  # fmt: skip


PROTOCOL = """\
SHD **regenerated from the HD recordings**: not the published spikes, so these accuracies do not belong beside papers'.
8,156 training and 2,264 test recordings (speakers 4 and 5 in the test alone), 10 ms steps, T = 140, 700 units, counts.
Hidden sizes, learning rates and epochs are of the report; Adam, cross-entropy, seed {seed}. The last epoch counts: none
is chosen by its accuracy. The report leaves the rest open, and here it was chosen on training speakers 2 and 9, held
out: each training recording is moved by up to 40 units, made shorter or longer by up to 25 % and its units spread or
narrowed by up to 15 %, at random, each time it is seen; learning rates fall along a cosine; gradients are clipped to a
norm of 1; what the networks are is in benchmarks/shd_systems.py. Times are of one processor; inference: median of calls
after a warm-up. Synaptic operations of a recording: multiply-adds whose input is not zero; the inputs of the ANN are
normalized, and none is."""
NOTES = """\
The ANN and the CNN are above the report. An ANN without the spread of units, on fixed windows of time, had 64 %, and
a CNN without it, over units and time, 68 %. On the held-out speakers the CNN has 81 % without the stretch and the
spread, and 87 % with them.

The SNNs are below. Losses here are means over recordings; 20 classes cost ln 20 = 2.996 by chance. Read as sums over
batches, the report's first losses are chance: 763.9 is 255 batches of 32 at 2.996, and 1524.1 is 510 batches of 16 at
2.988. Then 757.7 after ten epochs is 2.971 a batch: a network that has learnt next to nothing, which does not go with
an accuracy of 82 %. Ours start near those losses, and the second one, at a learning rate of 0.005, stays near chance
for its three epochs. On the held-out speakers, a wider surrogate gradient, larger first weights and the mean membrane
as score moved the first one by some points, not by thirty. [shd_hardware.md](shd_hardware.md) has a spiking network
that does better, with delays, learned leaks, normalized currents and more epochs."""


def _row(name: str, found: Measured) -> str:
    system = SYSTEMS[name]
    return " | ".join((
        system.title, f"{found.parameters:,}", str(system.epochs), f"{found.losses[0]:.3f} to {found.losses[-1]:.3f}",
        f"{found.accuracies[-1]:.2f}", f"~{system.accuracy}", f"{1000 * found.inference_s:.1f}", f"{found.macs:,.0f}",
        f"{found.operations:,.0f}", f"{found.seconds:.0f}",
    ))  # fmt: skip


def curves(results: dict[str, Measured]) -> Figure:
    """Return loss and accuracy by epoch."""
    figure = Figure(figsize=(plots.WIDTH, 3.4))
    left, right = figure.subplots(1, 2)
    for (name, found), colour in zip(results.items(), COLOURS, strict=False):
        epochs = range(1, len(found.losses) + 1)
        left.plot(epochs, found.losses, color=colour, marker="o", markersize=3, label=SYSTEMS[name].title)
        right.plot(epochs, found.accuracies, color=colour, marker="o", markersize=3)
    left.axhline(math.log(CLASSES), color="black", linewidth=1, linestyle="--")
    left.annotate("chance", (1, math.log(CLASSES)), (0, 3), textcoords="offset points", fontsize=8)
    left.set(ylabel="training loss (cross-entropy)", ylim=(0, None))
    right.set(ylabel="test accuracy (%)", ylim=(0, 100))
    for axes in (left, right):
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(color=plots.LIGHT, linewidth=0.6)
    figure.legend(loc="outside upper left", ncols=2, frameon=False, title="SHD, regenerated from the HD recordings")
    return figure


def confusion(found: Measured, title: str) -> Figure:
    """Return the confusion matrix with words for classes."""
    figure = plots.confusion(np.array(found.confusion))
    axes = figure.axes[0]
    axes.set_xticks(range(CLASSES), WORDS, rotation=90)
    axes.set_yticks(range(CLASSES), WORDS)
    axes.set_title(f"{title}, SHD regenerated from the HD recordings: {axes.get_title(loc='left')}")
    return figure


def comparison(results: dict[str, Measured]) -> Figure:
    """Return accuracies beside the report's, and operations of a recording."""
    figure = Figure(figsize=(plots.WIDTH, 0.9 + 0.55 * len(results)))
    left, right = figure.subplots(1, 2, sharey=True)
    rows = np.arange(len(results))
    ours = [found.accuracies[-1] for found in results.values()]
    left.barh(rows - 0.18, ours, 0.36, color=plots.BLUE, label="here, regenerated SHD")
    left.barh(
        rows + 0.18, [SYSTEMS[name].accuracy for name in results], 0.36, color=plots.LIGHT, label="report (its data)"
    )
    for row, accuracy in zip(rows, ours, strict=True):
        left.text(1, row - 0.18, f"{accuracy:.1f}", va="center", color="white", fontsize=8)
    left.set_yticks(rows, [SYSTEMS[name].title for name in results])
    left.set(xlabel="test accuracy (%)", xlim=(0, 100))
    left.invert_yaxis()
    for offset, key, colour in ((-0.18, "macs", plots.LIGHT), (0.18, "operations", plots.ORANGE)):
        label = {"macs": "dense MACs", "operations": "synaptic operations"}[key]
        right.barh(rows + offset, [getattr(found, key) for found in results.values()], 0.36, color=colour, label=label)
    right.set(xlabel="multiply-adds of a recording", xscale="log", xlim=(1e4, None))
    right.xaxis.set_major_formatter(EngFormatter(sep=" "))
    right.xaxis.set_minor_formatter(NullFormatter())
    for axes in (left, right):
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=8)
    return figure


if __name__ == "__main__":
    main()
