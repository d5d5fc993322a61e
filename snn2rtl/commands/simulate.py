"""``snn2rtl simulate``: any inputs through the golden model or the Verilog, and everything that comes out."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2rtl.commands.arguments import natural
from snn2rtl.commands.outcome import Outcome, saturation_notes
from snn2rtl.data.samples import samples_for
from snn2rtl.errors import OptionError
from snn2rtl.fixed_point import IntArray
from snn2rtl.folder import OutputFolder, open_folder
from snn2rtl.int_net import network_file, reference
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.reference import Inputs, Spikes
from snn2rtl.int_net.saturations import Saturations, readout_limits
from snn2rtl.output import write_file
from snn2rtl.rtl import beats
from snn2rtl.rtl.plan import stream_names
from snn2rtl.verify.engines import Stalls, build
from snn2rtl.verify.limit import cycle_limit
from snn2rtl.verify.recipes import Engine

HELP = "run input spikes or images through the integer network or the Verilog"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("folder", type=Path, help="output folder of compile, or network.npz for the reference alone")
    add("--input", type=Path, required=True, metavar="FILE",
        help=".npy of spikes [T, N, inputs] or images [N, ...], or .npz with either")  # fmt: skip
    add("--engine", choices=["reference", "verilator", "icarus"], default="reference", help="what runs [%(default)s]")
    add("--out", type=Path, required=True, metavar="NPZ",
        help="file for spikes_<layer> [T, N, neurons], counts, classes and cycles [N]")  # fmt: skip
    add("--seed", type=natural, default=0, metavar="N", help="of the encoder [%(default)s]")


def run(args: argparse.Namespace) -> Outcome:
    """Simulate as the options say and write the arrays."""
    network, folder = _open(args.folder)
    if folder is None and args.engine != "reference":
        raise OptionError(f"--engine: must be reference for a network.npz, which has no Verilog, not {args.engine}")
    samples = samples_for(network, args.input, seed=args.seed)
    inputs = samples.inputs(0, len(samples))
    if folder and args.engine != "reference":
        arrays = _simulate_verilog(folder, inputs, "verilator" if args.engine == "verilator" else "icarus")
        saturations = reference.run(network, inputs, record_spikes=False).saturations
    else:
        arrays, saturations = _simulate_reference(network, folder, inputs)
    write_file(args.out, lambda path: _save(path, arrays))
    total = len(arrays["classes"])
    data = {"engine": args.engine, "samples": total, "out": str(args.out), "classes": arrays["classes"].tolist()}
    said = (*saturation_notes(saturations, network), f"{args.engine}: {total} samples, wrote {args.out}")
    return Outcome({**data, "saturations": asdict(saturations)}, said)


def _open(path: Path) -> tuple[FixedPointNetwork, OutputFolder | None]:
    if network_file.is_named(path) and not path.is_dir():
        return network_file.load(path), None
    folder = open_folder(path)
    return folder.network, folder


def _simulate_reference(
    network: FixedPointNetwork, folder: OutputFolder | None, inputs: Inputs
) -> tuple[dict[str, NDArray[Any]], Saturations]:
    """Return the result's arrays by name, with the cycle limit where there is hardware; and what was clipped."""
    result = reference.run(network, inputs)
    spikes = {name: trace.spikes for name, trace in result.traces.items()}
    arrays = _arrays(network, spikes, result.counts, result.classes)
    if folder:
        arrays["cycle_limit"] = cycle_limit(network, folder.design, inputs, result)
    return arrays, result.saturations


def _simulate_verilog(folder: OutputFolder, inputs: Inputs, engine: Engine) -> dict[str, NDArray[Any]]:
    recording = build(folder, engine).run(inputs, Stalls())
    classes = beats.read_classes(folder.design, recording.output)
    if recording.scores is not None:
        counts = reference.group_scores(folder.network, recording.scores)
    else:
        output = recording.spikes[folder.network.output.name]
        counts = reference.spike_counts(folder.network, output, readout_limits(folder.network))
    return {
        **_arrays(folder.network, recording.spikes, counts, classes),
        "cycles": recording.ends - recording.starts + 1,
    }


def _arrays(
    network: FixedPointNetwork, spikes: Mapping[str, Spikes], counts: IntArray, classes: IntArray | None
) -> dict[str, NDArray[Any]]:
    streams, silent = stream_names(network), network.output.name if network.integrates else ""
    named = {f"spikes_{streams[name]}": array for name, array in spikes.items() if name != silent}
    return {**named, "counts": counts, "classes": np.argmax(counts, axis=1) if classes is None else classes}


def _save(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    with path.open("wb") as file:  # given a name, savez would put a suffix behind it
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
