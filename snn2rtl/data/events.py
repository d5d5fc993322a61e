"""Lists of events, and their binning: how many spikes each channel has in each time step. NumPy only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2rtl.errors import OptionError
from snn2rtl.fixed_point import IntArray

UNITS = 700  # of the inner ear that SHD's recordings come from
MOST = int(np.iinfo(np.uint8).max)  # spikes that a bin can hold
_FAR = 1 << 40  # a step later than any; times that are no numbers are put there
_AT_ONCE = 8  # recordings; what is computed of them fits a processor's cache


@dataclass(frozen=True, eq=False)
class Events:
    """Consecutive recordings of a file; their spikes stand one after the other, each recording's in order of time.

    first: number of the first recording in the file. times: shape (spikes,), floats, seconds. units: shape (spikes,),
    integers. counts: shape (N,), spikes of each recording.
    """

    first: int
    times: NDArray[np.floating[Any]]
    units: NDArray[np.integer[Any]]
    counts: IntArray

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def ends(self) -> IntArray:
        """Index after the last spike of each recording, shape (N,)."""
        return np.cumsum(self.counts)

    def part(self, first: int, last: int) -> Events:
        """Return recordings first..last - 1 of these."""
        begin, end = int(self.counts[:first].sum()), int(self.counts[:last].sum())
        return Events(self.first + first, self.times[begin:end], self.units[begin:end], self.counts[first:last])


@dataclass(frozen=True)
class Binning:
    """How events become spikes of a network's inputs.

    step = floor(time / step_ms), channel = floor(unit * channels / 700); a later step than the last is left out.

    step_ms: a time step in milliseconds. time_steps: of a sample, T. channels: so many, of neighbouring units together.
    levels: input ``k * channels + channel`` spikes, 0 or 1, where at least levels[k] events come to a bin; none where
    inputs are the counts of events.
    """

    step_ms: float = 10.0
    time_steps: int = 140
    channels: int = 140
    levels: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not (math.isfinite(self.step_ms) and self.step_ms > 0):
            raise OptionError(f"step_ms: must be above 0, not {self.step_ms}")
        if self.time_steps < 1:
            raise OptionError(f"time_steps: must be at least 1, not {self.time_steps}")
        if not 1 <= self.channels <= UNITS:
            raise OptionError(f"channels: must be 1..{UNITS}, not {self.channels}")
        if not all(1 <= level <= MOST for level in self.levels):
            raise OptionError(f"levels: must be 1..{MOST}, not {', '.join(map(str, self.levels))}")

    @property
    def inputs(self) -> int:
        """Inputs of a network."""
        return self.channels * max(1, len(self.levels))

    def shape(self, recordings: int) -> tuple[int, int, int]:
        """Return the shape of so many recordings, (N, T, inputs)."""
        return recordings, self.time_steps, self.inputs


def bin_events(events: Events, binning: Binning, out: NDArray[np.uint8]) -> int:
    """Add the spikes of recordings to their bins and return how many come after the last step.

    Args:
        events: whose units are below 700, and whose times are finite and not negative.
        binning: how.
        out: shape (N, T, inputs), contiguous zeros; it may lie in a file.

    Raises:
        OptionError: a bin would hold more spikes than a byte can count.
    """
    assert out.flags.c_contiguous
    late = 0
    for first in range(0, len(events), _AT_ONCE):
        last = min(first + _AT_ONCE, len(events))
        some = out[first:last]
        if binning.levels:
            counts = np.zeros((last - first, binning.time_steps, binning.channels), np.int32)
            late += _count(events.part(first, last), binning, counts)
            for group, level in zip(np.split(some, len(binning.levels), axis=2), binning.levels, strict=True):
                np.greater_equal(counts, level, out=group)
        else:
            late += _count(events.part(first, last), binning, some)
    return late


def _count(events: Events, binning: Binning, out: NDArray[Any]) -> int:
    step, units = steps(events.times, binning.step_ms), events.units
    row = np.repeat(np.arange(len(events)) * binning.time_steps, events.counts)  # (recording, step) as one number
    row += step
    late = 0
    if step.max(initial=0) >= binning.time_steps:
        in_time = step < binning.time_steps
        late = len(in_time) - int(np.count_nonzero(in_time))
        row, units = row[in_time], units[in_time]
    index = row * binning.channels
    index += _channels(binning.channels)[units]
    np.add.at(out.reshape(-1), index, out.dtype.type(1))
    if not binning.levels:  # whose counts are wider
        _check_counts(row, index, out.reshape(-1, binning.channels), binning)
    return late


def _check_counts(row: IntArray, index: IntArray, rows: NDArray[np.uint8], binning: Binning) -> None:
    """Raise OptionError where a bin has overflown: its row, which has more spikes than a bin can hold, lacks some."""
    spikes = np.bincount(row, minlength=len(rows))
    busy = np.flatnonzero(spikes > MOST)
    lacking = busy[rows[busy].sum(axis=1, dtype=np.int64) != spikes[busy]]
    if lacking.size:
        most = int(np.unique(index[row == lacking[0]], return_counts=True)[1].max())
        raise OptionError(
            f"binning: a bin must hold at most {MOST} spikes, not {most}, with step_ms {binning.step_ms:g} and "
            f"channels {binning.channels}; take shorter steps, more channels or levels"
        )


def steps(times: NDArray[np.floating[Any]], step_ms: float) -> IntArray:
    """Return the time step of each spike, floor(1000 * times / step_ms), in double precision."""
    if times.dtype == np.float16:
        return _half_steps(step_ms)[times.view(np.uint16)]  # a table of all 65,536 values is faster than arithmetic
    return _floor(times, step_ms)


@lru_cache(maxsize=8)
def _half_steps(step_ms: float) -> IntArray:
    return _floor(np.arange(1 << 16, dtype=np.uint16).view(np.float16), step_ms)


def _floor(times: NDArray[np.floating[Any]], step_ms: float) -> IntArray:
    with np.errstate(invalid="ignore", over="ignore"):
        late = np.floor(times.astype(np.float64) * 1000 / step_ms)
        return np.where(late < _FAR, late, _FAR).astype(np.int64)


@lru_cache(maxsize=8)
def _channels(channels: int) -> IntArray:
    return np.arange(UNITS, dtype=np.int64) * channels // UNITS
