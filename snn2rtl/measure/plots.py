"""Plots of what a network costs and does, as figures and as files; the only module that imports matplotlib.

Colours are those of Okabe and Ito, which colour-blind people can tell apart.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullFormatter, PercentFormatter, StrMethodFormatter
from numpy.typing import NDArray

from snn2rtl.data.samples import Samples
from snn2rtl.errors import OutputError
from snn2rtl.fixed_point import IntArray
from snn2rtl.int_net import reference
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.population import Population
from snn2rtl.int_net.reference import Inputs, Result, Spikes
from snn2rtl.measure.metrics import Metrics, chunk_size, rows, sparsity, total

BLUE, ORANGE, GREY, LIGHT = "#0072B2", "#D55E00", "#6E6E6E", "#DDDDDD"
STYLE: Any = {
    "figure.dpi": 150,
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,  # a layer may be called $x
    "svg.hashsalt": "snn2rtl",  # equal plots give equal bytes
}
WIDTH = 8.0  # inches
MOST_NAMED_CLASSES = 20
MOST_RECORDED = 100  # samples


def draw(metrics: Metrics, network: FixedPointNetwork, samples: Samples, sample: int) -> dict[str, Figure]:
    """Return the figures by name.

    Args:
        metrics: of the network on the samples.
        network: the integer network.
        samples: what it was run on.
        sample: number of the one whose spikes are shown; membranes are those of this one and of some after it.
    """
    last = min(sample + min(MOST_RECORDED, chunk_size(network, samples)), len(samples))
    inputs = samples.inputs(sample, last)
    result = reference.run(network, inputs, record_membranes=True)
    known = "" if samples.labels is None else f", label {samples.labels[sample]}"
    with matplotlib.rc_context(STYLE):
        figures = {
            "sparsity": weights(metrics),
            "operations": operations(metrics),
            "firing_rates": firing_rates(metrics),
            "raster": raster(network, inputs, result, f"Sample {sample}{known}"),
            "membranes": membranes(network, result),
        }
        if metrics.confusion is not None:
            figures["confusion"] = confusion(metrics.confusion)
    return figures


def check_folder(folder: Path) -> None:
    """Raise OutputError where ``folder`` is something else."""
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: must be a folder, not a file; choose another --plots")


def write(figures: Mapping[str, Figure], folder: Path) -> list[Path]:
    """Write each figure as PNG and SVG and return the files.

    Raises:
        OutputError: the folder or a file cannot be written.
    """
    files = []
    with matplotlib.rc_context(STYLE):
        for name, figure in figures.items():
            for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
                content = io.BytesIO()
                figure.savefig(content, format=kind, metadata=metadata)
                figure.set_layout_engine("none")  # it is laid out now, and both files alike
                files.append(_write(folder / f"{name}.{kind}", content.getvalue()))
    return files


def _write(path: Path, content: bytes) -> Path:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(content)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


def weights(metrics: Metrics) -> Figure:
    """Return the share of non-zero weights by layer."""
    shown = rows(metrics)
    figure, axes = _figure(0.9 + 0.45 * len(shown))
    share = [1 - sparsity(layers) for _, layers in shown]
    axes.barh(range(len(shown)), 1, color=LIGHT, height=0.6)
    axes.barh(range(len(shown)), share, color=BLUE, height=0.6)
    for y, (_, layers) in enumerate(shown):
        text = f" {total(layers, 'nonzero'):,} of {total(layers, 'weights'):,} ({share[y]:.1%})"
        axes.text(1, y, text, va="center")
    _name_rows(axes, [name for name, _ in shown])
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_title("Weights that are not zero")
    return figure


def operations(metrics: Metrics) -> Figure:
    """Return dense MACs, those of non-zero weights, and synaptic operations by layer."""
    shown = rows(metrics)
    figure, axes = _figure(1.4 + 0.5 * len(shown))
    for y, (_, layers) in enumerate(shown):
        dense, done = total(layers, "macs"), total(layers, "operations")
        counts = (dense, metrics.steps * total(layers, "nonzero"), done)
        axes.plot([max(1, done), dense], [y, y], color=LIGHT, linewidth=5, solid_capstyle="round", zorder=1)
        for count, (name, style) in zip(counts, _OPERATIONS.items(), strict=True):
            axes.scatter(max(1, count), y, label=name if y == 0 else None, zorder=2, **style)
        times = f"{dense / done:,.1f} times fewer" if done else "no operations"
        axes.annotate(times, (dense, y), (9, 0), textcoords="offset points", va="center")
    axes.set_xscale("log")
    least, most = axes.get_xlim()
    axes.set_xlim(least, most * (most / least) ** 0.25)  # room for the words
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="x", color=LIGHT, linewidth=0.6)
    axes.set_axisbelow(True)
    _name_rows(axes, [name for name, _ in shown])
    axes.set_xlabel(f"of a sample of {metrics.steps} steps, mean of {metrics.samples:,} samples")
    figure.legend(loc="outside upper left", ncols=3, frameon=False)
    return figure


_OPERATIONS: dict[str, Any] = {
    "dense MACs": {"color": GREY, "marker": "s", "s": 90},
    "MACs of non-zero weights": {"color": BLUE, "marker": "D", "s": 40},
    "synaptic operations": {"color": ORANGE, "marker": "o", "s": 70},
}


def firing_rates(metrics: Metrics) -> Figure:
    """Return a histogram of the neurons' firing rates for each layer."""
    figure, panels = _panels(len(metrics.layers), sharex=True)
    highest = max(float(layer.rates.max()) for layer in metrics.layers) or 1.0
    edges = np.linspace(0, highest, 51)
    apart = -4 * edges[1]
    for axes, layer in zip(panels, metrics.layers, strict=True):
        counts, _ = np.histogram(layer.rates[layer.rates > 0], edges)
        axes.stairs(counts, edges, fill=True, color=BLUE)
        axes.bar(apart, layer.never_spiked, width=2 * edges[1], color=ORANGE)
        mean = float(layer.rates.mean())
        axes.axvline(mean, color="black", linewidth=1, linestyle="--")
        never = f"{layer.never_spiked} of {layer.neurons} neurons never spike"
        axes.set_title(f"{_short(layer.name)}: mean {mean:.3f} (dashed), {never}")
        axes.set_ylabel("neurons")
        axes.set_yscale("log")  # a few busy neurons matter beside hundreds of quiet ones
        axes.set_ylim(bottom=0.6, top=max(2, axes.get_ylim()[1]))
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    ticks = [float(tick) for tick in MaxNLocator(6).tick_values(0, highest) if 0 <= tick <= highest]
    panels[-1].set_xticks([apart, *ticks], ["never", *(f"{tick:g}" for tick in ticks)])
    panels[-1].set_xlabel(f"spikes a step, over {metrics.samples:,} samples of {metrics.steps} steps")
    return figure


def confusion(matrix: IntArray) -> Figure:
    """Return the confusion matrix as a picture: right in blue, errors in orange, each relative to its largest share."""
    classes = len(matrix)
    named = classes <= MOST_NAMED_CLASSES
    side = 1.2 + (0.45 * classes if named else 6)
    figure, axes = _figure(side, side + 0.3)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    is_right = np.eye(classes, dtype=bool)
    for where, colours, full in ((is_right, "Blues", 1.4), (~is_right, "Oranges", 1.6)):
        shown = np.ma.masked_where(~where | (matrix == 0), share)
        axes.imshow(shown, cmap=colours, vmin=0, vmax=full * float(share[where].max(initial=0)) or 1)
    if named:
        axes.set_xticks(range(classes))
        axes.set_yticks(range(classes))
        for label, column in np.argwhere(matrix).tolist():
            axes.text(column, label, str(matrix[label, column]), ha="center", va="center", fontsize=9)
        for label in np.flatnonzero(matrix.sum(axis=1)).tolist():
            axes.text(classes - 0.3, label, f"{share[label, label]:.1%}", va="center", color=GREY, fontsize=9)
    axes.set_xlabel("class of the network")
    axes.set_ylabel("label")
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(LIGHT)
    axes.tick_params(length=0)
    right = int(matrix.trace())
    axes.set_title(f"{right:,} of {matrix.sum():,} right: {right / matrix.sum():.2%}")
    return figure


def raster(network: FixedPointNetwork, inputs: Inputs, result: Result, title: str) -> Figure:
    """Return every spike of the first sample: a panel for each layer, and for the input where it differs in steps."""
    names = list(result.traces)
    spikes = [trace.spikes[:, 0] for trace in result.traces.values()]
    colours = [*[BLUE] * (len(spikes) - 1), ORANGE]
    if not network.is_direct:
        spikes = [reference.input_events(network, inputs)[:, 0], *spikes]
        names, colours = ["input", *names], [GREY, *colours]
    heights = [0.9 + _rows_height(one.shape[1]) for one in spikes]
    figure = Figure(figsize=(WIDTH, 0.7 + sum(heights)))
    panels = figure.subplots(len(spikes), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axes, name, one, colour in zip(panels, names, spikes, colours, strict=True):
        _raster_panel(axes, one, colour)
        what, rate = ("values", "share") if colour == GREY and network.weighs_values else ("spikes", "firing rate")
        axes.set_title(f"{_short(name)}: {one.sum(dtype=np.int64):,} {what}, {rate} {one.mean():.3f}")
        axes.set_ylabel({GREY: "input", BLUE: "neuron", ORANGE: "class"}[colour])
    counts = result.counts[0]
    if len(counts) <= MOST_NAMED_CLASSES:
        panels[-1].set_yticks(range(len(counts)))
        for neuron, count in enumerate(counts):
            weight = "bold" if neuron == result.classes[0] else "normal"
            panels[-1].annotate(str(count), (1, neuron), (4, 0), xycoords=("axes fraction", "data"),
                                textcoords="offset points", va="center", fontsize=8, fontweight=weight)  # fmt: skip
    figure.suptitle(f"{title}: class {result.classes[0]}", x=0.01, ha="left", fontweight="bold")
    panels[-1].set_xlabel("time step")
    return figure


def _rows_height(neurons: int) -> float:
    """Return inches: what names of few neurons need, and no more than fits a page for many."""
    return 0.11 * neurons if neurons <= MOST_NAMED_CLASSES else min(1.7, 0.7 + neurons / 100)


def _raster_panel(axes: Axes, spikes: Spikes, colour: str) -> None:
    steps, neurons = spikes.shape
    step, neuron = np.nonzero(spikes)
    few = neurons <= 50
    size, marker, line = (400 / max(neurons, 10), "|", 1.5) if few else (1.6, "s", 0)
    axes.scatter(step, neuron, s=size, marker=marker, linewidths=line, color=colour, rasterized=True)
    axes.set_ylim(neurons - 0.5, -0.5)
    axes.set_xlim(-1, steps)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    axes.tick_params(axis="y", labelsize=8)


def membranes(network: FixedPointNetwork, result: Result) -> Figure:
    """Return a histogram of the membranes after reset for each layer, thresholds at 1."""
    figure, panels = _panels(len(network.populations))
    for axes, layer in zip(panels, network.populations, strict=True):
        trace = result.traces[layer.name]
        assert trace.membranes is not None
        low, high, bits = trace.membranes.min(), trace.membranes.max(), layer.neuron.membrane_bits
        axes.set_title(f"{_short(layer.name)}: {low:,} to {high:,}, in {bits} bits")
        _membrane_panel(axes, layer, trace.membranes)
    panels[-1].set_xlabel(f"membrane / threshold, after each step of {len(result.classes)} samples; grey: beyond")
    return figure


def _membrane_panel(axes: Axes, layer: Population, recorded: IntArray) -> None:
    fire_at = layer.neuron.fire_at if layer.neuron.spikes else np.zeros(0)
    positive = np.flatnonzero(fire_at > 0)
    relative: NDArray[np.float64] = (recorded[..., positive] / fire_at[positive]).ravel()
    if not relative.size:
        axes.text(0.5, 0.5, "no neuron has a positive threshold", transform=axes.transAxes, ha="center")
        return
    low, high = np.quantile(relative, (0.001, 0.999))
    width = (max(1, high) - min(0, low)) / 100
    # the threshold is an edge of a bar
    first, last = int(np.floor((min(0, low) - 1) / width)), int(np.ceil((max(1, high) - 1) / width))
    edges = 1 + width * np.arange(first, last + 1)
    counts, _ = np.histogram(relative, edges)
    beyond = [np.count_nonzero(relative < edges[0]), np.count_nonzero(relative > edges[-1])]
    axes.stairs(counts / relative.size, edges, fill=True, color=BLUE)
    axes.bar(
        [edges[0] - 2 * width, edges[-1] + width], np.array(beyond) / relative.size, width, align="edge", color=GREY
    )
    axes.axvline(1, color=ORANGE, linewidth=1.5)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel("share")


def _panels(count: int, *, sharex: bool = False) -> tuple[Figure, NDArray[Any]]:
    figure = Figure(figsize=(WIDTH, 0.5 + 1.7 * count))
    return figure, figure.subplots(count, 1, sharex=sharex, squeeze=False)[:, 0]


def _figure(height: float, width: float = WIDTH) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height))
    return figure, figure.subplots()


def _name_rows(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), [_short(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _short(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:23]}…"
