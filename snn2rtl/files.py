"""What a path is, where a file is wanted."""

from __future__ import annotations

from pathlib import Path


def why_no_file(path: Path) -> str:
    """Return the end of a sentence that says that a path must be a file, which it is not."""
    if path.is_dir():
        return "not a folder"
    if path.exists():
        return "not a pipe or a device, for it is read more than once; write what it gives to a file"
    return "which does not exist"
