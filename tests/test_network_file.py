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
from networks import chain, dense, lif, networks

from snn2rtl.encoders import Encoder
from snn2rtl.errors import ModelFileError
from snn2rtl.int_net import network_file
from snn2rtl.int_net.chain import layers_of, with_layers
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.network_file import digest, load, save
from snn2rtl.int_net.neurons import MultiplierLeak, ShiftLeak

NETWORK = chain(
    dense([[1, -2, 3], [0, 5, -128]], lif([4, 7], [4, 6], ShiftLeak(2), 12), bias=[1, -1], weight_shift=2),
    dense([[1, -1]], lif([3], leak=MultiplierLeak(200, 8))),
    encoder=Encoder.poisson(100, 0.7),
)
# A change of format or of hashing must be on purpose: every manifest holds a digest.
DIGEST = "e562d4c3c48b0f6106baf4e75d08ce16a167a51f820dfe5a4d24ff8bfacea7e3"


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("the pickle ran",))


def edited(path: Path, **changes) -> Path:
    """Write NETWORK with another header or other arrays."""
    save(NETWORK, path)
    with np.load(path) as arrays:
        entries = dict(arrays)
    entries |= changes
    with path.open("wb") as file:
        np.savez(file, **{key: value for key, value in entries.items() if value is not None})
    return path


def header(**changes) -> np.ndarray:
    """Return NETWORK's header with changes; keys such as layers__0__leak lead inside."""
    buffer = io.BytesIO()
    save(NETWORK, buffer)
    buffer.seek(0)
    content = json.loads(np.load(buffer)["header"].tobytes())
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
        assert arrays["layer0_weight"].tolist() == [[1, -2, 3], [0, 5, -128]]
        assert json.loads(arrays["header"].tobytes())["layers"][1]["leak"] == {
            "kind": "multiplier",
            "factor": 200,
            "fraction": 8,
        }


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
    assert digest(load(edited(tmp_path / "n.npz", layer0_weight=weight))) == digest(NETWORK)


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
    for entry in ("header.npy", "layer0_weight.npy"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(entry, content)
            if entry != "header.npy":
                buffer = io.BytesIO()
                np.save(buffer, header())
                archive.writestr("header.npy", buffer.getvalue())
        with pytest.raises(ModelFileError):
            load(path)


BAD_HEADERS = [
    ({"format_version": 2}, r"format version must be 1, not 2"),
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


@pytest.mark.parametrize(("changes", "message"), BAD_HEADERS)
def test_bad_headers(tmp_path, changes, message):
    with pytest.raises(ModelFileError, match=message):
        load(edited(tmp_path / "n.npz", header=header(**changes)))


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
def test_bad_arrays(tmp_path, key, value, message):
    with pytest.raises(ModelFileError, match=message):
        load(edited(tmp_path / "n.npz", **{key: value}))


def test_an_archive_that_would_fill_the_memory_is_refused_unread(tmp_path, monkeypatch):
    save(NETWORK, tmp_path / "n.npz")
    monkeypatch.setattr(network_file, "MAX_BYTES", 100)
    with pytest.raises(ModelFileError, match="arrays must take at most"):
        load(tmp_path / "n.npz")
