"""Makes the excerpt beside this file: the first ten recordings of each class of a file of SHD, in the file's order.

python examples/shd/make_excerpt.py shd_regen_test.h5.gz examples/shd/shd_regen_test_200.h5.gz
"""

from __future__ import annotations

import argparse
import gzip
import tempfile
from pathlib import Path

import h5py
import numpy as np

from snn2rtl.data.shd import CLASSES, open_shd

EACH = 10


def main() -> None:
    """Write the excerpt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help=".h5 or .h5.gz of the published layout")
    parser.add_argument("out", type=Path, help="the excerpt, .h5.gz")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "excerpt.h5"
        write(args.source, plain)
        with args.out.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
            packed.write(plain.read_bytes())


def write(source: Path, out: Path) -> None:
    """Write the excerpt of a file, not compressed."""
    with open_shd(source) as file, h5py.File(out, "w") as target:
        chosen = np.sort(np.concatenate([np.flatnonzero(file.labels == label)[:EACH] for label in range(CLASSES)]))
        events = [file.read(number, number + 1) for number in chosen.tolist()]
        target.attrs["note"] = f"{len(chosen)} recordings, the first {EACH} of each class of {source.name}. {file.note}"
        for name, lists in (("times", [one.times for one in events]), ("units", [one.units for one in events])):
            kind = h5py.vlen_dtype(np.float16 if name == "times" else np.uint16)
            dataset = target.create_dataset(f"spikes/{name}", (len(chosen),), kind)
            for index, values in enumerate(lists):
                dataset[index] = values
        target["labels"] = file.labels[chosen].astype(np.uint16)
        target["extra/speaker"] = file.speakers[chosen].astype(np.uint16)
        target["extra/recording"] = chosen.astype(np.uint16)


if __name__ == "__main__":
    main()
