"""Processes that a test has started, or lets others start."""

from pathlib import Path


def runs(process: int) -> bool:
    """Return whether a process runs; one that has ended may still wait for its parent to notice."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"
