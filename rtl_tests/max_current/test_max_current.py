"""snn_max_current and snn_tap_slots: the greatest of several sums, and which neuron a slot of a sum belongs to."""

import pytest

from snn2rtl.fixed_point import unsigned_bits


def slots(taps: int, neurons: int) -> dict:
    return {"NumTaps": taps, "NumSlots": neurons, "SlotWidth": unsigned_bits(neurons - 1)}


PARAMETERS = {
    "wider-state": {"CurrentWidth": 7, "StateWidth": 10},
    "same-width": {"CurrentWidth": 9, "StateWidth": 9},
    "one-bit": {"CurrentWidth": 1, "StateWidth": 3},
}
SLOTS = {"four": slots(4, 5), "nine": slots(9, 2), "two-of-one": slots(2, 1), "three-of-eight": slots(3, 8)}


@pytest.mark.parametrize("name", PARAMETERS)
def test_max_current(bench, name):
    bench("snn_max_current", "rtl_tests.max_current.max_current_tests", PARAMETERS[name])


@pytest.mark.parametrize("name", SLOTS)
def test_tap_slots(bench, name):
    bench("snn_tap_slots", "rtl_tests.max_current.tap_slots_tests", SLOTS[name])
