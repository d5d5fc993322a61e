"""Simulators as engines: beats in, recorded beats out, over the replay bench of an output folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from snn2rtl.errors import ToolFailedError, VerificationError
from snn2rtl.fixed_point import IntArray
from snn2rtl.flows import tools
from snn2rtl.flows.netlist import netlist_sources
from snn2rtl.flows.synth import Target
from snn2rtl.folder import OutputFolder
from snn2rtl.int_net.reference import Inputs, Spikes
from snn2rtl.rtl import beats
from snn2rtl.rtl.hextext import Bits, from_lines, to_lines

Engine = Literal["verilator", "icarus"]
Trace = Literal["vcd", "saif"]
_BENCH = ["tb/replay.v", "tb/replay_source.v", "tb/replay_monitor.v"]
STALL_RANGE = 256


@dataclass(frozen=True)
class Stalls:
    """Probability in 1/256 that the sender or the receiver waits for a cycle, and the seed of that choice.

    alone: the sender waits at the end of a sample until the sample's result is out.
    """

    sender: int = 0
    receiver: int = 0
    seed: int = 1
    alone: bool = False


@dataclass(frozen=True, eq=False)
class Recording:
    """What the hardware did.

    spikes: of every node by its name, shape (T, N, neurons), none of integrators. scores: of integrators, shape (N,
    classes). output: words {tlast, tdata}. starts and ends: cycle of the first beat in and of the last beat out of
    every sample, shape (N,).
    """

    spikes: Mapping[str, Spikes]
    scores: IntArray | None
    output: Bits
    starts: IntArray
    ends: IntArray


@dataclass(frozen=True)
class Simulator:
    """A built replay bench."""

    folder: OutputFolder
    command: Callable[[], tuple[tools.Tool, list[str]]]

    def run(self, inputs: Inputs, stalls: Stalls, scratch: Path, wave: Path | None = None) -> Recording:
        """Return what the hardware does with spikes or pixels, as reference.run() takes them; scratch is removed.

        Raises:
            VerificationError: the recorded streams are not streams of these samples.
            ToolFailedError: the simulator ended with an error.
        """
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        (scratch / "input.hex").write_bytes(to_lines(beats.input_words(self.folder.design, inputs)))
        tool, arguments = self.command()
        plusargs = [
            f"+input={scratch / 'input.hex'}",
            f"+record={scratch}",
            f"+stall_in={stalls.sender}",
            f"+stall_out={stalls.receiver}",
            f"+seed={stalls.seed}",
        ]
        plusargs += ["+alone"] if stalls.alone else []
        plusargs += [f"+wave={wave}"] if wave else []
        text = tools.run(tool, [*arguments, *plusargs], cwd=self.folder.path, log_file=scratch / "log.txt")
        verdict = next((line for line in text.splitlines() if line.startswith(("PASS", "FAIL"))), "no verdict")
        recording = _read(self.folder, inputs, scratch, verdict)
        shutil.rmtree(scratch)
        return recording


def build(
    folder: OutputFolder, engine: Engine, *, netlist: Target | None = None, trace: Trace | None = None
) -> Simulator:
    """Return the replay bench built for an engine; an unchanged folder is built once.

    Args:
        folder: the output folder.
        engine: the simulator.
        netlist: a device family whose netlist is built in place of the Verilog.
        trace: able to write a waveform (vcd), or with Verilator how often every signal toggled (saif).

    Raises:
        ToolNotFoundError: a tool is not installed.
        ToolFailedError: it does not build.
    """
    place = folder.build / "-".join([engine, *([netlist] if netlist else []), *([trace] if trace else [])])
    current = folder.is_current(place)
    if not current:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
    if engine == "icarus":
        return _build_icarus(folder, place, netlist, current)
    return _build_verilator(folder, place, netlist, current, trace)


def _build_icarus(folder: OutputFolder, place: Path, netlist: Target | None, current: bool) -> Simulator:
    compiler, runner = tools.require("iverilog"), tools.require("vvp")
    program = place / "replay.vvp"
    if not current:
        arguments = ["-g2005", "-s", "replay_tb", "-o", str(program), *_sources(folder, netlist), "tb/replay_tb.v"]
        tools.run(compiler, arguments, cwd=folder.path, log_file=place / "build.log")
        folder.mark(place)
    return Simulator(folder, lambda: (runner, [str(program)]))


def _build_verilator(
    folder: OutputFolder, place: Path, netlist: Target | None, current: bool, trace: Trace | None
) -> Simulator:
    tool = tools.require("verilator")
    tools.require("make")
    tools.require("g++")
    program = place / "Vreplay"
    if not current:
        arguments = ["--cc", "--exe", "--build", "-j", "0", "-O3", "--x-initial", "unique", "-Wno-lint"]
        arguments += ["--top-module", "replay", "--Mdir", str(place), *([f"--trace-{trace}"] if trace else [])]
        # a netlist is so much C++ that more than this takes longer than it saves
        arguments += ["-MAKEFLAGS", "OPT_FAST=-O1"] if netlist else []
        arguments += [*_sources(folder, netlist), "tb/replay_main.cpp"]
        tools.run(tool, arguments, cwd=folder.path, log_file=place / "build.log")
        folder.mark(place)
    return Simulator(folder, lambda: (tools.Tool("verilator", (str(program),)), ["+verilator+rand+reset+2"]))


def _sources(folder: OutputFolder, netlist: Target | None) -> list[str]:
    return [*(netlist_sources(folder, netlist) if netlist else folder.hdl), *_BENCH]


def _read(folder: OutputFolder, inputs: Inputs, scratch: Path, verdict: str) -> Recording:
    design = folder.design
    steps = design.encoder.time_steps if design.encoder else inputs.shape[0]
    samples = inputs.shape[-2]
    spikes: dict[str, Spikes] = {}
    scores = None
    try:
        for layer, integer in zip(design.layers, folder.network.populations, strict=True):
            words = from_lines((scratch / f"{layer.stream}.hex").read_bytes(), layer.beat_width)
            what, neurons = f"layer '{integer.name}'", integer.num_neurons
            if layer.scores:
                scores = beats.read_scores(words, neurons=neurons, samples=samples, what=what)
                spikes[layer.name] = np.zeros((steps, samples, neurons), np.uint8)
            else:
                spikes[layer.name] = beats.read_events(
                    words, layer.placement, neurons=neurons, steps=steps, samples=samples, what=what
                )
        output = from_lines((scratch / "output.hex").read_bytes(), design.out_data_width + 1)
    except (VerificationError, ValueError) as error:
        raise VerificationError(f"{error} (the bench says: {verdict})") from error
    except OSError as error:
        raise ToolFailedError(f"simulator: wrote no {error.filename} (the bench says: {verdict})") from error
    lines = (scratch / "cycles.txt").read_text().split()
    cycles = {kind: np.array(lines[1::2], np.int64)[np.array(lines[::2]) == kind] for kind in ("in", "out")}
    return Recording(spikes, scores, output, cycles["in"], cycles["out"])
