"""Reads a file of NIR into a tree of groups, texts and arrays, in the process of hdf5/serve.py; graph.py checks it.

A group is ``{"group": {name: item}}``, a text ``{"text": ...}``, an array of texts ``{"texts": [...]}``, an array of
numbers ``{"array": number}``, the one of the answer's arrays that it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2rtl.errors import DataError
from snn2rtl.hdf5.serve import Answer, Arrays, reading

MOST_ITEMS = 100_000
MOST_BYTES = 1 << 29  # of all arrays, unpacked
MOST_DEPTH = 32  # groups in groups; a group may be in itself
_TAKEN = ("version", "node")

Item = dict[str, Any]


class OpenFile:
    """A file that is read whole; name: what messages call it."""

    def __init__(self, name: str, path: Path) -> None:
        import h5py

        self.name = name
        self.arrays: Arrays = []
        self._items = self._bytes = 0
        if not h5py.is_hdf5(path):
            raise DataError(f"{name}: must be a file of HDF5, as nir.write makes it; get it again")
        with reading(name), h5py.File(path, "r") as file:
            self.tree = {key: self._item(file, key, f"{key}", 0) for key in _TAKEN if key in file}

    def opened(self) -> Answer:
        """Return the tree, and its arrays."""
        return {"tree": self.tree}, self.arrays

    def answer(self, request: dict[str, Any]) -> Answer:
        """Refuse: all is said when the file is opened."""
        raise DataError(f"{self.name}: must be opened, not asked for {request}")

    def close(self) -> None:
        """Do nothing: the file is closed."""

    def _item(self, group: Any, key: str, where: str, depth: int) -> Item:
        import h5py

        self._items += 1
        if self._items > MOST_ITEMS or depth > MOST_DEPTH:
            self._refuse(where, f"at most {MOST_ITEMS:,} items, {MOST_DEPTH} deep", "more")
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):  # it could lead to any file of the reader's
            self._refuse(where, "in the file itself", "a link")
        item = group[key]
        if isinstance(item, h5py.Group):
            return {"group": {name: self._item(item, name, f"{where}/{name}", depth + 1) for name in item}}
        if not isinstance(item, h5py.Dataset) or item.is_virtual or item.external or item.shape is None:
            self._refuse(where, "an array or a text in the file itself", type(item).__name__)
        return self._value(item, where)

    def _value(self, item: Any, where: str) -> Item:
        import h5py

        self._bytes += item.size * item.dtype.itemsize
        if self._bytes > MOST_BYTES:
            self._refuse(where, f"with all others at most {MOST_BYTES:,} bytes", f"of shape {item.shape}")
        if h5py.check_string_dtype(item.dtype) is not None:
            texts: NDArray[Any] = np.asarray(item.asstr()[()], object)
            return {"text": texts.item()} if texts.ndim == 0 else {"texts": texts.tolist()}
        if item.dtype.kind not in "biuf" or item.dtype.itemsize > 8:
            self._refuse(where, "numbers or text", str(item.dtype))
        self.arrays.append(np.asarray(item[()]))
        return {"array": len(self.arrays) - 1}

    def _refuse(self, where: str, rule: str, found: str) -> None:
        raise DataError(f"{self.name}: '{where}' must be {rule}, not {found}")
