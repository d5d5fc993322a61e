from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mnist_files import digits, idx, write_mnist

from snn2rtl import user_cache
from snn2rtl.data import mnist
from snn2rtl.errors import DataError

IMAGES, LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_mnist(tmp_path / "official")


@pytest.fixture
def cache(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a mirror on this machine after one that does not answer."""
    root = tmp_path / "cache"
    monkeypatch.setattr(user_cache, "user_cache_path", lambda _: root)
    monkeypatch.setattr(mnist, "MIRRORS", ((tmp_path / "nowhere").as_uri() + "/", folder.as_uri() + "/"))
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in mnist.SHA256}
    monkeypatch.setattr(mnist, "SHA256", sums)
    return root / "mnist"


@pytest.mark.parametrize(("split", "seed"), [("train", 0), ("test", 1)])
@pytest.mark.parametrize("compressed", [True, False])
def test_load_reads_the_split_of_a_folder(folder: Path, split: str, seed: int, compressed: bool) -> None:
    if not compressed:
        for path in list(folder.iterdir()):
            path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
            path.unlink()
    images, labels = mnist.load(split, folder)  # type: ignore[arg-type]
    expected, expected_labels = digits(30, seed)
    assert images.dtype == labels.dtype == np.uint8
    assert np.array_equal(images, expected.reshape(30, 784))
    assert np.array_equal(labels, expected_labels)


def test_missing_files_are_named_and_nothing_is_downloaded(folder: Path) -> None:
    (folder / IMAGES).unlink()
    (folder / LABELS).unlink()
    with pytest.raises(DataError, match=f"must hold {IMAGES} and {LABELS}; .* 4 official files"):
        mnist.load("test", folder)
    assert not (folder / IMAGES).exists()


def test_download_fills_the_cache_once(cache: Path, folder: Path) -> None:
    images, labels = mnist.load("test")
    assert sorted(p.name for p in cache.iterdir()) == [IMAGES, LABELS]
    for path in folder.iterdir():
        path.unlink()
    again, _ = mnist.load("test")
    assert np.array_equal(images, again)
    assert len(labels) == 30


def test_a_wrong_checksum_leaves_nothing(cache: Path, folder: Path) -> None:
    (folder / IMAGES).write_bytes((folder / IMAGES).read_bytes() + b"\0")
    with pytest.raises(DataError, match="sha256 must be"):
        mnist.load("test")
    assert list(cache.iterdir()) == []


def test_no_mirror_says_what_to_do(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "MIRRORS", mnist.MIRRORS[:1])
    with pytest.raises(DataError) as error:
        mnist.load("train")
    assert "--data FOLDER" in str(error.value)
    assert all(name in str(error.value) for name in mnist.SHA256)


def test_without_a_cache_files_go_to_a_private_folder(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.parent.write_text("a file where the folder should be")
    monkeypatch.setattr(user_cache, "private_folder", lambda: tmp_path / "private")
    mnist.load("test")
    assert sorted(p.name for p in (tmp_path / "private" / "mnist").iterdir()) == [IMAGES, LABELS]


def test_a_cache_that_cannot_be_written_is_an_error(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.parent.write_text("a file where the folder should be")
    monkeypatch.setattr(user_cache, "private_folder", lambda: cache.parent)
    with pytest.raises(DataError, match="--data FOLDER"):
        mnist.load("test")


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


PICTURES, DIGITS = digits(30)
DAMAGED = {
    "cut": (IMAGES, packed(idx(PICTURES))[:-400], "whole file"),
    "not gzip": (IMAGES, b"not gzip at all", "whole file"),
    "checksum": (IMAGES, packed(idx(PICTURES))[:-8] + b"\0" * 8, "whole file"),
    "no end": (IMAGES, packed(b"")[:-8] + b"\xff" * 20, "whole file"),
    "empty": (IMAGES, packed(b""), "IDX file of bytes with 3 axes"),
    "labels": (IMAGES, packed(idx(DIGITS)), "IDX file of bytes with 3 axes"),
    "half a header": (IMAGES, packed(idx(PICTURES)[:10]), "IDX file of bytes with 3 axes"),
    "a byte less": (IMAGES, packed(idx(PICTURES)[:-1]), "must hold 23520 bytes"),
    "a byte more": (IMAGES, packed(idx(PICTURES) + b"\0"), "must hold 23520 bytes"),
    "27 rows": (IMAGES, packed(idx(PICTURES[:, :27])), "28 x 28"),
    "no images": (IMAGES, packed(idx(PICTURES[:0])), "28 x 28"),
    "29 labels": (LABELS, packed(idx(DIGITS[:29])), "must have 30 labels"),
    "a label of 10": (LABELS, packed(idx(DIGITS + np.uint8(1))), "0 to 9, not 10"),
}


@pytest.mark.parametrize(("name", "content", "message"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_named(folder: Path, name: str, content: bytes, message: str) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        mnist.load("test", folder)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_the_official_checksums_are_sha256_of_four_files() -> None:
    assert len(mnist.SHA256) == 4
    assert all(len(bytes.fromhex(value)) == 32 for value in mnist.SHA256.values())


def test_data_needs_no_torch() -> None:
    code = "import snn2rtl.data.mnist, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
