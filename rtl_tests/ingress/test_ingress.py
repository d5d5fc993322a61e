"""snn_ingress: beats of s_axis become events; what means nothing does nothing."""

import pytest


@pytest.mark.parametrize(("inputs", "width"), [(5, 3), (8, 3), (1, 1)])
def test_ingress(bench, inputs, width):
    bench("snn_ingress", "rtl_tests.ingress.ingress_tests", {"NumInputs": inputs, "AddrWidth": width})
