"""The comparison of hardware and golden model on samples."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snn2rtl import reference
from snn2rtl.errors import VerificationError
from snn2rtl.folder import OutputFolder
from snn2rtl.hextext import to_lines
from snn2rtl.reference import Result, Spikes
from snn2rtl.rtl import beats
from snn2rtl.samples import Samples
from snn2rtl.verify.engines import Engine, Recording, Simulator, Stalls, build
from snn2rtl.verify.limit import cycle_limit

_CHUNK = 64  # samples that one simulator process takes at a time


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a run of verify found; it exists only where every spike agreed.

    cycles: mean of a sample over the run, from the first beat in to the last beat out. limit: the mean limit. worst:
    the most cycles between the first beat of a sample and its result. accuracy: of the samples with labels.
    """

    engine: Engine
    samples: int
    spikes: int
    stalls: Stalls
    cycles: float
    limit: float
    worst: int
    accuracy: float | None

    @property
    def ratio(self) -> float:
        """Measured cycles over the limit."""
        return self.cycles / self.limit

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "ratio": self.ratio}


def verify(
    folder: OutputFolder, samples: Samples, engine: Engine, stalls: Stalls, advance: Callable[[int], None]
) -> Verdict:
    """Compare every spike of every layer, the counts and the class of all samples with the golden model.

    Args:
        folder: the output folder.
        samples: what to run.
        engine: the simulator.
        stalls: how often sender and receiver wait.
        advance: called with the number of samples done, for a progress bar.

    Raises:
        VerificationError: something differs; names sample, step, layer, neuron, expected, got, and a waveform.
        ToolNotFoundError, ToolFailedError: the simulator is missing or broken.
    """
    simulator = build(folder, engine)
    cycles, limits, correct, spike_count, worst = 0, 0, 0, 0, 0
    for first, spikes, result, recording in _run_parts(folder, simulator, samples, engine, stalls):
        _compare(folder, engine, stalls, first, spikes, result, recording)
        cycles += int(recording.ends[-1] - recording.starts[0] + 1)
        worst = max(worst, int((recording.ends - recording.starts).max()) + 1)
        limits += int(cycle_limit(folder.network, folder.design, spikes, result).sum())
        spike_count += sum(int(trace.spikes.sum()) for trace in result.layers)
        if samples.labels is not None:
            correct += int((result.classes == samples.labels[first : first + len(result.classes)]).sum())
        advance(len(result.classes))
    total = len(samples)
    return Verdict(
        engine=engine,
        samples=total,
        spikes=spike_count,
        stalls=stalls,
        cycles=cycles / total,
        limit=limits / total,
        worst=worst,
        accuracy=None if samples.labels is None else correct / total,
    )


def _run_parts(
    folder: OutputFolder, simulator: Simulator, samples: Samples, engine: Engine, stalls: Stalls
) -> Iterator[tuple[int, Spikes, Result, Recording]]:
    """Yield the parts of the samples in order, simulated on all cores."""
    starts = range(0, len(samples), _CHUNK)

    def simulate(first: int) -> tuple[Spikes, Recording]:
        spikes = samples.inputs(first, min(first + _CHUNK, len(samples)))
        scratch = folder.build / f"run-{engine}-{os.getpid()}-{first}"
        try:
            return spikes, simulator.run(spikes, stalls, scratch)
        except VerificationError as error:
            wave = _waveform(folder, engine, spikes, stalls)
            raise VerificationError(
                f"samples {first}..{first + spikes.shape[1] - 1}: {error}; waveform: {wave}"
            ) from error

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for first, (spikes, recording) in zip(starts, pool.map(simulate, starts), strict=True):
            yield first, spikes, reference.run(folder.network, spikes), recording


def _compare(
    folder: OutputFolder,
    engine: Engine,
    stalls: Stalls,
    first: int,
    spikes: Spikes,
    result: Result,
    recording: Recording,
) -> None:
    problem = _first_difference(folder, first, result, recording)
    if problem is None:
        return
    sample, message = problem
    nearby = spikes[:, max(0, sample - 1) : sample + 1]  # the sample before too: a state may have leaked from it
    raise VerificationError(f"{message}; waveform: {_waveform(folder, engine, nearby, stalls)}")


def _first_difference(folder: OutputFolder, first: int, result: Result, recording: Recording) -> tuple[int, str] | None:
    """Return the sample (in the part) and the description of the first difference, or None."""
    found = []
    for index, (trace, spikes) in enumerate(zip(result.layers, recording.layers, strict=True)):
        different = np.argwhere((trace.spikes != spikes).transpose(1, 0, 2))
        if different.size:
            sample, step, neuron = map(int, different[0])
            expected, got = int(trace.spikes[step, sample, neuron]), int(spikes[step, sample, neuron])
            where = (
                f"sample {first + sample}, step {step}, layer '{folder.network.layers[index].name}', neuron {neuron}"
            )
            found.append((sample, step, index, f"{where}: expected {expected}, got {got}"))
    if found:
        sample, _, _, message = min(found)
        return sample, message
    if recording.scores is not None and (different := np.argwhere(recording.scores != result.counts)).size:
        sample, neuron = map(int, different[0])
        where = f"sample {first + sample}, layer '{folder.network.layers[-1].name}', neuron {neuron}"
        expected, got = int(result.counts[sample, neuron]), int(recording.scores[sample, neuron])
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


def _waveform(folder: OutputFolder, engine: Engine, spikes: Spikes, stalls: Stalls) -> Path:
    wave = folder.build / f"mismatch-{engine}.vcd"
    simulator = build(folder, engine, trace=True)
    with contextlib.suppress(VerificationError):  # the waveform is wanted because of it
        simulator.run(spikes, stalls, folder.build / f"run-{engine}-wave", wave)
    return wave
