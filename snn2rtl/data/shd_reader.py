"""Reads files of SHD in a process of its own, for a damaged file lets the HDF5 library crash, or loop without end.

The process answers requests on a connection: {"open": ...} gives labels, speakers and the file's note, {"read": [first,
last]} the recordings, {"close": ...} nothing. An answer is a JSON object, and then the bytes of each array that it
announces.
"""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2rtl.errors import DataError
from snn2rtl.fixed_point import IntArray

KEYS = _TIMES, _UNITS, _LABELS, _SPEAKERS = ("spikes/times", "spikes/units", "labels", "extra/speaker")
_SPARE = 1 << 30  # bytes that reading a file may take, and so many times its size
_TIMES_SIZE = 16

Arrays = list[NDArray[Any]]


class OpenFile:
    """An open file whose structure has been checked; name: the file that messages speak of."""

    def __init__(self, name: str, path: Path) -> None:
        import h5py

        self.name = name
        if not h5py.is_hdf5(path):
            raise DataError(f"{name}: must be a file of HDF5, compressed with gzip or not; get it again")
        with self._reading():
            self._file = h5py.File(path, "r")
        try:
            with self._reading():
                found = _checked_arrays(name, self._file)
                self._lists = found[_TIMES], found[_UNITS]
                self.labels, self.speakers = (_integers(name, key, found[key]) for key in (_LABELS, _SPEAKERS))
                note = self._file.attrs.get("note", "")
        except BaseException:
            self.close()
            raise
        self.note = note if isinstance(note, str) else ""

    def read(self, first: int, last: int) -> Arrays:
        """Return times and units of some recordings, each in a row, and how many times and units each recording has."""
        with self._reading():
            times, units = (lists[first:last] for lists in self._lists)
            counts = [np.array([len(one) for one in lists], np.int64) for lists in (times, units)]
            return [np.concatenate(times), np.concatenate(units), *counts]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn what HDF5 says about a damaged file into one sentence."""
        try:
            yield
        except MemoryError:
            said = "it takes more memory than one of its size can need"
            raise DataError(f"{self.name}: must be a whole HDF5 file, but {said}; get it again") from None
        except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
            said = " ".join(str(error).split())
            raise DataError(f"{self.name}: must be a whole HDF5 file, but {said}; get it again") from None


def serve(number: int) -> None:
    """Answer requests on an open socket until the other side has gone."""
    connection = Connection(number)
    files: list[OpenFile] = []  # one, or none
    while True:
        try:
            request = json.loads(connection.recv_bytes())
        except EOFError:
            return
        _limit_time(request["seconds"])
        try:
            answer, arrays = _answer(request, files)
        except DataError as error:
            answer, arrays = {"error": str(error)}, []
        send(connection, answer, arrays)


def _answer(request: dict[str, Any], files: list[OpenFile]) -> tuple[dict[str, Any], Arrays]:
    if "read" in request:
        return {}, files[0].read(*request["read"])
    while files:
        files.pop().close()
    if "close" in request:
        return {}, []
    path = Path(request["open"])
    _limit_memory(path.stat().st_size)
    files.append(OpenFile(request["name"], path))
    return {"note": files[0].note}, [files[0].labels, files[0].speakers]


def send(connection: Connection, answer: dict[str, Any], arrays: Arrays) -> None:
    """Send an answer."""
    kinds = [[array.dtype.str, array.shape] for array in arrays]
    connection.send_bytes(json.dumps({**answer, "arrays": kinds}).encode())
    for array in arrays:
        connection.send_bytes(array.tobytes())


def receive(connection: Connection) -> tuple[dict[str, Any], Arrays]:
    """Return an answer that is received.

    Raises:
        EOFError, OSError: the other side has gone.
    """
    answer = json.loads(connection.recv_bytes())
    return answer, [
        np.frombuffer(connection.recv_bytes(), np.dtype(kind)).reshape(shape) for kind, shape in answer.pop("arrays")
    ]


def _limit_time(seconds: int) -> None:
    """Let the system end this process where it computes for so many seconds more: a slow disk is no reason."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_memory(size: int) -> None:
    """Let allocations fail that a file of this size does not need; on Linux, which says what is taken before."""
    with suppress(FileNotFoundError):
        status = Path("/proc/self/status").read_text(encoding="ascii")
        taken = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmData"))
        resource.setrlimit(resource.RLIMIT_DATA, (taken + _SPARE + _TIMES_SIZE * size, resource.RLIM_INFINITY))


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
