"""Places of neurons: every one that can fire has one, lanes fill evenly, frequent inputs count more."""

import numpy as np
import pytest
from networks import chain, dense

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.int_net.network import INPUT
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.rtl import placement
from snn2rtl.rtl.placement import place


def sparse(neurons: int, inputs: int, density: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(1, 4, (neurons, inputs)) * (rng.random((neurons, inputs)) < density)


def two_places(weight: np.ndarray, lanes: int, firing: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the neurons at the places of both layers; the inputs fire so often."""
    made = two_layers(weight)
    fired = None if firing is None else {INPUT: firing, "fc1": np.zeros(len(weight), np.int64)}
    placement = place(made, RtlOptions(lanes=PerLayer(lanes)), fired)
    return placement["fc1"], placement["fc2"]


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
    first, last = two_places(weight, 4)
    assert sorted(first.tolist()) == list(range(37))
    assert last.tolist() == [0, 1, 2]


def test_places_are_better_than_the_order_of_the_network():
    weight, lanes, firing = sparse(64, 100, 0.1), 8, np.ones(100, np.int64)
    weight[:, 0] = 1
    placement, _ = two_places(weight, lanes)
    assert fullest(weight, placement, lanes, firing) < 0.9 * fullest(weight, np.arange(64), lanes, firing)


def test_inputs_that_fire_often_count_more():
    weight, lanes = sparse(64, 100, 0.1), 8
    weight[:, 0] = 1
    firing = np.where(np.arange(100) < 10, 1000, 0)
    without, _ = two_places(weight, lanes)
    weighted, _ = two_places(weight, lanes, firing)
    assert fullest(weight, weighted, lanes, firing) < fullest(weight, without, lanes, firing)


def test_full_rows_keep_their_order():
    first, _ = two_places(np.ones((9, 4), int), 2)
    assert first.tolist() == list(range(9))


def test_layers_that_are_too_large_are_all_named(monkeypatch):
    monkeypatch.setattr(placement, "MAX_UNROLLED", 39)
    rule = "must have at most 39 weights when unrolled for Verilog, zeros counted"
    with pytest.raises(UnsupportedModelError) as error:
        place(two_layers(np.ones((8, 5), np.int64)), RtlOptions())
    names = [layer.name for layer in two_layers(np.ones((8, 5), np.int64)).populations]
    assert str(error.value).splitlines()[0] == f"layer '{names[0]}': {rule}, not 40"
