"""An output folder, opened again: everything that verify, simulate and synth need is in it, and no torch."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snn2rtl import network_file
from snn2rtl.errors import ModelFileError
from snn2rtl.network import FixedPointNetwork
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.output import BUILD, GENERATOR, MANIFEST
from snn2rtl.rtl.design import RtlDesign
from snn2rtl.rtl.plan import plan


@dataclass(frozen=True, eq=False)
class OutputFolder:
    """The parts of an output folder."""

    path: Path
    manifest: dict[str, Any]
    network: FixedPointNetwork
    design: RtlDesign

    @property
    def build(self) -> Path:
        """Where tools leave what they make of the folder."""
        return self.path / BUILD

    @property
    def hdl(self) -> list[str]:
        """Verilog files, from the root of the folder, modules before their users."""
        return list(self.manifest["hdl"])

    def fingerprint(self) -> str:
        """Return a digest of the files as they are now, which an edited file changes."""
        hasher = hashlib.sha256()
        for file in sorted(self.manifest["files"]):
            hasher.update(file.encode() + b"\0" + (self.path / file).read_bytes())
        return hasher.hexdigest()


def open_folder(path: Path) -> OutputFolder:
    """Return the output folder at ``path``.

    Raises:
        ModelFileError: it is no folder that compile wrote, or a file of it is missing.
    """
    path = path.resolve()
    try:
        manifest = json.loads((path / MANIFEST).read_text())
        if manifest["generator"] != GENERATOR:
            raise ValueError("another tool's manifest")
        missing = [file for file in manifest["files"] if not (path / file).is_file()]
        chosen = manifest["options"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{path}: must be a folder that snn2rtl compile wrote ({error})") from error
    if missing:
        raise ModelFileError(f"{path}: misses {missing[0]} and {len(missing) - 1} more files; compile it again")
    network = network_file.load(path / "network.npz")
    if network_file.digest(network) != manifest["digest"]:
        raise ModelFileError(f"{path}: network.npz is not the network of {MANIFEST}; compile it again")
    names = [layer.name for layer in network.layers]
    options = RtlOptions(
        lanes=PerLayer(1, dict(zip(names, chosen["lanes"], strict=True))),
        layout=PerLayer("auto", dict(zip(names, chosen["layout"], strict=True))),
        output=chosen["output"],
    )
    placements = [np.array(neurons, np.int64) for neurons in chosen["placement"]]
    return OutputFolder(path, manifest, network, plan(network, options, placements))
