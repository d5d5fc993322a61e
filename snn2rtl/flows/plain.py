"""Folders whose paths no shell, no makefile and no tool can misread."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import weakref
from pathlib import Path

from snn2rtl.errors import OutputError

_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")
_PARENTS = ("/tmp", "/var/tmp")


def is_plain(path: str | Path) -> bool:
    """Return whether a path has letters, digits, '_', '.', '/' and '-' alone."""
    return _PLAIN.fullmatch(str(path)) is not None


class PlainFolder:
    """A temporary folder with a plain path; it goes when nobody holds it any more.

    Raises:
        OutputError: there is no place for one.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="snn2rtl-", dir=_parent()))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def _parent() -> str:
    for parent in (tempfile.gettempdir(), *_PARENTS):
        real = os.path.realpath(parent)
        if is_plain(real) and _takes_programs(real):
            return real
    raise OutputError(
        "TMPDIR: must name a folder that can be written and may hold programs, with letters, digits, '_', '.', '/' and "
        f"'-' alone in its path, not {tempfile.gettempdir()!r}"
    )


def _takes_programs(folder: str) -> bool:
    return os.access(folder, os.W_OK | os.X_OK) and not os.statvfs(folder).f_flag & os.ST_NOEXEC
