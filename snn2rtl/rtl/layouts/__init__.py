"""Synapse layouts: how the weights of a layer lie in memory, what that costs in bits and in cycles.

A layout is a file here (its cost, its ``build()``, and the decoder ``weights()`` that tests hold against them), a row
fetch in templates/verilog and a folder of what it prints into a layer in templates/verilog/layouts. A word holds one
entry for each lane; neuron ``slot * lanes + lane`` lives in that lane and slot. ``in_turn`` says whether the words of a
row go through the slots in their order, so that a lane comes back to one only after all others.
"""

from __future__ import annotations

from snn2rtl.fixed_point import IntArray
from snn2rtl.rtl.layouts.cost import Cost, entropy_bits
from snn2rtl.rtl.layouts.dense import DenseRows
from snn2rtl.rtl.layouts.indexed import IndexedRows
from snn2rtl.rtl.layouts.ragged import RaggedRows

__all__ = [
    "LAYOUTS",
    "Cost",
    "DenseRows",
    "IndexedRows",
    "Layout",
    "RaggedRows",
    "cheapest",
    "costs",
    "entropy_bits",
]

Layout = DenseRows | IndexedRows | RaggedRows
LAYOUTS: dict[str, type[Layout]] = {cls.kind: cls for cls in (DenseRows, IndexedRows, RaggedRows)}


def costs(weight: IntArray, lanes: int, weight_bits: int) -> dict[str, Cost]:
    """Return what the weights, shape (slots * lanes, inputs), cost in every layout, by kind."""
    return {kind: cls.cost(weight, lanes, weight_bits) for kind, cls in LAYOUTS.items()}


def cheapest(alternatives: dict[str, Cost]) -> str:
    """Return the kind of the least product of area and time; of equal ones, the kind of the fewest bits."""
    return min(alternatives, key=lambda kind: (alternatives[kind].area_time, alternatives[kind].bits))
