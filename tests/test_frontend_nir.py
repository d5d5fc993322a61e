"""Every primitive of NIR against a naive interpreter, in dyadic numbers, spike for spike."""

from __future__ import annotations

from pathlib import Path

import nir
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nir_files import DT, EXACT, STEPS, chain, golden, run, write

DATA = Path(__file__).parent / "data" / "nir"


def weights(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(-32, 36, shape) / 16


def spikes(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return (rng.random((STEPS, *shape)) < 0.5).astype(float)


def times(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return DT * 2.0 ** rng.integers(0, 3, shape)


def lif(rng: np.random.Generator, *shape: int, **changes: object) -> nir.LIF:
    ones = np.ones(shape)
    values = {"tau": ones * 4 * DT, "r": ones * 4, "v_leak": 0 * ones, "v_threshold": ones, "v_reset": 0 * ones}
    return nir.LIF(**{**values, **changes})


def cuba(rng: np.random.Generator, *shape: int, **changes: object) -> nir.CubaLIF:
    ones = np.ones(shape)
    values = {"tau_syn": 2 * DT * ones, "tau_mem": 4 * DT * ones, "r": 4 * ones, "v_leak": 0 * ones,
              "v_threshold": ones, "v_reset": 0 * ones, "w_in": 2 * ones}  # fmt: skip
    return nir.CubaLIF(**{**values, **changes})


def leaks(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    return {"tau": times(rng, n), "r": 2.0 ** rng.integers(-1, 3, n)}


NEURONS = {
    "lif": lif,
    "lif, a tau and r of each": lambda rng, n: lif(rng, n, **leaks(rng, n)),
    "lif, r of 1": lambda rng, n: lif(rng, n, r=np.ones(n)),
    "lif, rests and resets at 0.5": lambda rng, n: lif(rng, n, v_leak=np.full(n, 0.5), v_reset=np.full(n, 0.5)),
    "lif, leaks to 2 and resets to -0.25": lambda rng, n: lif(
        rng, n, v_leak=np.full(n, 2.0), v_reset=np.full(n, -0.25)
    ),
    "lif, leaks to a potential of each": lambda rng, n: lif(rng, n, v_leak=rng.integers(0, 5, n) / 4),
    "lif, a threshold and a reset of each": lambda rng, n: lif(
        rng, n, v_threshold=rng.integers(2, 8, n) / 4, v_reset=rng.integers(-4, 2, n) / 4
    ),
    "if, r of 1 / dt": lambda rng, n: nir.IF(np.full(n, 1 / DT), np.ones(n), np.zeros(n)),
    "if, r of each": lambda rng, n: nir.IF(2.0 ** rng.integers(-2, 2, n) / DT, np.full(n, 1.5), np.full(n, 0.0)),
    "if, resets to -1": lambda rng, n: nir.IF(np.full(n, 1 / DT), np.ones(n), np.full(n, -1.0)),
    "cuba": cuba,
    "cuba, a tau of each": lambda rng, n: cuba(rng, n, tau_syn=times(rng, n), tau_mem=times(rng, n)),
    "threshold": lambda rng, n: nir.Threshold(np.full(n, 0.5)),
}


@pytest.mark.parametrize("reset", ["hard", "soft"])
@pytest.mark.parametrize("kind", NEURONS)
def test_neurons(kind: str, reset: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(len(kind))
    nodes = [nir.Affine(weights(rng, 7, 5), weights(rng, 7) / 4), NEURONS[kind](rng, 7),
             nir.Linear(weights(rng, 4, 7)), lif(rng, 4)]  # fmt: skip
    path = chain(tmp_path / "net.nir", *nodes, shape=(5,))
    inputs = spikes(rng, 5)
    wanted = run(nir.read(path, type_check=False), inputs, reset)
    assert 0 < wanted.mean() < 1
    assert np.array_equal(golden(path, inputs, dt=DT, reset=reset, integrate="time"), wanted)


READOUTS = {
    "li": lambda n: nir.LI(np.full(n, 4 * DT), np.full(n, 2.0), np.zeros(n)),
    "i": lambda n: nir.I(np.full(n, 0.5 / DT)),
    "cuba li": lambda n: nir.CubaLI(np.full(n, 2 * DT), np.full(n, 2 * DT), np.full(n, 4.0), np.zeros(n), np.ones(n)),
}


@pytest.mark.parametrize("kind", READOUTS)
def test_readouts(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    path = chain(tmp_path / "net.nir", nir.Linear(weights(rng, 6, 5)), lif(rng, 6), nir.Linear(weights(rng, 3, 6)),
                 READOUTS[kind](3), shape=(5,))  # fmt: skip
    inputs = spikes(rng, 5)
    scores = golden(path, inputs, dt=DT, reset="hard", integrate="time")
    wanted = run(nir.read(path, type_check=False), inputs, "hard").max(axis=0)
    steps = scores[wanted != 0] / wanted[wanted != 0]  # membrane steps of 1.0
    assert len(steps)
    assert np.all(steps == steps[0])
    assert np.array_equal(scores, wanted * steps[0])


def pool(kind: type, *values: object) -> list[nir.NIRNode]:
    return [kind(*(np.array(value) if isinstance(value, list) else value for value in values))]


def conv(rng: np.random.Generator, *shape: int, **changes: object) -> nir.Conv1d | nir.Conv2d:
    kind, axes = (nir.Conv1d, 1) if len(shape) == 3 else (nir.Conv2d, 2)
    values = {"stride": (1,) * axes, "padding": (0,) * axes, "dilation": (1,) * axes, "groups": 1}
    values = {key: value[0] if axes == 1 and isinstance(value, tuple) else value for key, value in values.items()}
    bias = weights(rng, shape[0]) / 4
    return kind(input_shape=None, weight=weights(rng, *shape), bias=bias, **{**values, **changes})


LAYERS = {
    "conv2d": ((2, 6, 5), lambda rng: [conv(rng, 3, 2, 3, 3)]),
    "conv2d, strides and padding": ((2, 6, 5), lambda rng: [conv(rng, 3, 2, 3, 2, stride=(2, 1), padding=(1, 0))]),
    "conv2d, dilation": ((2, 6, 5), lambda rng: [conv(rng, 3, 2, 2, 2, dilation=(2, 3))]),
    "conv2d, groups": ((4, 4, 4), lambda rng: [conv(rng, 6, 2, 3, 3, groups=2)]),
    "conv2d, same": ((2, 5, 5), lambda rng: [conv(rng, 2, 2, 3, 3, padding="same")]),
    "conv2d, same, an even kernel": ((2, 5, 5), lambda rng: [conv(rng, 2, 2, 2, 4, padding="same")]),
    "conv2d, valid": ((2, 5, 5), lambda rng: [conv(rng, 2, 2, 3, 3, padding="valid")]),
    "conv1d": ((2, 8), lambda rng: [conv(rng, 3, 2, 3, stride=2, padding=1)]),
    "conv1d, same": ((2, 8), lambda rng: [conv(rng, 3, 2, 4, padding="same")]),
    "sum pool": ((2, 6, 6), lambda rng: pool(nir.SumPool2d, 2, 2, 0)),
    "sum pool, overlaps": ((2, 6, 5), lambda rng: pool(nir.SumPool2d, [3, 2], [1, 2], [1, 1])),
    "average pool": ((2, 6, 6), lambda rng: pool(nir.AvgPool2d, [2, 4], [2, 2], [0, 0])),
    "average pool, padding": ((2, 4, 4), lambda rng: pool(nir.AvgPool2d, [2, 2], [2, 2], [1, 1])),
    "scale": ((2, 4, 4), lambda rng: [nir.Scale(np.full((2, 4, 4), 0.75))]),
    "scale of channels": ((3, 4), lambda rng: [nir.Scale(np.repeat([[0.5], [1.0], [-2.0]], 4, axis=1))]),
    "scale of each": ((2, 3, 3), lambda rng: [conv(rng, 2, 2, 2, 2), nir.Scale(2.0 ** rng.integers(-1, 2, (2, 2, 2)))]),
    "delay": ((5,), lambda rng: [nir.Delay(np.array([0.0, 1, 2, 3, 1]) * DT)]),
    "delay of places": ((2, 4, 4), lambda rng: [nir.Delay(rng.integers(0, 3, (2, 4, 4)) * DT), conv(rng, 2, 2, 3, 3)]),
    "flatten of some axes": ((2, 3, 4), lambda rng: [nir.Flatten(None, 1, 2), conv(rng, 2, 2, 3)]),
    "linear behind linear": ((5,), lambda rng: [nir.Affine(rng.integers(-1, 3, (4, 5)), weights(rng, 4)),
                                                nir.Linear(rng.integers(-1, 3, (5, 4)))]),
}  # fmt: skip


@pytest.mark.parametrize("kind", LAYERS)
def test_layers(kind: str, tmp_path: Path) -> None:
    shape, make = LAYERS[kind]
    rng = np.random.default_rng(5)
    nodes = make(rng)
    made = run(nir.read(chain(tmp_path / "part.nir", *nodes, shape=shape), type_check=False),
               np.zeros((1, *shape)), "hard").shape[1:]  # fmt: skip
    flat = int(np.prod(made))
    nodes += [nir.Flatten(None, 0, -1)] * (len(made) > 1)
    path = chain(tmp_path / "net.nir", *nodes, nir.Linear(weights(rng, 6, flat)), lif(rng, 6), shape=shape)
    inputs = spikes(rng, *shape)
    wanted = run(nir.read(path, type_check=False), inputs, "soft")
    assert 0 < wanted.mean() < 1
    assert np.array_equal(golden(path, inputs, dt=DT, reset="soft"), wanted)


def recurrent(rng: np.random.Generator, back: str) -> tuple[dict[str, nir.NIRNode], list[str]]:
    nodes = {"input": nir.Input(np.array([5])), "fc": nir.Affine(weights(rng, 4, 5), weights(rng, 4) / 8),
             "lif": lif(rng, 4, **leaks(rng, 4)), "out": nir.Output(np.array([4]))}  # fmt: skip
    chains = ["input fc lif out"]
    if "linear" in back:
        nodes["w_rec"], chains = nir.Linear(weights(rng, 4, 4)), [*chains, "lif w_rec lif"]
    if "affine" in back:
        nodes["a_rec"], chains = nir.Affine(weights(rng, 4, 4), weights(rng, 4) / 8), [*chains, "lif a_rec lif"]
    if "scale" in back:
        nodes["s_rec"], chains = nir.Scale(weights(rng, 4)), [*chains, "lif s_rec lif"]
    if "edge" in back:
        chains = [*chains, "lif lif"]
    if "skip" in back:
        nodes["fc2"], chains = nir.Linear(weights(rng, 4, 5)), [*chains, "input fc2 lif"]
    return nodes, chains


@pytest.mark.parametrize(
    "back", ["linear", "affine", "scale", "edge", "linear edge", "affine skip", "linear affine scale"]
)
def test_loops(back: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    nodes, chains = recurrent(rng, back)
    path = write(tmp_path / "net.nir", nodes, *chains)
    inputs = spikes(rng, 5)
    wanted = run(nir.read(path, type_check=False), inputs, "hard")
    assert 0 < wanted.mean() < 1
    assert np.array_equal(golden(path, inputs, dt=DT, reset="hard"), wanted)


@given(seed=st.integers(0, 2**32 - 1))
def test_random_graphs(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    rng = np.random.default_rng(seed)
    nodes: dict[str, nir.NIRNode] = {"in": nir.Input(np.array([4]))}
    chains, made = [], {"in": 4}
    for number in range(rng.integers(1, 5)):
        name, size = f"l{number}", int(rng.integers(2, 6))
        for source in rng.choice(list(made), rng.integers(1, min(3, len(made) + 1)), replace=False):
            edge = f"{name}_{source}"
            nodes[edge] = nir.Affine(weights(rng, size, made[source]), weights(rng, size) / 8)
            chains.append(f"{source} {edge} {name}")
        nodes[name] = NEURONS[list(NEURONS)[rng.integers(len(NEURONS))]](rng, size)
        if rng.random() < 0.4:
            nodes[f"{name}_back"] = nir.Linear(weights(rng, size, size))
            chains.append(f"{name} {name}_back {name}")
        made[name] = size
    for name in list(made)[1:]:
        nodes[f"to_{name}"] = nir.Linear(weights(rng, 3, made[name]))
        chains.append(f"{name} to_{name} end")
    nodes |= {"end": lif(rng, 3), "out": nir.Output(np.array([3]))}
    path = write(tmp_path_factory.mktemp("nir") / "net.nir", nodes, *chains, "end out")
    inputs, reset = spikes(rng, 4), ("hard", "soft")[rng.integers(2)]
    wanted = run(nir.read(path, type_check=False), inputs, reset)
    assert np.array_equal(golden(path, inputs, EXACT, dt=DT, reset=reset, integrate="time"), wanted)
