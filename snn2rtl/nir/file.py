"""From a file of NIR to its graph, without subgraphs; every number is checked to be one."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from snn2rtl.errors import DataError, ModelFileError
from snn2rtl.files import why_no_file
from snn2rtl.hdf5.process import borrowed_reader
from snn2rtl.hdf5.serve import Arrays
from snn2rtl.nir.primitives import GRAPH, PRIMITIVES, Edge, Graph, Node, Value

SUFFIX = ".nir"
_READER = "snn2rtl.nir.reader"
_TEXTS = {"padding": ("same", "valid")}
_ANYWHERE = ("type", "metadata")
_ENDS = ("Input", "Output")

Item = Mapping[str, Any]


def is_named(path: Path) -> bool:
    """Return whether a path has the name of a file of NIR, which ends in .nir or .NIR."""
    return path.suffix.lower() == SUFFIX


def read(path: Path) -> Graph:
    """Return the graph of a file, whose subgraphs are joined with what is around them.

    Raises:
        ModelFileError: the file is missing or damaged, or holds no graph of NIR; all its problems are named.
        ModuleNotFoundError: h5py is not installed.
    """
    if importlib.util.find_spec("h5py") is None:
        raise ModuleNotFoundError("files of NIR are read with h5py", name="h5py")
    if not path.is_file():
        raise ModelFileError(f"{path}: must be a file, {why_no_file(path)}")
    try:
        with borrowed_reader() as reader:
            answer, arrays = reader.ask(path, {"open": str(path), "name": str(path), "reader": _READER})
    except DataError as error:
        raise ModelFileError(str(error)) from None
    parsed = _Parsed(arrays)
    root = answer["tree"].get("node", {}).get("group")
    if root is None or _text(root, "type") != GRAPH:
        found = "none" if root is None else repr(_text(root, "type"))
        raise ModelFileError(f"{path}: must hold a node of the type {GRAPH}, as nir.write makes it, not {found}")
    parsed.graph("", root)
    if not parsed.problems:
        parsed.join_subgraphs()
    if parsed.problems:
        raise ModelFileError("\n".join(f"{path}: {problem}" for problem in parsed.problems))
    return Graph(parsed.nodes, tuple(parsed.edges))


def _text(group: Item, key: str) -> str:
    text = group.get(key, {}).get("text")
    return text if isinstance(text, str) else ""


@dataclass(eq=False)
class _Parsed:
    """nodes, edges: of all graphs, by names with those of subgraphs before them.

    owners: the subgraph of each node, "" for none. inside: the names of subgraphs.
    """

    arrays: Arrays
    nodes: dict[str, Node] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    edges: dict[Edge, None] = field(default_factory=dict)
    inside: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def graph(self, name: str, group: Item) -> None:
        """Read a graph, and those in it."""
        where, prefix = (f"subgraph '{name}'", f"{name}.") if name else ("graph", "")
        nodes = group.get("nodes", {}).get("group")
        if not nodes:
            self.problems.append(f"{where}: must hold nodes, not none")
            return
        for key, item in nodes.items():
            self._node(prefix + key, item, name)
        self._edges(where, prefix, group.get("edges", {}), nodes)

    def _edges(self, where: str, prefix: str, item: Item, nodes: Item) -> None:
        pairs = item.get("texts", [])
        is_empty = "array" in item and self.arrays[item["array"]].size == 0
        if not is_empty and not (pairs and all(isinstance(pair, list) and len(pair) == 2 for pair in pairs)):
            self.problems.append(f"{where}: must hold edges, pairs of names of nodes")
            return
        for source, target in pairs:
            edge = (prefix + source, prefix + target)
            lost = [end for end in (source, target) if end not in nodes]
            if lost:
                self.problems.append(f"{where}: edges must join its nodes, not '{source}' -> '{target}'")
            elif edge in self.edges:
                self.problems.append(f"{where}: edge '{source}' -> '{target}' must be there once, not twice")
            self.edges[edge] = None

    def _node(self, name: str, item: Item, owner: str) -> None:
        group = item.get("group")
        kind = _text(group, "type") if group is not None else ""
        if not name.isprintable() or name in self.owners:
            self.problems.append(f"node {name!r}: name must be printable text, and that of no other node")
            return
        self.owners[name] = owner
        if group is not None and kind == GRAPH:
            self.inside.append(name)
            self.graph(name, group)
        elif group is None or kind not in PRIMITIVES:
            self.problems.append(f"node '{name}': type must be {GRAPH}, {', '.join(PRIMITIVES)}, not {kind!r}")
        else:
            self._primitive(name, kind, group)

    def _primitive(self, name: str, kind: str, group: Item) -> None:
        known, where = PRIMITIVES[kind], f"node '{name}'"
        missing = [key for key in known.needs if key not in group]
        strange = [key for key in group if key not in (*known.needs, *known.may, *_ANYWHERE)]
        rule = f"{kind} must have the parameters {', '.join((*known.needs, *known.may))}"
        self.problems += [f"{where}: {rule}, of which {key} is missing" for key in missing]
        self.problems += [f"{where}: {rule}, and no {key}" for key in strange]
        values: dict[str, Value] = {}
        for key in (*known.needs, *known.may):
            if key in group:
                value = self._value(group[key], _TEXTS.get(key, ()))
                if isinstance(value, str) and value not in _TEXTS.get(key, ()):
                    self.problems.append(f"{where}: {key} must be {value}")
                else:
                    values[key] = value
        self.nodes[name] = Node(kind, _complete(values, known.may))

    def _value(self, item: Item, texts: tuple[str, ...]) -> Value:
        """Return the value, or the end of a sentence that says what it must be."""
        also = "".join(f" or '{text}'" for text in texts)
        if (text := item.get("text")) is not None:
            return str(text) if text in texts else f"a number{also}, not {text!r}"
        if "array" not in item:
            return f"a number or an array of numbers{also}, not a group or texts"
        values = self.arrays[item["array"]]
        if not values.size:
            return f"at least one number, not an array of shape {values.shape}"
        if not np.all(np.isfinite(values)):
            return f"finite, not {int(np.sum(~np.isfinite(values)))} NaN or infinite value(s)"
        return values

    def join_subgraphs(self) -> None:
        """Let what reads a subgraph read its Output, and its Input what the subgraph reads."""
        ends: dict[tuple[str, str], list[str]] = {(name, kind): [] for name in self.inside for kind in _ENDS}
        for name, node in self.nodes.items():
            if (key := (self.owners[name], node.kind)) in ends:
                ends[key].append(name)
        for (graph, kind), found in ends.items():
            if len(found) != 1:
                self.problems.append(f"subgraph '{graph}': must have one {kind}, not {', '.join(found) or 'none'}")
            for name in found:
                self.nodes[name] = Node("Identity", {"shape": self.nodes[name].values["shape"]})
        into, out = ({graph: found[0] for (graph, kind), found in ends.items() if found and kind == one}
                     for one in _ENDS)  # fmt: skip
        self.edges = {(out.get(source, source), into.get(target, target)): None for source, target in self.edges}


def _complete(values: dict[str, Value], may: tuple[str, ...]) -> dict[str, Value]:
    """Return a node's parameters with the optional ones that NIR has a value for."""
    if "v_reset" in may and "v_threshold" in values:
        values = {"v_reset": np.zeros_like(values["v_threshold"], np.float64), **values}
    if "w_in" in may:
        values = {"w_in": np.ones(()), **values}
    return values
