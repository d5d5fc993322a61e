"""Binning: against a loop over spikes in rational numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from snn2rtl.data import events
from snn2rtl.data.events import Binning, Events, bin_events
from snn2rtl.errors import OptionError


def recorded(counts: list[int], seed: int, dtype: type = np.float16, longest: float = 1.4) -> Events:
    """Return recordings with so many spikes each."""
    rng = np.random.default_rng(seed)
    times = [np.sort(rng.uniform(0, longest, count).astype(dtype)) for count in counts]
    units = rng.integers(0, 700, sum(counts)).astype(np.uint16)
    return Events(0, np.concatenate([np.zeros(0, dtype), *times]), units, np.array(counts, np.int64))


def naive(given: Events, binning: Binning) -> tuple[NDArray[np.int64], int]:
    """Return what bin_events() must, one spike after the other, in exact numbers."""
    out, late = np.zeros((len(given), binning.time_steps, binning.channels), np.int64), 0
    recording = np.repeat(np.arange(len(given)), given.counts)
    for n, time, unit in zip(recording.tolist(), given.times.tolist(), given.units.tolist(), strict=True):
        step = Fraction(time) * 1000 // Fraction(binning.step_ms)
        channel = unit * binning.channels // 700
        if step >= binning.time_steps:
            late += 1
        else:
            out[n, step, channel] += 1
    return np.concatenate([out >= level for level in binning.levels] or [out], axis=2), late


def binned(given: Events, binning: Binning) -> tuple[NDArray[Any], int]:
    out = np.zeros(binning.shape(len(given)), np.uint8)
    return out, bin_events(given, binning, out)


@given(
    counts=st.lists(st.integers(0, 40), min_size=1, max_size=5),
    seed=st.integers(0, 999),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
    step_ms=st.sampled_from([1, 2, 3, 7, 10, 0.5, 0.125, 100]),
    time_steps=st.integers(1, 300),
    channels=st.sampled_from([1, 3, 70, 140, 699, 700]),
    levels=st.sampled_from([(), (1,), (1, 3), (2, 1, 2)]),
)
def test_binning_is_a_loop_over_spikes(
    counts: list[int], seed: int, dtype: type, step_ms: float, time_steps: int, channels: int, levels: tuple[int, ...]
) -> None:
    given, binning = recorded(counts, seed, dtype), Binning(step_ms, time_steps, channels, levels)
    out, late = binned(given, binning)
    expected, expected_late = naive(given, binning)
    assert np.array_equal(out, expected)
    assert late == expected_late


def test_a_spike_at_the_edge_of_a_step_is_in_the_later_one() -> None:
    given = Events(0, np.array([0, 0.25, 0.5, 0.75, 0.9995]), np.array([0, 0, 349, 350, 699]), np.array([5]))
    out, late = binned(given, Binning(250, 4, 2))
    assert out[0].tolist() == [[1, 0], [1, 0], [1, 0], [0, 2]]
    assert late == 0
    assert binned(given, Binning(250, 3, 2))[1] == 2


def test_many_recordings_are_binned_like_each_alone() -> None:
    counts = [3, 0, 50, 7] * 20
    given, binning = recorded(counts, 1), Binning(20, 70, 70)
    out, _ = binned(given, binning)
    for number in range(len(counts)):
        assert np.array_equal(out[number], binned(given.part(number, number + 1), binning)[0][0])


@pytest.mark.parametrize("busy", [255, 256, 257, 300, 512, 70_000])
def test_a_bin_that_would_overflow_is_refused(busy: int) -> None:
    """Also where the byte would come out right again, after 256 spikes and none that anyone sees."""
    quiet = [0.0, 0.02, 0.5]
    given = Events(0, np.array([*quiet, *[0.9] * busy]), np.full(busy + 3, 5), np.array([2, busy + 1]))
    if busy <= events.MOST:
        assert binned(given, Binning())[0].max() == busy
    else:
        with pytest.raises(OptionError, match=f"at most 255 spikes, not {busy}, with step_ms 10 and channels 140"):
            binned(given, Binning())
    assert binned(given, Binning(levels=(1,)))[0].sum() == 4


def test_a_full_step_is_not_a_full_bin() -> None:
    given = Events(0, np.full(700, 0.1), np.arange(700), np.array([700]))
    assert binned(given, Binning(10, 20, 140))[0][0, 10].tolist() == [5] * 140


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step_ms": 0}, "step_ms: must be above 0, not 0"),
        ({"step_ms": float("nan")}, "step_ms: must be above 0, not nan"),
        ({"time_steps": 0}, "time_steps: must be at least 1, not 0"),
        ({"channels": 0}, "channels: must be 1..700, not 0"),
        ({"channels": 701}, "channels: must be 1..700, not 701"),
        ({"levels": (1, 0)}, "levels: must be 1..255, not 1, 0"),
        ({"levels": (256,)}, "levels: must be 1..255, not 256"),
    ],
)
def test_options_are_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as error:
        Binning(**options)
    assert str(error.value) == message
