"""Types of command-line values that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from reprlib import repr as short
from typing import TypeVar, get_args

from snn2rtl.float_net.nodes import ResetKind
from snn2rtl.options import PerLayer, ReadOptions

T = TypeVar("T", int, str)
N = TypeVar("N", int, float)
MAX_NUMBER = 2**32 - 1


def per_layer(kind: type[T], default: T, least: int | None = None) -> Callable[[str], PerLayer[T]]:
    """Return the parser of ``8``, ``fc1=4,fc2=8`` or ``8,fc1=4``; layers that are not named take the default.

    least is the least number that can be given, where the default is below it and means that nothing was asked for.
    """

    def parse(text: str) -> PerLayer[T]:
        rest, named = default, {}
        for item in text.split(","):
            layer, equals, value = item.rpartition("=")
            try:
                found = kind(value)
            except ValueError:
                found = None
            if found is None or (equals and not layer):
                raise argparse.ArgumentTypeError(f"must be N or LAYER=N,..., not {short(text)}")
            if least is not None and int(found) < least:
                raise argparse.ArgumentTypeError(f"must be at least {least}, not {found}")
            if equals:
                named[layer] = found
            else:
                rest = found
        return PerLayer(rest, named)

    return parse


def number(kind: type[N]) -> Callable[[str], N]:
    """Return the parser of an integer or a float, whose range its command checks."""
    what = "an integer" if kind is int else "a number"

    def parse(text: str) -> N:
        try:
            return kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be {what}, not {short(text)}") from None

    return parse


def integer(low: int) -> Callable[[str], int]:
    """Return the parser of an integer that is no less, and fits the 32 bits of a seed in Verilog."""

    def parse(text: str) -> int:
        value = int(text) if text.isdecimal() and len(text) <= len(str(MAX_NUMBER)) else -1
        if not low <= value <= MAX_NUMBER:
            raise argparse.ArgumentTypeError(f"must be an integer of {low}..{MAX_NUMBER}, not {short(text)}")
        return value

    return parse


positive, natural = integer(1), integer(0)


def share(text: str) -> float:
    """Return a number of 0 or more and below 1."""
    value = number(float)(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"must be 0 or more and below 1, not {short(text)}")
    return value


def shape(text: str) -> tuple[int, ...]:
    """Return positive integers that commas separate."""
    parts = text.split(",")
    if not all(part.isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"must be positive integers such as 1,28,28, not {short(text)}")
    return tuple(map(int, parts))


def add_read_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ReadOptions."""
    parser.add_argument("--dt", type=number(float), metavar="S",
                        help="seconds of a time step, for a file of NIR [asked for where it is needed]")  # fmt: skip
    add_reset_arguments(parser)


def add_reset_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ReadOptions but dt."""
    add = parser.add_argument
    add("--reset", choices=get_args(ResetKind), default="",
        help="what a spike does to the membrane, for a file of NIR: to v_reset (hard), less the threshold (soft), or "
        "as in snnTorch: a step later (late), without reset_delay (stepped), nothing (none) [asked for]")  # fmt: skip
    add("--integrate", choices=["time", "step"], default="",
        help="what neurons without a leak add in a step, for a file of NIR: r * dt * input by its equation, or r * "
        "input as some frameworks have it [asked for where r is not 1 / dt]")  # fmt: skip


def read_options(args: argparse.Namespace) -> ReadOptions:
    """Return what add_read_arguments() read."""
    return ReadOptions(dt=args.dt, reset=args.reset, integrate=args.integrate)
