"""Writes what documentation the program itself can say, in docs/cli.md: its options and its help texts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from snn2rtl import cli
from snn2rtl.commands import config_options

DOCS = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
OPTIONS = ("<!-- options of training: made by `make docs` -->\n", "<!-- end of options -->\n")
HELP = "\n```text\n"  # all that follows


def generated(text: str) -> str:
    """Return the page with its generated parts as they are now."""
    before, _, rest = text.partition(OPTIONS[0])
    _, _, after = rest.partition(OPTIONS[1])
    prose, _, _ = after.partition(HELP)
    texts = "\n".join(f"```text\n{help_text(command)}```\n" for command in ("", *cli.COMMANDS))
    return f"{before}{OPTIONS[0]}\n{config_options.table()}\n{OPTIONS[1]}{prose}\n{texts}"


def help_text(command: str) -> str:
    """Return what --help prints."""
    env = {**os.environ, "COLUMNS": "110", "NO_COLOR": "1"}
    argv = [sys.executable, "-m", "snn2rtl", *([command] if command else []), "--help"]
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    DOCS.write_text(generated(DOCS.read_text()))
