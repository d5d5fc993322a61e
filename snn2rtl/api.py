"""From a model to an output folder, or to an integer network alone, in one call; the command line does nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from snn2rtl import network_file, reference
from snn2rtl.compiler import compile_network, fold
from snn2rtl.errors import DataError, OptionError
from snn2rtl.fixed_point import IntArray
from snn2rtl.float_reference import scores
from snn2rtl.network import FixedPointNetwork
from snn2rtl.options import QuantizeOptions, RtlOptions
from snn2rtl.output import write_file
from snn2rtl.passes.choose_readout import choose_readout
from snn2rtl.report import Accuracy, LayerReport
from snn2rtl.rtl.design import RtlDesign
from snn2rtl.rtl.emit import write_rtl
from snn2rtl.rtl.placement import place
from snn2rtl.rtl.plan import plan
from snn2rtl.samples import Samples
from snn2rtl.spiking import SpikingNetwork

if TYPE_CHECKING:
    from torch import nn

NETWORK = ".npz"  # suffix of a file that holds an integer network
_CHUNK = 256
_NO_REPORTS: tuple[LayerReport, ...] = ()


@dataclass(frozen=True, eq=False)
class Compiled:
    """What compile made: the integer network, its hardware, and what quantizing cost."""

    network: FixedPointNetwork
    design: RtlDesign
    reports: tuple[LayerReport, ...]
    accuracy: Accuracy | None


def compile(
    model: nn.Module | SpikingNetwork | FixedPointNetwork | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    arch: str | os.PathLike[str] | None = None,
    name: str | None = None,
    quantize: QuantizeOptions | None = None,
    rtl: RtlOptions | None = None,
    calibration: Callable[[FixedPointNetwork], Samples] | None = None,
) -> Compiled:
    """Compile a model to Verilog, or to an integer network.

    Args:
        model: a SpikingJelly or Norse network, a file of one (docs/cli.md says which), or a network.npz.
        out: output folder, or a file that ends in .npz for the integer network alone; without one nothing is written.
        arch: description of the layers, where the file is a plain state_dict.
        name: name of the network, which its Verilog modules start with.
        quantize: how the float network becomes an integer network.
        rtl: how the integer network becomes hardware.
        calibration: gives samples for the network's inputs and encoder, to measure the accuracy before and after, and
            how often neurons fire, which decides their places.

    Raises:
        Snn2RtlError: one of its kinds, with what is wrong and what to do.
    """
    source = read_model(model, Path(arch) if arch else None)
    if name:
        source = replace(source, name=name)
    if isinstance(source, FixedPointNetwork):
        if quantize is not None and quantize != QuantizeOptions():
            raise OptionError("model: is an integer network already, which options of quantization cannot change")
        network, reports = source, _NO_REPORTS
    else:
        source = choose_readout(source, quantize.readout if quantize else "")
        network, reports = compile_network(source, quantize)
    path = None if out is None else Path(out)
    if path and path.suffix == NETWORK and rtl not in (None, RtlOptions()):
        raise OptionError(
            f"{out}: holds no hardware, which lanes, layout and output describe; choose a folder for --out"
        )
    samples = calibration(network) if calibration else None
    accuracy = _accuracy(source, network, samples) if samples else None
    rtl = rtl or RtlOptions()
    design = plan(network, rtl, place(network, rtl, _firing(network, samples) if samples else ()))
    if path and path.suffix == NETWORK:
        write_file(path, lambda part: network_file.save(network, part))
    elif path:
        write_rtl(network, design, path, reports, accuracy)
    return Compiled(network, design, reports, accuracy)


def read_model(model: object, arch: Path | None = None) -> SpikingNetwork | FixedPointNetwork:
    """Return the network of what compile() takes for a model.

    Raises:
        ModelFileError, UnsupportedModelError: it cannot be read.
    """
    if isinstance(model, (SpikingNetwork, FixedPointNetwork)):
        return model
    if isinstance(model, (str, os.PathLike)):
        path = Path(model)
        if path.suffix == NETWORK:
            return network_file.load(path)
        from snn2rtl.frontend import load

        return load(path, arch=arch)
    from snn2rtl.frontend import from_module

    return from_module(model)  # type: ignore[arg-type]


def _accuracy(source: SpikingNetwork | FixedPointNetwork, network: FixedPointNetwork, samples: Samples) -> Accuracy:
    if samples.labels is None:
        raise DataError("calibration: must have labels")
    before = after = agree = 0
    folded = fold(source) if isinstance(source, SpikingNetwork) else None
    for first in range(0, len(samples), _CHUNK):
        inputs = samples.inputs(first, min(first + _CHUNK, len(samples)))
        labels = samples.labels[first : first + _CHUNK]
        classes = reference.run(network, inputs, record_spikes=False).classes
        after += int((classes == labels).sum())
        if folded:
            wanted = np.argmax(scores(folded, inputs), axis=1)
            before += int((wanted == labels).sum())
            agree += int((wanted == classes).sum())
    total = len(samples)
    if not folded:
        return Accuracy(total, None, after / total, None)
    return Accuracy(total, before / total, after / total, agree / total)


def _firing(network: FixedPointNetwork, samples: Samples) -> tuple[IntArray, ...]:
    """Return how often each input of each layer is not silent in the first samples."""
    inputs = samples.inputs(0, min(_CHUNK, len(samples)))
    layers = reference.run(network, inputs).layers
    entering = [inputs, *(trace.spikes for trace in layers[:-1])]
    return tuple(reference.count_events(part) for part in entering)
