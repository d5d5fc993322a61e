"""snn2rtl: from a SpikingJelly network to proven, event-driven Verilog.

``snn2rtl.compile(net, "rtl")`` compiles, ``snn2rtl.save(net, "model.pt")`` writes a file that the command line reads.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from snn2rtl.api import compile
from snn2rtl.encoders import Encoder
from snn2rtl.errors import Snn2RtlError
from snn2rtl.options import PerLayer, QuantizeOptions, RtlOptions, Targets
from snn2rtl.version import __version__

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "Encoder",
    "PerLayer",
    "QuantizeOptions",
    "RtlOptions",
    "Snn2RtlError",
    "Targets",
    "__version__",
    "compile",
    "save",
]


def save(
    net: nn.Module,
    path: str | os.PathLike[str],
    *,
    encoder: Encoder | None = None,
    name: str | None = None,
    example_input: Any = None,
    task: str | None = None,
) -> None:
    """Write a SpikingJelly network to a file for ``snn2rtl compile``; see snn2rtl.frontend.save()."""
    from snn2rtl.frontend import save as save_network

    save_network(net, path, encoder=encoder, name=name, example_input=example_input, task=task)
