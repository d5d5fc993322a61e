"""``snn2rtl export``: from a model, or from the integer network that compile made, to a graph of NIR."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from rich.table import Table

from snn2rtl import nir
from snn2rtl.api import Source, read_model
from snn2rtl.commands.arguments import add_reset_arguments, number, shape
from snn2rtl.commands.outcome import Outcome
from snn2rtl.compiler import fold
from snn2rtl.errors import OptionError, StrictError
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.folder import open_folder
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.options import ReadOptions
from snn2rtl.output import write_file

HELP = "write a network as a graph of NIR, for other frameworks and neuromorphic chips"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("model", type=Path,
        help="model.pt as compile takes it for the float network, network.npz or an output folder of compile for the "
        "integer one")  # fmt: skip
    add("--nir", type=Path, required=True, metavar="FILE", help="file of NIR to write, which ends in .nir")
    add("--dt", type=number(float), required=True, metavar="S",
        help="seconds that a time step shall be in the file; snnTorch reads files of 1e-4 alone")  # fmt: skip
    add("--arch", type=Path, metavar="TOML", help="description of the layers of a plain state_dict")
    add(
        "--input-shape",
        type=shape,
        metavar="C,H,W",
        help="axes of a sample, for a model that begins with a convolution",
    )
    add_reset_arguments(parser)
    add("--strict", action="store_true", help="refuse where NIR does not say everything")


def run(args: argparse.Namespace) -> Outcome:
    """Export as the options say."""
    if not nir.is_named(args.nir):
        raise OptionError(f"--nir: must be a file that ends in .nir, not {args.nir}")
    options = ReadOptions(dt=args.dt, reset=args.reset, integrate=args.integrate)
    network = _network(args, options if nir.is_named(args.model) else replace(options, dt=None))
    made = nir.to_graph(fold(network) if isinstance(network, SpikingNetwork) else network, args.dt)
    if args.strict and made.losses:
        raise StrictError("\n".join(f"{loss} (--strict allows no loss)" for loss in made.losses))
    write_file(args.nir, lambda path: nir.write(made.graph, path))
    kind = "float" if isinstance(network, SpikingNetwork) else "integer"
    data = {"out": str(args.nir), "network": kind, "nodes": len(made.graph.nodes), "losses": list(made.losses)}
    said = f"wrote {args.nir}: the {kind} network, {len(made.graph.nodes)} nodes"
    return Outcome(data, (*[_table(made.losses)] * bool(made.losses), said))


def _network(args: argparse.Namespace, options: ReadOptions) -> SpikingNetwork | FixedPointNetwork:
    if args.model.is_dir():
        options.refuse_all()
        return open_folder(args.model).network
    source = read_model(args.model, Source(args.arch, options))
    if args.input_shape is None:
        return source
    if isinstance(source, FixedPointNetwork):
        raise OptionError("--input-shape: must be left out where the model is an integer network, which has one")
    return replace(source, shape=args.input_shape)


def _table(losses: tuple[str, ...]) -> Table:
    table = Table(title="what NIR does not say", title_justify="left", show_header=False)
    for loss in losses:
        where, _, what = loss.partition(": ")
        table.add_row(where, what)
    return table
