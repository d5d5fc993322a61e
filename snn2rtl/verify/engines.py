"""Simulators as engines: beats in, recorded beats out, over the replay bench of an output folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from snn2rtl.errors import ToolFailedError, VerificationError
from snn2rtl.fixed_point import IntArray
from snn2rtl.flows import tools
from snn2rtl.flows.build_cache import build_key, fetch, keep
from snn2rtl.flows.netlist import make_netlist, netlist_verilog
from snn2rtl.flows.process import Programs
from snn2rtl.flows.workspace import Workspace
from snn2rtl.folder import OutputFolder
from snn2rtl.int_net.reference import Inputs, Spikes
from snn2rtl.output import write_file
from snn2rtl.rtl import beats
from snn2rtl.rtl.hextext import Bits, from_lines, to_lines
from snn2rtl.verify.recipes import Engine, Recipe, Trace, choose_recipe

_WAVE = "wave.vcd"  # Icarus would add the ending
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


@dataclass(frozen=True, eq=False)
class Simulator:
    """A built replay bench in a workspace of its own; kept_in is where a log stays if a run fails."""

    folder: OutputFolder
    workspace: Workspace
    kept_in: Path
    recipe: Recipe
    programs: Programs = field(default_factory=Programs)

    def end(self) -> None:
        """End the runs of other threads; there is no other run after it."""
        self.programs.end()

    def run(self, inputs: Inputs, stalls: Stalls, wave: Path | None = None) -> Recording:
        """Return what the hardware does with spikes, pixels or values, as reference.run() takes them.

        Args:
            inputs: what comes in.
            stalls: how often sender and receiver wait.
            wave: where the waveform goes, of a bench that was built for one; it is there even if an error is raised.

        Raises:
            VerificationError: the recorded streams are not streams of these samples.
            ToolFailedError: the simulator ended with an error.
        """
        scratch = Path(tempfile.mkdtemp(prefix="run-", dir=self.workspace.path))
        try:
            verdict = self._simulate(inputs, stalls, scratch, traced=wave is not None)
            return _read(self.folder, inputs, scratch, verdict)
        finally:
            if wave and (scratch / _WAVE).is_file():
                write_file(wave, lambda partial: shutil.copy(scratch / _WAVE, partial))
            shutil.rmtree(scratch)

    def _simulate(self, inputs: Inputs, stalls: Stalls, scratch: Path, *, traced: bool) -> str:
        (scratch / "input.hex").write_bytes(to_lines(beats.input_words(self.folder.design, inputs)))
        # names from the workspace: the bench cuts long ones, Icarus spoils those that are not ASCII
        plusargs = [
            f"+input={scratch.name}/input.hex",
            f"+record={scratch.name}",
            f"+stall_in={stalls.sender}",
            f"+stall_out={stalls.receiver}",
            f"+seed={stalls.seed}",
        ]
        plusargs += ["+alone"] if stalls.alone else []
        plusargs += [f"+wave={scratch.name}/{_WAVE}"] if traced else []
        log_file = self.kept_in / f"{scratch.name}.log"
        arguments = [*self.recipe.arguments, *plusargs]
        text = tools.run(
            self.recipe.runner, arguments, cwd=self.workspace.path, log_file=log_file, programs=self.programs
        )
        log_file.unlink(missing_ok=True)
        return next((line for line in text.splitlines() if line.startswith(("PASS", "FAIL"))), "no verdict")


def build(folder: OutputFolder, engine: Engine, *, netlist: str | None = None, trace: Trace | None = None) -> Simulator:
    """Return the replay bench built for an engine; what was built of the same files by the same tools is taken.

    Args:
        folder: the output folder.
        engine: the simulator.
        netlist: which netlist is built in place of the Verilog.
        trace: able to write a waveform (vcd), or with Verilator how often every signal toggled (saif).

    Raises:
        ToolNotFoundError: a tool is not installed.
        ToolFailedError: it does not build.
        ModelFileError: compile has replaced the folder since it was opened.
    """
    workspace = Workspace.of(folder)
    recipe = choose_recipe(engine, workspace.path, is_netlist=netlist is not None, trace=trace)
    kept_in = folder.build_place("-".join([engine, *([netlist] if netlist else []), *([trace] if trace else [])]))
    kept = kept_in / recipe.program.name
    sources = make_netlist(folder, workspace, netlist) if netlist else workspace.digest
    key = build_key(sources, recipe.tools, recipe.options)
    recipe.program.parent.mkdir(exist_ok=True)
    if not fetch(kept, key, recipe.program):
        design = netlist_verilog(folder, workspace, netlist) if netlist else folder.hdl
        arguments = [*recipe.options, *design, *_BENCH, recipe.clock]
        tools.run(recipe.tools[0], arguments, cwd=workspace.path, log_file=kept_in / "build.log")
        keep(recipe.program, key, kept)
    return Simulator(folder, workspace, kept_in, recipe)


def _read(folder: OutputFolder, inputs: Inputs, scratch: Path, verdict: str) -> Recording:
    design = folder.design
    steps = design.encoder.time_steps if design.encoder and inputs.ndim == 2 else inputs.shape[0]
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
    lines = (scratch / "cycles.txt").read_text(encoding="utf-8").split()
    cycles = {kind: np.array(lines[1::2], np.int64)[np.array(lines[::2]) == kind] for kind in ("in", "out")}
    return Recording(spikes, scores, output, cycles["in"], cycles["out"])
