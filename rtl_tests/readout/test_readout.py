"""snn_count_readout: counts that saturate, the class with the most, ties to the lowest."""

import pytest

from snn2rtl.fixed_point import unsigned_bits


def parameters(classes: int, count_width: int, forward: int = 0) -> dict:
    widths = {"AddrWidth": unsigned_bits(classes - 1), "CountWidth": count_width}
    return {"NumClasses": classes, **widths, "Forward": forward}


PARAMETERS = {
    "ten-classes": parameters(10, 7),
    "powers-of-two": parameters(16, 2),
    "wide-counts": parameters(3, 32),
    "two-classes": parameters(2, 1),
    "one-class": parameters(1, 4),
    "groups": parameters(10, 7, forward=1),
    "groups-of-few-counts": parameters(3, 2, forward=1),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_readout(bench, name):
    bench("snn_count_readout", "rtl_tests.readout.readout_tests", PARAMETERS[name])
