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


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param(parameters(16, 8, 0, 8, FORWARD), id="forward"),
        pytest.param(parameters(12, 1, 3, 1, FORWARD), id="one-slot"),
        pytest.param(parameters(40, 16, 12, 5, FORWARD), id="shifted"),
        pytest.param(parameters(16, 4, 0, 3, NO_FORWARD), id="no-forward"),
        pytest.param(parameters(8, 8, 0, 7, NO_FORWARD), id="weight-as-wide-as-state"),
    ],
)
def test_lane(bench, chosen):
    bench("snn_lane", "rtl_tests.lane.lane_tests", chosen)
