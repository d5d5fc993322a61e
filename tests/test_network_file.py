import copy
import io
import itertools
import json
import pickle
import zipfile
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import chain, dense, lif, networks, shared

from snn2rtl.encoders import Encoder
from snn2rtl.errors import ModelFileError
from snn2rtl.int_net import network_file
from snn2rtl.int_net.chain import layers_of, with_layers
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.network_file import digest, load, save
from snn2rtl.int_net.neurons import (
    AdaptiveLifNeuron,
    CubaIntegrator,
    MultiplierLeak,
    NoLeak,
    Score,
    ShiftLeak,
)

NETWORK = chain(
    dense([[1, -2, 3], [0, 5, -128]], lif([4, 7], [4, 6], ShiftLeak(2), 12), bias=[1, -1], weight_shift=2),
    dense([[1, -1]], lif([3], leak=MultiplierLeak(200, 8))),
    encoder=Encoder.poisson(100, 0.7),
)
# A change of format or of hashing must be on purpose: every manifest holds a digest.
DIGEST = "113d3ec15ae210800be4a0a3e6443a02e4a73694a43d09fde4b835c80c57c331"


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("the pickle ran",))


HEADER_1 = {
    "format_version": 1,
    "name": "net",
    "count_bits": 8,
    "encoder": {"kind": "poisson", "time_steps": 100, "rate": 180},
    "layers": [
        {
            "name": "fc1",
            "weight_bits": 8,
            "weight_shift": 2,
            "neuron": "lif",
            "reset": "soft",
            "leak": {"kind": "shift", "shift": 2},
            "membrane_bits": 12,
        },
        {
            "name": "fc2",
            "weight_bits": 8,
            "weight_shift": 0,
            "neuron": "lif",
            "reset": "hard",
            "leak": {"kind": "multiplier", "factor": 200, "fraction": 8},
            "membrane_bits": 16,
        },
    ],
}
ARRAYS_1 = {
    "layer0_weight": np.array([[1, -2, 3], [0, 5, -128]], np.int8),
    "layer0_bias": np.array([1, -1]),
    "layer0_fire_at": np.array([4, 7], np.int16),
    "layer0_reset_by": np.array([4, 6], np.int16),
    "layer1_weight": np.array([[1, -1]], np.int8),
    "layer1_bias": np.array([0]),
    "layer1_fire_at": np.array([3], np.int16),
    "layer1_reset_by": np.array([0], np.int16),
}
"""NETWORK in a file of version 1."""


def contents(version: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the header and the arrays of NETWORK in a file of a version."""
    if version == 1:
        return copy.deepcopy(HEADER_1), dict(ARRAYS_1)
    buffer = io.BytesIO()
    save(NETWORK, buffer)
    buffer.seek(0)
    arrays = dict(np.load(buffer))
    return json.loads(arrays.pop("header").tobytes()), arrays


def edited(path: Path, version: int = 2, **changes) -> Path:
    """Write NETWORK with another header or other arrays."""
    _, arrays = contents(version)
    entries = {"header": header(version), **arrays, **changes}
    with path.open("wb") as file:
        np.savez(file, **{key: value for key, value in entries.items() if value is not None})
    return path


def header(version: int = 2, **changes) -> np.ndarray:
    """Return NETWORK's header with changes; keys such as layers__0__leak lead inside."""
    content, _ = contents(version)
    for path, value in changes.items():
        *parents, last = (int(key) if key.isdigit() else key for key in path.split("__"))
        entry = content
        for key in parents:
            entry = entry[key]
        entry[last] = value
    return np.frombuffer(json.dumps(content).encode(), np.uint8)


def assert_same_value(a: Any, b: Any) -> None:
    assert type(a) is type(b)
    if isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        assert np.array_equal(a, b)
    elif is_dataclass(a):
        for field in fields(a):
            assert_same_value(getattr(a, field.name), getattr(b, field.name))
    else:
        assert a == b


def assert_same(a: FixedPointNetwork, b: FixedPointNetwork) -> None:
    assert (a.name, a.count_bits, a.encoder, len(layers_of(a))) == (b.name, b.count_bits, b.encoder, len(layers_of(b)))
    for x, y in zip(layers_of(a), layers_of(b), strict=True):
        assert (x.name, x.weight_bits, x.weight_shift) == (y.name, y.weight_bits, y.weight_shift)
        assert_same_value(x.neuron, y.neuron)
        assert_same_value(x.weight, y.weight)
        assert_same_value(x.bias, y.bias)
        assert_same_value(x.recurrent, y.recurrent)
        assert_same_value(x.delay, y.delay)
        assert x.input_max == y.input_max


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(network=networks())
def test_round_trip(network, tmp_path):
    save(network, tmp_path / "n.npz")
    loaded = load(tmp_path / "n.npz")
    assert_same(loaded, network)
    assert digest(loaded) == digest(network)


def test_equal_networks_give_equal_bytes(tmp_path):
    save(NETWORK, tmp_path / "a.npz")
    save(load(tmp_path / "a.npz"), tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}, "no date of today"


def test_the_file_is_open(tmp_path):
    save(NETWORK, tmp_path / "n.npz")
    with np.load(tmp_path / "n.npz", allow_pickle=False) as arrays:
        assert arrays["node0_inputs0_synapses_weight"].tolist() == [[1, -2, 3], [0, 5, -128]]
        assert json.loads(arrays["header"].tobytes())["nodes"][1]["neuron"]["leak"] == {
            "kind": "multiplier",
            "factor": 200,
            "fraction": 8,
        }


def test_a_file_of_version_1_is_the_same_network(tmp_path):
    assert digest(load(edited(tmp_path / "n.npz", 1))) == digest(NETWORK)


def test_all_that_a_file_of_version_1_can_hold(tmp_path):
    """Neurons, leaks, delays, recurrence and pixels, as the last release wrote them."""
    first = {
        **HEADER_1["layers"][0],
        "neuron": "adaptive",
        "leak": {"kind": "multipliers", "fraction": 3},
        "adaptation_leak": {"kind": "shifts"},
        "input_max": 1,
    }
    last = {
        "name": "out",
        "weight_bits": 8,
        "weight_shift": 0,
        "neuron": "current_integrator",
        "neurons": 1,
        "leak": {"kind": "none"},
        "synapse_leak": {"kind": "shift", "shift": 1},
        "membrane_bits": 16,
        "score": "sum",
        "score_bits": 20,
    }
    arrays = {key: value for key, value in ARRAYS_1.items() if "layer1_fire" not in key and "layer1_reset" not in key}
    arrays |= {
        "layer0_leak_factor": np.array([3, 8]),
        "layer0_adaptation_leak_shift": np.array([1, 2]),
        "layer0_grow": np.array([0, 5]),
        "layer0_recurrent": np.array([[1, 2], [-3, 4]]),
        "layer0_delay": np.array([0, 2, 63]),
    }
    found = HEADER_1 | {"encoder": None, "layers": [first, last]}
    with (tmp_path / "n.npz").open("wb") as file:
        np.savez(file, header=np.frombuffer(json.dumps(found).encode(), np.uint8), **arrays)
    neuron = AdaptiveLifNeuron(
        **{**shared(layers_of(NETWORK)[0].neuron), "leak": MultiplierLeak(np.array([3, 8]), 3)},
        adaptation_step=np.array([0, 5]),
        adaptation_leak=ShiftLeak(np.array([1, 2])),
    )
    recurrent, delay = np.array([[1, 2], [-3, 4]]), np.array([0, 2, 63])
    wanted = replace(layers_of(NETWORK)[0], neuron=neuron, recurrent=recurrent, delay=delay)
    integrator = CubaIntegrator(
        neurons=1,
        leak=NoLeak(),
        membrane_bits=16,
        score=Score.SUM,
        score_bits=20,
        synapse_leak=ShiftLeak(1),
    )
    out = dense([[1, -1]], integrator, name="out")
    assert_same(load(tmp_path / "n.npz"), with_layers(NETWORK, (wanted, out), encoder=None))


def test_pixels_in_a_file_of_version_1(tmp_path):
    direct = {"kind": "direct", "time_steps": 9}
    path = edited(tmp_path / "n.npz", 1, header=header(1, encoder=direct, layers__0__input_max=255))
    layers = (replace(layers_of(NETWORK)[0], input_max=255), layers_of(NETWORK)[1])
    assert_same(load(path), with_layers(NETWORK, layers, encoder=Encoder(kind="direct", time_steps=9)))


@pytest.mark.parametrize(
    "name", ["examples/mnist_fast.npz", "examples/mnist_small.npz", "benchmarks/spiker_pruned_784_128_10.npz"]
)
def test_files_of_the_project_load(name, tmp_path):
    """They are of version 1, hold the arrays that the network has then, and become files of version 2."""
    path = Path(__file__).parents[1] / name
    network = load(path)
    with np.load(path) as arrays:
        layers = json.loads(arrays["header"].tobytes())["layers"]
        for index, (layer, entry) in enumerate(zip(layers_of(network), layers, strict=True)):
            for key in ("name", "weight_bits", "weight_shift"):
                assert getattr(layer, key) == entry[key]
            for key in ("weight", "bias", "recurrent", "delay"):
                stored = arrays.get(f"layer{index}_{key}")
                assert (stored is None) == (getattr(layer, key) is None)
                assert stored is None or np.array_equal(getattr(layer, key), stored)
    save(network, tmp_path / "again.npz")
    assert_same(load(tmp_path / "again.npz"), network)


def test_digest_is_stable():
    assert digest(NETWORK) == DIGEST


def changed_networks():
    first, second = layers_of(NETWORK)
    yield replace(NETWORK, name="other")
    yield replace(NETWORK, count_bits=9)
    yield replace(NETWORK, encoder=None)
    yield replace(NETWORK, encoder=Encoder.poisson(99, 0.7))
    for layer in (
        replace(first, name="fc9"),
        replace(first, weight=first.weight + np.array([[0, 0, 1], [0, 0, 0]])),
        replace(first, weight_bits=9),
        replace(first, weight_shift=3),
        replace(first, bias=first.bias + 1),
        replace(first, neuron=replace(first.neuron, fire_at=first.neuron.fire_at + 1)),
        replace(first, neuron=replace(first.neuron, reset_by=first.neuron.reset_by + 1)),
        replace(first, neuron=replace(first.neuron, leak=ShiftLeak(3))),
        replace(first, neuron=replace(first.neuron, membrane_bits=13)),
    ):
        yield with_layers(NETWORK, (layer, second))


def test_every_change_changes_the_digest():
    digests = [digest(NETWORK), *map(digest, changed_networks())]
    assert len(set(digests)) == len(digests) == 14


def test_the_type_of_the_file_s_integers_does_not_matter(tmp_path):
    weight = layers_of(NETWORK)[0].weight.astype(">i4")
    assert digest(load(edited(tmp_path / "n.npz", node0_inputs0_synapses_weight=weight))) == digest(NETWORK)


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(ModelFileError, match=r"none\.npz: cannot be read: No such file or directory$"):
        load(tmp_path / "none.npz")
    with pytest.raises(ModelFileError, match=r"cannot be read: Is a directory$"):
        load(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"x", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), pickle.dumps([1]), b"\x93NUMPY"]
)
def test_files_of_another_kind(tmp_path, content):
    path = tmp_path / "n.npz"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"n\.npz: must be a network\.npz written by snn2rtl"):
        load(path)


def test_no_pickle_runs(tmp_path):
    path = tmp_path / "n.npz"
    for content in (pickle.dumps(Bomb()), b""):
        path.write_bytes(content)
        with pytest.raises(ModelFileError):
            load(path)
    with path.open("wb") as file:
        np.savez(file, header=np.array([Bomb()], object))
    with pytest.raises(ModelFileError, match=r"must be a network\.npz written by snn2rtl"):
        load(path)


def test_truncated_files(tmp_path):
    path = tmp_path / "n.npz"
    save(NETWORK, path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 4):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelFileError):
            load(path)


def test_corrupt_files_are_refused_or_harmless(tmp_path):
    path = tmp_path / "n.npz"
    save(NETWORK, path)
    whole = path.read_bytes()
    for offset, flip in zip(range(0, len(whole), 5), itertools.cycle((0x01, 0x08, 0x80, 0xFF)), strict=False):
        path.write_bytes(whole[:offset] + bytes([whole[offset] ^ flip]) + whole[offset + 1 :])
        try:
            loaded = load(path)
        except ModelFileError:
            continue
        assert_same(loaded, NETWORK)  # a field of the archive that nobody reads


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_random_bytes_in_the_header_and_in_an_array(tmp_path, content):
    path = tmp_path / "n.npz"
    for entry in ("header.npy", "node0_inputs0_synapses_weight.npy"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(entry, content)
            if entry != "header.npy":
                buffer = io.BytesIO()
                np.save(buffer, header())
                archive.writestr("header.npy", buffer.getvalue())
        with pytest.raises(ModelFileError):
            load(path)


BAD_HEADERS = [
    ({"format_version": 4}, r"format version must be 1 to 3, not 4"),
    ({"name": None, "layers": []}, "holds an invalid network: network: must have at least one layer, not none"),
    ({"layers": 3}, "must be a network.npz"),
    ({"layers": {"a": 1}}, "must be a network.npz"),
    ({"count_bits": "many"}, "must be a network.npz"),
    ({"count_bits": float("inf")}, "must be a network.npz"),
    ({"count_bits": 10**400}, "holds an invalid network: network: count_bits must be 1..32, not 1000"),
    (
        {"layers__0__neuron": "izhikevich"},
        "holds an invalid network: layer 'fc1': neuron must be lif, adaptive, current, integrator or "
        "current_integrator, not 'izhikevich'",
    ),
    ({"layers__0__reset": "delayed"}, "must be a network.npz"),
    ({"layers__0__membrane_bits": 3}, "holds an invalid network: neuron: fire_at"),
    ({"layers__0__weight_bits": 2}, "holds an invalid network: layer 'fc1': weights must fit 2 bits"),
    ({"layers__0__leak": {"kind": "shift", "shift": 1.5}}, "must be a network.npz"),
    ({"layers__0__leak": {"kind": "shift", "shift": "1"}}, "must be a network.npz"),
    (
        {"layers__0__leak": {"kind": "shift", "shift": 99}},
        "holds an invalid network: leak: shift must be 0..47, not 99",
    ),
    ({"layers__0__leak": {"kind": "shift"}}, "must be a network.npz"),
    ({"layers__0__leak": {"kind": "shift", "shift": 1, "more": 2}}, "must be a network.npz"),
    ({"layers__0__leak": {"kind": []}}, "must be a network.npz"),
    ({"layers__0__leak": None}, "must be a network.npz"),
    ({"encoder": {"kind": "poisson", "time_steps": 0}}, "holds an invalid network: encoder: time_steps"),
    ({"encoder": {"kind": "x", "time_steps": 1}}, "holds an invalid network: encoder: kind"),
    ({"encoder": [1]}, "must be a network.npz"),
]


BAD_HEADERS_2 = [
    ({"name": None, "nodes": []}, "holds an invalid network: network: must have at least one layer, not none"),
    ({"nodes": 3}, "must be a network.npz"),
    ({"nodes": {"a": 1}}, "must be a network.npz"),
    ({"count_bits": "many"}, "must be a network.npz"),
    ({"count_bits": float("inf")}, "must be a network.npz"),
    ({"count_bits": 10**400}, "holds an invalid network: network: count_bits must be 1..32, not 1000"),
    (
        {"nodes__0__neuron__kind": "izhikevich"},
        "holds an invalid network: layer 'fc1': neuron must be lif, adaptive, current, integrator or "
        "current_integrator, not 'izhikevich'",
    ),
    ({"nodes__0__neuron__reset": "delayed"}, "must be a network.npz"),
    ({"nodes__0__neuron__membrane_bits": 3}, "holds an invalid network: layer 'fc1': neuron: fire_at"),
    ({"nodes__0__weight_bits": 2}, "holds an invalid network: layer 'fc1': weights must fit 2 bits"),
    ({"nodes__0__neuron__leak": {"kind": "shift", "shift": 1.5}}, "must be a network.npz"),
    ({"nodes__0__neuron__leak": {"kind": "shift", "shift": "1"}}, "must be a network.npz"),
    (
        {"nodes__0__neuron__leak": {"kind": "shift", "shift": 99}},
        "holds an invalid network: layer 'fc1': leak: shift must be 0..47, not 99",
    ),
    ({"nodes__0__neuron__leak": {"kind": "shift"}}, "must be a network.npz"),
    ({"nodes__0__neuron__leak": {"kind": "shift", "shift": 1, "more": 2}}, "must be a network.npz"),
    ({"nodes__0__neuron__leak": {"kind": []}}, "must be a network.npz"),
    ({"nodes__0__neuron__leak": None}, "must be a network.npz"),
    ({"encoder": {"kind": "poisson", "time_steps": 0}}, "holds an invalid network: encoder: time_steps"),
    ({"encoder": {"kind": "x", "time_steps": 1}}, "holds an invalid network: encoder: kind"),
    ({"encoder": [1]}, "must be a network.npz"),
    ({"nodes__0__kind": "lstm"}, "layer 'fc1': kind must be population, max_pool, sum_pool or sum, not 'lstm'"),
    ({"nodes__0__kind": []}, "must be a network.npz"),
    ({"nodes__0__kind": "sum"}, "must be a network.npz"),
    ({"nodes__0__inputs": []}, "layer 'fc1': must have an input besides itself"),
    ({"nodes__0__inputs": 3}, "must be a network.npz"),
    ({"nodes__0__inputs__0__source": "fc2"}, "layer 'fc1': must read the input or a layer before it, not 'fc2'"),
    ({"nodes__0__inputs__0__source": 3}, "layer 'fc1': must read the input or a layer before it, not '3'"),
    ({"nodes__0__inputs__0__synapses__kind": "fft"}, "layer 'fc1': synapses must be dense or convolution, not 'fft'"),
    ({"nodes__0__inputs__0__synapses": {"kind": "dense", "more": 1}}, "must be a network.npz"),
    ({"nodes__0__inputs__0__greatest": 0}, "holds an invalid network: layer 'fc1': greatest must be 1..65535, not 0"),
    ({"nodes__0__shape": [3]}, "layer 'fc1': must have 2 neurons as its weights from '<input>', not 3"),
    ({"nodes__0__shape": [-1, -2]}, "layer 'fc1': shape must have positive lengths"),
    ({"nodes__0__shape": 2}, "must be a network.npz"),
    ({"nodes__0__shape": [2.0]}, "must be a network.npz"),
    ({"group": 2}, "network: group must divide 1 outputs, not be 2"),
    ({"group": True}, "must be a network.npz"),
    ({"input": {"shape": [], "greatest": 1}}, "input: shape must have positive lengths"),
    ({"input": {"shape": [3], "greatest": 2}}, "network: input must reach 1 as its encoder says, not 2"),
    ({"input": [3]}, "must be a network.npz"),
]


@pytest.mark.parametrize(
    ("version", "changes", "message"),
    [(version, *case) for version, cases in ((1, BAD_HEADERS), (2, BAD_HEADERS_2)) for case in cases],
)
def test_bad_headers(tmp_path, version, changes, message):
    with pytest.raises(ModelFileError, match=message):
        load(edited(tmp_path / "n.npz", version, header=header(version, **changes)))


@pytest.mark.parametrize("text", [b"[]", b"3", b"{", b"\xff", b"[" * 100_000, b"{}"])
def test_headers_that_are_no_header(tmp_path, text):
    with pytest.raises(ModelFileError, match=r"must be a network\.npz"):
        load(edited(tmp_path / "n.npz", header=np.frombuffer(text, np.uint8)))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("layer0_weight", None, "must be a network.npz"),
        ("layer0_weight", np.ones((2, 3)), "weight must hold integers, not float64"),
        ("layer0_weight", np.ones((2, 3), bool), "weight must hold integers, not bool"),
        ("layer0_weight", np.array([["a"]]), "weight must hold integers, not <U1"),
        ("layer0_weight", np.int8(1), "weight must have shape"),
        ("layer0_weight", np.full((2, 3), 300), "weights must fit 8 bits, not reach 300"),
        ("layer0_bias", np.zeros((2, 1), int), "bias must have shape"),
        ("layer0_fire_at", np.zeros(0, int), "fire_at"),
        ("layer0_fire_at", np.array([1, 2**63], np.uint64), "fire_at must fit"),
        ("layer1_reset_by", np.array([1]), "reset_by must be zero with a hard reset"),
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_bad_arrays(tmp_path, version, key, value, message):
    if version == 2:
        layer, name = key.split("_", 1)
        places = {"weight": "inputs0_synapses_weight", "bias": "bias"}
        key = f"{layer.replace('layer', 'node')}_{places.get(name, f'neuron_{name}')}"
    assert key in contents(version)[1]
    with pytest.raises(ModelFileError, match=message):
        load(edited(tmp_path / "n.npz", version, **{key: value}))


def test_an_archive_that_would_fill_the_memory_is_refused_unread(tmp_path, monkeypatch):
    save(NETWORK, tmp_path / "n.npz")
    monkeypatch.setattr(network_file, "MAX_BYTES", 100)
    with pytest.raises(ModelFileError, match="arrays must take at most"):
        load(tmp_path / "n.npz")
