"""A table of an arch file, read value by value; everything that is wrong with it is gathered."""

from __future__ import annotations

import sys
from collections.abc import Callable
from reprlib import repr as short
from typing import Any

from snn2rtl.float_net.nodes import SCORES

REQUIRED = object()
_RULES: dict[str, Callable[[Any], bool]] = {
    "a string": lambda value: isinstance(value, str),
    "true or false": lambda value: isinstance(value, bool),
    "a finite number": lambda value: type(value) in (int, float) and abs(value) <= sys.float_info.max,
    "a number above 0 and at most 1": lambda value: type(value) in (int, float) and 0 < value <= 1,
    "a whole number of at least 1": lambda value: type(value) is int and value >= 1,
    "'poisson', 'direct' or 'values'": lambda value: value in ("poisson", "direct", "values"),
    "'soft', or left out": lambda value: value == "soft",
    "'max', 'last' or 'sum'": lambda value: value in SCORES,
    "a table": lambda value: isinstance(value, dict),
    "tables, each headed [[layer]]": lambda value: (
        isinstance(value, list) and all(isinstance(item, dict) for item in value)
    ),
}


class Table:
    """A table of the file, out of which the values are taken one by one; problems gathers what is wrong with them."""

    def __init__(self, where: str, values: dict[str, Any], problems: list[str]) -> None:
        self.where = where
        self.values = dict(values)
        self.problems = problems

    def take(self, key: str, rule: str, default: Any = REQUIRED) -> Any:
        """Return the value, the default where there is none, or None where it is at fault."""
        if key not in self.values:
            if default is REQUIRED:
                self.problems.append(f"{self.where}: must have {key}, {rule}, which is missing")
            return None if default is REQUIRED else default
        value = self.values.pop(key)
        if _RULES[rule](value):
            return value
        self.problems.append(f"{self.where}: {key} must be {rule}, not {short(value)}")
        return None

    def number(self, key: str, default: Any = REQUIRED) -> float:
        """Return the number, or 0 where it is at fault."""
        return float(self.take(key, "a finite number", default) or 0.0)

    def close(self) -> None:
        """Note the keys that nothing asked for."""
        self.problems += [f"{self.where}: must not have the unknown key '{key}'" for key in self.values]
