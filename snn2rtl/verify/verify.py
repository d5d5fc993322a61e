"""The comparison of hardware and golden model on samples."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snn2rtl.data.samples import Samples, check_labels
from snn2rtl.errors import VerificationError
from snn2rtl.folder import OutputFolder
from snn2rtl.int_net import reference
from snn2rtl.int_net.reference import Inputs, Result
from snn2rtl.int_net.saturations import Saturations
from snn2rtl.rtl import beats
from snn2rtl.rtl.hextext import to_lines
from snn2rtl.verify.engines import Recording, Stalls, build
from snn2rtl.verify.limit import cycle_limit
from snn2rtl.verify.recipes import Engine

_CHUNK = 64  # samples that one simulator process takes at a time


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a run of verify found; it exists only where every spike agreed.

    cycles: mean of a sample over the run, from the first beat in to the last beat out. limit: the mean limit. latency
    and worst: mean and most cycles from the first beat of a sample to its result, both counted. accuracy: of the
    samples with labels.
    netlist: which netlist ran in place of the Verilog. saturations: what the network clipped and lost, and so did its
    hardware.
    """

    engine: Engine
    netlist: str | None
    samples: int
    spikes: int
    stalls: Stalls
    cycles: float
    limit: float
    latency: float
    worst: int
    accuracy: float | None
    saturations: Saturations

    @property
    def ratio(self) -> float:
        """Measured cycles over the limit."""
        return self.cycles / self.limit

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "ratio": self.ratio}


def verify(
    folder: OutputFolder,
    samples: Samples,
    engine: Engine,
    stalls: Stalls,
    advance: Callable[[int], None],
    *,
    netlist: str | None = None,
    jobs: int | None = None,
) -> Verdict:
    """Compare every spike of every layer, the counts and the class of all samples with the golden model.

    Args:
        folder: the output folder.
        samples: what to run.
        engine: the simulator.
        stalls: how often sender and receiver wait.
        advance: called with the number of samples done, for a progress bar.
        netlist: which netlist runs in place of the Verilog.
        jobs: simulators that run at once; one for each core by default.

    Raises:
        DataError: labels are no classes of the network.
        VerificationError: something differs; names sample, step, layer, neuron, expected, got, and a waveform.
        ToolNotFoundError, ToolFailedError: the simulator is missing or broken.
    """
    if samples.labels is not None:
        check_labels(samples.labels, len(samples), folder.network.num_classes)
    run = _Run(folder, engine, netlist, stalls, jobs or os.cpu_count() or 1)
    cycles, limits, correct, spike_count, latency, worst, saturations = 0, 0, 0, 0, 0, 0, Saturations()
    for first, inputs, result, recording in _run_parts(run, samples):
        _compare(run, first, inputs, result, recording)
        cycles += int(recording.ends[-1] - recording.starts[0] + 1)
        latencies = recording.ends - recording.starts + 1
        latency, worst = latency + int(latencies.sum()), max(worst, int(latencies.max()))
        limits += int(cycle_limit(folder.network, folder.design, inputs, result).sum())
        saturations += result.saturations
        spike_count += sum(int(trace.spikes.sum()) for trace in result.traces.values())
        if samples.labels is not None:
            correct += int((result.classes == samples.labels[first : first + len(result.classes)]).sum())
        advance(len(result.classes))
    total = len(samples)
    return Verdict(
        engine=engine,
        netlist=netlist,
        samples=total,
        spikes=spike_count,
        stalls=stalls,
        cycles=cycles / total,
        limit=limits / total,
        latency=latency / total,
        worst=worst,
        accuracy=None if samples.labels is None else correct / total,
        saturations=saturations,
    )


@dataclass(frozen=True, eq=False)
class _Run:
    """What runs, and how."""

    folder: OutputFolder
    engine: Engine
    netlist: str | None
    stalls: Stalls
    jobs: int

    @property
    def name(self) -> str:
        """Part of the names of files that belong to this run."""
        return f"{self.engine}-{self.netlist}" if self.netlist else self.engine


def _run_parts(run: _Run, samples: Samples) -> Iterator[tuple[int, Inputs, Result, Recording]]:
    """Yield the parts of the samples in order, simulated by as many processes at once as there are jobs."""
    simulator = build(run.folder, run.engine, netlist=run.netlist)
    size = min(_CHUNK, -(-len(samples) // run.jobs))
    starts = range(0, len(samples), size)

    def simulate(first: int) -> tuple[Inputs, Recording | VerificationError]:
        inputs = samples.inputs(first, min(first + size, len(samples)))
        try:
            return inputs, simulator.run(inputs, run.stalls)
        except VerificationError as error:
            return inputs, error

    pool = ThreadPoolExecutor(run.jobs)
    try:
        waiting = deque(pool.submit(simulate, first) for first in starts[: 2 * run.jobs])
        for first in starts:
            inputs, recording = waiting.popleft().result()
            following = first + 2 * run.jobs * size
            if following < len(samples):  # a few ahead, so that no recording lies about while others are compared
                waiting.append(pool.submit(simulate, following))
            if isinstance(recording, VerificationError):  # here, for two parts at once would build one waveform
                where = f"samples {first}..{first + inputs.shape[-2] - 1}"
                raise VerificationError(f"{where}: {recording}; waveform: {_waveform(run, inputs)}") from recording
            yield first, inputs, reference.run(run.folder.network, inputs), recording
    finally:
        simulator.end()  # after a difference, or where the command is ended, nobody waits for the others
        pool.shutdown(cancel_futures=True)


def _compare(run: _Run, first: int, inputs: Inputs, result: Result, recording: Recording) -> None:
    problem = _first_difference(run.folder, first, result, recording)
    if problem is None:
        return
    sample, message = problem
    nearby = inputs[..., max(0, sample - 1) : sample + 1, :]  # the sample before too: a state may have leaked from it
    raise VerificationError(f"{message}; waveform: {_waveform(run, nearby)}")


def _first_difference(folder: OutputFolder, first: int, result: Result, recording: Recording) -> tuple[int, str] | None:
    """Return the sample (in the part) and the description of the first difference, or None."""
    found = []
    for index, (name, spikes) in enumerate(recording.spikes.items()):
        wanted = result.traces[name].spikes
        different = np.argwhere((wanted != spikes).transpose(1, 0, 2))
        if different.size:
            sample, step, neuron = map(int, different[0])
            expected, got = int(wanted[step, sample, neuron]), int(spikes[step, sample, neuron])
            where = f"sample {first + sample}, step {step}, layer '{name}', neuron {neuron}"
            found.append((sample, step, index, f"{where}: expected {expected}, got {got}"))
    if found:
        sample, _, _, message = min(found)
        return sample, message
    scores = result.scores
    if recording.scores is not None and scores is not None and (
        different := np.argwhere(recording.scores != scores)).size:  # fmt: skip
        sample, neuron = map(int, different[0])
        where = f"sample {first + sample}, layer '{folder.network.output.name}', neuron {neuron}"
        expected, got = int(scores[sample, neuron]), int(recording.scores[sample, neuron])
        return sample, f"{where}: expected a score of {expected}, got {got}"
    expected_output = beats.output_words(folder.design, result)
    if recording.output.shape != expected_output.shape:
        return 0, f"output: expected {len(expected_output)} beats, got {len(recording.output)}"
    wrong = np.flatnonzero((recording.output != expected_output).any(axis=1))
    if not wrong.size:
        return None
    beat = int(wrong[0])
    shown = [to_lines(words[beat : beat + 1]).decode().strip() for words in (expected_output, recording.output)]
    sample = min(beat, len(result.classes) - 1)
    return sample, f"sample {first + sample}, output beat {beat}: expected {shown[0]}, got {shown[1]}"


def _waveform(run: _Run, inputs: Inputs) -> Path:
    wave = run.folder.build / f"mismatch-{run.name}.vcd"
    simulator = build(run.folder, run.engine, netlist=run.netlist, trace="vcd")
    with contextlib.suppress(VerificationError):  # the waveform is wanted because of it
        simulator.run(inputs, run.stalls, wave)
    return wave
