"""What tools made of an output folder, kept for the next call.

A file is kept with a mark beside it, which holds the key of what it was made of and the digest of its content: whatever
others write meanwhile, a file that is taken is whole and was made of just that.
"""

from __future__ import annotations

import hashlib
import json
import logging
import platform
import shutil
from collections.abc import Sequence
from pathlib import Path

from snn2rtl.errors import OutputError
from snn2rtl.flows.tools import Tool, version
from snn2rtl.output import write_file

log = logging.getLogger(__name__)


def build_key(digest: str, tools: Sequence[Tool], arguments: Sequence[str]) -> str:
    """Return what a build follows from: the sources, the tools and their versions, how they are called, the machine."""
    machine = [platform.system(), platform.machine(), *platform.libc_ver()]
    made_of = [digest, [[tool.name, version(tool)] for tool in tools], list(arguments), machine]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()


def fetch(kept: Path, key: str, to: Path) -> bool:
    """Copy a kept file; False where there is none of this key, or no whole one."""
    try:
        mark = _mark(kept).read_text(encoding="utf-8")
        shutil.copy(kept, to)
        return mark == _mark_text(key, to)
    except (OSError, UnicodeDecodeError):
        return False


def keep(made: Path, key: str, kept: Path) -> None:
    """Keep a file for the next call, in the place of an older one, where that can be done."""
    if not kept.parent.is_dir():
        return  # compile is replacing the folder
    try:
        write_file(kept, lambda partial: shutil.copy(made, partial))
        write_file(_mark(kept), lambda partial: partial.write_text(_mark_text(key, made), encoding="utf-8"))
    except OutputError as error:
        log.debug("%s is not kept: %s", made.name, error)


def _mark(kept: Path) -> Path:
    return kept.with_name(f"{kept.name}.mark")


def _mark_text(key: str, file: Path) -> str:
    with file.open("rb") as content:
        return f"{key} {hashlib.file_digest(content, 'sha256').hexdigest()}"
