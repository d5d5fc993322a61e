"""Types of command-line values that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeVar

from snn2rtl.options import PerLayer

T = TypeVar("T", int, str)


def per_layer(kind: type[T], default: T) -> Callable[[str], PerLayer[T]]:
    """Return the parser of ``8``, ``fc1=4,fc2=8`` or ``8,fc1=4``; layers that are not named take the default."""

    def parse(text: str) -> PerLayer[T]:
        rest, named = default, {}
        for item in text.split(","):
            layer, equals, value = item.rpartition("=")
            try:
                number = kind(value)
            except ValueError:
                raise argparse.ArgumentTypeError(f"must be N or LAYER=N,..., not {text!r}") from None
            if equals:
                named[layer] = number
            else:
                rest = number
        return PerLayer(rest, named)

    return parse


def positive(text: str) -> int:
    """Return a positive integer."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer, not {text!r}")
    return number


def natural(text: str) -> int:
    """Return an integer of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be an integer of at least 0, not {text!r}")
    return int(text)


def shape(text: str) -> tuple[int, ...]:
    """Return positive integers that commas separate."""
    parts = text.split(",")
    if not all(part.isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"must be positive integers such as 1,28,28, not {text!r}")
    return tuple(map(int, parts))
