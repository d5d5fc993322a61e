"""snn_lane: the state memory, the adder, and the forwarding of sums that are not written yet."""

import pytest

FORWARD, NO_FORWARD = 1, 0


def parameters(state: int, weight: int, shift: int, slots: int, forward: int) -> dict:
    return {
        "StateWidth": state,
        "WeightWidth": weight,
        "WeightShift": shift,
        "NumSlots": slots,
        "SlotWidth": max(1, (slots - 1).bit_length()),
        "Forward": forward,
    }


PARAMETERS = {
    "forward": parameters(16, 8, 0, 8, FORWARD),
    "one-slot": parameters(12, 1, 3, 1, FORWARD),
    "shifted": parameters(40, 16, 12, 5, FORWARD),
    "no-forward": parameters(16, 4, 0, 3, NO_FORWARD),
    "weight-as-wide-as-state": parameters(8, 8, 0, 7, NO_FORWARD),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_lane(bench, name):
    bench("snn_lane", "rtl_tests.lane.lane_tests", PARAMETERS[name])
