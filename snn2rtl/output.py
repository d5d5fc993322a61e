"""Outputs: written beside their place, so that a failed or killed run leaves the old one or none."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from snn2rtl.errors import OutputError
from snn2rtl.replacing import MANIFEST, Replacing, all_files, clean_leftovers, own_files

GENERATOR = "snn2rtl"


def write_folder(out: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a new folder, then put it in the place of ``out``.

    Raises:
        OutputError: out holds files that are not ours, or the disk does not take the new ones.
    """
    out = Path(os.path.realpath(out))
    if not out.name:
        raise OutputError(f"{out}: must be a folder that compile can replace, not the root; choose another --out")
    replacing = Replacing.of(out)
    try:
        clean_leftovers(out)
        check_ours(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        replacing.staging.mkdir()
        write(replacing.staging)
        replacing.finish()
    except OSError as error:
        raise OutputError(f"{out}: cannot be written: {error.strerror or error}") from error
    finally:
        replacing.clean()


def write_file(out: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a new file, then put it in the place of ``out``.

    Raises:
        OutputError: out is a folder, or the disk does not take the file.
    """
    if out.is_dir():
        raise OutputError(f"{out}: must be a file, not a folder; choose another --out")
    partial = out.with_name(f".{out.name}.partial-{os.getpid()}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write(partial)
        partial.replace(out)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def check_ours(out: Path) -> None:
    """Raise OutputError unless ``out`` is absent, empty or a folder that compile made and nobody added to."""
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir():
        raise OutputError(f"{out}: must be a folder, not a file; choose another --out")
    known = _manifest_files(out)
    found = own_files(out) if known else all_files(out)
    foreign = sorted(set(found) - known)
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise OutputError(
            f"{out}: holds {foreign[0]}{more}, which compile did not write; move it or choose another --out"
        )


def _manifest_files(out: Path) -> set[str]:
    """Return the files that compile wrote into a folder; none where it is not one of ours."""
    try:
        manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        return {MANIFEST, *manifest["files"]} if manifest["generator"] == GENERATOR else set()
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()


def write_manifest(folder: Path, content: dict[str, Any]) -> None:
    """Write manifest.json: the content, and the SHA-256 of every file in the folder."""
    files = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    text = json.dumps({"generator": GENERATOR, **content, "files": files}, indent=2)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
