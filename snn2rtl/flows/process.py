"""Programs that end when the command that waits for them is ended, and with them all that they started."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import ClassVar
from weakref import WeakSet


class Programs:
    """Programs that may run at once, in several threads, and that one thread ends."""

    _all: ClassVar[WeakSet[Programs]] = WeakSet()

    def __init__(self) -> None:
        self._all.add(self)
        self._lock = Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._ended = False

    def run(self, command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> tuple[int, str]:
        """Run a program to its end and return its exit code and what it printed.

        Raises:
            OSError: it cannot be started.
            InterruptedError: it was ended.
        """
        process = self._start(command, cwd, env)
        try:
            printed, complained = process.communicate()
        except BaseException:
            _kill(process)
            raise
        finally:
            with self._lock:
                self._running.discard(process)
        if self._ended:
            raise InterruptedError(f"{command[0]} was ended")
        return process.returncode, printed + complained

    def end(self) -> None:
        """Kill what runs; nothing is started any more."""
        with self._lock:
            self._ended = True
            for process in self._running:
                _kill(process)

    @classmethod
    def end_all(cls) -> None:
        """Kill the programs of all threads: the process is about to end."""
        for programs in list(cls._all):
            programs.end()

    def _start(self, command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> subprocess.Popen[str]:
        with self._lock:
            if self._ended:
                raise InterruptedError(f"{command[0]} would be ended")
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                process_group=0,  # what it starts itself (make's compilers, say) is killed with it
            )
            self._running.add(process)
            return process


def _kill(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
