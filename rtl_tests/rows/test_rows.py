"""snn_dense_rows and snn_indexed_rows: every weight of every spike once, and nothing else."""

import pytest

from rtl_tests.rows.rows_tests import build
from snn2rtl.fixed_point import unsigned_bits

MODULE = "rtl_tests.rows.rows_tests"


def case(kind: str, inputs: int, slots: int, lanes: int, density: float = 1.0, delay: int = 3, tag: int = 1) -> dict:
    shape = {"inputs": inputs, "slots": slots, "lanes": lanes}
    return {"kind": kind, **shape, "density": density, "WordDelay": delay, "TagWidth": tag}


DENSE = {
    "even": case("dense", 6, 4, 3),
    "odd": case("dense", 5, 7, 1, delay=5, tag=8),
    "one-slot": case("dense", 8, 1, 4, delay=4, tag=8),
    "one-input": case("dense", 1, 3, 2),
}
INDEXED = {
    "empty": case("indexed", 6, 4, 3, 0.0),
    "sparse": case("indexed", 9, 7, 2, 0.1, tag=8),
    "half": case("indexed", 5, 7, 1, 0.5, delay=5, tag=8),
    "full": case("indexed", 6, 4, 3, 1.0),
    "one-slot": case("indexed", 8, 1, 4, 0.3, delay=4, tag=3),
    "one-input": case("indexed", 1, 3, 2, 0.7),
}


def parameters(chosen: dict) -> dict:
    """Return the module's parameters for a layout."""
    layout, _ = build(chosen)
    shared = {"AddrWidth": unsigned_bits(chosen["inputs"] - 1), "WordWidth": layout.word_addr_width}
    shared |= {name: chosen[name] for name in ("WordDelay", "TagWidth")}
    if chosen["kind"] == "indexed":
        return shared | {"CountWidth": layout.count_width}
    slots = chosen["slots"]
    return shared | {"NumInputs": chosen["inputs"], "NumSlots": slots, "SlotWidth": unsigned_bits(slots - 1)}


@pytest.mark.parametrize("name", DENSE)
def test_dense_rows(bench, name):
    bench("snn_dense_rows", MODULE, parameters(DENSE[name]), **DENSE[name])


@pytest.mark.parametrize("name", INDEXED)
def test_indexed_rows(bench, name):
    bench("snn_indexed_rows", MODULE, parameters(INDEXED[name]), **INDEXED[name])
