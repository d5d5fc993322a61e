"""MNIST (Yann LeCun and Corinna Cortes), read from its four official IDX files.

Format: a magic ``00 00 08 <axes>``, one big-endian 32-bit size per axis, then the bytes of the array.
Source: http://yann.lecun.com/exdb/mnist/
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import tempfile
import urllib.request
import zlib
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray
from rich.progress import wrap_file

from snn2rtl.errors import DataError
from snn2rtl.progress import stderr_console
from snn2rtl.user_cache import cache_folder

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
SHA256 = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
PREFIX = {"train": "train", "test": "t10k"}
CLASSES = 10
TIMEOUT_S = 30

ByteArray = NDArray[np.uint8]
logger = logging.getLogger(__name__)


def load(split: Literal["train", "test"], folder: Path | None = None) -> tuple[ByteArray, ByteArray]:
    """Return the images and labels of one split.

    Args:
        split: 60,000 samples to train with, or 10,000 to test with.
        folder: holds the official files, compressed or not; without it they come from the user's cache, which
            is filled from the official mirrors.

    Returns:
        Images of shape (N, 784), 0..255, and labels of shape (N,), 0..9.

    Raises:
        DataError: a file is missing, cannot be downloaded, or is not what it should be.
    """
    names = [f"{PREFIX[split]}-{part}-ubyte.gz" for part in ("images-idx3", "labels-idx1")]
    image_path, label_path = _find(folder, names) if folder else _cached(names)
    images = _read_idx(image_path, axes=3)
    labels = _read_idx(label_path, axes=1)
    if images.shape[1:] != (28, 28) or len(images) == 0:
        raise DataError(f"{image_path}: must hold images of 28 x 28 pixels, not an array of shape {images.shape}")
    if len(images) != len(labels):
        raise DataError(f"{label_path}: must have {len(images)} labels, one per image, not {len(labels)}")
    if np.any(labels >= CLASSES):
        raise DataError(f"{label_path}: labels must be 0 to {CLASSES - 1}, not {labels.max()}")
    return images.reshape(len(images), -1), labels


def _find(folder: Path, names: list[str]) -> list[Path]:
    choices = {name: (folder / name, folder / name.removesuffix(".gz")) for name in names}
    found = {name: next((p for p in paths if p.is_file()), None) for name, paths in choices.items()}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        raise DataError(f"MNIST folder '{folder}': must hold {' and '.join(missing)}; it is the folder of {_files()}")
    return [path for path in found.values() if path is not None]


def _files() -> str:
    return f"the 4 official files {', '.join(SHA256)}"


def _cached(names: list[str]) -> list[Path]:
    cache = cache_folder("mnist", holds=names)
    paths = [cache / name for name in names]
    for path in paths:
        if not path.is_file():
            _download(path)
    return paths


def _download(path: Path) -> None:
    problems = []
    for mirror in MIRRORS:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _fetch(mirror + path.name, path)
        except (
            OSError,
            ValueError,
        ) as error:  # URLError and HTTPError are OSErrors; ValueError: a wrong checksum
            logger.debug("%s", error)
            problems.append(f"{mirror}: {error}")
        else:
            return
    raise DataError(
        f"MNIST: {path.name} must be in the cache '{path.parent}' or at an official mirror, but "
        f"{'; '.join(problems)}; get {_files()} and name their folder with --data FOLDER"
    )


def _fetch(url: str, path: Path) -> None:
    """Copy the file at url to path; path appears only when it is whole and its checksum is right."""
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as reply:
        size = int(reply.headers.get("Content-Length") or 0)
        fd, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(fd, "wb") as target:
                digest = _copy(reply, target, path.name, size)
            if digest != SHA256[path.name]:
                raise ValueError(f"sha256 must be {SHA256[path.name]}, not {digest}")
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)


def _copy(source: BinaryIO, target: BinaryIO, name: str, size: int) -> str:
    digest = hashlib.sha256()
    console = stderr_console()
    with wrap_file(source, size, description=name, console=console, disable=not console.is_terminal) as file:
        while chunk := file.read(1 << 16):
            target.write(chunk)
            digest.update(chunk)
    return digest.hexdigest()


def _read_idx(path: Path, axes: int) -> ByteArray:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        data = gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:  # a broken gzip stream is any of them
        raise DataError(f"{path}: must be a readable, whole file of gzip, not a damaged one; get it again") from error
    header = 4 + 4 * axes
    if data[:4] != bytes((0, 0, 8, axes)) or len(data) < header:
        raise DataError(f"{path}: must be an IDX file of bytes with {axes} axes, but starts with {data[:4].hex(' ')}")
    shape = tuple(int(n) for n in np.frombuffer(data, ">u4", axes, offset=4))
    need = int(np.prod(shape, dtype=object))
    if len(data) - header != need:
        raise DataError(f"{path}: must hold {need} bytes for shape {shape}, not {len(data) - header}; get it again")
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)
