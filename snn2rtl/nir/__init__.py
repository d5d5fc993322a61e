"""NIR, the Neuromorphic Intermediate Representation (https://neuroir.org): read, and written. docs/nir.md says how.

Source: the package nir 1.0.8 (ir/, serialization.py), which is not needed.
"""

from __future__ import annotations

from pathlib import Path

from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.nir.convert import to_network
from snn2rtl.nir.export import Export, to_graph
from snn2rtl.nir.file import is_named, read
from snn2rtl.nir.writer import write
from snn2rtl.options import ReadOptions

__all__ = ["Export", "is_named", "load", "to_graph", "write"]


def load(path: Path, options: ReadOptions | None = None) -> SpikingNetwork:
    """Return the network of a file.

    Args:
        path: the file.
        options: what the file leaves open.

    Raises:
        ModelFileError: it is missing or damaged, or holds no graph of NIR.
        OptionError: the options leave something open that it needs.
        UnsupportedModelError: something in it has no exact hardware here. Every problem is named.
    """
    return to_network(read(path), path.stem, options or ReadOptions())
