"""Configurations: frozen dataclasses of plain values, from flags, dictionaries and TOML files."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from snn2rtl.errors import OptionError

C = TypeVar("C", bound="Config")


@dataclass(frozen=True, kw_only=True)
class Config:
    """A configuration; every entry of it has a default, and its type is the default's."""

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
