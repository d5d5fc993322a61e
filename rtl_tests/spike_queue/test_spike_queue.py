"""snn_spike_queue: words of spikes in, one event a cycle out, in order, however long nobody takes them."""

import pytest

from snn2rtl.fixed_point import unsigned_bits


def parameters(lanes: int, slots: int, neurons: int) -> dict:
    return {
        "NumLanes": lanes,
        "NumSlots": slots,
        "SlotWidth": unsigned_bits(slots - 1),
        "AddrWidth": unsigned_bits(neurons - 1),
        "DepthWidth": max(2, unsigned_bits(2 * slots - 1)),
    }


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param(parameters(4, 4, 16), id="powers-of-two"),
        pytest.param(parameters(3, 5, 14), id="odd"),
        pytest.param(parameters(1, 6, 6), id="one-lane"),
        pytest.param(parameters(7, 1, 7), id="one-slot"),
        pytest.param(parameters(1, 1, 1), id="one-neuron"),
        pytest.param(parameters(33, 2, 65), id="many-lanes"),
    ],
)
def test_spike_queue(bench, chosen):
    bench("snn_spike_queue", "rtl_tests.spike_queue.spike_queue_tests", chosen)
