"""How each engine makes a program of the replay bench, and how it runs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, assert_never

from snn2rtl.flows.tools import Tool, require

Engine = Literal["verilator", "icarus"]
Trace = Literal["vcd", "saif"]


@dataclass(frozen=True)
class Recipe:
    """A way to the program of a bench.

    tools: the first makes it with options, of the sources behind them; the others have a part in it. clock: the source
    that drives the bench. program: what is made. runner and arguments: how it is run.
    """

    tools: tuple[Tool, ...]
    options: tuple[str, ...]
    clock: str
    program: Path
    runner: Tool
    arguments: tuple[str, ...]


def choose_recipe(engine: Engine, workspace: Path, *, is_netlist: bool, trace: Trace | None) -> Recipe:
    """Return the recipe of an engine.

    Args:
        engine: the simulator.
        workspace: folder in which it works.
        is_netlist: build cells in place of the Verilog.
        trace: what the bench must be able to write.

    Raises:
        ToolNotFoundError: a tool is not installed.
    """
    match engine:
        case "icarus":
            return _icarus(workspace)
        case "verilator":
            return _verilator(workspace, is_netlist=is_netlist, trace=trace)
    assert_never(engine)


def _icarus(workspace: Path) -> Recipe:
    compiler, runner = require("iverilog"), require("vvp")
    program = workspace / "bench" / "replay.vvp"
    options = ("-g2005", "-s", "replay_tb", "-o", str(program.relative_to(workspace)))
    return Recipe((compiler, runner), options, "tb/replay_tb.v", program, runner, ("-n", str(program)))


def _verilator(workspace: Path, *, is_netlist: bool, trace: Trace | None) -> Recipe:
    program = workspace / "bench" / "Vreplay"
    options = ["--cc", "--exe", "--build", "-j", "0", "-O3", "--x-initial", "unique", "-Wno-lint"]
    options += ["--top-module", "replay", "--Mdir", "bench", *([f"--trace-{trace}"] if trace else [])]
    # a netlist is so much C++ that more than this takes longer than it saves
    options += ["-MAKEFLAGS", "OPT_FAST=-O1"] if is_netlist else []
    return Recipe(
        tools=(require("verilator"), require("make"), require("g++")),
        options=tuple(options),
        clock="tb/replay_main.cpp",
        program=program,
        runner=Tool("verilator", (str(program),)),
        arguments=("+verilator+rand+reset+2",),
    )
