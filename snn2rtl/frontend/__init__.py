"""Front ends: from a trained network, in memory or in a file, to the float network."""

from snn2rtl.frontend.checkpoint import load, save, saved_task
from snn2rtl.frontend.read import from_module

__all__ = ["from_module", "load", "save", "saved_task"]
