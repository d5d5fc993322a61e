"""Binning all training recordings of SHD against a plain NumPy loop over the recordings, in one run."""

from __future__ import annotations

import argparse
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from common import record
from numpy.typing import NDArray

from snn2rtl.data.events import UNITS, Binning, Events, bin_events
from snn2rtl.data.shd import open_shd
from snn2rtl.data.shd_cache import find

REPEATS = 3
CASES = (Binning(1, 1400, 140), Binning(10, 140, 700), Binning(10, 140, 140))
Bins = NDArray[np.uint8]


def loop_add_at(recordings: list[Events], binning: Binning, out: Bins) -> None:
    """The plainest: every spike is added where it belongs, one recording after the other."""
    for number, one in enumerate(recordings):
        step, channel = places(one, binning)
        np.add.at(out[number], (step, channel), 1)


def loop_bincount(recordings: list[Events], binning: Binning, out: Bins) -> None:
    """A faster loop: the bins of a recording are counted as one list."""
    for number, one in enumerate(recordings):
        step, channel = places(one, binning)
        counts = np.bincount(step * binning.channels + channel, minlength=out[number].size)
        out[number] = counts.reshape(out[number].shape)


def places(one: Events, binning: Binning) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    step = (one.times.astype(np.float64) * 1000 / binning.step_ms).astype(np.int64)
    return step, one.units.astype(np.int64) * binning.channels // UNITS


def joined(parts: list[Events]) -> Events:
    arrays = [np.concatenate([getattr(part, name) for part in parts]) for name in ("times", "units", "counts")]
    return Events(0, *arrays)


def measured(runs: Sequence[Callable[[Bins], object]], shape: tuple[int, int, int]) -> list[float]:
    """Return the least processor time of each way to bin into new zeros, in turns; all must make the same bins."""
    took: list[list[float]] = [[] for _ in runs]
    checksums = set()
    for _ in range(REPEATS):
        for run, times in zip(runs, took, strict=True):
            start = time.process_time()
            out = np.zeros(shape, np.uint8)
            run(out)
            times.append(time.process_time() - start)
            checksums.add(zlib.crc32(out))
            del out  # they take gigabytes
    assert len(checksums) == 1
    return [min(times) for times in took]


def main() -> None:
    """Time all cases and write docs/results/shd_binning.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of shd_train.h5[.gz]")
    path = find("train", parser.parse_args().data)
    start = time.process_time()
    with open_shd(path) as file:
        parts, origin = list(file.events()), ", regenerated from the HD recordings" if file.is_regenerated else ""
    reading = time.process_time() - start
    events = joined(parts)
    each = [events.part(number, number + 1) for number in range(len(events))]
    lines = []
    for binning in CASES:
        shape = binning.shape(len(events))
        ours, *plain = measured(
            (
                lambda out, binning=binning: bin_events(events, binning, out),
                lambda out, binning=binning: loop_add_at(each, binning, out),
                lambda out, binning=binning: loop_bincount(each, binning, out),
            ),
            shape,
        )
        loops = (f"{seconds:.2f} ({seconds / ours:.1f} times)" for seconds in plain)
        row = (
            f"{binning.step_ms:g} ms",
            str(binning.channels),
            f"{np.prod(shape) / 1e9:.2f} GB",
            f"{ours:.2f}",
            *loops,
        )
        lines.append(f"| {' | '.join(row)} |")
        print(lines[-1], flush=True)
    record(
        "shd_binning",
        "Binning the training recordings of SHD",
        "make bench-shd DATA=<folder of SHD>",
        [
            f"SHD{origin}: {len(events):,} recordings, {len(events.times):,} spikes, 1.4 s each, counts as uint8 "
            f"[N, T, channels] in memory. Processor seconds, fresh zeros included, least of {REPEATS} runs in turns. "
            "All make the same bins. In brackets: how many times longer.",
            "",
            "| step | channels | bins | `bin_events` | loop, `np.add.at` | loop, `np.bincount` |",
            "| --- | --- | --- | --- | --- | --- |",
            *lines,
            "",
            f"Reading and checking the file before it (`{path.name}`): {reading:.1f} s.",
        ],
    )


if __name__ == "__main__":
    main()
