"""Neurons that spike: charge, fire, reset and leak of one of them, at every corner of its numbers."""

import pytest

HARD, SOFT, UNRESET, LATE = range(4)
NONE, SHIFT, MULTIPLIER, SHIFTS, MULTIPLIERS = range(5)


def parameters(
    state: int, membrane: int, saturate: bool, reset: int, kind: int, shift: int = 1, factor: int = 0, width: int = 1
) -> dict:
    return {
        "StateWidth": state,
        "MembraneWidth": membrane,
        "Saturate": int(saturate),
        "ResetKind": reset,
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
    "no-leak-none": parameters(10, 8, True, UNRESET, NONE),
    "shift-2-none": parameters(8, 8, False, UNRESET, SHIFT, 2),
    "shift-1-late": parameters(12, 8, True, LATE, SHIFT, 1),
    "shifts-late": parameters(9, 9, False, LATE, SHIFTS, 0, 0, 6),
    "multipliers-late": parameters(12, 8, True, LATE, MULTIPLIERS, 4, 0, 5),
    "widest-late": parameters(51, 48, True, LATE, MULTIPLIER, 15, 29491),
}


def behind_a_current(plain: dict, kind: int = SHIFT, shift: int = 2, factor: int = 0, width: int = 1) -> dict:
    synapse = {"Kind": kind, "Shift": shift, "Factor": factor, "Width": width}
    return plain | {f"SynapseLeak{key}": value for key, value in synapse.items()}


def rests(plain: dict, steps: int) -> dict:
    return plain | {"Refractory": steps, "LeftWidth": steps.bit_length()}


PLAIN = [
    parameters(12, 8, True, HARD, SHIFT, 1),
    parameters(9, 9, False, HARD, NONE),
    parameters(13, 7, True, HARD, MULTIPLIERS, 4, 0, 5),
    parameters(11, 10, False, HARD, SHIFTS, 0, 0, 6),
]
STEPPED = {f"{index}": plain | {"ResetKind": SOFT} for index, plain in enumerate(PLAIN)}
REFRACTORY = {f"{index}": rests(PLAIN[index % 4], steps) for index, steps in enumerate((1, 2, 5, 255))}
CURRENT = {
    f"{kind}-{index}": behind_a_current(PLAIN[index] | {"StateWidth": 14, "ResetKind": kind}, SHIFTS, 0, 0, 3)
    for kind in (HARD, SOFT, UNRESET, LATE)
    for index in range(4)
}
STEPPED_CURRENT = {
    f"{index}": behind_a_current(plain | {"StateWidth": 14, "ResetKind": SOFT}) for index, plain in enumerate(PLAIN)
}
REFRACTORY_CURRENT = {
    f"{index}": behind_a_current(rests(PLAIN[index] | {"StateWidth": 14}, steps), MULTIPLIER, 4, 13)
    for index, steps in enumerate((1, 3, 4, 255))
}
REMEMBERING = {
    "snn_stepped_lif": STEPPED,
    "snn_refractory_lif": REFRACTORY,
    "snn_current_lif": CURRENT,
    "snn_stepped_current_lif": STEPPED_CURRENT,
    "snn_refractory_current_lif": REFRACTORY_CURRENT,
}


SINGLE = {
    "no-leak-soft": PARAMETERS["no-leak-soft"] | {"WeightWidth": 4, "WeightShift": 0},
    "shift-1-soft": PARAMETERS["shift-1-soft"] | {"WeightWidth": 4, "WeightShift": 1},
    "shift-3-equal-widths": PARAMETERS["shift-3-equal-widths"] | {"WeightWidth": 8, "WeightShift": 0},
    "multipliers": PARAMETERS["multipliers"] | {"WeightWidth": 4, "WeightShift": 3},
    "narrowest": PARAMETERS["narrowest"] | {"WeightWidth": 2, "WeightShift": 0},
    "no-leak-none": PARAMETERS["no-leak-none"] | {"WeightWidth": 4, "WeightShift": 0},
    "shift-1-late": PARAMETERS["shift-1-late"] | {"WeightWidth": 4, "WeightShift": 1},
    "saturating-late": parameters(8, 4, True, LATE, SHIFT, 2) | {"WeightWidth": 4, "WeightShift": 1},
    "multipliers-late": PARAMETERS["multipliers-late"] | {"WeightWidth": 4, "WeightShift": 2},
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_lif(bench, name):
    bench("snn_lif", "rtl_tests.lif.lif_tests", PARAMETERS[name])


@pytest.mark.parametrize("name", SINGLE)
def test_single_lif(bench, name):
    bench("snn_single_lif", "rtl_tests.lif.single_tests", SINGLE[name])


@pytest.mark.parametrize(("module", "name"), [(module, name) for module in REMEMBERING for name in REMEMBERING[module]])
def test_neuron_with_a_second_state(bench, module, name):
    bench(module, "rtl_tests.lif.second_tests", REMEMBERING[module][name])
