"""The templates folder and the one Jinja environment."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2


@cache
def folder() -> Path:
    """Return the templates folder: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside, beside = package / "templates", package.parent / "templates"
    return inside if inside.is_dir() else beside


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder()),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def render(name: str, **values: object) -> str:
    """Return a template's text; a value that it misses is an error."""
    return _environment().get_template(name).render(**values)


def static(name: str) -> str:
    """Return the text of a file that is copied as it is."""
    return (folder() / name).read_text(encoding="utf-8")
