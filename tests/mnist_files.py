"""Tiny data sets in MNIST's file format."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def idx(array: NDArray[np.uint8]) -> bytes:
    """Return the array as an IDX file."""
    return bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def digits(samples: int, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return images (samples, 28, 28) that differ by class, with noise, and their labels."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(samples) % 10).astype(np.uint8)
    images = rng.integers(0, 40, (samples, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 2 * label : 2 * label + 4] += 200
    return images, labels


def write_mnist(folder: Path, samples: int = 30) -> Path:
    """Write the four files and return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, prefix in enumerate(("train", "t10k")):
        images, labels = digits(samples, seed)
        for part, array in (("images-idx3", images), ("labels-idx1", labels)):
            (folder / f"{prefix}-{part}-ubyte.gz").write_bytes(gzip.compress(idx(array), mtime=0))
    return folder
