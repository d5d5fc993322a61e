"""What a command gives back, for people and for machines."""

from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType

from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.saturations import Saturations


@dataclass(frozen=True)
class Outcome:
    """data: what --json prints. shown: tables and lines that are printed otherwise."""

    data: dict[str, Any]
    shown: tuple[RenderableType, ...] = ()


def saturation_notes(saturations: Saturations, network: FixedPointNetwork) -> list[str]:
    """Return the lines that say what a network clipped and lost."""
    clipped = saturations.clipped(network)
    advice = ["saturation: compile with --time-steps or --calibration as long as the samples, or more --membrane-bits"]
    return [f"saturation: {note}" for note in clipped] + advice * bool(clipped) + saturations.lost()
