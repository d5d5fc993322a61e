"""snn_stream_register: nothing lost, doubled or reordered, whoever stalls."""

import pytest

PARAMETERS = {"one-bit": {"Width": 1}, "twelve-bits": {"Width": 12}}


@pytest.mark.parametrize("name", PARAMETERS)
def test_stream_register(bench, name):
    bench("snn_stream_register", "rtl_tests.stream_register.stream_register_tests", PARAMETERS[name])
