"""Configurations: frozen dataclasses of plain values, from flags, dictionaries and TOML files.

A field says once what it is: its default, its help text and its rule. The command line, the reader of files, the checks
and the documentation take them from there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from inspect import get_annotations
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from snn2rtl.errors import OptionError
from snn2rtl.rules import OneOf, Rule

C = TypeVar("C", bound="Config")
T = TypeVar("T")
_OPTION = "option"


@dataclass(frozen=True)
class Option:
    """A field of a configuration.

    default: its type is that of every value. help: what it is, without default and rule. rule: what a value must be,
    None where the type says enough. of_model: whether a model file fixes it, for a run that starts from one.
    """

    name: str
    default: Any
    help: str = ""
    rule: Rule | None = None
    of_model: bool = False

    @property
    def kind(self) -> type:
        """Return the type of a value."""
        return type(self.default)

    @property
    def choices(self) -> tuple[str, ...]:
        """Return all values, where they are a few words."""
        return self.rule.values if isinstance(self.rule, OneOf) else ()


def option(default: T, help: str, rule: Rule | None = None, *, of_model: bool = False) -> T:
    """Return a dataclass field that is described; a Literal's values are its rule."""
    described: T = field(default=default, metadata={_OPTION: (help, rule, of_model)})
    return described


@dataclass(frozen=True, kw_only=True)
class Config:
    """A configuration; every entry of it has a default, and its type is the default's.

    Raises:
        OptionError: a value breaks a rule; every problem is named.
    """

    def __post_init__(self) -> None:
        for name, kind in self.kinds().items():
            if kind is tuple:
                object.__setattr__(self, name, tuple(getattr(self, name)))
        problems = self._broken_rules()
        problems += [(name, rule) for name, rule, holds in self.conflicts() if not holds]
        if problems:
            raise OptionError(
                "\n".join(f"{name}: must be {rule}, not {getattr(self, name)}" for name, rule in problems)
            )

    def _broken_rules(self) -> list[tuple[str, str]]:
        """Return the fields that break their rules; none is held against another that breaks its own."""
        rules = {name: one.rule for name, one in self.options().items() if one.rule is not None}
        alone = {name for name, rule in rules.items() if not rule.others}
        broken = {name for name in alone if not rules[name].holds(getattr(self, name), self)}
        for name in (name for name in rules if name not in alone):
            if not broken.intersection(rules[name].others) and not rules[name].holds(getattr(self, name), self):
                broken.add(name)
        return [(name, rule.text) for name, rule in rules.items() if name in broken]

    def conflicts(self) -> list[tuple[str, str, bool]]:
        """Return what must hold of several fields together: one of them, what it must be, whether it is."""
        return []

    @classmethod
    def options(cls) -> Mapping[str, Option]:
        """Return all fields, those of the class itself before those of its bases."""
        return _options(cls)  # type: ignore[arg-type]  # which looks at __hash__ of the instances

    @classmethod
    def kinds(cls) -> dict[str, type]:
        """Return the type of each entry."""
        return {field.name: type(field.default) for field in fields(cls)}

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for a file."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls: type[C], data: dict[str, Any], where: str = "configuration") -> C:
        """Return the configuration that to_dict() described.

        Raises:
            OptionError: an entry is unknown, of another type, or out of its range.
        """
        kinds = cls.kinds()
        unknown = sorted(map(str, data.keys() - kinds.keys()))
        if unknown:
            raise OptionError(f"{where}: must have known entries only, not {', '.join(unknown)}")
        misfits = [f"{where}: {name} must be of type {kinds[name].__name__}, not {value!r}"
                   for name, value in data.items() if not fits(value, kinds[name])]  # fmt: skip
        if misfits:
            raise OptionError("\n".join(misfits))
        return cls(**data)

    @classmethod
    def from_file(cls: type[C], path: Path) -> C:
        """Return the configuration of a TOML file; what it does not name has its default.

        Raises:
            OptionError: the file cannot be read, or as from_dict().
        """
        return cls.from_dict(read_toml(path), str(path))


@cache
def _options(cls: type[Config]) -> Mapping[str, Option]:
    known = {field.name: field.default for field in fields(cls)}
    described: dict[str, Any] = dict.fromkeys(known)
    order: dict[str, None] = {}
    for owner in cls.__mro__:
        own = get_annotations(owner)
        for name in filter(known.__contains__, own):
            order.setdefault(name)
            # a subclass may give another default, and says no more
            described[name] = described[name] or owner.__dict__["__dataclass_fields__"][name].metadata.get(_OPTION)
    hints, options = get_type_hints(cls), {}
    for name in order:
        help, rule, of_model = described[name] or ("", None, False)
        if rule is None and get_origin(hints[name]) is Literal:
            rule = OneOf(get_args(hints[name]))
        options[name] = Option(name, known[name], help, rule, of_model)
    return MappingProxyType(options)


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds.

    Raises:
        OptionError: the file cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"{path}: must be a TOML file ({error})") from error


def fits(value: object, kind: type) -> bool:
    """Return whether a value of a file can be an entry of this type."""
    if kind is tuple:
        return isinstance(value, (list, tuple)) and all(fits(item, int) for item in value)
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is kind
