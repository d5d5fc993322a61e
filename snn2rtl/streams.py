"""Standard streams as a command may find them: closed, of any encoding, full, with a reader that goes away."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from rich.console import Console, RenderableType

from snn2rtl.errors import OutputError

_ANYTHING = "snn2rtl.anything"
_WIDE = 200  # columns of a table that goes to a file or a pipe
_BYTES = range(0xDC80, 0xDD00)  # how Python writes bytes of file names that are no characters


def prepare_streams() -> None:
    """Open what is closed, so that no file of ours takes its place, and let every character be written somehow."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free, which is this one
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ANYTHING)


def print_results(results: str | Sequence[RenderableType]) -> None:
    """Print a text for machines as it is, or tables and lines for people; a reader that has gone is told nothing more.

    Raises:
        OutputError: stdout takes nothing.
    """
    try:
        if isinstance(results, str):
            print(results)
        else:
            console = _Results(width=None if sys.stdout.isatty() else _WIDE, highlight=False)
            for item in results:
                console.print(item, markup=False, soft_wrap=isinstance(item, str))
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_stdout()  # head, less: nothing is left to tell
    except OSError as error:
        _drop_stdout()
        raise OutputError(f"stdout: cannot be written: {error.strerror}") from error


def complain(line: str) -> None:
    """Print a line to what stderr is now, if anybody hears it."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


class _Results(Console):
    """Leaves it to its user what a reader that has gone means; rich would end the process with an error."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _drop_stdout() -> None:
    """Send what is still to be printed nowhere: Python tries once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write_anything(error: UnicodeError) -> tuple[bytes, int]:
    """Encode bytes of file names as they are, other characters by their number."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    codes = (
        bytes([ord(c) - 0xDC00]) if ord(c) in _BYTES else c.encode("ascii", "backslashreplace") for c in characters
    )
    return b"".join(codes), error.end


codecs.register_error(_ANYTHING, _write_anything)
