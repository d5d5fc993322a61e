"""An output folder, opened again: everything that verify, simulate and synth need is in it, and no torch."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as short
from typing import TypeVar

import numpy as np

from snn2rtl.errors import ModelFileError
from snn2rtl.int_net import network_file
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.output import GENERATOR
from snn2rtl.replacing import BUILD, MANIFEST
from snn2rtl.rtl.design import RtlDesign
from snn2rtl.rtl.placement import Placement
from snn2rtl.rtl.plan import plan
from snn2rtl.user_cache import cache_folder
from snn2rtl.version import __version__

T = TypeVar("T")
log = logging.getLogger(__name__)
_FILE = re.compile(r"[\w.-]+(/[\w.-]+)*", re.ASCII)
_VERILOG = re.compile(r"hdl/\w+\.v", re.ASCII)


@dataclass(frozen=True, eq=False)
class OutputFolder:
    """The parts of an output folder.

    manifest: digest of its manifest. hdl: its Verilog files from the root of the folder, modules before users.
    """

    path: Path
    manifest: str
    files: tuple[str, ...]
    hdl: tuple[str, ...]
    network: FixedPointNetwork
    design: RtlDesign

    @property
    def build(self) -> Path:
        """Where tools leave what they make of the folder: inside of it, or in the user's cache where that cannot be."""
        inside = self.path / BUILD
        with suppress(OSError):
            inside.mkdir(exist_ok=True)  # not its parents: compile may just be replacing the folder
            if os.access(inside, os.W_OK | os.X_OK):
                return inside
        outside = cache_folder("builds") / hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        log.info("%s cannot be written: what tools make of it goes to %s", self.path, outside)
        return outside

    def build_place(self, name: str) -> Path:
        """Make and return the part of build that belongs to one tool or flow."""
        place = self.build / name
        place.mkdir(parents=True, exist_ok=True)
        return place

    def check_unchanged(self) -> None:
        """Raise ModelFileError where compile has replaced the folder since it was opened."""
        with suppress(OSError):
            if hashlib.sha256((self.path / MANIFEST).read_bytes()).hexdigest() == self.manifest:
                return
        raise ModelFileError(f"{self.path}: was compiled again in the meantime; run the command again")


def open_folder(path: Path) -> OutputFolder:
    """Return the output folder at ``path``.

    Raises:
        ModelFileError: it is no folder that compile of this version wrote, or a file of it is missing.
        OptionError: its manifest names options that no compile takes.
    """
    path = path.resolve()
    try:
        text = (path / MANIFEST).read_bytes()
        manifest = json.loads(text)
        if manifest["generator"] != GENERATOR:
            raise ValueError("another tool's manifest")
        if manifest["version"] != __version__:  # it plans other hardware, and reads another manifest
            raise ModelFileError(
                f"{path}: must be written by snn2rtl {__version__}, not {manifest['version']}; compile it again"
            )
        files, hdl = _values([*manifest["files"]], str), _values(manifest["hdl"], str)
        lanes, layouts = _values(manifest["options"]["lanes"], int), _values(manifest["options"]["layout"], str)
        placement = [list(_values(neurons, int)) for neurons in _values(manifest["options"]["placement"], list)]
        digest, output = manifest["digest"], manifest["options"]["output"]
        (beat_pixels,) = _values([manifest["options"]["beat_pixels"]], int)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelFileError(f"{path}: must be a folder that snn2rtl compile wrote ({error})") from error
    _check_names(path, files, hdl)
    missing = [file for file in files if not (path / file).is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ModelFileError(f"{path}: misses {missing[0]}{more}; compile it again")
    network = network_file.load(path / "network.npz")
    names = [layer.name for layer in network.populations]
    if network_file.digest(network) != digest or not len(names) == len(lanes) == len(layouts):
        raise ModelFileError(f"{path}: network.npz is not the network of {MANIFEST}; compile it again")
    options = RtlOptions(
        lanes=PerLayer(1, dict(zip(names, lanes, strict=True))),
        layout=PerLayer("auto", dict(zip(names, layouts, strict=True))),
        output=output,
        beat_pixels=beat_pixels,
    )
    design = plan(network, options, _placements(placement, network))
    return OutputFolder(path, hashlib.sha256(text).hexdigest(), files, hdl, network, design)


def _values(values: object, kind: type[T]) -> tuple[T, ...]:
    if not isinstance(values, list) or not all(type(value) is kind for value in values):
        raise ValueError(f"must hold a list of {kind.__name__}, not {values!r:.60}")
    return tuple(values)


def _check_names(path: Path, files: Sequence[str], hdl: Sequence[str]) -> None:
    """Raise ModelFileError for names that compile never writes: scripts of tools and copies of the folder take them."""
    outside = [file for file in files if not _FILE.fullmatch(file) or ".." in file.split("/")]
    if outside:
        rule = "files must be plain names inside of the folder (letters, digits, '_', '-', '.', '/')"
        raise ModelFileError(f"{path / MANIFEST}: {rule}, not {short(outside[0])}; compile it again")
    strange = [file for file in hdl if not _VERILOG.fullmatch(file) or file not in files]
    if strange:
        rule = "hdl must name Verilog files of the folder, hdl/<module>.v"
        raise ModelFileError(f"{path / MANIFEST}: {rule}, not {short(strange[0])}; compile it again")


def _placements(lists: list[list[int]], network: FixedPointNetwork) -> Placement:
    layers = network.populations
    if len(lists) != len(layers):
        raise ModelFileError(f"{MANIFEST}: placement must have {len(layers)} layers, not {len(lists)}")
    for neurons, layer in zip(lists, layers, strict=True):
        if not neurons or len(set(neurons)) != len(neurons) or not set(neurons) <= set(range(layer.num_neurons)):
            raise ModelFileError(f"{MANIFEST}: placement of layer '{layer.name}' must name its neurons, each once")
    return {layer.name: np.array(neurons, np.int64) for neurons, layer in zip(lists, layers, strict=True)}
