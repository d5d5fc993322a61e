"""snn_ragged_rows, _lane and _slot: every weight of every spike once, and every lane at its own pace."""

import pytest

from rtl_tests.ragged.rows_tests import build
from snn2rtl.fixed_point import unsigned_bits


def case(inputs: int, slots: int, lanes: int, density: float, delay: int = 3, tag: int = 1) -> dict:
    shape = {"inputs": inputs, "slots": slots, "NumLanes": lanes}
    return {**shape, "density": density, "WordDelay": delay, "TagWidth": tag}


ROWS = {
    "empty": case(6, 4, 3, 0.0),
    "sparse": case(40, 7, 5, 0.1, tag=8),
    "half": case(24, 7, 4, 0.5, delay=5, tag=8),
    "full": case(6, 4, 3, 1.0),
    "one-lane": case(9, 6, 1, 0.4, tag=3),
    "one-slot": case(8, 1, 4, 0.3, delay=4),
    "one-input": case(1, 3, 2, 0.7),
}
LANE = {
    "deep": {"WordWidth": 11, "CountWidth": 4, "WordDelay": 3, "FirstDelay": 2, "TagWidth": 8},
    "shallow": {"WordWidth": 3, "CountWidth": 1, "WordDelay": 5, "FirstDelay": 3, "TagWidth": 1},
    "narrowest": {"WordWidth": 1, "CountWidth": 1, "WordDelay": 3, "FirstDelay": 2, "TagWidth": 2},
}
SLOT = {
    "slots": {"SkipWidth": 3, "SlotWidth": 3},
    "skips": {"SkipWidth": 2, "SlotWidth": 4},
    "narrowest": {"SkipWidth": 1, "SlotWidth": 2},
}


def parameters(chosen: dict) -> dict:
    """Return the module's parameters for a layout."""
    layout, _ = build(chosen)
    return {
        "NumLanes": chosen["NumLanes"],
        "AddrWidth": unsigned_bits(chosen["inputs"] - 1),
        "RowAddrWidth": layout.row_table.addr_width,
        "WordWidth": layout.word_addr_width,
        "OffsetWidth": layout.offset_width,
        "CountWidth": layout.count_width,
        "WordDelay": chosen["WordDelay"],
        "TagWidth": chosen["TagWidth"],
    }


@pytest.mark.parametrize("name", ROWS)
def test_ragged_rows(bench, name):
    extra = {key: ROWS[name][key] for key in ("inputs", "slots", "density")}
    bench("snn_ragged_rows", "rtl_tests.ragged.rows_tests", parameters(ROWS[name]), **extra)


@pytest.mark.parametrize("name", LANE)
def test_ragged_lane(bench, name):
    bench("snn_ragged_lane", "rtl_tests.ragged.lane_tests", LANE[name])


@pytest.mark.parametrize("name", SLOT)
def test_ragged_slot(bench, name):
    bench("snn_ragged_slot", "rtl_tests.ragged.slot_tests", SLOT[name])
