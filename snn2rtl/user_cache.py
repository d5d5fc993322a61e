"""The user's cache; where home cannot be written (containers, another uid), a private folder for temporary files."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path

PROJECT = "snn2rtl"


def cache_folder(name: str, holds: Sequence[str] = ()) -> Path:
    """Return a folder of ours in the user's cache, or in a private temporary folder where it cannot be written.

    Args:
        name: of the folder.
        holds: files that are wanted: a folder that has them all needs not be written.
    """
    folder = user_cache_path(PROJECT) / name
    if holds and all((folder / file).is_file() for file in holds):
        return folder
    return folder if can_write(folder) else private_folder() / name


def yowasp_cache() -> dict[str, str]:
    """Return what tells tools of YoWASP where their cache is, if they could not write to where they look."""
    chosen = os.environ.get("YOWASP_CACHE_DIR")
    usual = Path(chosen) if chosen else user_cache_path("YoWASP", appauthor=False)
    return {} if can_write(usual) else {"YOWASP_CACHE_DIR": str(cache_folder("yowasp"))}


def can_write(folder: Path) -> bool:
    """Make a folder and return whether files can be written to it."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        return os.access(folder, os.W_OK | os.X_OK)
    return False


@cache
def private_folder() -> Path:
    """Return the user's own temporary folder, which later runs find again; a new one where others have its name."""
    folder = Path(tempfile.gettempdir()) / f"{PROJECT}-{os.getuid()}"
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
            return folder
    return Path(tempfile.mkdtemp(prefix=f"{PROJECT}-"))
