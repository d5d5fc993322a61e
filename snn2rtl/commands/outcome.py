"""What a command gives back, for people and for machines."""

from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType


@dataclass(frozen=True)
class Outcome:
    """data: what --json prints. shown: tables and lines that are printed otherwise."""

    data: dict[str, Any]
    shown: tuple[RenderableType, ...] = ()
