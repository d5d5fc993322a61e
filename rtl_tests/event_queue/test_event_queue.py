"""snn_event_queue: nothing lost, doubled or reordered, whoever stalls, and as many beats as it says."""

import pytest

PARAMETERS = {
    "smallest": {"Width": 1, "DepthWidth": 1},
    "eight": {"Width": 12, "DepthWidth": 3},
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_event_queue(bench, name):
    bench("snn_event_queue", "rtl_tests.event_queue.event_queue_tests", PARAMETERS[name])
