"""snn_stream_register: nothing lost, doubled or reordered, whoever stalls."""

import pytest


@pytest.mark.parametrize("width", [1, 12])
def test_stream_register(bench, width):
    bench("snn_stream_register", "rtl_tests.stream_register.stream_register_tests", {"Width": width})
