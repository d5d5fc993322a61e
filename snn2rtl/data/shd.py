"""Spoken digits as spikes (SHD): files of the published layout, read part by part and checked.

Layout: ``spikes/times`` (float seconds) and ``spikes/units`` (0..699) hold a list for each recording; ``labels`` are
0..9 for English and 10..19 for German digits; ``extra/speaker`` is who speaks. A file may be compressed with gzip.
Source: Cramer, Stradmann, Schemmel, Zenke, The Heidelberg Spiking Data Sets, https://zenkelab.org/datasets/
"""

from __future__ import annotations

import gzip
import importlib.util
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snn2rtl.data.events import UNITS, Events
from snn2rtl.errors import DataError
from snn2rtl.files import why_no_file
from snn2rtl.fixed_point import IntArray
from snn2rtl.hdf5.process import Reader, borrowed_reader

ENGLISH = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
GERMAN = ("null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")
WORDS = ENGLISH + GERMAN
CLASSES = len(WORDS)
LONGEST_S = 10  # a digit takes about one second: a file of milliseconds is found out
EXCERPT = Path(__file__).resolve().parents[2] / "examples" / "shd" / "shd_regen_test_200.h5.gz"

READER = "snn2rtl.data.shd_reader"
_AT_ONCE = 256  # recordings
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, eq=False)
class ShdFile:
    """An open file whose structure has been checked; its spikes are checked as they are read.

    labels, speakers: shape (N,). note: what the file says about itself, or nothing.
    """

    path: Path
    labels: IntArray
    speakers: IntArray
    note: str
    _reader: Reader

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def is_regenerated(self) -> bool:
        """Whether the file says that its spikes are not the published ones."""
        return "not the published" in self.note.lower()

    def events(self) -> Iterator[Events]:
        """Yield all recordings, part by part.

        Raises:
            DataError: the file is damaged, or its spikes break a rule.
        """
        for first in range(0, len(self), _AT_ONCE):
            yield self.read(first, min(first + _AT_ONCE, len(self)))

    def read(self, first: int, last: int) -> Events:
        """Return recordings first..last - 1.

        Raises:
            DataError: the file is damaged, or its spikes break a rule.
        """
        _, (times, units, *counts) = self._reader.ask(self.path, {"read": [first, last]})
        if (unequal := np.flatnonzero(counts[0] != counts[1])).size:
            at = unequal[0]
            raise DataError(
                f"{self.path}: recording {first + at} must have as many units as times, "
                f"not {counts[1][at]} and {counts[0][at]}"
            )
        events = Events(first, times, units, counts[0])
        _check_spikes(self.path, events)
        return events


@contextmanager
def open_shd(path: Path) -> Iterator[ShdFile]:
    """Open a file of the published layout, .h5 or .h5.gz; the spikes stay on disk.

    Raises:
        DataError: it is missing or damaged, or its structure or its labels break a rule.
    """
    if importlib.util.find_spec("h5py") is None:
        raise ModuleNotFoundError("recordings are read with h5py", name="h5py")
    if not path.is_file():
        raise DataError(f"{path}: must be a file, {why_no_file(path)}")
    with _unpacked(path) as plain, borrowed_reader() as reader:
        answer, (labels, speakers) = reader.ask(path, {"open": str(plain), "name": str(path), "reader": READER})
        _check_labels(path, labels)
        yield ShdFile(path, labels, speakers, answer["note"], reader)


def excerpt() -> Path:
    """Return the 200 recordings that the project brings along.

    Raises:
        DataError: this is an installation without the project's examples.
    """
    if not EXCERPT.is_file():
        raise DataError(
            f"SHD: a file must be named, for the excerpt {EXCERPT.name} is not installed; get shd_test.h5.gz from "
            "https://zenkelab.org/datasets/"
        )
    return EXCERPT


def hold_out(speakers: IntArray, held_out: Sequence[int]) -> tuple[IntArray, IntArray]:
    """Split recordings by who speaks: models are chosen on voices that they were not trained with.

    Args:
        speakers: shape (N,), of each recording.
        held_out: speakers to choose by.

    Returns:
        Numbers of the recordings to train with, and of those that are held out.

    Raises:
        DataError: a speaker has no recording, or nobody is left on one side.
    """
    known = np.unique(speakers).tolist()
    strangers = sorted(set(held_out) - set(known))
    if strangers:
        raise DataError(f"held-out speakers: must be among {_names(known)}, not {_names(strangers)}")
    if not 0 < len(set(held_out)) < len(known):
        raise DataError(f"held-out speakers: must be some of {_names(known)} and not all, not {_names(held_out)}")
    is_held = np.isin(speakers, held_out)
    return np.flatnonzero(~is_held), np.flatnonzero(is_held)


def _names(speakers: Sequence[int]) -> str:
    return ", ".join(map(str, speakers)) or "none"


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """Give the file as HDF5 can read it; what was compressed is written to a temporary file."""
    with path.open("rb") as raw:
        if raw.read(len(_GZIP)) != _GZIP:
            yield path
            return
    with tempfile.TemporaryDirectory(prefix="snn2rtl-") as folder:
        plain = Path(folder) / "shd.h5"
        try:
            with gzip.open(path) as packed, plain.open("wb") as target:
                shutil.copyfileobj(packed, target, 1 << 20)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError(f"{path}: must be a whole gzip file, but {error}; get it again") from None
        yield plain


def _check_labels(path: Path, labels: IntArray) -> None:
    if (wrong := np.flatnonzero((labels < 0) | (labels >= CLASSES))).size:
        at = wrong[0]
        raise DataError(f"{path}: labels must be 0..{CLASSES - 1}, not {labels[at]} (recording {at})")


def _check_spikes(path: Path, events: Events) -> None:
    """Raise DataError at the first spike that breaks a rule."""
    times, units = events.times, events.units
    back = np.zeros(len(times), bool)
    back[1:] = times[1:] < times[:-1]
    back[events.ends[events.ends < len(times)]] = False  # there the next recording begins
    rules = (
        (~((times >= 0) & (times < LONGEST_S)), f"times must be seconds, 0 to {LONGEST_S}, not {{time}}"),  # NaN too
        (back, "times must not go back, not {time} after {before}; sort the spikes of each recording by time"),
        ((units < 0) | (units >= UNITS), f"units must be 0..{UNITS - 1}, not {{unit}}"),
    )
    for broken, rule in rules:
        if broken.any():
            at = int(broken.argmax())
            recording = int(np.searchsorted(events.ends, at, side="right"))
            spike = at - int(events.counts[:recording].sum())
            said = rule.format(time=times[at], before=times[at - 1], unit=units[at])
            raise DataError(f"{path}: recording {events.first + recording}, spike {spike}: {said}")
