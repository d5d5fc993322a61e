"""What the value of a field must be: one description for the check, the error and the documentation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

Bound = float | str  # a number, or the field whose value it is


class Rule(Protocol):
    """A rule of one field. It may compare the value with other fields of the same configuration."""

    @property
    def text(self) -> str:
        """Return what the value must be, as the end of a sentence."""

    @property
    def others(self) -> tuple[str, ...]:
        """Return the other fields."""

    def holds(self, value: Any, config: Any) -> bool:
        """Return whether a value keeps the rule."""


@dataclass(frozen=True)
class Limits:
    """Numbers from low to high. open_low, open_high: without the end itself. infinite: infinity is one of them."""

    low: Bound
    high: Bound | None = None
    open_low: bool = False
    open_high: bool = False
    infinite: bool = False

    @property
    def text(self) -> str:
        """Return what the value must be."""
        if self.high is None:
            return f"above {self.low}" if self.open_low else f"at least {self.low}"
        if self.open_low:
            return f"above {self.low} and {'below' if self.open_high else 'at most'} {self.high}"
        return f"{self.low} or more and below {self.high}" if self.open_high else f"{self.low} to {self.high}"

    @property
    def others(self) -> tuple[str, ...]:
        """Return the fields that are bounds."""
        return tuple(bound for bound in (self.low, self.high) if isinstance(bound, str))

    def holds(self, value: Any, config: Any) -> bool:
        """Return whether a number is inside; NaN never is."""
        low, high = (getattr(config, bound) if isinstance(bound, str) else bound for bound in (self.low, self.high))
        above = value > low if self.open_low else value >= low
        if high is None:
            return bool(above and (self.infinite or value < math.inf))
        return bool(above and (value < high if self.open_high else value <= high))


@dataclass(frozen=True)
class Either:
    """One value that stands for itself, or what another rule allows."""

    alone: float
    rule: Rule

    @property
    def text(self) -> str:
        """Return what the value must be."""
        return f"{self.alone}, or {self.rule.text}"

    @property
    def others(self) -> tuple[str, ...]:
        """Return the other fields of the rule."""
        return self.rule.others

    def holds(self, value: Any, config: Any) -> bool:
        """Return whether the value is the one, or keeps the rule."""
        return bool(value == self.alone) or self.rule.holds(value, config)


@dataclass(frozen=True)
class Each:
    """A rule of every number of a list, of which there are at least so many."""

    rule: Rule
    least: int = 0

    @property
    def text(self) -> str:
        """Return what the values must be."""
        return f"{self.least} or more numbers, each {self.rule.text}" if self.least else f"each {self.rule.text}"

    @property
    def others(self) -> tuple[str, ...]:
        """Return the other fields of the rule."""
        return self.rule.others

    def holds(self, value: Any, config: Any) -> bool:
        """Return whether there are enough, and each keeps the rule."""
        return len(value) >= self.least and all(self.rule.holds(item, config) for item in value)


@dataclass(frozen=True)
class OneOf:
    """Some values, by name."""

    values: tuple[str, ...]
    others: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return what the value must be."""
        return " or ".join(filter(None, (", ".join(self.values[:-1]), self.values[-1])))

    def holds(self, value: Any, config: Any) -> bool:
        """Return whether it is one of them."""
        return value in self.values


def at_least(low: Bound) -> Limits:
    """Return the rule of numbers that are no less."""
    return Limits(low)


def above(low: Bound, most: Bound | None = None, *, infinite: bool = False) -> Limits:
    """Return the rule of numbers that are greater, and no greater than another."""
    return Limits(low, most, open_low=True, infinite=infinite)


def between(low: Bound, high: Bound) -> Limits:
    """Return the rule of numbers from one to another, both among them."""
    return Limits(low, high)


def below(high: Bound) -> Limits:
    """Return the rule of numbers of 0 or more that are less."""
    return Limits(0, high, open_high=True)
