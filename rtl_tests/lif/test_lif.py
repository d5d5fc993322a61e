"""snn_lif: charge, fire, reset and leak of one neuron, at every corner of its numbers."""

import pytest

HARD, SOFT = 0, 1
NONE, SHIFT, MULTIPLIER = 0, 1, 2


def parameters(state: int, membrane: int, saturate: bool, reset: int, kind: int, shift: int = 1, factor: int = 0) -> dict:
    return {
        "StateWidth": state,
        "MembraneWidth": membrane,
        "Saturate": int(saturate),
        "SoftReset": reset,
        "LeakKind": kind,
        "LeakShift": shift,
        "LeakFactor": factor,
    }


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param(parameters(12, 8, True, HARD, NONE), id="no-leak"),
        pytest.param(parameters(8, 8, False, SOFT, NONE), id="no-leak-soft"),
        pytest.param(parameters(9, 9, False, HARD, SHIFT, 0), id="shift-0-forgets"),
        pytest.param(parameters(12, 8, True, SOFT, SHIFT, 1), id="shift-1-soft"),
        pytest.param(parameters(10, 10, True, HARD, SHIFT, 3), id="shift-3-equal-widths"),
        pytest.param(parameters(11, 10, False, SOFT, SHIFT, 47), id="shift-47"),
        pytest.param(parameters(13, 7, True, HARD, MULTIPLIER, 3, 7), id="multiplier-7-8"),
        pytest.param(parameters(12, 8, True, SOFT, MULTIPLIER, 8, 256), id="multiplier-1"),
        pytest.param(parameters(9, 8, False, HARD, MULTIPLIER, 1, 0), id="multiplier-0"),
        pytest.param(parameters(51, 48, True, SOFT, MULTIPLIER, 15, 29491), id="widest"),
        pytest.param(parameters(4, 2, True, HARD, SHIFT, 1), id="narrowest"),
        pytest.param(parameters(3, 2, True, SOFT, MULTIPLIER, 1, 1), id="narrowest-soft"),
    ],
)
def test_lif(bench, chosen):
    bench("snn_lif", "rtl_tests.lif.lif_tests", chosen)
