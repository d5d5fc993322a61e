"""Spoken digits as spikes (SHD): files of the published layout, read part by part and checked.

Layout: ``spikes/times`` (float seconds) and ``spikes/units`` (0..699) hold a list for each recording; ``labels`` are
0..9 for English and 10..19 for German digits; ``extra/speaker`` is who speaks. A file may be compressed with gzip.
Source: Cramer, Stradmann, Schemmel, Zenke, The Heidelberg Spiking Data Sets, https://zenkelab.org/datasets/
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2rtl.data.events import UNITS, Events
from snn2rtl.errors import DataError
from snn2rtl.files import why_no_file
from snn2rtl.fixed_point import IntArray

ENGLISH = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
GERMAN = ("null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")
WORDS = ENGLISH + GERMAN
CLASSES = len(WORDS)
LONGEST_S = 10  # a digit takes about one second: a file of milliseconds is found out
EXCERPT = Path(__file__).resolve().parents[2] / "examples" / "shd" / "shd_regen_test_200.h5.gz"

_AT_ONCE = 256  # recordings
_TIMES, _UNITS, _LABELS, _SPEAKERS = KEYS = ("spikes/times", "spikes/units", "labels", "extra/speaker")
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
    _lists: tuple[Any, Any]  # of times and of units

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
        with _reading(self.path):
            times, units = (lists[first:last] for lists in self._lists)
            counts = [np.array([len(one) for one in lists], np.int64) for lists in (times, units)]
            joined = [np.concatenate(lists) for lists in (times, units)]
        if (unequal := np.flatnonzero(counts[0] != counts[1])).size:
            at = unequal[0]
            raise DataError(
                f"{self.path}: recording {first + at} must have as many units as times, "
                f"not {counts[1][at]} and {counts[0][at]}"
            )
        events = Events(first, joined[0], joined[1], counts[0])
        _check_spikes(self.path, events)
        return events


@contextmanager
def open_shd(path: Path) -> Iterator[ShdFile]:
    """Open a file of the published layout, .h5 or .h5.gz; the spikes stay on disk.

    Raises:
        DataError: it is missing or damaged, or its structure or its labels break a rule.
    """
    import h5py

    if not path.is_file():
        raise DataError(f"{path}: must be a file, {why_no_file(path)}")
    with _unpacked(path) as plain:
        if not h5py.is_hdf5(plain):
            raise DataError(f"{path}: must be a file of HDF5, compressed with gzip or not; get it again")
        with _reading(path):
            file = h5py.File(plain, "r")
        with file:
            with _reading(path):
                checked = _checked(path, file)
            yield checked


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


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what HDF5 says about a damaged file into one sentence."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        said = " ".join(str(error).split())
        raise DataError(f"{path}: must be a whole HDF5 file, but {said}; get it again") from None


def _checked(path: Path, file: Any) -> ShdFile:
    import h5py

    found = {key: file.get(key) for key in KEYS}
    missing = [key for key, item in found.items() if not isinstance(item, h5py.Dataset)]
    if missing:
        raise DataError(f"{path}: must hold the arrays {', '.join(KEYS)}, not none at {' and '.join(missing)}")
    shapes = {key: item.shape for key, item in found.items()}
    if len(set(shapes.values())) > 1 or len(shapes[_LABELS]) != 1:
        raise DataError(f"{path}: arrays must have one axis and one length, not {_shapes(shapes)}")
    if not shapes[_LABELS][0]:
        raise DataError(f"{path}: must hold at least one recording, not none")
    for key, kinds, what in ((_TIMES, "f", "floats"), (_UNITS, "iu", "integers")):
        dtype = h5py.check_vlen_dtype(found[key].dtype)
        if not isinstance(dtype, np.dtype) or dtype.kind not in kinds:
            raise DataError(f"{path}: {key} must hold a list of {what} for each recording, not {found[key].dtype}")
        _check_lengths(path, key, found[key])
    labels, speakers = (_integers(path, key, found[key]) for key in (_LABELS, _SPEAKERS))
    if (wrong := np.flatnonzero((labels < 0) | (labels >= CLASSES))).size:
        at = wrong[0]
        raise DataError(f"{path}: labels must be 0..{CLASSES - 1}, not {labels[at]} (recording {at})")
    note = file.attrs.get("note", "")
    return ShdFile(path, labels, speakers, note if isinstance(note, str) else "", (found[_TIMES], found[_UNITS]))


def _check_lengths(path: Path, key: str, item: Any) -> None:
    """Raise DataError where a list is longer than the file: HDF5 would take as much memory before it looks.

    HDF5 keeps a length (32 bits), an address (64) and a number (32) for each list, here in one piece unless in chunks.
    """
    offset, file = item.id.get_offset(), Path(item.file.filename)
    if offset is None or item.id.get_storage_size() != 16 * len(item):
        return
    lengths = np.fromfile(file, "<u4, <u8, <u4", len(item), offset=offset)["f0"]
    if (longest := int(lengths.max())) > file.stat().st_size:
        at = int(lengths.argmax())
        raise DataError(f"{path}: recording {at} must fit the file, not have {longest:,} {key}; get it again")


def _shapes(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{key} {shape}" for key, shape in shapes.items())


def _integers(path: Path, key: str, item: Any) -> IntArray:
    if item.dtype.kind not in "iu":
        raise DataError(f"{path}: {key} must be integers, not {item.dtype}")
    values: NDArray[Any] = item[:]
    return values.astype(np.int64)


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
