"""What a file of SHD holds, counted while it is read part by part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2rtl.data.events import UNITS, Events, steps
from snn2rtl.data.shd import ENGLISH, LONGEST_S, WORDS, ShdFile
from snn2rtl.fixed_point import IntArray

STEP_MS = 10
LANGUAGES = ("English", "German")
_STEPS = LONGEST_S * 1000 // STEP_MS


@dataclass(frozen=True, eq=False)
class Statistics:
    """Counts of spikes.

    labels, speakers: shape (N,). spikes: of each recording, shape (N,). ends_ms: time of each recording's last spike,
    shape (N,), 0 without any. by_unit: of each language and unit, shape (2, 700). by_step: of each language and 10 ms,
    shape (2, steps), up to the last spike.
    """

    labels: IntArray
    speakers: IntArray
    spikes: IntArray
    ends_ms: NDArray[np.float64]
    by_unit: IntArray
    by_step: IntArray

    @property
    def languages(self) -> IntArray:
        """Of each recording, shape (N,): 0 for English, 1 for German."""
        return _languages(self.labels)


def _languages(labels: IntArray) -> IntArray:
    return labels // len(ENGLISH)


def observe(file: ShdFile, advance: Callable[[int], object] = lambda _: None) -> Statistics:
    """Read a whole file once; only a part of it is in memory at a time.

    Raises:
        DataError: it is damaged, or its spikes break a rule.
    """
    counts, ends = [], []
    by_unit = np.zeros((len(LANGUAGES), UNITS), np.int64)
    by_step = np.zeros((len(LANGUAGES), _STEPS), np.int64)
    for events in file.events():
        counts.append(events.counts)
        ends.append(_ends_ms(events))
        spoken = np.repeat(_languages(file.labels[events.first : events.first + len(events)]), events.counts)
        by_unit += _counts(spoken, events.units, by_unit.shape)
        by_step += _counts(spoken, steps(events.times, STEP_MS), by_step.shape)
        advance(len(events))
    last = int(np.flatnonzero(by_step.any(axis=0)).max(initial=0)) + 1
    return Statistics(
        file.labels, file.speakers, np.concatenate(counts), np.concatenate(ends), by_unit, by_step[:, :last]
    )


def _counts(row: IntArray, column: NDArray[np.integer[Any]], shape: tuple[int, int]) -> IntArray:
    """Return how often each (row, column) comes."""
    return np.bincount(row * shape[1] + column, minlength=shape[0] * shape[1]).reshape(shape)


def _ends_ms(events: Events) -> NDArray[np.float64]:
    ends_ms = np.zeros(len(events))
    heard = events.counts > 0
    ends_ms[heard] = 1000 * events.times[events.ends[heard] - 1].astype(np.float64)
    return ends_ms


def to_dict(found: Statistics) -> dict[str, Any]:
    """Return the numbers for machines; times in ms, rates in Hz."""
    return {
        "recordings": len(found.labels),
        "spikes": int(found.spikes.sum()),
        "spikes_a_recording": _spread(found.spikes),
        "last_spike_ms": _spread(found.ends_ms),
        "units": UNITS,
        "units_that_never_spike": int(np.count_nonzero(found.by_unit.sum(axis=0) == 0)),
        "mean_rate_of_a_unit_hz": _rate_hz(found),
        "classes": [
            {"label": label, "word": WORDS[label], **_group(found, found.labels == label)}
            for label in np.unique(found.labels).tolist()
        ],
        "speakers": [
            {"speaker": speaker, **_group(found, found.speakers == speaker)}
            for speaker in np.unique(found.speakers).tolist()
        ],
    }


def _rate_hz(found: Statistics) -> float:
    """Return the spikes of a unit in a second, until the last spike of each recording."""
    seconds = float(found.ends_ms.sum()) / 1000
    return float(found.spikes.sum()) / seconds / UNITS if seconds else 0.0


def _spread(values: NDArray[Any]) -> dict[str, float]:
    return {
        "least": float(values.min()),
        "mean": float(values.mean()),
        "median": float(np.median(values)),
        "most": float(values.max()),
    }


def _group(found: Statistics, which: NDArray[np.bool_]) -> dict[str, Any]:
    english, german = np.bincount(found.languages[which], minlength=len(LANGUAGES)).tolist()
    return {
        "recordings": english + german,
        "english": english,
        "german": german,
        "mean_spikes": float(found.spikes[which].mean()),
        "mean_last_spike_ms": float(found.ends_ms[which].mean()),
    }
