"""Files of SHD are read as they are, part by part; what is damaged is named."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from shd_files import NOTE, spoken, write_shd

from snn2rtl.data import shd
from snn2rtl.errors import DataError


@pytest.mark.parametrize("name", ["x.h5", "x.h5.gz", "no suffix"])
@pytest.mark.parametrize("note", [NOTE, None])
def test_a_file_is_read_as_it_is(tmp_path: Path, name: str, note: str | None) -> None:
    times, units = spoken(40)
    with shd.open_shd(write_shd(tmp_path / name, note=note)) as file:
        assert len(file) == 40
        assert np.array_equal(file.labels, np.arange(40) % 20)
        assert np.array_equal(file.speakers, np.arange(40) % 3)
        assert file.note == (note or "")
        assert file.is_regenerated == (note is not None)
        events = file.read(5, 9)
    assert events.first == 5
    assert np.array_equal(events.counts, [len(one) for one in times[5:9]])
    assert np.array_equal(events.times, np.concatenate(times[5:9]))
    assert events.times.dtype == np.float16
    assert np.array_equal(events.units, np.concatenate(units[5:9]))


def test_a_file_is_read_part_by_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shd, "_AT_ONCE", 16)
    times, _ = spoken(40)
    with shd.open_shd(write_shd(tmp_path / "x.h5")) as file:
        parts = list(file.events())
    assert [(part.first, len(part)) for part in parts] == [(0, 16), (16, 16), (32, 8)]
    assert np.array_equal(np.concatenate([part.times for part in parts]), np.concatenate(times))


def test_recordings_may_be_silent(tmp_path: Path) -> None:
    nothing = [np.zeros(0, np.float16)] * 3
    path = write_shd(tmp_path / "x.h5", 3, times=nothing, units=[one.astype(np.uint16) for one in nothing])
    with shd.open_shd(path) as file:
        assert [part.counts.tolist() for part in file.events()] == [[0, 0, 0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_times_may_be_more_precise(tmp_path: Path, dtype: type) -> None:
    times, units = spoken(4)
    times = [one.astype(dtype) + dtype(1e-5) for one in times]
    with shd.open_shd(write_shd(tmp_path / "x.h5", 4, times=times, units=units)) as file:
        assert np.array_equal(file.read(2, 3).times, times[2])


def test_the_first_spike_of_a_recording_may_be_earlier_than_the_last_of_the_one_before(tmp_path: Path) -> None:
    times = [np.array(one, np.float16) for one in ([0.5, 1.0], [], [0.25, 0.25], [0.0])]
    units = [np.zeros(len(one), np.uint16) for one in times]
    with shd.open_shd(write_shd(tmp_path / "x.h5", 4, times=times, units=units)) as file:
        assert file.read(0, 4).counts.tolist() == [2, 0, 2, 1]


def refusal(path: Path) -> str:
    """Return what is said about a file, or nothing where it is read."""
    try:
        with shd.open_shd(path) as file:
            list(file.events())
    except DataError as error:
        return str(error)
    return ""


def test_bytes_that_are_wrong_are_one_sentence(tmp_path: Path) -> None:
    """Whatever byte of a file is damaged: it is read, or it is refused in a sentence."""
    path = write_shd(tmp_path / "x.h5", 20)
    content, dice = path.read_bytes(), random.Random(0)
    said = []
    for _ in range(200):
        damaged = bytearray(content)
        damaged[dice.randrange(len(content))] ^= dice.randrange(1, 256)
        path.write_bytes(damaged[: dice.choice((None, dice.randrange(len(content))))])
        said.append(refusal(path))
    refused = [sentence for sentence in said if sentence]
    assert len(refused) > 50
    assert all(sentence.startswith(f"{path}: ") and "\n" not in sentence for sentence in refused)


def test_a_damaged_length_takes_no_memory(tmp_path: Path) -> None:
    path = write_shd(tmp_path / "x.h5", 20)
    with h5py.File(path) as file:
        offset = file["spikes/units"].id.get_offset()
    content = bytearray(path.read_bytes())
    content[offset + 3 * 16 + 3] = 0xE0
    path.write_bytes(content)
    assert re.search(r"recording 3 must fit the file, not have 3,758,\d+,\d+ spikes/units; get it again", refusal(path))


def test_speakers_are_held_out() -> None:
    speakers = np.array([3, 1, 3, 0, 1, 9])
    train, held = shd.hold_out(speakers, [1, 9])
    assert train.tolist() == [0, 2, 3]
    assert held.tolist() == [1, 4, 5]


@pytest.mark.parametrize(
    ("held_out", "message"),
    [
        ([1, 4], "held-out speakers: must be among 0, 1, 3, not 4"),
        ([], "held-out speakers: must be some of 0, 1, 3 and not all, not none"),
        ([0, 1, 3], "held-out speakers: must be some of 0, 1, 3 and not all, not 0, 1, 3"),
    ],
)
def test_a_split_has_two_sides(held_out: list[int], message: str) -> None:
    with pytest.raises(DataError) as error:
        shd.hold_out(np.array([3, 1, 0]), held_out)
    assert str(error.value) == message


def test_the_excerpt_has_ten_recordings_of_each_class_and_says_what_it_is() -> None:
    with shd.open_shd(shd.excerpt()) as file:
        assert np.array_equal(np.bincount(file.labels), [10] * shd.CLASSES)
        assert set(range(12)) == set(file.speakers.tolist())
        assert sum(len(part.times) for part in file.events()) == 1_173_030
        assert file.is_regenerated
        assert "CC BY 4.0" in file.note


def test_without_the_excerpt_the_sentence_says_where_files_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shd, "EXCERPT", tmp_path / "x.h5.gz")
    with pytest.raises(DataError, match=r"SHD: a file must be named.*https://zenkelab\.org/datasets/"):
        shd.excerpt()


def test_reading_needs_no_torch() -> None:
    code = "import snn2rtl.data.shd_cache, sys; sys.exit(bool({'torch', 'h5py', 'matplotlib'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
