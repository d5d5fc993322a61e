"""Writes a graph of NIR to a file, as nir.write does; equal graphs give equal bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from snn2rtl.nir.primitives import GRAPH, Graph

VERSION = "1.0.8"  # of nir, whose files these are


def write(graph: Graph, path: Path) -> None:
    """Write a graph.

    Raises:
        OSError: the disk does not take it.
    """
    import h5py

    text = h5py.string_dtype()
    with h5py.File(path, "w") as file:
        file.create_dataset("version", data=VERSION, dtype=text)
        root = file.create_group("node")
        root.create_dataset("type", data=GRAPH, dtype=text)
        root.create_dataset("edges", data=[list(edge) for edge in graph.edges], dtype=text)
        nodes = root.create_group("nodes")
        for name, node in graph.nodes.items():
            group = nodes.create_group(name)
            group.create_dataset("type", data=node.kind, dtype=text)
            for key, value in node.values.items():
                packed: dict[str, Any] = {"compression": "gzip"} if np.ndim(value) else {}
                group.create_dataset(key, data=value, **packed)
