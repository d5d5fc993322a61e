"""Search spaces: which fields of a configuration a study varies, and between which values. No Optuna here."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any

from snn2rtl.config import Config, fits
from snn2rtl.errors import OptionError


@dataclass(frozen=True)
class Range:
    """All numbers of low..high, whole ones for a field of integers; log: drawn evenly by their logarithm."""

    low: float
    high: float
    log: bool = False

    def probes(self) -> tuple[float, ...]:
        """Return both ends and what is between them."""
        between = (self.low + self.high) / 2
        return self.low, int(between) if isinstance(self.low, int) else between, self.high

    def __str__(self) -> str:
        return f"{self.low}:{self.high}" + ":log" * self.log


@dataclass(frozen=True)
class Choices:
    """Some values of a field."""

    values: tuple[Any, ...]

    def probes(self) -> tuple[Any, ...]:
        """Return all of them."""
        return self.values

    def __str__(self) -> str:
        return ",".join(map(show, self.values))


Dimension = Range | Choices
Space = Mapping[str, Dimension]
Kinds = Mapping[str, type]  # of the fields that can be varied


def show(value: Any) -> str:
    """Return a value of a field as --search takes it."""
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def parse_flags(texts: list[str], kinds: Kinds) -> dict[str, Dimension]:
    """Return the search space of flags such as ``lr=1e-4:1e-2:log``, ``bits=2,3,4`` or ``hidden=400,400-100``.

    Raises:
        OptionError: a flag is none of these, names no field, or names one twice.
    """
    entries: dict[str, str] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise OptionError(f"search: must be FIELD=LOW:HIGH, FIELD=LOW:HIGH:log or FIELD=A,B,..., not {text!r}")
        if name in entries:
            raise OptionError(f"search {name}: must be given once, not as {entries[name]} and as {values}")
        entries[name] = values
    return parse(entries, kinds)


def parse(entries: object, kinds: Kinds) -> dict[str, Dimension]:
    """Return the search space of a table [search]: values as --search takes them, or lists of choices.

    Raises:
        OptionError: an entry names no field, or is no range and no choices of that field's type.
    """
    if not isinstance(entries, dict):
        raise OptionError(f"search: must be a table [search], not {entries!r}")
    return {name: _dimension(name, entry, kinds) for name, entry in entries.items()}


def check(space: Space, base: Config) -> None:
    """Raise OptionError where values of the space break a rule of the configuration, alone or two together.

    Args:
        space: what is varied.
        base: all other values.
    """
    if not space:
        raise OptionError("search: must name at least one field, with --search or in a table [search] of --config")
    problems: dict[str, None] = {}
    for values in _probes(space):
        try:
            replace(base, **values)
        except OptionError as error:
            problems |= dict.fromkeys(str(error).splitlines())
    if problems:
        raise OptionError("\n".join(f"search {problem}" for problem in problems))


def _probes(space: Space) -> Iterator[dict[str, Any]]:
    """Yield the values of every two dimensions together, the others at their first: rules join no more than two."""
    probes = {name: dimension.probes() for name, dimension in space.items()}
    first = {name: values[0] for name, values in probes.items()}
    for names in combinations(space, min(2, len(space))):
        for values in product(*(probes[name] for name in names)):
            yield first | dict(zip(names, values, strict=True))


def _dimension(name: str, entry: object, kinds: Kinds) -> Dimension:
    kind = kinds.get(name)
    if kind is None:
        raise OptionError(f"search {name}: must name an option that can be varied, which are {', '.join(kinds)}")
    if isinstance(entry, str) and ":" in entry:
        return _range(name, kind, entry)
    if isinstance(entry, str):
        values = tuple(read(name, text, kind) for text in entry.split(","))
    elif isinstance(entry, list) and all(fits(item, kind) for item in entry):
        values = tuple(tuple(item) if kind is tuple else kind(item) for item in entry)
    else:
        raise OptionError(f"search {name}: must be a text as --search takes it or a list of values, not {entry!r}")
    if len(values) < 2 or len(set(values)) < len(values):
        raise OptionError(f"search {name}: must have at least two choices, all different, not {entry}")
    return Choices(values)


def _range(name: str, kind: type, text: str) -> Range:
    parts = text.split(":")
    if kind not in (int, float):
        raise OptionError(f"search {name}: must be choices A,B,..., for it is no number, not the range {text}")
    if len(parts) not in (2, 3) or parts[2:] not in ([], ["log"]):
        raise OptionError(f"search {name}: must be LOW:HIGH or LOW:HIGH:log, not {text}")
    low, high = (read(name, part, kind) for part in parts[:2])
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise OptionError(f"search {name}: must have a low end below its high end, not {text}")
    log = len(parts) == 3
    if log and low <= 0:
        raise OptionError(f"search {name}: must begin above 0 to be logarithmic, not at {show(low)}")
    return Range(low, high, log)


def read(name: str, text: str, kind: type) -> Any:
    """Return the value of a field that show() wrote.

    Raises:
        OptionError: the text is none.
    """
    try:
        return _READERS[kind](text.strip())
    except (ValueError, KeyError):
        raise OptionError(f"search {name}: must have values of type {kind.__name__}, not {text!r}") from None


_READERS: dict[type, Callable[[str], Any]] = {
    int: int,
    float: float,
    str: str,
    bool: {"true": True, "false": False}.__getitem__,
    tuple: lambda text: tuple(int(width) for width in text.split("-")),
}
