"""Cocotb benches on either simulator: one call that builds, runs and judges."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from snn2rtl.errors import ToolFailedError, ToolNotFoundError, VerificationError
from snn2rtl.flows.plain import is_plain
from snn2rtl.flows.tools import FOREIGN, require

SimulatorName = Literal["verilator", "icarus"]

_PROGRAMS = {"verilator": ("verilator", "make", "g++"), "icarus": ("iverilog", "vvp")}
# one C++ file, so that the headers are read once; random start values, so that nothing may count on zeros
_BUILD_ARGS = {"verilator": ["--output-split", "0", "--x-initial", "unique", "-Wno-fatal"], "icarus": []}
_TEST_ARGS = {"verilator": ["+verilator+rand+reset+2"], "icarus": []}
_TAIL_LINES = 40


def run_bench(
    simulator: SimulatorName,
    sources: Sequence[Path],
    top: str,
    module: str,
    build_dir: Path,
    parameters: Mapping[str, int | str] | None = None,
    env: Mapping[str, str] | None = None,
    waves: bool = False,
    cwd: Path | None = None,
) -> None:
    """Build Verilog and run every cocotb test of a Python module on it.

    Args:
        simulator: what runs it.
        sources: Verilog files.
        top: module to test.
        module: dotted name of the Python module with the cocotb tests, found along sys.path.
        build_dir: where the program, build.log, test.log and results.xml go.
        parameters: Verilog parameters of the top.
        env: environment variables for the tests.
        waves: write a waveform.
        cwd: working folder of the simulation, from which $readmemh reads; build_dir where it is None.

    Raises:
        ToolNotFoundError: the simulator or cocotb is not installed.
        ToolFailedError: a path is one that make or a shell would take apart, the sources do not build, or the
            simulation dies.
        VerificationError: a test fails; names every one that does.
    """
    if importlib.util.find_spec("cocotb_tools") is None:
        raise ToolNotFoundError("cocotb: not found; install it with: pip install 'snn2rtl[sim]'")
    from cocotb_tools.runner import get_runner

    for path in (build_dir, *sources):
        if not is_plain(path.resolve()):
            raise ToolFailedError(f"{path}: must have letters, digits, '_', '.', '/' and '-' alone in its path")
    build_dir.mkdir(parents=True, exist_ok=True)
    results = build_dir / "results.xml"
    with _environment({**_tool_environment(simulator), **(env or {})}):
        runner = get_runner(simulator)
        with _failing_as(f"{simulator}: cannot build {top}", build_dir / "build.log"):
            runner.build(
                sources=list(sources),
                hdl_toplevel=top,
                build_dir=build_dir,
                parameters=dict(parameters or {}),
                build_args=_BUILD_ARGS[simulator],
                waves=waves,
                always=True,
                log_file=build_dir / "build.log",
            )
        with _failing_as(f"{simulator}: the simulation of {top} died", build_dir / "test.log", results):
            runner.test(
                test_module=module,
                hdl_toplevel=top,
                build_dir=build_dir,
                test_dir=cwd,
                test_args=_TEST_ARGS[simulator],
                results_xml=str(results.resolve()),
                waves=waves,
                log_file=build_dir / "test.log",
            )
    failed = _failed_tests(results)
    if failed:
        raise VerificationError(
            f"{module} on {simulator}: {len(failed)} tests failed: {', '.join(failed)}; see {build_dir / 'test.log'}\n"
            + _tail(build_dir / "test.log")
        )


def _tool_environment(simulator: SimulatorName) -> dict[str, str]:
    """Return what makes cocotb's runner find the tools that we found, and build quickly."""
    program, *_ = [require(name) for name in _PROGRAMS[simulator]]
    path = f"{Path(program.argv[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    # to optimise Verilator's own library takes twice as long as all the rest, and the design longer than its bench runs
    optimise_nothing = "OPT_GLOBAL=-O0 OPT_SLOW=-O0 OPT_FAST=-O0"
    return {"PATH": path, "MAKEFLAGS": f"{program.env.get('MAKEFLAGS', '')} {optimise_nothing}".strip()}


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables, and unset those of other builds, for a while: cocotb's runner reads no others."""
    before = dict(os.environ)
    for name in filter(FOREIGN.fullmatch, before):
        del os.environ[name]
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _failing_as(what: str, log_file: Path, results: Path | None = None) -> Iterator[None]:
    """Turn the runner's exits into our errors; with results on disk, these are for the caller to judge."""
    try:
        yield
    except (RuntimeError, SystemExit) as error:
        if results is None or not results.is_file():
            raise ToolFailedError(f"{what}, see {log_file}\n{_tail(log_file)}") from error


def _failed_tests(results: Path) -> list[str]:
    """Return the names of the failed tests of a JUnit file that cocotb wrote."""
    cases = list(ElementTree.parse(results).getroot().iter("testcase"))
    if not cases:
        raise ToolFailedError(f"{results}: must hold at least one test, not none")
    return [case.get("name", "?") for case in cases if {part.tag for part in case} & {"failure", "error"}]


def _tail(log_file: Path) -> str:
    lines = log_file.read_text(errors="replace", encoding="utf-8").splitlines() if log_file.is_file() else []
    return "\n".join(lines[-_TAIL_LINES:])
