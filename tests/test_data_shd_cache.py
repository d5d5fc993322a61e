"""What was binned is kept, whole or not at all, and never taken for something else."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from mutations import mutated
from shd_files import spoken, write_shd

from snn2rtl.data import shd_cache
from snn2rtl.data.events import Binning, Events, bin_events
from snn2rtl.errors import DataError, OptionError, OutputError

BINNING = Binning(20, 70, 70)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_shd(tmp_path / "shd_train.h5")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def expected(binning: Binning, seed: int = 0) -> np.ndarray:
    times, units = spoken(40, seed)
    counts = np.array([len(one) for one in times])
    out = np.zeros(binning.shape(40), np.uint8)
    bin_events(Events(0, np.concatenate(times), np.concatenate(units), counts), binning, out)
    return out


def test_recordings_are_time_steps_first(path: Path, cache: Path) -> None:
    found = shd_cache.load(path, BINNING, cache)
    assert found.spikes.shape == (70, 40, 70)
    assert np.array_equal(found.spikes.swapaxes(0, 1), expected(BINNING))
    assert np.array_equal(found.labels, np.arange(40) % 20)
    assert np.array_equal(found.speakers, np.arange(40) % 3)
    some = np.array([7, 3, 3])
    assert np.array_equal(found.batch(some), found.spikes[:, some])
    assert len(found) == 40


def test_the_second_time_nothing_is_read(path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = shd_cache.load(path, BINNING, cache)
    monkeypatch.delattr(shd_cache, "open_shd")
    again = shd_cache.load(path, BINNING, cache)
    assert np.array_equal(first.stored, again.stored)
    assert isinstance(again.stored, np.memmap)
    assert not again.stored.flags.writeable


@pytest.mark.parametrize(
    "other",
    [
        Binning(10, 70, 70),
        Binning(20, 69, 70),
        Binning(20, 70, 7),
        Binning(20, 70, 70, (1,)),
        Binning(20, 70, 70, (1, 2)),
    ],
)
def test_other_options_are_another_file(path: Path, cache: Path, other: Binning) -> None:
    shd_cache.load(path, BINNING, cache)
    assert np.array_equal(shd_cache.load(path, other, cache).stored, expected(other))
    assert np.array_equal(shd_cache.load(path, BINNING, cache).stored, expected(BINNING))


def test_other_recordings_under_the_same_name_are_another_file(path: Path, cache: Path) -> None:
    shd_cache.load(path, BINNING, cache)
    write_shd(path, seed=1)
    assert np.array_equal(shd_cache.load(path, BINNING, cache).stored, expected(BINNING, seed=1))


@pytest.mark.parametrize("keep", [0, 10, 1000])
@pytest.mark.parametrize("kind", ["recordings", "counts"])
def test_a_damaged_cache_is_made_again(path: Path, cache: Path, kind: str, keep: int) -> None:
    shd_cache.load(path, BINNING, cache)
    damaged = next(cache.glob(f"*-{kind}.npy"))
    damaged.write_bytes(damaged.read_bytes()[:keep])
    assert np.array_equal(shd_cache.load(path, BINNING, cache).stored, expected(BINNING))


@pytest.mark.parametrize("array", [np.zeros(2, int), np.full((2, 40), 20), np.zeros((2, 40)), np.int64(3)])
def test_recordings_of_another_kind_are_made_again(path: Path, cache: Path, array: np.ndarray) -> None:
    shd_cache.load(path, BINNING, cache)
    np.save(next(cache.glob("*-recordings.npy")), array)
    assert np.array_equal(shd_cache.load(path, BINNING, cache).labels, np.arange(40) % 20)


def test_mutated_caches_are_made_again(path: Path, cache: Path) -> None:
    """A cache has no checksum: what still has its form may hold other spikes, speakers and labels of the classes."""
    shd_cache.load(path, BINNING, cache)
    for kind in ("recordings", "counts"):
        file = next(cache.glob(f"*-{kind}.npy"))
        whole = file.read_bytes()
        for content in mutated(whole, 60):
            file.write_bytes(content)
            found = shd_cache.load(path, BINNING, cache)
            assert found.stored.shape == BINNING.shape(40)
            assert np.isin(found.labels, range(20)).all()
        file.write_bytes(whole)


def test_a_failed_binning_leaves_nothing(path: Path, cache: Path) -> None:
    times, units = spoken(40)
    times[39] = np.zeros(500, np.float16)
    units[39] = np.zeros(500, np.uint16)
    write_shd(path, times=times, units=units)
    with pytest.raises(OptionError, match="at most 255 spikes, not 500"):
        shd_cache.load(path, BINNING, cache)
    assert not list(cache.glob("*-counts.npy"))
    assert not list(cache.glob(".*"))


def test_a_cache_that_cannot_be_written_is_an_error(path: Path, cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.raises(OutputError, match="cannot be written"):
        shd_cache.load(path, BINNING, cache)


def test_late_spikes_are_counted(path: Path, cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    shd_cache.load(path, Binning(10, 100, 70), cache)
    late = sum(int((1000 * one.astype(float) >= 1000).sum()) for one in spoken(40)[0])
    assert late > 0
    assert f"{late} of {sum(map(len, spoken(40)[0]))} spikes come after 1000 ms and are left out" in caplog.text


def test_files_are_found_by_their_names(path: Path) -> None:
    assert shd_cache.find("train", path.parent) == path
    packed = path.with_name("shd_regen_test.h5.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert shd_cache.find("test", path.parent) == packed


def test_missing_files_are_named(tmp_path: Path) -> None:
    names = "shd_test.h5, shd_test.h5.gz, shd_regen_test.h5, shd_regen_test.h5.gz"
    with pytest.raises(DataError, match=f"must hold one of {names}; get it from"):
        shd_cache.find("test", tmp_path)
    with pytest.raises(DataError, match=r"none\.h5: must be a file of SHD, which does not exist"):
        shd_cache.load(tmp_path / "none.h5", BINNING, tmp_path)
