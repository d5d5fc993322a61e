"""SHD as arrays for training: binned once, then mapped from the user's cache.

A file of the cache is named after the SHA-256 of the recordings and what was done with them, and is whole or not there.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from snn2rtl.arrays import ALONE, ArrayFile, map_array
from snn2rtl.data.events import Binning, bin_events
from snn2rtl.data.shd import CLASSES, ShdFile, open_shd
from snn2rtl.errors import DataError
from snn2rtl.files import why_no_file
from snn2rtl.fixed_point import IntArray
from snn2rtl.output import write_file
from snn2rtl.progress import bar
from snn2rtl.user_cache import cache_folder

PREFIXES = ("shd", "shd_regen")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Recordings:
    """Recordings as a network takes them.

    stored: shape (N, T, inputs), uint8, read-only and mapped from a file. labels, speakers: shape (N,).
    """

    stored: NDArray[np.uint8]
    labels: IntArray
    speakers: IntArray

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def spikes(self) -> NDArray[np.uint8]:
        """All of them, shape (T, N, inputs): a view."""
        return self.stored.swapaxes(0, 1)

    def batch(self, numbers: IntArray) -> NDArray[np.uint8]:
        """Return a copy of some recordings, shape (T, batch, inputs)."""
        return self.stored[numbers].swapaxes(0, 1)


def load(path: Path, binning: Binning, cache: Path | None = None) -> Recordings:
    """Return the recordings of a file, binned.

    Args:
        path: .h5 or .h5.gz of the published layout.
        binning: how.
        cache: folder of what was binned before [the user's].

    Raises:
        DataError: the file is missing or damaged, or breaks a rule.
        OptionError: a bin would hold more spikes than a byte can count.
        OutputError: the cache cannot be written.
    """
    if not path.is_file():
        raise DataError(f"{path}: must be a file of SHD, {why_no_file(path)}")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    kind = "-".join(map(str, ("levels", *binning.levels) if binning.levels else ("counts",)))
    name = f"{digest}-{float(binning.step_ms)!r}ms-{binning.time_steps}-{binning.channels}-{kind}"
    names = (f"{digest}-recordings.npy", f"{name}.npy")
    about, spikes = ((cache or cache_folder("shd", holds=names)) / file for file in names)
    if (found := _cached(about, spikes, binning)) is None:
        _fill(path, binning, about, spikes)
        found = _cached(about, spikes, binning)
    if found is None:
        raise DataError(f"{spikes}: cannot be read again; is something else writing to the cache?")
    return found


def find(split: Literal["train", "test"], folder: Path) -> Path:
    """Return the file of a split: shd_train.h5, shd_regen_train.h5, and so on, compressed or not.

    Raises:
        DataError: the folder has none.
    """
    names = [f"{prefix}_{split}.h5{packed}" for prefix in PREFIXES for packed in ("", ".gz")]
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise DataError(
            f"SHD folder '{folder}': must hold one of {', '.join(names)}; get it from https://zenkelab.org/datasets/"
        )
    return found


def _cached(about: Path, spikes: Path, binning: Binning) -> Recordings | None:
    """Return what the cache has; nothing where a file is missing or is not what it should be."""
    try:
        with ArrayFile(about) as arrays:
            found = arrays[ALONE] if ALONE in arrays else np.empty(0)
        stored = map_array(spikes)
    except DataError as error:
        logger.debug("cache: %s", error)
        return None
    if found.ndim != 2 or len(found) != 2 or found.dtype.kind not in "iu":
        return None
    labels, speakers = found[0], found[1]
    is_ours = stored.dtype == np.uint8 and stored.shape == binning.shape(len(labels))
    return Recordings(stored, labels, speakers) if is_ours and np.isin(labels, range(CLASSES)).all() else None


def _fill(path: Path, binning: Binning, about: Path, spikes: Path) -> None:
    with open_shd(path) as file:
        write_file(about, lambda partial: _write_about(partial, file))
        write_file(spikes, lambda partial: _write_spikes(partial, file, binning))


def _write_about(partial: Path, file: ShdFile) -> None:
    with partial.open("wb") as target:
        np.save(target, np.stack((file.labels, file.speakers)))


def _write_spikes(partial: Path, file: ShdFile, binning: Binning) -> None:
    out = open_memmap(partial, "w+", np.uint8, binning.shape(len(file)))
    late = total = 0
    with bar(f"bin {file.path.name}", len(file)) as advance:
        for events in file.events():
            late += bin_events(events, binning, out[events.first : events.first + len(events)])
            total += len(events.times)
            advance(len(events))
    out.flush()
    if late:
        end = binning.time_steps * binning.step_ms
        logger.warning("%s: %d of %d spikes come after %g ms and are left out", file.path, late, total, end)
    logger.info("%s: binned to %s in the cache, %.2f GB", file.path, out.shape, out.nbytes / 1e9)
