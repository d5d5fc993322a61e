"""The one reader of .npy and .npz: what NumPy writes comes back, and whatever is wrong with a file is one sentence."""

from __future__ import annotations

import io
import os
import threading
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mnist_files import write_mnist
from mutations import mutated
from networks import chain, dense

from snn2rtl.arrays import ALONE, ArrayFile, map_array
from snn2rtl.data import mnist
from snn2rtl.data.samples import load_samples
from snn2rtl.encoders import Encoder
from snn2rtl.errors import DataError, ModelFileError
from snn2rtl.int_net import network_file

ARRAYS = [
    np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
    np.asfortranarray(np.arange(24, dtype=">i4").reshape(4, 6)),
    np.arange(6, dtype="<u8").reshape(3, 2)[:, 1],
    np.linspace(-1, 1, 7, dtype=np.float16),
    np.float64(2.5),
    np.array([[True, False]]),
    np.array(["a", "bcd"]),
    np.zeros((0, 5), np.int64),
    np.zeros((300, 5000), np.uint8),  # several chunks
]


def npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def with_header(text: str, content: bytes = bytes(6), version: bytes = b"\x01\x00") -> bytes:
    length = len(text).to_bytes(2 if version == b"\x01\x00" else 4, "little")
    return b"\x93NUMPY" + version + length + text.encode() + content


def the_array(path: Path) -> np.ndarray[Any, Any]:
    with ArrayFile(path) as arrays:
        return arrays[ALONE]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_what_numpy_writes_comes_back(tmp_path: Path, array: Any) -> None:
    np.save(tmp_path / "x.npy", array)
    np.savez(tmp_path / "x.npz", x=array, y=np.ones(3))
    np.savez_compressed(tmp_path / "small.npz", x=array)
    found = [the_array(tmp_path / "x.npy")]
    for name in ("x.npz", "small.npz"):
        with ArrayFile(tmp_path / name) as arrays:
            assert "y" in arrays or name == "small.npz"
            assert "z" not in arrays
            found.append(arrays["x"])
    if array.dtype.kind != "U" and array.size:
        found.append(map_array(tmp_path / "x.npy"))
    for one in found:
        assert (one.dtype, one.shape) == (array.dtype, array.shape)
        assert np.array_equal(one, array)


def test_headers_of_other_writers_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    for version in (b"\x01\x00", b"\x02\x00", b"\x03\x00"):
        path.write_bytes(with_header('{"shape":(2,3,),"fortran_order":False,"descr":"|u1"}', b"abcdef", version))
        assert the_array(path).tolist() == [[97, 98, 99], [100, 101, 102]]


def test_truth_values_are_0_or_1(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(with_header("{'descr': '|b1', 'fortran_order': False, 'shape': (3,)}", b"\x00\x01\x02"))
    assert the_array(path).astype(np.uint8).tolist() == [0, 1, 1]


def test_a_pipe_is_read(tmp_path: Path) -> None:
    """A pipe cannot go back, as the directory at the end of a .npz needs."""
    fifo, array = tmp_path / "pipe", np.arange(3000)
    os.mkfifo(fifo)
    buffer = io.BytesIO()
    np.savez(buffer, x=array)
    writer = threading.Thread(target=fifo.write_bytes, args=(buffer.getvalue(),))
    writer.start()
    with ArrayFile(fifo) as arrays:
        assert np.array_equal(arrays["x"], array)
    writer.join()


PLAIN = "{'descr': '|u1', 'fortran_order': False, 'shape': (6,)}"
BAD_NPY = {
    "empty": (b"", "it is empty"),
    "text": (b"just some text", "it is damaged, cut off or another kind of file"),
    "pickle": (b"\x80\x04N.", "it is damaged, cut off or another kind of file"),
    "magic alone": (b"\x93NUMPY", "it is no array of NumPy"),
    "version": (with_header(PLAIN, version=b"\x09\x00"), "it is no array of NumPy"),
    "cut": (npy(np.arange(9))[:-1], r"it must have 72 bytes for int64 of shape \(9,\), not 71"),
    "long": (npy(np.arange(9)) + b"x", r"it must have 72 bytes for int64 of shape \(9,\), not 73"),
    "nested": (with_header(PLAIN[:50] + "(" * 67), "it must hold booleans, numbers or texts, and say so in its header"),
    "more in its header": (with_header(PLAIN + "NUMPY"), "it must hold booleans, numbers .* say so in its header"),
    "hostile header": (with_header(PLAIN[:-3] + "1 , " * 1000), "it must hold booleans, .* say so in its header"),
    "half a header": (with_header(PLAIN[:42] + "}"), "it must hold booleans, numbers or texts, .* in its header"),
    "long header": (with_header(PLAIN + " " * 5000), "it must have a header of at most 4096 bytes, not 5055"),
    "objects": (npy(np.array([None])), "it must hold booleans, numbers or texts, not Python objects, .*"),
    "records": (npy(np.zeros(2, "i4,i4")), "it must hold booleans, numbers or texts, and say so in its header"),
    "dates": (npy(np.zeros(2, "M8[s]")), "it must hold booleans, numbers or texts, not '<M8.s.'"),
    "no type": (with_header(PLAIN.replace("|u1", "<f3")), "it must hold booleans, numbers or texts, not '<f3'"),
    "no letters": (with_header(PLAIN.replace("|u1", "<U0")), "it must hold more than texts of no letters"),
    "negative": (with_header(PLAIN.replace("6", "-6")), "it must hold booleans, numbers .* say so in its header"),
    "huge": (with_header(PLAIN.replace("6,", "9" * 30)), "it has a shape that no memory can hold"),
    "huge and none": (with_header(PLAIN.replace("6,", "9" * 30 + ", 0"), b""), "it has a shape that no memory .*"),
    "axes": (with_header(PLAIN.replace("6,", "1," * 65), b"x"), "it has a shape that no memory can hold"),
}


@pytest.mark.parametrize("case", BAD_NPY)
def test_bad_npy_files_are_one_sentence(tmp_path: Path, case: str) -> None:
    content, reason = BAD_NPY[case]
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(DataError, match=rf"^{tmp_path}/x\.npy: must be a \.npy or \.npz file of arrays \({reason}\)$"):
        the_array(tmp_path / "x.npy")
    with pytest.raises(DataError, match=rf"^{tmp_path}/x\.npy: must be a \.npy file \(it .*\)$"):
        map_array(tmp_path / "x.npy")


def archive(path: Path, content: bytes, name: str = "x.npy", method: int = zipfile.ZIP_STORED) -> bytearray:
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr(name, content)
    return bytearray(path.read_bytes())


def changed(offset: int, value: int) -> Callable[[Path], bytes]:
    """Return a function that makes an archive whose directory at the end says something else."""

    def make(path: Path) -> bytes:
        content = archive(path, npy(np.arange(9)))
        content[content.index(b"PK\x01\x02") + offset] = value
        return bytes(content)

    return make


def of_method(method: int) -> Callable[[Path], bytes]:
    return lambda path: bytes(archive(path, npy(np.arange(9)), method=method))


def broken_deflate(path: Path) -> bytes:
    content = archive(path, npy(np.random.default_rng(0).integers(0, 9, 5000)), method=zipfile.ZIP_DEFLATED)
    content[200:208] = b"\xff" * 8
    return bytes(content)


def flipped(path: Path) -> bytes:
    content = archive(path, npy(np.arange(9)))
    content[content.index(b"PK\x01\x02") - 1] ^= 1
    return bytes(content)


BAD_NPZ: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "needs another version": (changed(6, 99), "it is damaged, cut off or another kind of file"),
    "unknown compression": (changed(10, 99), "'x' is compressed by another method than that of np.savez_compressed"),
    "lzma": (of_method(zipfile.ZIP_LZMA), "'x' is compressed by another method than that of np.savez_compressed"),
    "encrypted": (changed(8, 1), "'x' is encrypted"),
    "no array": (lambda path: bytes(archive(path, b"text", "x")), "'x' is no array of NumPy"),
    "tokens": (lambda path: bytes(archive(path, with_header(PLAIN[:50] + "(" * 67))), "'x' must hold booleans, .*"),
    "objects": (lambda path: bytes(archive(path, npy(np.array([None])))), "'x' must hold .*, not Python objects, .*"),
    "unpacks to too much": (changed(27, 0x7F), r"'x' cannot unpack from 200 to \d+ bytes"),
    "deflate": (broken_deflate, "'x' is damaged"),
    "checksum": (flipped, "'x' is damaged"),
}


@pytest.mark.parametrize("case", BAD_NPZ)
def test_bad_archives_are_one_sentence(tmp_path: Path, case: str) -> None:
    make, reason = BAD_NPZ[case]
    path = tmp_path / "x.npz"
    path.write_bytes(make(path))
    with (
        pytest.raises(DataError, match=rf"^{path}: must be my file \({reason}\)$"),
        ArrayFile(path, "my file") as arrays,
    ):
        arrays["x"]


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.npz: cannot be read: No such file or directory$"):
        ArrayFile(tmp_path / "none.npz")
    with pytest.raises(DataError, match=r"cannot be read: Is a directory$"):
        ArrayFile(tmp_path)
    with pytest.raises(DataError, match=r"none\.npy: cannot be read: No such file or directory$"):
        map_array(tmp_path / "none.npy")


# mutated files, through everything that reads arrays

NETWORK = chain(dense([[1, -2, 3, 4], [0, 5, -6, 7]], 3), encoder=Encoder.poisson(5, 0.7))
SPIKES = (np.random.default_rng(1).random((5, 30, 4)) < 0.3).astype(np.uint8)
LABELS = np.arange(30) % 2


def packed(save: Callable[..., None], *arrays: Any, **named: Any) -> bytes:
    buffer = io.BytesIO()
    save(buffer, *arrays, **named)
    return buffer.getvalue()


FILES = {
    "npy": packed(np.save, SPIKES),
    "npz": packed(np.savez, spikes=SPIKES, labels=LABELS),
    "deflated": packed(np.savez_compressed, spikes=SPIKES, labels=LABELS),
    "images": packed(np.savez_compressed, images=SPIKES[0], labels=LABELS),
}


@pytest.fixture
def loud() -> Iterator[None]:
    """Let a warning be an error: it would reach stderr beside our sentence."""
    with warnings.catch_warnings(action="error"):
        yield


def refused_or_read(path: Path, content: bytes, read: Callable[[Path], object], kind: type[Exception]) -> bool:
    """Return whether a file was read; what is raised must be one sentence of ours."""
    path.write_bytes(content)
    try:
        read(path)
    except kind as error:
        sentence = str(error)
    else:
        return True
    assert sentence.startswith(f"{path}: ")
    assert "\n" not in sentence
    assert not any(word in sentence for word in ("allow_pickle", "ufunc", "Error", "Errno", "0x"))
    return False


@pytest.mark.usefixtures("loud")
@pytest.mark.parametrize("name", FILES)
def test_mutated_samples_are_refused_or_read(tmp_path: Path, name: str) -> None:
    def read(path: Path) -> None:
        samples = load_samples(path, inputs=4, encoder=NETWORK.encoder)
        inputs = samples.inputs(0, len(samples))
        assert inputs.dtype == np.uint8
        assert inputs.max() <= 1
        assert samples.labels is None or samples.labels.shape == (len(samples),)

    assert refused_or_read(tmp_path / "x", FILES[name], read, DataError)
    outcomes = [refused_or_read(tmp_path / "x", content, read, DataError) for content in mutated(FILES[name], 400)]
    assert 200 < outcomes.count(False) < 400


@pytest.mark.usefixtures("loud")
def test_mutated_networks_are_refused_or_read(tmp_path: Path) -> None:
    network_file.save(NETWORK, tmp_path / "n.npz")
    whole = (tmp_path / "n.npz").read_bytes()

    def read(path: Path) -> None:
        assert network_file.digest(network_file.load(path)) == network_file.digest(NETWORK)

    outcomes = [refused_or_read(tmp_path / "n.npz", content, read, ModelFileError) for content in mutated(whole, 400)]
    assert outcomes.count(False) > 200


@pytest.mark.usefixtures("loud")
def test_mutated_images_to_train_with_are_refused_or_read(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    for path in tmp_path.glob("train-*"):
        whole = path.read_bytes()

        def read(path: Path) -> None:
            images, labels = mnist.load("train", path.parent)
            assert images.shape == (30, 784)
            assert labels.max() < 10

        outcomes = [refused_or_read(path, content, read, DataError) for content in mutated(whole, 150)]
        assert outcomes.count(False) > 100
        path.write_bytes(whole)
