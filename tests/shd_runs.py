"""Tiny training runs on spoken digits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from shd_files import write_shd

from snn2rtl.training.tasks import TASKS
from snn2rtl.training.tasks.shd import ShdConfig
from snn2rtl.training.trainer import Files, train_network

torch.set_num_threads(1)  # networks as small as these gain nothing by more

SHD = TASKS["shd"]
SMALL: dict[str, Any] = {
    "hidden": (14, 12),
    "time_steps": 28,
    "step_ms": 50.0,
    "channels": 35,
    "batch_size": 10,
    "epochs": 3,
    "lr": 1e-2,
    "shift_channels": 1,
    "shift_steps": 1,
    "min_neurons": 2,
    "label_smoothing": 0.0,
    "dropout": 0.0,
}


def small(**changes: Any) -> ShdConfig:
    """Return the configuration of a run of a second or less."""
    return ShdConfig(**SMALL | changes)


def train(data: Path, out: Path, config: ShdConfig, **more: Any) -> dict[str, Any]:
    """Train on tiny files; init and teacher are files, the rest goes to train_network()."""
    paths = {name: more.pop(name) for name in ("init", "teacher") if name in more}
    return train_network(config, Files(out=out, data=data, **paths), **more)


def words(recordings: int, seed: int = 0) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Return times and units of recordings that sweep over the units, from where their label (0..19) says."""
    rng = np.random.default_rng(seed)
    times, units = [], []
    for number in range(recordings):
        label = number % 20
        time = np.sort(rng.uniform(0, 1.3, 300))
        sweep = time * (250 if label % 2 else -250) + 35 * label + rng.normal(0, 12, len(time))
        times.append(time.astype(np.float16))
        units.append(np.mod(sweep, 700).astype(np.uint16))
    return times, units


def write_words(folder: Path, recordings: int = 60) -> Path:
    """Write the files of both splits, of three speakers each, and return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, split in enumerate(("train", "test")):
        times, units = words(recordings, seed)
        write_shd(folder / f"shd_{split}.h5", recordings, times=times, units=units)
    return folder
