"""Reads files of SHD, in the process of hdf5/serve.py.

Opening one gives labels, speakers and the file's note, {"read": [first, last]} the recordings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2rtl.errors import DataError
from snn2rtl.fixed_point import IntArray
from snn2rtl.hdf5.serve import Arrays, reading

KEYS = _TIMES, _UNITS, _LABELS, _SPEAKERS = ("spikes/times", "spikes/units", "labels", "extra/speaker")


class OpenFile:
    """An open file whose structure has been checked; name: the file that messages speak of."""

    def __init__(self, name: str, path: Path) -> None:
        import h5py

        self.name = name
        if not h5py.is_hdf5(path):
            raise DataError(f"{name}: must be a file of HDF5, compressed with gzip or not; get it again")
        with reading(self.name):
            self._file = h5py.File(path, "r")
        try:
            with reading(self.name):
                found = _checked_arrays(name, self._file)
                self._lists = found[_TIMES], found[_UNITS]
                self.labels, self.speakers = (_integers(name, key, found[key]) for key in (_LABELS, _SPEAKERS))
                note = self._file.attrs.get("note", "")
        except BaseException:
            self.close()
            raise
        self.note = note if isinstance(note, str) else ""

    def opened(self) -> tuple[dict[str, Any], Arrays]:
        """Return the file's note, and labels and speakers."""
        return {"note": self.note}, [self.labels, self.speakers]

    def answer(self, request: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
        """Return some recordings."""
        return {}, self.read(*request["read"])

    def read(self, first: int, last: int) -> Arrays:
        """Return times and units of some recordings, each in a row, and how many times and units each recording has."""
        with reading(self.name):
            times, units = (lists[first:last] for lists in self._lists)
            counts = [np.array([len(one) for one in lists], np.int64) for lists in (times, units)]
            return [np.concatenate(times), np.concatenate(units), *counts]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _checked_arrays(name: str, file: Any) -> dict[str, Any]:
    """Return the four arrays of a file, whose structure is that of a file of SHD."""
    import h5py

    found = {key: file.get(key) for key in KEYS}
    missing = [key for key, item in found.items() if not isinstance(item, h5py.Dataset)]
    if missing:
        raise DataError(f"{name}: must hold the arrays {', '.join(KEYS)}, not none at {' and '.join(missing)}")
    shapes = {key: item.shape for key, item in found.items()}
    if len(set(shapes.values())) > 1 or len(shapes[_LABELS]) != 1:
        raise DataError(f"{name}: arrays must have one axis and one length, not {_shapes(shapes)}")
    if not shapes[_LABELS][0]:
        raise DataError(f"{name}: must hold at least one recording, not none")
    for key, kinds, what in ((_TIMES, "f", "floats"), (_UNITS, "iu", "integers")):
        dtype = h5py.check_vlen_dtype(found[key].dtype)
        if not isinstance(dtype, np.dtype) or dtype.kind not in kinds:
            raise DataError(f"{name}: {key} must hold a list of {what} for each recording, not {found[key].dtype}")
        _check_lengths(name, key, found[key])
    return found


def _check_lengths(name: str, key: str, item: Any) -> None:
    """Raise DataError where a list is longer than the file: HDF5 would take as much memory before it looks.

    HDF5 keeps a length (32 bits), an address (64) and a number (32) for each list, here in one piece unless in chunks.
    """
    offset, file = item.id.get_offset(), Path(item.file.filename)
    if offset is None or item.id.get_storage_size() != 16 * len(item):
        return
    lengths = np.fromfile(file, "<u4, <u8, <u4", len(item), offset=offset)["f0"]
    if (longest := int(lengths.max())) > file.stat().st_size:
        at = int(lengths.argmax())
        raise DataError(f"{name}: recording {at} must fit the file, not have {longest:,} {key}; get it again")


def _shapes(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{key} {shape}" for key, shape in shapes.items())


def _integers(name: str, key: str, item: Any) -> IntArray:
    if item.dtype.kind not in "iu":
        raise DataError(f"{name}: {key} must be integers, not {item.dtype}")
    values: NDArray[Any] = item[:]
    return values.astype(np.int64)
