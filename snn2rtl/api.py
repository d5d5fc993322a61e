"""From a model to an output folder, or to an integer network alone, in one call; the command line does nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from snn2rtl import nir
from snn2rtl.compiler import compile_layers, fold, to_layers
from snn2rtl.data.samples import Samples, check_labels
from snn2rtl.encoders import Encoder, Noise
from snn2rtl.errors import DataError, OptionError, StrictError
from snn2rtl.float_net.layered import LayeredNetwork
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import ResetKind
from snn2rtl.float_net.reference import scores
from snn2rtl.int_net import network_file, reference
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.saturations import Saturations
from snn2rtl.options import QuantizeOptions, ReadOptions, RtlOptions, Targets
from snn2rtl.output import write_file
from snn2rtl.passes.choose_readout import choose_readout
from snn2rtl.report import Accuracy, LayerReport
from snn2rtl.rtl.design import RtlDesign
from snn2rtl.rtl.emit import write_rtl
from snn2rtl.rtl.placement import place
from snn2rtl.rtl.plan import plan
from snn2rtl.rtl.targets import TargetReport, reach, recorded

if TYPE_CHECKING:
    from torch import nn

_CHUNK = 256
_NO_REPORTS: tuple[LayerReport, ...] = ()


@dataclass(frozen=True, eq=False)
class Compiled:
    """What compile made: the integer network, its hardware, what quantizing cost, and how targets were reached."""

    network: FixedPointNetwork
    planned: Callable[[], RtlDesign]
    reports: tuple[LayerReport, ...]
    accuracy: Accuracy | None
    reached: TargetReport | None

    @cached_property
    def design(self) -> RtlDesign:
        """The hardware, which is planned when somebody asks: a large network may have none."""
        return self.planned()


def compile(
    model: nn.Module | SpikingNetwork | FixedPointNetwork | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    arch: str | os.PathLike[str] | None = None,
    dt: float | None = None,
    reset: ResetKind | Literal[""] = "",
    integrate: Literal["", "time", "step"] = "",
    name: str | None = None,
    encoder: Encoder | None = None,
    noise: Noise | None = None,
    input_shape: tuple[int, ...] | None = None,
    input_max: int | None = None,
    example_input: Any = None,
    quantize: QuantizeOptions | None = None,
    rtl: RtlOptions | None = None,
    targets: Targets | None = None,
    calibration: Callable[[FixedPointNetwork], Samples] | None = None,
) -> Compiled:
    """Compile a model to Verilog, or to an integer network.

    Args:
        model: a network of SpikingJelly, snnTorch or Norse, a file of one (docs/cli.md says which), a graph of NIR, or
            a network.npz.
        out: output folder, or a file that ends in .npz for the integer network alone; without one nothing is written.
        arch: description of the layers, where the file is a plain state_dict.
        dt: seconds of a time step, for a file of NIR (docs/nir.md).
        reset: what a spike does to the membrane, for a file of NIR: to v_reset (hard), or by the threshold (soft).
        integrate: what neurons without a leak add in a step, for a file of NIR: their input times dt, or as it is.
        name: name of the network, which its Verilog modules start with.
        encoder: how samples become the input of a model that does not say it.
        noise: of the model's Poisson encoder, in place of its own; with xorshift it is built in hardware.
        input_shape: axes of a sample, such as (channels, height, width), for a model that begins with a convolution,
            and for a module that is traced where no example_input is given.
        input_max: greatest count of an input in a step, for a model without an encoder whose inputs are counts.
        example_input: a tensor or array that the module takes, (T, N, ...), (N, T, ...) or (N, ...), of which only the
            shape is used; for any other module than a chain of layers.
        quantize: how the float network becomes an integer network.
        rtl: how the integer network becomes hardware.
        targets: what the hardware must reach, by lanes and layouts that rtl leaves open.
        calibration: gives samples for the network's inputs and encoder, to size widths for as many time steps, to
            measure the accuracy before and after, and how often neurons fire, which decides their places and the cycles
            of a sample.

    Raises:
        Snn2RtlError: one of its kinds, with what is wrong and what to do.
    """
    path = None if out is None else Path(out)
    rtl, targets = rtl or RtlOptions(), targets or Targets()
    if path and network_file.is_named(path) and (rtl, targets) != (RtlOptions(), Targets()):
        raise OptionError(
            f"{out}: holds no hardware, which lanes, layout, output and targets describe; choose a folder for --out"
        )
    about = Source(Path(arch) if arch else None, ReadOptions(dt=dt, reset=reset, integrate=integrate))
    network, reports, samples, accuracy = _integers(
        _read(model, about, name, noise, _Inputs(input_shape, input_max, example_input, encoder)), quantize, calibration
    )
    workload = recorded(network, samples.inputs(0, min(_CHUNK, len(samples)))) if samples else None
    if targets == Targets():
        firing = workload.firing if workload else None
        made = Compiled(network, lambda: plan(network, rtl, place(network, rtl, firing)), reports, accuracy, None)
    else:
        design, reached = reach(network, rtl, targets, workload)
        made = Compiled(network, lambda: design, reports, accuracy, reached)
    if path and network_file.is_named(path):
        write_file(path, lambda part: network_file.save(network, part))
    elif path:
        write_rtl(network, made.design, path, reports, accuracy, made.reached)
    return made


@dataclass(frozen=True, eq=False)
class _Inputs:
    """What is told of the inputs: a sample's shape, the greatest count, an example for a module, the encoder."""

    shape: tuple[int, ...] | None = None
    greatest: int | None = None
    example: Any = None
    encoder: Encoder | None = None


@dataclass(frozen=True)
class Source:
    """What a file does not say of its network: the layers of a state_dict, and what files of NIR leave open."""

    arch: Path | None = None
    options: ReadOptions = field(default_factory=ReadOptions)


def _read(
    model: object, about: Source, name: str | None, noise: Noise | None, inputs: _Inputs
) -> LayeredNetwork | FixedPointNetwork:
    """Return a model as the options change it; a float network as layers, for nobody needs the other."""
    source = read_model(model, about, inputs)
    if inputs.shape is not None or inputs.greatest is not None or inputs.encoder is not None:
        source = _with_input(source, inputs)
    source = replace(source, name=name) if name else source
    if noise:
        source = replace(source, encoder=_noisy(source.encoder, noise))
    return to_layers(source) if isinstance(source, SpikingNetwork) else source


def _integers(
    source: LayeredNetwork | FixedPointNetwork,
    quantize: QuantizeOptions | None,
    calibration: Callable[[FixedPointNetwork], Samples] | None,
) -> tuple[FixedPointNetwork, tuple[LayerReport, ...], Samples | None, Accuracy | None]:
    """Return the integer network, what quantizing did, and calibration samples with the accuracy on them.

    The float network, eight times as large, is gone when this returns.
    """
    options = quantize or QuantizeOptions()
    if isinstance(source, FixedPointNetwork) and replace(options, strict=False) != QuantizeOptions():
        raise OptionError("model: is an integer network already, which options of quantization cannot change")
    if isinstance(source, FixedPointNetwork):
        network, reports = source, _NO_REPORTS
    else:
        source = choose_readout(source, options.readout)
        network, reports = compile_layers(source, options)
    samples = calibration(network) if calibration else None
    if isinstance(source, LayeredNetwork) and samples and samples.steps > reports[0].time_steps:
        network, reports = compile_layers(source, options, samples.steps)  # again, wide enough for the samples
    accuracy = _accuracy(source, network, samples) if samples else None
    clipped = accuracy.saturations.clipped(network) if accuracy else []
    if options.strict and clipped:
        raise StrictError("\n".join(f"{note} (--strict allows no saturation on the samples given)" for note in clipped))
    return network, reports, samples, accuracy


def read_model(
    model: object, about: Source | None = None, inputs: _Inputs | None = None
) -> SpikingNetwork | FixedPointNetwork:
    """Return the network of what compile() takes for a model.

    Raises:
        ModelFileError, UnsupportedModelError: it cannot be read.
        OptionError: there is an example of an input, for something else than a module; or what a file of NIR leaves
            open is not said, or said of another model.
    """
    inputs, about = inputs or _Inputs(), about or Source()
    is_module = not isinstance(model, (SpikingNetwork, FixedPointNetwork, str, os.PathLike))
    if inputs.example is not None and not is_module:
        raise OptionError("example_input: must be left out where the model is no module in memory")
    path = Path(model) if isinstance(model, (str, os.PathLike)) else None
    if path and nir.is_named(path) and about.arch is None:
        return nir.load(path, about.options)
    if path and not network_file.is_named(path):
        from snn2rtl.frontend import load

        return load(path, arch=about.arch, options=about.options)
    about.options.refuse_all()
    if path:
        return network_file.load(path)
    if isinstance(model, (SpikingNetwork, FixedPointNetwork)):
        return model
    from snn2rtl.frontend import from_module

    return from_module(model, example_input=inputs.example, input_shape=inputs.shape)  # type: ignore[arg-type]


def _noisy(encoder: Encoder | None, noise: Noise) -> Encoder:
    if encoder is None or encoder.kind != "poisson":
        raise OptionError(f"--noise: must be left out where the model has no Poisson encoder, not {noise}")
    return replace(encoder, noise=noise)


def _with_input(source: SpikingNetwork | FixedPointNetwork, inputs: _Inputs) -> SpikingNetwork:
    if isinstance(source, FixedPointNetwork):
        raise OptionError("model: is an integer network already, whose inputs have a shape and a greatest value")
    if inputs.encoder and source.encoder not in (None, inputs.encoder):
        rule = f"must be left out where the model has an encoder, {source.encoder.kind}"
        raise OptionError(f"--encoder: {rule}, not {inputs.encoder.kind}")
    return replace(
        source,
        shape=inputs.shape or source.shape,
        greatest=inputs.greatest or source.greatest,
        encoder=inputs.encoder or source.encoder,
    )


def _accuracy(source: LayeredNetwork | FixedPointNetwork, network: FixedPointNetwork, samples: Samples) -> Accuracy:
    if samples.labels is None:
        raise DataError("calibration: must have labels")
    check_labels(samples.labels, len(samples), network.num_classes)
    before = after = agree = 0
    saturations = Saturations()
    folded = fold(source) if isinstance(source, LayeredNetwork) else None
    for first in range(0, len(samples), _CHUNK):
        inputs = samples.inputs(first, min(first + _CHUNK, len(samples)))
        labels = samples.labels[first : first + _CHUNK]
        result = reference.run(network, inputs, record_spikes=False)
        classes, saturations = result.classes, saturations + result.saturations
        after += int((classes == labels).sum())
        if folded:
            wanted = np.argmax(scores(folded, inputs), axis=1)
            before += int((wanted == labels).sum())
            agree += int((wanted == classes).sum())
    total = len(samples)
    if not folded:
        return Accuracy(total, None, after / total, None, saturations)
    return Accuracy(total, before / total, after / total, agree / total, saturations)
