"""Asks the process that reads files of HDF5 (serve.py), and ends it where it does not answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from snn2rtl.errors import DataError
from snn2rtl.hdf5.serve import Arrays, receive

SECONDS = 10  # of computing, for an answer that takes well below one
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from snn2rtl.hdf5.serve import serve; serve(int(sys.argv[2]))"
)


class Reader:
    """A process that reads one file after the other."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self.waits = False  # for an answer
        self._connection, theirs = Pipe()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        number = theirs.fileno()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _START, json.dumps(sys.path), str(number)],
                stdin=subprocess.DEVNULL,
                stdout=self._said,
                stderr=self._said,
                pass_fds=[number],
                process_group=0,  # Ctrl-C is for the process that asks
            )
        self.end = weakref.finalize(self, _end, self._owner, self._process, self._connection)

    @property
    def is_ours(self) -> bool:
        """Whether it runs, and for this process, not for the one that forked this one."""
        return self._owner == os.getpid() and self._process.poll() is None

    def ask(self, path: Path, request: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
        """Return the answer to a request about a file.

        Raises:
            DataError: the file is refused, or the process ends over it.
        """
        self.waits = True
        try:
            self._connection.send_bytes(json.dumps({**request, "seconds": SECONDS}).encode())
            answer, arrays = receive(self._connection)
        except (EOFError, ConnectionError):
            raise DataError(f"{path}: must be a whole HDF5 file, but {self._why_it_ended()}; get it again") from None
        self.waits = False
        if "error" in answer:
            raise DataError(answer["error"])
        return answer, arrays

    def _why_it_ended(self) -> str:
        code = self._process.wait()
        if code == -signal.SIGXCPU:
            return f"reading it takes more than {SECONDS} s of computing"
        if code < 0:
            return f"the HDF5 library crashes on it ({signal.Signals(-code).name})"
        self._said.seek(0)
        last = self._said.read().decode(errors="replace").strip().rpartition("\n")[2]
        return f"reading it fails: {last or f'exit code {code}'}"


_idle: list[Reader] = []


@contextmanager
def borrowed_reader() -> Iterator[Reader]:
    """Give a process that reads files; it is there for the next one, too, unless it still owes an answer."""
    own = [reader for reader in _idle if reader.is_ours]
    _idle[:] = own[1:]
    reader = own[0] if own else Reader()
    try:
        yield reader
    finally:
        if not reader.waits:
            with suppress(DataError):
                reader.ask(Path(), {"close": True})
        if reader.waits:
            reader.end()
        else:
            _idle.append(reader)


def _end(owner: int, process: subprocess.Popen[bytes], connection: Connection) -> None:
    connection.close()
    if owner == os.getpid():
        process.kill()
        process.wait()
