"""``snn2rtl compile``: from a model file to an output folder, or to the file of an integer network."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from snn2rtl.api import Compiled, compile
from snn2rtl.commands import compile_tables as tables
from snn2rtl.commands.arguments import add_read_arguments, natural, number, per_layer, positive, shape
from snn2rtl.commands.outcome import Outcome, saturation_notes
from snn2rtl.data.samples import Samples, samples_for
from snn2rtl.encoders import Encoder
from snn2rtl.errors import OptionError
from snn2rtl.int_net import network_file
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.options import QuantizeOptions, RtlOptions, Targets
from snn2rtl.report import LayerReport, StepsFrom, findings
from snn2rtl.rtl.emit import manifest
from snn2rtl.rtl.layouts import LAYOUTS
from snn2rtl.version import __version__

HELP = "compile a model to Verilog"
_SCORES = {
    "max": "greatest membrane of all steps",
    "last": "greatest membrane after the last step",
    "sum": "greatest sum of membranes",
}
_LENGTHS: dict[StepsFrom, str] = {
    "asked": "as asked for",
    "encoder": "which the encoder makes",
    "samples": "which the calibration samples have",
    "default": "for nothing says how long they are; give --time-steps or --calibration",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of QuantizeOptions and RtlOptions, and the files."""
    quantize, rtl = QuantizeOptions(), RtlOptions()
    add = parser.add_argument
    add("model", type=Path, nargs="?",
        help="model.pt of snn2rtl.save() or torch.save(), a state_dict with --arch, a NIR graph net.nir with --dt and "
        "--reset, or network.npz")  # fmt: skip
    add("--model", dest="code", metavar="MODULE:FUNCTION",
        help="your own code in place of a model file: it is run, and returns a module, or a module and an "
        "input")  # fmt: skip
    add("--weights", type=Path, metavar="PT", help="state_dict for the module of --model")
    add("--out", type=Path, required=True, metavar="DIR|NPZ",
        help="output folder, or a file that ends in .npz for the integer network alone")  # fmt: skip
    add("--arch", type=Path, metavar="TOML", help="description of the layers of a plain state_dict")
    add_read_arguments(parser)
    add(
        "--input-shape",
        type=shape,
        metavar="C,H,W",
        help="axes of a sample, for a model that begins with a convolution, or for --model",
    )
    add("--input-max", type=positive, metavar="N",
        help="greatest count of an input in a step, where inputs are counts of events [the model's, or 1]")  # fmt: skip
    add("--name", help="name of the network and its modules [the model's]")
    add("--encoder", choices=["values"],
        help="inputs are 8-bit values, new in each step [the model's encoder, else spikes]")  # fmt: skip
    add("--noise", choices=["philox", "xorshift"],
        help="random numbers of a Poisson encoder; one of xorshift is built in hardware, which takes pixels "
        "[the model's]")  # fmt: skip
    add("--bits", type=per_layer(int, 0, 1), default=quantize.bits, metavar="N|LAYER=N,...",
        help="weight width, 1 to 16 [that of training, else 8]")  # fmt: skip
    add("--scale", choices=["neuron", "layer"], default=quantize.scale, help="one weight scale for each [%(default)s]")
    add("--leak", choices=["auto", "shift", "multiplier"], default=quantize.leak,
        help="leak as a shift, as a multiplier, or as a shift where it is exact [%(default)s]")  # fmt: skip
    add("--leak-bits", type=number(int), default=quantize.leak_bits, metavar="N",
        help="bits of a multiplier [%(default)s]")  # fmt: skip
    add("--membrane-bits", type=per_layer(int, 0), default=quantize.membrane_bits, metavar="N|LAYER=N,...",
        help="width at which a membrane saturates [0: one that the steps of a sample cannot fill]")  # fmt: skip
    add("--membrane-fraction", type=per_layer(int, -1), default=quantize.membrane_fraction, metavar="N|LAYER=N,...",
        help="fraction bits of a membrane below a weight step "
        "[-1: enough for what leaks drop; eight less below pixels and values]")  # fmt: skip
    add("--time-steps", type=number(int), default=quantize.time_steps, metavar="N",
        help="steps that widths must hold if encoder and samples have fewer [0: the encoder's, or 100]")  # fmt: skip
    add("--readout", choices=["max", "last", "sum"], default="",
        help="what the class is read from where the last layer integrates: a neuron's greatest membrane, its last, or "
        "their sum [the model's, max for Norse's]")  # fmt: skip
    add("--strict", action="store_true", help="refuse any approximation")
    add("--lanes", type=per_layer(int, 0), default=rtl.lanes, metavar="N|LAYER=N,...",
        help="neurons that a layer updates in a cycle [0: 16, or what --target-cycles needs]")  # fmt: skip
    add("--layout", type=per_layer(str, "auto"), default=rtl.layout, metavar="auto|" + "|".join(LAYOUTS) + "|LAYER=...",
        help="how weights are stored [auto: least bits x cycles, or what --target-bram needs]")  # fmt: skip
    add("--target-cycles", type=positive, metavar="N",
        help="choose the fewest lanes with which a sample takes at most so many cycles on average, as estimated from "
        "--calibration, else with every input spiking in every step")  # fmt: skip
    add("--target-bram", type=positive, metavar="N",
        help="choose layouts, and lanes for --target-cycles, that take at most so many block memories "
        "(DP16KD, RAMB18), as estimated")  # fmt: skip
    add("--explain", action="store_true", help="show what every layout would cost")
    add("--output", choices=["class", "counts", "spikes"], default=rtl.output,
        help="what the output stream carries [%(default)s]")  # fmt: skip
    add("--beat-pixels", type=number(int), default=rtl.beat_pixels, metavar="N",
        help="pixels or values in a beat of the input, 1 to 8, where they enter [0: 8]")  # fmt: skip
    add(
        "--calibration",
        type=Path,
        metavar="NPZ",
        help="samples with labels, to size widths for, to measure the accuracy and to place neurons",
    )
    add("--samples", type=positive, metavar="N", help="take only so many of them")
    add("--seed", type=natural, default=0, metavar="N", help="of the encoder [%(default)s]")


def run(args: argparse.Namespace) -> Outcome:
    """Compile as the options say."""

    def samples(network: FixedPointNetwork) -> Samples:
        return samples_for(network, args.calibration, limit=args.samples, seed=args.seed)

    model, example_input = _model(args)
    compiled = compile(
        model,
        args.out,
        arch=args.arch,
        dt=args.dt,
        reset=args.reset,
        integrate=args.integrate,
        name=args.name or (args.code and args.code.partition(":")[0].rpartition(".")[2]),
        encoder=Encoder(kind=args.encoder) if args.encoder else None,
        noise=args.noise,
        input_shape=args.input_shape,
        input_max=args.input_max,
        example_input=example_input,
        quantize=QuantizeOptions(
            bits=args.bits,
            scale=args.scale,
            leak=args.leak,
            leak_bits=args.leak_bits,
            membrane_bits=args.membrane_bits,
            membrane_fraction=args.membrane_fraction,
            time_steps=args.time_steps,
            strict=args.strict,
            readout=args.readout,
        ),
        rtl=RtlOptions(lanes=args.lanes, layout=args.layout, output=args.output, beat_pixels=args.beat_pixels),
        targets=Targets(cycles=args.target_cycles, bram=args.target_bram),
        calibration=samples if args.calibration else None,
    )
    digest = network_file.digest(compiled.network)
    if not network_file.is_named(args.out):
        data = manifest(compiled.design, compiled.reports, compiled.accuracy, compiled.reached)
        shown = [tables.network(compiled, digest), tables.hardware(compiled.design)]
    else:
        data = {"version": __version__, "digest": digest, **findings(compiled.reports, compiled.accuracy)}
        shown = [tables.network(compiled, digest)]
    shown += [tables.alternatives(compiled)] if args.explain else []
    return Outcome(data, (*shown, *_notes(compiled, args.time_steps), f"wrote {args.out}"))


def _model(args: argparse.Namespace) -> tuple[Any, Any]:
    """Return the file, or the module that the user's code makes and an example of its input."""
    if (args.model is None) == (args.code is None):
        raise OptionError("model: must be a file, or --model MODULE:FUNCTION, and not both")
    if args.code is None:
        if args.weights is not None:
            raise OptionError("--weights: must be left out without --model; a state_dict goes with --arch")
        return args.model, None
    from snn2rtl.frontend import user_code

    net, example_input = user_code.build(args.code, args.weights)
    if example_input is None and args.input_shape is None:
        raise OptionError(f"--model: needs --input-shape, such as 1,28,28, where {args.code} gives no input")
    return net, example_input


def _notes(compiled: Compiled, asked_steps: int) -> list[str]:
    notes = [_length(report, asked_steps) for report in compiled.reports[:1]]
    notes += [f"approximation: {note}" for report in compiled.reports for note in report.approximations()]
    for report in compiled.reports:
        if report.score:
            whose = f"group of {compiled.network.group}" if compiled.network.group > 1 else "neuron"
            notes.append(f"layer '{report.name}': the class is the {whose} of the {_SCORES[report.score]}")
        if report.silent_neurons:
            notes.append(f"layer '{report.name}': {report.silent_neurons} of {report.neurons} neurons can never fire")
    notes += [str(compiled.reached)] if compiled.reached else []
    accuracy = compiled.accuracy
    if accuracy:
        before = "" if accuracy.before is None else f"float {accuracy.before:.2%}, "
        agree = "" if accuracy.agreement is None else f", same class in {accuracy.agreement:.2%}"
        notes.append(f"accuracy of {accuracy.samples} samples: {before}integer {accuracy.after:.2%}{agree}")
        notes += saturation_notes(accuracy.saturations, compiled.network)
    return notes


def _length(report: LayerReport, asked: int) -> str:
    """Return how long samples may be, and what says so."""
    shorter = f", not the shorter --time-steps {asked}" if 0 < asked < report.time_steps else ""
    return f"widths hold samples of {report.time_steps} time steps, {_LENGTHS[report.steps_from]}{shorter}"
