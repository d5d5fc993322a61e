"""Tiny data sets in the layout of SHD's files."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

NOTE = "made for a test; NOT the published SHD file"


def spoken(recordings: int, seed: int = 0, most: int = 60) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Return times (float16 seconds, in order) and units of some recordings; recording 1 is silent."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, most, recordings)
    counts[1:2] = 0
    times = [np.sort(rng.uniform(0, 1.4, count).astype(np.float16)) for count in counts]
    return times, [rng.integers(0, 700, count).astype(np.uint16) for count in counts]


def lists(file: h5py.File, key: str, values: Sequence[NDArray[Any]], dtype: Any, chunks: tuple[int] | None) -> None:
    """Write a list of numbers for each recording."""
    dataset = file.create_dataset(key, (len(values),), h5py.vlen_dtype(dtype), chunks=chunks)
    for index, one in enumerate(values):
        dataset[index] = one


def write_shd(path: Path, recordings: int = 40, seed: int = 0, note: str | None = NOTE, **changes: Any) -> Path:
    """Write a file and return its path; changes: other arrays for times, units, labels or speaker, None for none.

    A name that ends in .gz is compressed; without a note it is as the published files are, with lists in chunks.
    """
    times, units = spoken(recordings, seed)
    speaker = np.arange(recordings) % 3
    content = {"times": times, "units": units, "labels": np.arange(recordings) % 20, "speaker": speaker} | changes
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    with h5py.File(plain, "w") as file:
        if note is not None:
            file.attrs["note"] = note
        for key, dtype in (("times", np.float16), ("units", np.uint16)):
            if isinstance(content[key], list):
                kind = content[key][0].dtype if content[key] else dtype
                lists(file, f"spikes/{key}", content[key], kind, None if note else (16,))
            elif content[key] is not None:
                file[f"spikes/{key}"] = content[key]
        for key, place in (("labels", "labels"), ("speaker", "extra/speaker")):
            if content[key] is not None:
                values = np.asarray(content[key])
                file[place] = values.astype(np.uint16) if values.dtype == np.int64 and values.min() >= 0 else values
        if note is None:
            file["extra/keys"] = np.array([b"zero", b"one"])
            file["extra/meta_info/age"] = np.arange(3, dtype=np.uint16)
    if path != plain:
        path.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
        plain.unlink()
    return path
