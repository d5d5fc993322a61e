"""``snn2rtl measure``: what a network costs, and what it does with samples."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from rich.table import Table

from snn2rtl.api import Source, compile, read_model
from snn2rtl.commands.arguments import add_read_arguments, natural, per_layer, positive, read_options
from snn2rtl.commands.outcome import Outcome, saturation_notes
from snn2rtl.data.samples import Samples, samples_for
from snn2rtl.errors import OptionError
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.folder import open_folder
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.measure import metrics
from snn2rtl.measure.energy import SOURCE, LayerEnergy, estimate, left_out
from snn2rtl.measure.latency import Latency, latencies
from snn2rtl.measure.metrics import Metrics, memory_bits, rows, sparsity, total
from snn2rtl.options import QuantizeOptions
from snn2rtl.progress import bar
from snn2rtl.rtl.design import RtlDesign
from snn2rtl.verify.toggles import register_toggles

HELP = "say what a network costs and what it does with samples"
SHOWN_CLASSES = 20  # a larger confusion matrix is for --json and --plots


class Model(NamedTuple):
    """What is measured; source is the float network where the file holds one."""

    network: FixedPointNetwork
    design: RtlDesign
    source: SpikingNetwork | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("model", type=Path, help="model.pt as compile takes it, network.npz, or an output folder of compile")
    add("--data", type=Path, required=True, metavar="FILE", help=".npz with images or spikes (and labels), or .npy")
    add("--bits", type=per_layer(int, 0, 1), default=QuantizeOptions().bits, metavar="N|LAYER=N,...",
        help="weight width of a model.pt, 1 to 16 [that of training, else 8]")  # fmt: skip
    add("--arch", type=Path, metavar="TOML", help="description of the layers of a plain state_dict")
    add_read_arguments(parser)
    add("--samples", type=positive, metavar="N", help="take only so many of the data")
    add("--seed", type=natural, default=0, metavar="N", help="of the encoder [%(default)s]")
    add("--repeats", type=natural, default=7, metavar="N", help="timed runs of each, 0 for none [%(default)s]")
    add("--batch", type=positive, default=100, metavar="N", help="samples of a timed batch [%(default)s]")
    add("--toggles", type=positive, metavar="N",
        help="simulate so many of the samples in Verilator and count how often registers toggle")  # fmt: skip
    add("--plots", type=Path, metavar="DIR", help="folder for plots of it, as PNG and SVG")
    add("--sample", type=natural, default=0, metavar="N", help="sample whose spikes are plotted [%(default)s]")


def run(args: argparse.Namespace) -> Outcome:
    """Measure as the options say."""
    if args.plots:
        from snn2rtl.measure import plots  # before the work, so that what is missing is told at once

        plots.check_folder(args.plots)
    model = open_model(args.model, Source(args.arch, read_options(args)), QuantizeOptions(bits=args.bits))
    network = model.network
    most = max(args.samples, args.toggles or 0) if args.samples else None
    given = samples_for(network, args.data, limit=most, seed=args.seed)
    samples = given.head(args.samples)
    if args.sample >= len(samples):
        raise OptionError(f"--sample: must be 0..{len(samples) - 1}, not {args.sample}")
    with bar("measure", len(samples)) as advance:
        activity = metrics.observe(network, samples, advance)
    found = metrics.measure(network, model.design, activity, samples.labels)
    energies = estimate(network, model.design, activity, _toggles(args, given))
    missing = left_out(model.design)
    timed = latencies(network, model.source, samples, args.repeats, args.batch) if args.repeats else ()
    data = {
        "digest": model.design.digest,
        "seed": args.seed,
        **found.to_dict(),
        "saturations": asdict(activity.saturations),
        "energy_estimate": {
            "source": SOURCE,
            "left_out": missing,
            "layers": [energy.to_dict() for energy in energies],
        },
        "latency": [latency.to_dict() for latency in timed],
    }
    shown: list[Table | str] = [costs_table(found), memory_table(found), activity_table(found), *accuracy_tables(found)]
    shown.append(energy_table(energies, missing))
    shown += [latency_table(timed)] if timed else []
    shown += saturation_notes(activity.saturations, network)
    if args.plots:
        files = plots.write(plots.draw(found, network, samples, args.sample), args.plots)
        data["plots"] = [str(file) for file in files]
        shown.append(f"wrote {len(files)} files to {args.plots}")
    return Outcome(data, tuple(shown))


def open_model(path: Path, about: Source, quantize: QuantizeOptions) -> Model:
    """Return the network of a file or of an output folder.

    Raises:
        Snn2RtlError: it cannot be read or compiled, or it is an integer network and quantize asks for another.
    """
    if path.is_dir():
        about.options.refuse_all()
        if quantize != QuantizeOptions():
            raise OptionError("model: is an integer network already, which options of quantization cannot change")
        folder = open_folder(path)
        return Model(folder.network, folder.design, None)
    source = read_model(path, about)
    compiled = compile(source, quantize=quantize)
    return Model(compiled.network, compiled.design, source if isinstance(source, SpikingNetwork) else None)


def costs_table(found: Metrics) -> Table:
    """Return weights and operations by layer, and their sums."""
    names = ("layer", "inputs", "neurons", "parameters", "non-zero weights", "sparsity")
    table = _table("weights and operations", *names, "dense MACs", "synaptic operations", "fewer")
    for name, layers in rows(found):
        macs, operations = total(layers, "macs"), total(layers, "operations")
        table.add_row(
            name,
            str(layers[0].inputs) if len(layers) == 1 else "",
            str(total(layers, "neurons")),
            f"{total(layers, 'parameters'):,}",
            f"{total(layers, 'nonzero'):,}",
            f"{sparsity(layers):.2%}",
            f"{macs:,}",
            f"{operations:,.1f}",
            f"{macs / operations:.1f} times" if operations else "",
        )
    table.caption = f"operations of a sample of {found.steps} steps, mean of {found.samples} samples"
    return table


def memory_table(found: Metrics) -> Table:
    """Return the bits of the memories by layer, and their sums."""
    kinds = memory_bits(found.layers)
    names = ("layer", "weight bits", *(f"as {kind}" for kind in kinds), "chosen", "all ROM")
    table = _table("memory in bits", *names, "membrane bits", "all membranes")
    for name, layers in rows(found):
        one = layers[0] if len(layers) == 1 else None
        table.add_row(
            name,
            str(one.weight_bits) if one else "",
            *(f"{bits:,}" for bits in memory_bits(layers).values()),
            one.layout if one else "",
            f"{total(layers, 'rom_bits'):,}",
            str(one.membrane_bits) if one else "",
            f"{total(layers, 'state_bits'):,}",
        )
    table.caption = (
        "weights by layout, and what they would take as int8 and float32; all ROM has thresholds and biases too"
    )
    return table


def activity_table(found: Metrics) -> Table:
    """Return spikes by layer, and their sums."""
    names = ("layer", "spikes a sample", "mean rate", "highest rate", "never spiked", "never can", "membrane")
    table = _table("spikes", *names)
    table.add_row("input", f"{found.input_spikes:,.1f}", *[""] * 5)
    for name, layers in rows(found):
        neurons = total(layers, "neurons")
        never, cannot = total(layers, "never_spiked"), total(layers, "cannot_spike")
        table.add_row(
            name,
            f"{total(layers, 'spikes'):,.1f}",
            f"{total(layers, 'spikes') / (neurons * found.steps):.4f}",
            f"{max(layer.rates.max() for layer in layers):.4f}",
            f"{never} of {neurons}",
            str(cannot),
            f"{layers[0].membrane_low}..{layers[0].membrane_high}" if len(layers) == 1 else "",
        )
    table.caption = "rate: spikes of a neuron in a step; membrane: reached after reset"
    return table


def accuracy_tables(found: Metrics) -> tuple[Table | str, ...]:
    """Return the accuracy, and the confusion matrix where it is small."""
    if found.confusion is None:
        return ()
    said = f"accuracy of {found.samples} samples: {found.accuracy:.2%}"
    classes = range(len(found.confusion))
    if len(classes) > SHOWN_CLASSES:
        return (said,)
    table = _table("confusion: label down, class across", "label", *map(str, classes), "right")
    for label, row in enumerate(found.confusion.tolist()):
        right = f"{row[label] / sum(row):.1%}" if sum(row) else ""
        table.add_row(str(label), *(str(count) if count else "." for count in row), right)
    return said, table


def _toggles(args: argparse.Namespace, samples: Samples) -> dict[str, float] | None:
    if not args.toggles:
        return None
    if not args.model.is_dir():
        raise OptionError("--toggles: must be used with an output folder, which has Verilog")
    return register_toggles(open_folder(args.model), samples.head(args.toggles))


def energy_table(energies: tuple[LayerEnergy, ...], missing: tuple[str, ...]) -> Table:
    """Return the estimate of the energy by layer, and its sum."""
    counted = ("weight bits read", "membrane bits moved", "additions", "pixel products", "register toggles")
    spent = ("weights", "membranes", "adders", "registers", "sum")
    table = _table("energy of a sample in nJ, an estimate", "layer", *counted, *spent)
    rows = [(energy.name, (energy,)) for energy in energies]
    for name, part in [*rows, ("all", energies)] if len(rows) > 1 else rows:
        events = ("weight_bits", "membrane_bits", "adds", "products", "toggles")
        counts = (sum(getattr(one, key) or 0 for one in part) for key in events)
        picojoules = ("weights_pj", "membranes_pj", "adds_pj", "toggles_pj", "total_pj")
        costs = (sum(getattr(one, key) for one in part) / 1000 for key in picojoules)
        table.add_row(name, *(f"{count:,.0f}" for count in counts), *(f"{cost:,.1f}" for cost in costs))
    without = f"{', '.join(missing[:-1])} and {missing[-1]}"
    table.caption = f"counted events, constants of {SOURCE}; without {without}; an FPGA takes more"
    return table


def latency_table(timed: tuple[Latency, ...]) -> Table:
    """Return what was timed, and how long it took."""
    table = _table("latency, inputs encoded beforehand", "what", "device", "batch", "median of a call", "a sample")
    for latency in timed:
        median = latency.median * 1e3
        table.add_row(
            latency.what, latency.device, str(latency.batch), f"{median:.3f} ms", f"{median / latency.batch:.3f} ms"
        )
    table.caption = f"median of {len(timed[0].seconds)} calls after a warm-up"
    return table


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("layer", "what", "device") else "right")
    return table
