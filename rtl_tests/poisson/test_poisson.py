"""snn_poisson: pixels of samples in, the spikes of Encoder.encode() out, however anybody waits."""

import pytest

from snn2rtl.fixed_point import unsigned_bits


def parameters(inputs: int, steps: int, rate: int = 180) -> dict:
    return {
        "AddrWidth": unsigned_bits(inputs - 1),
        "GroupWidth": unsigned_bits(inputs // 4),
        "NumSteps": steps,
        "StepWidth": unsigned_bits(steps - 1),
        "Rate": rate,
    }


PARAMETERS = {
    "whole-groups": parameters(16, 4),
    "odd": parameters(21, 7, 257),
    "rare": parameters(30, 5, 9),
    "one-step": parameters(10, 1),
    "one-input": parameters(1, 3),
    "three-inputs": parameters(3, 2, 257),
    "silent": parameters(6, 3, 0),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_poisson(bench, name):
    bench("snn_poisson", "rtl_tests.poisson.poisson_tests", PARAMETERS[name])
