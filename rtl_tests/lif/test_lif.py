"""snn_lif and snn_single_lif: charge, fire, reset and leak of one neuron, at every corner of its numbers."""

import pytest

HARD, SOFT = 0, 1
NONE, SHIFT, MULTIPLIER, SHIFTS, MULTIPLIERS = range(5)


def parameters(
    state: int, membrane: int, saturate: bool, reset: int, kind: int, shift: int = 1, factor: int = 0, width: int = 1
) -> dict:
    return {
        "StateWidth": state,
        "MembraneWidth": membrane,
        "Saturate": int(saturate),
        "SoftReset": reset,
        "LeakKind": kind,
        "LeakShift": shift,
        "LeakFactor": factor,
        "LeakWidth": width,
    }


PARAMETERS = {
    "no-leak": parameters(12, 8, True, HARD, NONE),
    "no-leak-soft": parameters(8, 8, False, SOFT, NONE),
    "shift-0-forgets": parameters(9, 9, False, HARD, SHIFT, 0),
    "shift-1-soft": parameters(12, 8, True, SOFT, SHIFT, 1),
    "shift-3-equal-widths": parameters(10, 10, True, HARD, SHIFT, 3),
    "shift-47": parameters(11, 10, False, SOFT, SHIFT, 47),
    "multiplier-7-8": parameters(13, 7, True, HARD, MULTIPLIER, 3, 7),
    "multiplier-1": parameters(12, 8, True, SOFT, MULTIPLIER, 8, 256),
    "multiplier-0": parameters(9, 8, False, HARD, MULTIPLIER, 1, 0),
    "widest": parameters(51, 48, True, SOFT, MULTIPLIER, 15, 29491),
    "shifts": parameters(12, 8, True, SOFT, SHIFTS, 0, 0, 6),
    "multipliers": parameters(12, 8, True, HARD, MULTIPLIERS, 4, 0, 5),
    "narrowest": parameters(4, 2, True, HARD, SHIFT, 1),
    "narrowest-soft": parameters(3, 2, True, SOFT, MULTIPLIER, 1, 1),
}


SINGLE = {
    "no-leak-soft": PARAMETERS["no-leak-soft"] | {"WeightWidth": 4, "WeightShift": 0},
    "shift-1-soft": PARAMETERS["shift-1-soft"] | {"WeightWidth": 4, "WeightShift": 1},
    "shift-3-equal-widths": PARAMETERS["shift-3-equal-widths"] | {"WeightWidth": 8, "WeightShift": 0},
    "multipliers": PARAMETERS["multipliers"] | {"WeightWidth": 4, "WeightShift": 3},
    "narrowest": PARAMETERS["narrowest"] | {"WeightWidth": 2, "WeightShift": 0},
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_lif(bench, name):
    bench("snn_lif", "rtl_tests.lif.lif_tests", PARAMETERS[name])


@pytest.mark.parametrize("name", SINGLE)
def test_single_lif(bench, name):
    bench("snn_single_lif", "rtl_tests.lif.single_tests", SINGLE[name])
