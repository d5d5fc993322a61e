"""Processes that a test has started, or lets others start."""

import time
from pathlib import Path


def runs(process: int) -> bool:
    """Return whether a process runs; one that has ended may still wait for its parent to notice."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def ends(process: int, seconds: float = 10) -> bool:
    """Return whether a process ends in time."""
    last = time.monotonic() + seconds
    while runs(process):
        if time.monotonic() > last:
            return False
        time.sleep(0.05)
    return True
