import numpy as np
import pytest

from snn2rtl.rtl.layouts.cost import FETCH_BITS, Cost, entropy_bits


def test_lanes_in_lockstep_spend_a_cycle_on_an_empty_row():
    lockstep = Cost(100, np.array([[0], [3]]))
    assert lockstep.cycles(np.array([10, 2])) == 16
    assert lockstep.words_per_spike == 2
    assert lockstep.area_time == 200


def test_lanes_on_their_own_wait_for_the_fullest_sum():
    ragged = Cost(100, np.array([[0, 1], [3, 1]]))
    assert ragged.cycles(np.array([10, 2])) == 12  # no more than one spike a cycle
    assert ragged.cycles(np.array([2, 10])) == 30
    assert ragged.words_per_row.tolist() == [1, 3]
    assert ragged.area_time == (100 + FETCH_BITS) * 1.5


@pytest.mark.parametrize(("used", "expected"), [(0, 0), (8, 8 * 4), (4, 4 * 4 + 8), (1, 4 + 8 * 0.5435644431995964)])
def test_entropy(used, expected):
    weight = np.arange(8).reshape(2, 4) < used
    assert entropy_bits(weight, 4) == pytest.approx(expected)
