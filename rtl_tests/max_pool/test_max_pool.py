"""snn_max_pool: a window spikes once in a step in which any of its inputs does."""

import pytest

from snn2rtl.fixed_point import unsigned_bits


def parameters(windows: int) -> dict:
    return {"NumWindows": windows, "AddrWidth": unsigned_bits(windows - 1)}


PARAMETERS = {
    "two-words": parameters(40),
    "many-words": parameters(300),
    "one-word": parameters(32),
    "few-windows": parameters(5),
    "one-window": parameters(1),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_max_pool(bench, name):
    bench("snn_max_pool", "rtl_tests.max_pool.max_pool_tests", PARAMETERS[name])
