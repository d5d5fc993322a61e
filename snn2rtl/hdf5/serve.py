"""Reads files of HDF5 in a process of its own, for a damaged file lets the HDF5 library crash, or loop without end.

The process answers requests on a connection: {"open": path, "reader": module, "name": ...} opens a file with the
OpenFile of a module and gives what its opened() returns, {"close": ...} nothing, any other what its answer() returns.
An answer is a JSON object, and then the bytes of each array that it announces.
"""

from __future__ import annotations

import importlib
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from snn2rtl.errors import DataError

_SPARE = 1 << 30  # bytes that reading a file may take, and so many times its size
_TIMES_SIZE = 16

Arrays = list[NDArray[Any]]
Answer = tuple[dict[str, Any], Arrays]


class File(Protocol):
    """An open file; its constructor takes the name that messages have, and the path, and raises DataError."""

    def opened(self) -> Answer:
        """Return what opening the file gives."""

    def answer(self, request: dict[str, Any]) -> Answer:
        """Return what a request gives."""

    def close(self) -> None:
        """Close the file."""


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what HDF5 says about a damaged file into one sentence; name: the file that it speaks of."""
    try:
        yield
    except MemoryError:
        said = "it takes more memory than one of its size can need"
        raise DataError(f"{name}: must be a whole HDF5 file, but {said}; get it again") from None
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        said = " ".join(str(error).split())
        raise DataError(f"{name}: must be a whole HDF5 file, but {said}; get it again") from None


def serve(number: int) -> None:
    """Answer requests on an open socket until the other side has gone."""
    connection = Connection(number)
    files: list[File] = []  # one, or none
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


def _answer(request: dict[str, Any], files: list[File]) -> Answer:
    if "open" not in request and "close" not in request:
        return files[0].answer(request)
    while files:
        files.pop().close()
    if "close" in request:
        return {}, []
    path = Path(request["open"])
    _limit_memory(path.stat().st_size)
    files.append(importlib.import_module(request["reader"]).OpenFile(request["name"], path))
    return files[0].opened()


def send(connection: Connection, answer: dict[str, Any], arrays: Arrays) -> None:
    """Send an answer."""
    kinds = [[array.dtype.str, array.shape] for array in arrays]
    connection.send_bytes(json.dumps({**answer, "arrays": kinds}).encode())
    for array in arrays:
        connection.send_bytes(array.tobytes())


def receive(connection: Connection) -> Answer:
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
