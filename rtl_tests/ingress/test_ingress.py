"""snn_ingress: beats of s_axis become events; what means nothing does nothing."""

import pytest

PARAMETERS = {
    "five-inputs": {"NumInputs": 5, "AddrWidth": 3},
    "eight-inputs": {"NumInputs": 8, "AddrWidth": 3},
    "one-input": {"NumInputs": 1, "AddrWidth": 1},
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_ingress(bench, name):
    bench("snn_ingress", "rtl_tests.ingress.ingress_tests", PARAMETERS[name])
