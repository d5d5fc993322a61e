"""Outputs: written beside their place and renamed, so that a failed or killed run leaves the old one or none."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from snn2rtl.errors import OutputError

MANIFEST = "manifest.json"
GENERATOR = "snn2rtl"
BUILD = "build"  # what verify, simulate and synth leave in an output folder
_BYPRODUCTS = {BUILD, "__pycache__", ".pytest_cache"}


def write_folder(out: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a new folder, then put it in the place of ``out``.

    Raises:
        OutputError: out holds files that are not ours, or the disk does not take the new ones.
    """
    out = Path(os.path.realpath(out))
    if not out.name:
        raise OutputError(f"{out}: must be a folder that compile can replace, not the root; choose another --out")
    staging = out.with_name(f".{out.name}.partial-{os.getpid()}")
    old = out.with_name(f".{out.name}.old-{os.getpid()}")
    try:
        check_ours(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(out)
        staging.mkdir()
        write(staging)
        if out.exists():
            out.rename(old)
        staging.rename(out)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if os.path.exists(old) and not os.path.exists(out):
            old.rename(out)
        shutil.rmtree(old, ignore_errors=True)


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
    found = (path.relative_to(out) for path in out.rglob("*") if path.is_symlink() or not path.is_dir())
    foreign = sorted(str(path) for path in found if str(path) not in known and not (known and _is_byproduct(path)))
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise OutputError(
            f"{out}: holds {foreign[0]}{more}, which compile did not write; move it or choose another --out"
        )


def _manifest_files(out: Path) -> set[str]:
    """Return the files that compile wrote into a folder; none where it is not one of ours."""
    try:
        manifest = json.loads((out / MANIFEST).read_text())
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
    (folder / MANIFEST).write_text(text + "\n")


def _is_byproduct(path: Path) -> bool:
    return bool(_BYPRODUCTS & set(path.parts))


def _remove_leftovers(out: Path) -> None:
    """Remove what killed runs left beside ``out``; those of a living process stay."""
    for path in out.parent.glob(f".{glob.escape(out.name)}.*-*"):
        kind, _, pid = path.name.removeprefix(f".{out.name}.").partition("-")
        if kind in {"partial", "old"} and pid.isdigit() and not _alive(int(pid)):
            if kind == "old" and not out.exists():
                path.rename(out)  # killed between the two renames: this is the folder as it was
            else:
                shutil.rmtree(path, ignore_errors=True)


def _alive(pid: int) -> bool:
    if pid == os.getpid():
        return False  # a container gives its numbers again
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
