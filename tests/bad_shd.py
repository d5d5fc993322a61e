"""The bad files of SHD that docs/errors.md lists."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from shd_files import spoken, write_shd

CASES: dict[str, Callable[[Path], list[str]]] = {}


def inspect(path: Path, *options: str) -> list[str]:
    return ["data", "inspect", "shd", str(path), *options]


def case(name: str, make: Callable[[Path], Path], file: str = "x.h5", *options: str) -> None:
    """The file that make writes at a path."""
    CASES[f"shd-{name}"] = lambda folder: inspect(make(folder / file), *options)


def cut(path: Path) -> Path:
    """A copy ended in the middle."""
    content = write_shd(path).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def without(*keys: str) -> Callable[[Path], Path]:
    """A file that lacks some of its arrays."""

    def make(path: Path) -> Path:
        with h5py.File(write_shd(path), "r+") as file:
            for key in keys:
                del file[key]
        return path

    return make


def group(path: Path) -> Path:
    with h5py.File(without("labels")(path), "r+") as file:
        file.create_group("labels")
    return path


def with_spike(key: str, value: float, dtype: type = np.float64) -> Callable[[Path], Path]:
    """A file whose recording 3 has another spike 2."""

    def make(path: Path) -> Path:
        times, units = spoken(40)
        changed = {"times": times, "units": units}[key]
        changed[:] = [one.astype(dtype) for one in changed]
        changed[3][2] = value
        return write_shd(path, times=times, units=units)

    return make


def unequal(path: Path) -> Path:
    times, units = spoken(40)
    units[5] = units[5][:-1]
    return write_shd(path, times=times, units=units)


def with_label(label: int) -> Callable[[Path], Path]:
    """A file whose recording 7 has another label."""
    labels = np.arange(40) % 20
    labels[7] = label
    return lambda path: write_shd(path, labels=labels)


def text(path: Path) -> Path:
    path.write_text("just some text\n" * 99)
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def gzip_of_text(path: Path) -> Path:
    path.write_bytes(gzip.compress(b"just some text"))
    return path


case("missing", lambda path: path)
case("folder", folder)
case("text", text)
case("cut", cut)
case("cut-gz", cut, "x.h5.gz")
case("text-gz", gzip_of_text, "x.h5.gz")
case("keys", without("spikes/times", "extra/speaker"))
case("group", group)
case("lengths", lambda path: write_shd(path, labels=np.arange(39) % 20))
case(
    "axes", lambda path: write_shd(path, **{key: np.zeros((40, 9)) for key in ("times", "units", "labels", "speaker")})
)
case("none", lambda path: write_shd(path, 0, labels=np.zeros(0, np.uint16), speaker=np.zeros(0, np.uint16)))
case("matrix", lambda path: write_shd(path, times=np.zeros(40, np.float16)))
case("integers", lambda path: write_shd(path, labels=np.zeros(40)))
case("pairs", unequal)
case("nan", with_spike("times", np.nan))
case("negative", with_spike("times", -0.5))
case("milliseconds", with_spike("times", 812.5))
case("unsorted", with_spike("times", 0.0))
case("unit", with_spike("units", 700, np.uint16))
case("unit-negative", with_spike("units", -1, np.int16))
case("label", with_label(20))
case("label-negative", with_label(-1))
case("samples", write_shd, "x.h5", "--samples", "3,40")
case("plots", write_shd, "x.h5", "--plots", "/proc/plots")
