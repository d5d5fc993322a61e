"""A folder that was written takes the place of an older one, whole or not at all.

It is renamed. Where the old folder itself must stay (somebody stands in it, it is a mount, or its parent takes no
other), its files give way to the new ones: its manifest goes first and comes last, so that what is half done is no
folder of ours, and the next run undoes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

MANIFEST = "manifest.json"
BUILD = "build"  # what verify, simulate and synth leave in an output folder
BYPRODUCTS = {BUILD, "__pycache__", ".pytest_cache"}


@dataclass(frozen=True)
class Replacing:
    """How one process replaces a folder; stays: its files alone."""

    out: Path
    stays: bool
    process: int

    @classmethod
    def of(cls, out: Path) -> Replacing:
        """Return the way for a folder, which may not exist."""
        return cls(out, os.path.isdir(out) and _must_stay(out), os.getpid())

    @property
    def staging(self) -> Path:
        """Where the new content is written."""
        return self._place("partial")

    @property
    def old(self) -> Path:
        """Where the old content waits until the new one is in its place."""
        return self._place("old")

    def _place(self, kind: str) -> Path:
        return (self.out if self.stays else self.out.parent) / f".{self.out.name}.{kind}-{self.process}"

    def finish(self) -> None:
        """Put what was written into its place.

        Raises:
            OSError: it cannot be; clean() brings the old content back.
        """
        if self.stays:
            with _locked(self.out):
                self._move_files()
            return
        if self.out.exists():
            self.out.rename(self.old)
        self.staging.rename(self.out)

    def clean(self) -> None:
        """Remove staging and old; where the new content is not in its place, bring the old one back."""
        if self.stays:
            self._restore_files()
        elif os.path.exists(self.old) and not os.path.exists(self.out):
            self.old.rename(self.out)
        shutil.rmtree(self.staging, ignore_errors=True)
        shutil.rmtree(self.old, ignore_errors=True)

    def _move_files(self) -> None:
        self.old.mkdir()
        _move(self.out, self.old, sorted(own_files(self.out), key=lambda file: file != MANIFEST))
        for folder in self.out.rglob("*"):
            if folder.name in BYPRODUCTS and folder.is_dir():
                shutil.rmtree(folder, ignore_errors=True)
        _move(self.staging, self.out, sorted(own_files(self.staging), key=lambda file: file == MANIFEST))
        _remove_empty(self.out)

    def _restore_files(self) -> None:
        if not self.old.is_dir() or (self.out / MANIFEST).exists():
            return
        moved = {file for file in listed_files(self.staging) if not (self.staging / file).exists()}
        for file in moved & set(own_files(self.out)):
            (self.out / file).unlink()
        _move(self.old, self.out, sorted(own_files(self.old), key=lambda file: file == MANIFEST))


def all_files(folder: Path) -> Iterator[str]:
    """Yield every file in a folder but those of a process that replaces it."""
    for path in folder.rglob("*"):
        file = path.relative_to(folder)
        if (path.is_symlink() or not path.is_dir()) and not _leftover(folder, file.parts[0]):
            yield str(file)


def own_files(folder: Path) -> Iterator[str]:
    """Yield all files of a folder but those that tools make."""
    return (file for file in all_files(folder) if not BYPRODUCTS & set(PurePath(file).parts))


def listed_files(folder: Path) -> list[str]:
    """Return the files that the manifest of a folder lists; none where it has no manifest."""
    try:
        return list(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []


def clean_leftovers(out: Path) -> None:
    """Undo what killed runs left in a folder and beside it; what belongs to a living process stays."""
    for stays, place in ((True, out), (False, out.parent)):
        for path in list(place.iterdir()) if place.is_dir() else ():
            process = _leftover(out, path.name)
            if process and not _alive(process):
                Replacing(out, stays, process).clean()


def _leftover(out: Path, name: str) -> int:
    """Return the process that left something of this name when it replaced a folder; 0 for none."""
    found = re.fullmatch(rf"\.{re.escape(out.name)}\.(partial|old)-(\d+)", name)
    return int(found[2]) if found else 0


def _alive(process: int) -> bool:
    if process == os.getpid():
        return False  # a container gives its numbers again
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _must_stay(out: Path) -> bool:
    return _stands_in(out) or _is_mount(out) or not os.access(out.parent, os.W_OK | os.X_OK)


def _stands_in(out: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):  # of somebody whose own folder was removed
        return Path.cwd().is_relative_to(out)
    return False


def _is_mount(out: Path) -> bool:
    """Return whether something is mounted at a folder, a folder of the same disk too, which ismount() does not see."""
    points = []
    with contextlib.suppress(OSError):
        points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    return out.is_mount() or str(out) in (re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), p) for p in points)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let other processes wait that move files in the same folder."""
    number = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def _move(source: Path, target: Path, files: Iterable[str]) -> None:
    for file in files:
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        (source / file).replace(target / file)


def _remove_empty(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink() and not _stands_in(path):
            with contextlib.suppress(OSError):  # not empty
                path.rmdir()
