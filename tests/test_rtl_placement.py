"""Places of neurons: every one that can fire has one, lanes fill evenly, frequent inputs count more."""

import numpy as np
from networks import chain, dense

from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.rtl.placement import place

RNG = np.random.default_rng(0)


def sparse(neurons: int, inputs: int, density: float) -> np.ndarray:
    return RNG.integers(1, 4, (neurons, inputs)) * (RNG.random((neurons, inputs)) < density)


def two_layers(weight: np.ndarray):
    """Return a network of these weights and a last layer, and the inputs of which neurons can fire."""
    return chain(dense(weight.tolist()), dense(np.ones((3, len(weight)), int).tolist()))


def fullest(weight: np.ndarray, placement: np.ndarray, lanes: int, firing: np.ndarray) -> float:
    """Return the work of the fullest lane when inputs fire so often, a row after the other in lockstep."""
    counts = np.stack([(weight[placement[lane::lanes]] != 0).sum(axis=0) for lane in range(lanes)])
    return float((counts.max(axis=0) * firing).sum())


def test_every_neuron_has_one_place():
    weight = sparse(37, 20, 0.3)
    weight[:, 0] = 1
    first, last = place(two_layers(weight), RtlOptions(lanes=PerLayer(4)))
    assert sorted(first.tolist()) == list(range(37))
    assert last.tolist() == [0, 1, 2]


def test_places_are_better_than_the_order_of_the_network():
    weight, lanes, firing = sparse(64, 100, 0.1), 8, np.ones(100, np.int64)
    weight[:, 0] = 1
    (placement, _) = place(two_layers(weight), RtlOptions(lanes=PerLayer(lanes)))
    assert fullest(weight, placement, lanes, firing) < 0.85 * fullest(weight, np.arange(64), lanes, firing)


def test_inputs_that_fire_often_count_more():
    weight, lanes = sparse(64, 100, 0.1), 8
    weight[:, 0] = 1
    firing = np.where(np.arange(100) < 10, 1000, 0)
    network, options = two_layers(weight), RtlOptions(lanes=PerLayer(lanes))
    without, _ = place(network, options)
    weighted, _ = place(network, options, (firing, np.zeros(64, np.int64)))
    assert fullest(weight, weighted, lanes, firing) < fullest(weight, without, lanes, firing)


def test_full_rows_keep_their_order():
    first, _ = place(two_layers(np.ones((9, 4), int)), RtlOptions(lanes=PerLayer(2)))
    assert first.tolist() == list(range(9))
