"""Frameworks whose networks are read: a file of this folder and a line here for each."""

from __future__ import annotations

from snn2rtl.frontend.frameworks.base import FrontEnd
from snn2rtl.frontend.frameworks.nir import Nir
from snn2rtl.frontend.frameworks.norse import Norse
from snn2rtl.frontend.frameworks.pytorch import PyTorch
from snn2rtl.frontend.frameworks.snntorch import SnnTorch
from snn2rtl.frontend.frameworks.spikingjelly import SpikingJelly

FRONT_ENDS: dict[str, FrontEnd] = {
    front_end.name: front_end
    for front_end in (
        PyTorch(),
        SpikingJelly(),
        SnnTorch(),
        Norse(),
        Nir(),
    )
}
