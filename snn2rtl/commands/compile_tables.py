"""The tables that ``snn2rtl compile`` shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.table import Table

from snn2rtl.api import Compiled
from snn2rtl.errors import told_apart
from snn2rtl.int_net.intervals import never_fires, never_saturates
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.neurons.leaks import kept
from snn2rtl.report import LayerReport
from snn2rtl.rtl.design import RtlDesign
from snn2rtl.rtl.layouts import LAYOUTS


def network(compiled: Compiled, digest: str) -> Table:
    """Return what quantizing did, or what the integer network is that was given."""
    table = Table(title=f"integer network {digest[:16]}", title_justify="left")
    if compiled.reports:
        _quantized(compiled.reports, table)
    else:
        _as_given(compiled.network, table)
    return table


def _as_given(given: FixedPointNetwork, table: Table) -> None:
    """Fill the table for a model that was an integer network already, of which nothing was quantized."""
    for heading in ("layer", "inputs", "neurons", "weights", "bits", "non-zero", "keeps a step", "membrane"):
        table.add_column(heading, justify="left" if heading == "layer" else "right")
    table.add_column("never fire", justify="right")
    for layer in given.populations:
        low, high = kept(layer.neuron.leak).min(), kept(layer.neuron.leak).max()
        one, other = told_apart(low, high)
        silent = np.count_nonzero(never_fires(layer)) if layer.neuron.spikes else 0
        table.add_row(
            layer.name,
            str(layer.num_inputs),
            str(layer.num_neurons),
            str(layer.num_weights),
            str(layer.weight_bits),
            str(layer.num_nonzero),
            one if one == other else f"{one}..{other}",
            f"{layer.neuron.membrane_bits} bits" + ("" if never_saturates(layer) else ", may saturate"),
            str(silent),
        )
    what = "scores" if given.integrates else "spike counts"
    table.caption = f"as it was given, with nothing quantized; {what} of {given.readout_bits} bits"


def _quantized(reports: Sequence[LayerReport], table: Table) -> None:
    """Fill the table with what quantizing did."""
    for heading in (
        "layer",
        "inputs",
        "neurons",
        "weights",
        "bits",
        "bits from",
        "non-zero",
        "rounded to 0",
        "saturated",
    ):
        table.add_column(heading, justify="left" if heading == "layer" else "right")
    for heading in ("largest error", "keeps a step", "membrane", "reaches", "never fire"):
        table.add_column(heading, justify="right")
    for report in reports:
        limited = f", to {report.time_steps} steps" if report.may_saturate else ""
        got, asked = told_apart(report.leak_got, report.leak_asked)
        leak = got if got == asked else f"{got} for {asked}"
        table.add_row(
            report.name,
            str(report.inputs),
            str(report.neurons),
            str(report.weights),
            str(report.weight_bits),
            report.bits_from,
            str(report.nonzero_weights),
            str(report.rounded_to_zero),
            str(report.saturated_weights),
            f"{report.weight_error:.3g} steps",
            leak,
            f"{report.membrane_bits} bits{limited}",
            f"{report.membrane_low}..{report.membrane_high}",
            str(report.silent_neurons),
        )


def hardware(design: RtlDesign) -> Table:
    """Return the hardware of every layer."""
    table = Table(title=f"hardware {design.top}", title_justify="left")
    for heading in (
        "layer",
        "lanes",
        "slots",
        "layout",
        "ROM bits",
        "membrane bits",
        "block memories",
        "words a spike",
        "over entropy",
    ):
        table.add_column(heading, justify="left" if heading in ("layer", "layout") else "right")
    for kind in LAYOUTS:
        table.add_column(f"{kind} bits", justify="right")
    for layer in design.layers:
        table.add_row(
            layer.label,
            str(layer.lanes),
            str(layer.slots),
            layer.layout.kind,
            str(layer.rom_bits),
            str(layer.state_bits),
            str(layer.block_memories),
            f"{layer.costs[layer.layout.kind].words_per_spike:.2f}",
            f"{layer.bits_over_entropy:.2f}",
            *(str(cost.bits) for cost in layer.costs.values()),
        )
    return table


def alternatives(compiled: Compiled) -> Table:
    """Return what every layout of every layer would cost."""
    why = "--target-bram" if compiled.reached and compiled.reached.target_bram else "least area x time"
    table = Table(title="layouts of the weights", title_justify="left", caption=f"chosen: asked for, or {why}")
    for heading in ("layer", "layout", "bits", "over entropy", "words a spike", "chosen"):
        table.add_column(heading, justify="left" if heading in ("layer", "layout") else "right")
    for layer in compiled.design.layers:
        for kind, cost in layer.costs.items():
            ratio = f"{cost.bits / layer.entropy_bits:.2f}" if layer.entropy_bits else "-"
            chosen = "yes" if kind == layer.layout.kind else ""
            table.add_row(layer.label, kind, str(cost.bits), ratio, f"{cost.words_per_spike:.2f}", chosen)
    return table
