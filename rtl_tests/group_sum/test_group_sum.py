"""snn_group_sum: sums of groups of scores, clamped once."""

import pytest


def parameters(size: int, in_width: int, score_width: int) -> dict:
    return {"GroupSize": size, "InWidth": in_width, "ScoreWidth": score_width}


PARAMETERS = {
    "exact": parameters(10, 7, 11),
    "clamped": parameters(3, 6, 6),
    "narrow": parameters(4, 8, 3),
    "groups-of-one": parameters(1, 9, 9),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_group_sum(bench, name):
    bench("snn_group_sum", "rtl_tests.group_sum.group_sum_tests", PARAMETERS[name])
