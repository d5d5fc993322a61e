"""``snn2rtl simulate``: any input spikes through the golden model or the Verilog, and everything that comes out."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2rtl import reference
from snn2rtl.commands.outcome import Outcome
from snn2rtl.errors import OutputError
from snn2rtl.fixed_point import IntArray
from snn2rtl.folder import OutputFolder, open_folder
from snn2rtl.reference import Spikes
from snn2rtl.rtl import beats
from snn2rtl.samples import load_samples
from snn2rtl.verify.engines import Engine, Stalls, build
from snn2rtl.verify.limit import cycle_limit

HELP = "run input spikes or images through the integer network or the Verilog"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("folder", type=Path, help="output folder of compile")
    add("--input", type=Path, required=True, metavar="FILE",
        help=".npy of spikes [T, N, inputs] or images [N, ...], or .npz with either")  # fmt: skip
    add("--engine", choices=["reference", "verilator", "icarus"], default="reference", help="what runs [%(default)s]")
    add("--out", type=Path, required=True, metavar="NPZ",
        help="file for spikes_<layer> [T, N, neurons], counts, classes and cycles [N]")  # fmt: skip
    add("--seed", type=int, default=0, metavar="N", help="of the encoder [%(default)s]")


def run(args: argparse.Namespace) -> Outcome:
    """Simulate as the options say and write the arrays."""
    folder = open_folder(args.folder)
    network = folder.network
    samples = load_samples(args.input, inputs=network.num_inputs, encoder=network.encoder, seed=args.seed)
    arrays = simulate(folder, samples.spikes(0, len(samples)), args.engine)
    _write(args.out, arrays)
    total = len(arrays["classes"])
    data = {"engine": args.engine, "samples": total, "out": str(args.out), "classes": arrays["classes"].tolist()}
    return Outcome(data, (f"{args.engine}: {total} samples, wrote {args.out}",))


def simulate(folder: OutputFolder, spikes: Spikes, engine: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of the result by name; cycles are the limit where no hardware ran.

    Args:
        folder: the output folder.
        spikes: shape (T, N, inputs).
        engine: reference, verilator or icarus.
    """
    classes: IntArray | None
    if engine == "reference":
        result = reference.run(folder.network, spikes)
        layers, classes = [trace.spikes for trace in result.layers], result.classes
        cycles = {"cycle_limit": cycle_limit(folder.network, folder.design, spikes, result)}
    else:
        simulator = build(folder, _engine(engine))
        recording = simulator.run(spikes, Stalls(), folder.build / f"run-{engine}-{os.getpid()}")
        layers = list(recording.layers)
        cycles = {"cycles": recording.ends - recording.starts + 1}
        classes = beats.read_classes(folder.design, recording.output)
    counts = np.minimum(layers[-1].sum(axis=0, dtype=np.int64), (1 << folder.network.count_bits) - 1)
    names = [layer.stream for layer in folder.design.layers]
    spikes_by_layer = {f"spikes_{name}": array for name, array in zip(names, layers, strict=True)}
    return {
        **spikes_by_layer,
        "counts": counts,
        "classes": np.argmax(counts, axis=1) if classes is None else classes,
        **cycles,
    }


def _engine(name: str) -> Engine:
    return "verilator" if name == "verilator" else "icarus"


def _write(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.npz")
    try:
        np.savez_compressed(partial, **arrays)  # type: ignore[arg-type]
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
