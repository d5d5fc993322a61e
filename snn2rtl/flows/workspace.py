"""Where tools work on an output folder: a copy of its files at a plain path.

Shells, make, Verilator and Icarus take paths apart, so that the folder's own path must not reach them; and what others
do to the folder meanwhile (compile it again, verify it too) must not reach tools that run.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from snn2rtl.errors import ModelFileError
from snn2rtl.flows.plain import PlainFolder
from snn2rtl.folder import OutputFolder

_TAKEN = {"hdl": "*", "mem": "*", "tb": "replay*"}  # what tools need


@dataclass(frozen=True, eq=False)
class Workspace:
    """Copies of the Verilog, the memories and the replay bench of an output folder.

    digest: of all files of the output folder as they were when they were copied.
    """

    place: PlainFolder
    digest: str

    @property
    def path(self) -> Path:
        """The folder in which tools run."""
        return self.place.path

    @classmethod
    def of(cls, folder: OutputFolder) -> Workspace:
        """Copy a folder's files.

        Raises:
            ModelFileError: compile has replaced the folder since it was opened, or a file cannot be read.
        """
        place = PlainFolder()
        try:
            digest = _copy(folder, place.path)
        except OSError as error:
            folder.check_unchanged()  # a folder that is being replaced lacks files, too
            raise ModelFileError(f"{error.filename}: cannot be read: {error.strerror}; compile it again") from error
        folder.check_unchanged()
        return cls(place, digest)


def _copy(folder: OutputFolder, to: Path) -> str:
    """Copy what tools need and return a digest of all files, which an edited file changes."""
    hasher = hashlib.sha256()
    for file in sorted(folder.files):
        content = (folder.path / file).read_bytes()
        hasher.update(file.encode() + b"\0" + hashlib.sha256(content).digest())
        top = file.partition("/")[0]
        if top in _TAKEN and PurePosixPath(file).match(f"{top}/{_TAKEN[top]}"):
            (to / top).mkdir(exist_ok=True)
            (to / file).write_bytes(content)
    return hasher.hexdigest()
