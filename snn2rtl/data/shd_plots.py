"""Plots of SHD: rasters of recordings, and what the file holds."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from snn2rtl.data.events import UNITS
from snn2rtl.data.shd import ENGLISH, WORDS, ShdFile
from snn2rtl.data.shd_statistics import LANGUAGES, STEP_MS, Statistics
from snn2rtl.fixed_point import IntArray
from snn2rtl.measure.plots import BLUE, LIGHT, ORANGE, STYLE, WIDTH

COLOURS = (BLUE, ORANGE)  # of the languages
_RASTERS = 6  # recordings that are shown where none is named
_COLUMNS = 3


def draw(file: ShdFile, found: Statistics, samples: Sequence[int] | None = None) -> dict[str, Figure]:
    """Return the figures by name.

    Args:
        file: an open file.
        found: what it holds.
        samples: numbers of the recordings to show; without them the first of some classes.
    """
    title = "SHD, regenerated from the HD recordings" if file.is_regenerated else "SHD"
    with matplotlib.rc_context(STYLE):
        return {
            "rasters": rasters(file, samples or _some(found), title),
            "recordings": recordings(found, title),
            "spikes": spikes(found, title),
        }


def _some(found: Statistics) -> list[int]:
    """Return the first recording of classes that lie evenly among those there are."""
    classes, first = np.unique(found.labels, return_index=True)
    chosen = np.linspace(0, len(classes) - 1, min(_RASTERS, len(classes))).round().astype(int)
    return [int(number) for number in first[chosen]]


def rasters(file: ShdFile, samples: Sequence[int], title: str) -> Figure:
    """Return every spike of some recordings, a panel for each."""
    across = min(_COLUMNS, len(samples))
    down = -(-len(samples) // across)
    figure = Figure(figsize=(WIDTH, 0.9 + 2.3 * down))
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    for axes in panels.flat[len(samples) :]:
        axes.set_visible(False)
    for axes, number in zip(panels.flat, samples, strict=False):
        events = file.read(number, number + 1)
        label = int(file.labels[number])
        colour = COLOURS[label // (len(WORDS) // 2)]
        axes.scatter(
            1000 * events.times.astype(float), events.units, s=0.6, linewidths=0, color=colour, rasterized=True
        )
        axes.set_title(f"{number}: “{WORDS[label]}”, speaker {file.speakers[number]}\n{len(events.times):,} spikes")
        axes.set_ylim(-1, UNITS)
        axes.set_xlim(left=0)
    for axes in panels[:, 0]:
        axes.set_ylabel("unit of the cochlea")
    for axes in panels[-1]:
        axes.set_xlabel("time (ms)")
    _head(figure, title)
    return figure


def recordings(found: Statistics, title: str) -> Figure:
    """Return the recordings of each class and of each speaker."""
    figure = Figure(figsize=(WIDTH, 5.2))
    above, below = figure.subplots(2, 1)
    counts = np.bincount(found.labels, minlength=len(WORDS))
    above.bar(range(len(WORDS)), counts, color=[_colour(label) for label in range(len(WORDS))])
    above.set_xticks(range(len(WORDS)), WORDS, rotation=45, ha="right", rotation_mode="anchor")
    above.set_title(f"{len(found.labels):,} recordings by class")
    voices, index = np.unique(found.speakers, return_inverse=True)
    base = np.zeros(len(voices), np.int64)
    for language, colour in enumerate(COLOURS):
        counts = np.bincount(index[found.languages == language], minlength=len(voices))
        below.bar(range(len(voices)), counts, bottom=base, color=colour)
        base += counts
    below.set_xticks(range(len(voices)), [str(voice) for voice in voices])
    below.set_xlabel("speaker")
    below.set_title(f"{len(found.labels):,} recordings by speaker")
    for axes in (above, below):
        axes.set_ylabel("recordings")
        _grid(axes)
    _head(figure, title)
    return figure


def spikes(found: Statistics, title: str) -> Figure:
    """Return histograms of spikes and lengths, and the mean rate by unit and over time; a line for each language."""
    figure = Figure(figsize=(WIDTH, 5.6))
    panels = figure.subplots(2, 2)
    _histogram(panels[0, 0], found.spikes.astype(float), found.languages)
    panels[0, 0].set_xlabel("spikes of a recording")
    _histogram(panels[0, 1], found.ends_ms, found.languages)
    panels[0, 1].set_xlabel("last spike of a recording (ms)")
    spoken = np.maximum(np.bincount(found.languages, minlength=len(LANGUAGES)), 1)[:, None]
    for colour, by_unit, by_step in zip(COLOURS, found.by_unit / spoken, found.by_step / spoken / STEP_MS, strict=True):
        panels[1, 0].plot(by_unit, color=colour, linewidth=1)
        panels[1, 1].stairs(by_step, STEP_MS * np.arange(len(by_step) + 1), color=colour, linewidth=1.2)
    panels[1, 0].set_xlabel("unit of the cochlea")
    panels[1, 0].set_ylabel("spikes a recording")
    panels[1, 1].set_xlabel(f"time (ms), in steps of {STEP_MS} ms")
    panels[1, 1].set_ylabel("spikes a ms, all units")
    for axes in panels.flat:
        axes.set_ylim(bottom=0)
        _grid(axes)
    _head(figure, title)
    return figure


def _histogram(axes: Axes, values: NDArray[np.float64], languages: IntArray) -> None:
    edges = np.histogram_bin_edges(values, bins=min(40, max(1, int(np.sqrt(len(values))))))
    for language, colour in enumerate(COLOURS):
        counts, _ = np.histogram(values[languages == language], edges)
        axes.stairs(counts, edges, color=colour, linewidth=1.2)
    axes.axvline(float(values.mean()), color="black", linewidth=1, linestyle="--")
    axes.set_title(f"mean {values.mean():,.0f} (dashed), {len(values):,} recordings")
    axes.set_ylabel("recordings")
    axes.xaxis.set_major_locator(MaxNLocator(6))


def _colour(label: int) -> str:
    return COLOURS[label // len(ENGLISH)]


def _grid(axes: Axes) -> None:
    axes.grid(axis="y", color=LIGHT, linewidth=0.6)
    axes.set_axisbelow(True)


def _head(figure: Figure, title: str) -> None:
    """Write the title and what the colours are above the panels."""
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    handles = [Patch(color=colour) for colour in COLOURS]
    figure.legend(handles, LANGUAGES, loc="outside upper right", ncols=2, frameon=False)
