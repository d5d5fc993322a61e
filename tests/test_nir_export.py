"""Networks as graphs of NIR: the interpreter, and the tools that read them, make the same spikes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nir
import numpy as np
import pytest
from graphs import random_graph, random_inputs
from hypothesis import given
from hypothesis import strategies as st
from nir_files import DT, EXACT, golden, run
from test_frontend_nir import LAYERS, NEURONS, lif, spikes, weights

import snn2rtl
from snn2rtl import nir as ours
from snn2rtl.errors import UnsupportedModelError
from snn2rtl.int_net import reference
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.neurons import LifNeuron, NoLeak, Reset
from snn2rtl.int_net.population import Population
from snn2rtl.pools import MaxPool


def exported(network: FixedPointNetwork, path: Path) -> tuple[nir.NIRGraph, tuple[str, ...]]:
    """Return a network as nir reads its file, and what the file does not say."""
    made = ours.to_graph(network, DT)
    ours.write(made.graph, path)
    unchecked = any("type_check=False" in loss for loss in made.losses)
    return nir.read(path, type_check=not unchecked), made.losses  # it checks all shapes


def outputs(network: FixedPointNetwork, inputs: np.ndarray) -> np.ndarray:
    """Return the spikes of the output, shape (T, N, neurons), or the last membranes of integrators."""
    return reference.run(network, inputs).traces[network.output.name].spikes


@pytest.mark.parametrize("reset", ["hard", "soft"])
@pytest.mark.parametrize("kind", NEURONS)
def test_neurons(kind: str, reset: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(len(kind))
    nodes = {"in": nir.Input(np.array([5])), "a": nir.Affine(weights(rng, 7, 5), weights(rng, 7) / 4),
             "n": NEURONS[kind](rng, 7), "b": nir.Linear(weights(rng, 7, 7)), "c": nir.Linear(weights(rng, 4, 7)),
             "m": lif(rng, 4), "out": nir.Output(np.array([4]))}  # fmt: skip
    links = [("in", "a"), ("a", "n"), ("n", "b"), ("b", "n"), ("n", "c"), ("c", "m"), ("m", "out")]
    nir.write(tmp_path / "net.nir", nir.NIRGraph(nodes, links))
    options = {"dt": DT, "reset": reset, "integrate": "time"}
    network = snn2rtl.compile(tmp_path / "net.nir", quantize=EXACT, **options).network
    if kind == "threshold" and reset == "soft":
        with pytest.raises(UnsupportedModelError, match="must all reset alike"):
            ours.to_graph(network, DT)
        return
    graph, losses = exported(network, tmp_path / "again.nir")
    inputs = spikes(rng, 5)
    wanted = golden(tmp_path / "net.nir", inputs, **options)
    assert 0 < wanted.mean() < 1
    assert np.array_equal(run(graph, inputs, reset), wanted)
    assert np.array_equal(golden(tmp_path / "again.nir", inputs, **options), wanted)
    assert any(f"--reset {reset}" in loss for loss in losses)


@pytest.mark.parametrize("kind", LAYERS)
def test_layers(kind: str, tmp_path: Path) -> None:
    shape, make = LAYERS[kind]
    rng = np.random.default_rng(5)
    nodes = make(rng)
    x = np.zeros((1, *shape))
    names = [f"n{index}" for index in range(len(nodes))]
    ends = {"in": nir.Input(np.array(shape)), **dict(zip(names, nodes, strict=True)), "out": nir.Output(None)}
    order = list(zip(["in", *names], [*names, "out"], strict=True))
    made = run(nir.NIRGraph(ends, order, type_check=False), x, "hard").shape[1:]
    ends |= {"first": lif(rng, *made, v_threshold=np.full(made, 0.25)), "out": nir.Output(np.array(made))}
    if len(made) > 1:
        ends |= {"flat": nir.Flatten({"input": np.array(made)}, 0, -1), "out": nir.Output(np.array([np.prod(made)]))}
        order = [*order[:-1], (names[-1], "first"), ("first", "flat"), ("flat", "out")]
    else:
        order = [*order[:-1], (names[-1], "first"), ("first", "out")]
    if not any(hasattr(node, "weight") for node in nodes):
        return  # a network has weights
    nir.write(tmp_path / "net.nir", nir.NIRGraph(ends, order, type_check=False))
    network = snn2rtl.compile(tmp_path / "net.nir", dt=DT, reset="hard", quantize=EXACT).network
    graph, _ = exported(network, tmp_path / "again.nir")
    inputs = spikes(rng, *shape)
    wanted = golden(tmp_path / "net.nir", inputs, dt=DT, reset="hard")
    assert 0 < wanted.mean() < 1
    assert np.array_equal(run(graph, inputs, "hard").reshape(len(inputs), -1), wanted)


def without_leaks(network: FixedPointNetwork, reset: Reset) -> FixedPointNetwork:
    """Return a network of neurons that lose nothing in a few steps, for those of NIR neither floor nor saturate."""

    def calm(node: object) -> object:
        if not isinstance(node, Population):
            return node
        fire_at = np.arange(node.num_neurons) % 7 + 1 << node.weight_shift
        by = fire_at if reset is Reset.SOFT else 0 * fire_at
        neuron = LifNeuron(fire_at=fire_at, reset_by=by, reset=reset, leak=NoLeak(), membrane_bits=44)
        return replace(node, neuron=neuron)

    return replace(network, nodes=tuple(map(calm, network.nodes)))


@given(seed=st.integers(0, 2**32 - 1), reset=st.sampled_from([Reset.HARD, Reset.SOFT]))
def test_random_graphs(seed: int, reset: Reset, tmp_path_factory: pytest.TempPathFactory) -> None:
    network = without_leaks(random_graph(np.random.default_rng(seed)), reset)
    if any(isinstance(node, MaxPool) or getattr(node, "pool", None) for node in network.nodes):
        with pytest.raises(UnsupportedModelError, match="NIR has no max pool"):
            ours.to_graph(network, DT)
        return
    graph, losses = exported(network, tmp_path_factory.mktemp("nir") / "net.nir")
    assert not any("floors" in loss for loss in losses)
    inputs = random_inputs(network, 5, 1, seed)
    wanted = outputs(network, inputs)[:, 0]
    steps = inputs[:, 0] if inputs.ndim == 3 else np.repeat(inputs, len(wanted), axis=0)  # of pixels there is one set
    made = run(graph, steps.reshape(-1, *network.input.shape).astype(float), reset.value)
    assert np.array_equal(made.reshape(wanted.shape), wanted)
