"""snn_count_readout: counts that saturate, the class with the most, ties to the lowest."""

import pytest

from snn2rtl.fixed_point import unsigned_bits


@pytest.mark.parametrize(("classes", "count_width"), [(10, 7), (16, 2), (3, 32), (2, 1), (1, 4)])
def test_readout(bench, classes, count_width):
    chosen = {"NumClasses": classes, "AddrWidth": unsigned_bits(classes - 1), "CountWidth": count_width}
    bench("snn_count_readout", "rtl_tests.readout.readout_tests", chosen)
