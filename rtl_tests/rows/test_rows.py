"""snn_dense_rows and snn_indexed_rows: every weight of every spike once, and nothing else."""

import pytest

from rtl_tests.rows.rows_tests import build
from snn2rtl.fixed_point import unsigned_bits

MODULE = "rtl_tests.rows.rows_tests"
SHAPES = [
    pytest.param(6, 4, 3, id="even"),
    pytest.param(5, 7, 1, id="odd"),
    pytest.param(8, 1, 4, id="one-slot"),
    pytest.param(1, 3, 2, id="one-input"),
]


@pytest.mark.parametrize(("inputs", "slots", "lanes"), SHAPES)
def test_dense_rows(bench, inputs, slots, lanes):
    case = {"kind": "dense", "inputs": inputs, "slots": slots, "lanes": lanes, "density": 1.0}
    parameters = {
        "NumInputs": inputs,
        "AddrWidth": unsigned_bits(inputs - 1),
        "NumSlots": slots,
        "SlotWidth": unsigned_bits(slots - 1),
        "WordWidth": build(case)[0].word_addr_width,
    }
    bench("snn_dense_rows", MODULE, parameters, **case)


@pytest.mark.parametrize("density", [0.0, 0.15, 0.5, 1.0])
@pytest.mark.parametrize(("inputs", "slots", "lanes"), SHAPES[:2])
def test_indexed_rows(bench, inputs, slots, lanes, density):
    case = {"kind": "indexed", "inputs": inputs, "slots": slots, "lanes": lanes, "density": density}
    layout, _ = build(case)
    parameters = {
        "AddrWidth": unsigned_bits(inputs - 1),
        "WordWidth": layout.word_addr_width,
        "CountWidth": layout.count_width,
    }
    bench("snn_indexed_rows", MODULE, parameters, **case)
