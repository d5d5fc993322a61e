"""snn_spike_queue: words of spikes in, one event a cycle out, in order, however long nobody takes them."""

import pytest

from snn2rtl.fixed_point import unsigned_bits


def parameters(lanes: int, slots: int, neurons: int, late: int = 0) -> dict:
    return {
        "NumLanes": lanes,
        "NumSlots": slots,
        "SlotWidth": unsigned_bits(slots - 1),
        "AddrWidth": unsigned_bits(neurons - 1),
        "DepthWidth": max(2, unsigned_bits(2 * slots + late - 1)),
        "NumLate": late,
    }


PARAMETERS = {
    "powers-of-two": parameters(4, 4, 16),
    "odd": parameters(3, 5, 14),
    "one-lane": parameters(1, 6, 6),
    "one-slot": parameters(7, 1, 7),
    "one-neuron": parameters(1, 1, 1),
    "many-lanes": parameters(33, 2, 65),
    "late": parameters(2, 7, 13, late=4),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_spike_queue(bench, name):
    bench("snn_spike_queue", "rtl_tests.spike_queue.spike_queue_tests", PARAMETERS[name])
