"""Programs that run as a group of processes, which ends as a whole when the command that waits for them is ended."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_running: set[subprocess.Popen[str]] = set()


def run_group(command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> tuple[int, str]:
    """Run a program to its end and return its exit code and what it printed.

    Raises:
        OSError: it cannot be started.
    """
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        process_group=0,  # what it starts itself ends with it, make's compilers say
    ) as process:
        _running.add(process)
        try:
            printed, complained = process.communicate()
        except BaseException:
            _kill(process)
            raise
        finally:
            _running.discard(process)
    return process.returncode, printed + complained


def kill_all() -> None:
    """End every program that other threads wait for: this process is about to end."""
    for process in list(_running):
        _kill(process)


def _kill(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
