"""Files of NIR, which other frameworks write: snn2rtl/nir/ reads them, without torch."""

from __future__ import annotations

from pathlib import Path

from snn2rtl import nir
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.frontend.frameworks.base import FrontEnd
from snn2rtl.options import ReadOptions


class Nir(FrontEnd):
    """Files alone: the graphs of the package nir are written to one."""

    name = "NIR"
    asks = True

    def reads_file(self, path: Path) -> bool:
        """Return whether a file has the name of one of NIR."""
        return nir.is_named(path)

    def load(self, path: Path, options: ReadOptions | None = None) -> SpikingNetwork:
        """Return the network in a file; options say what it leaves open."""
        return nir.load(path, options)
