"""What a graph of NIR is made of: its nodes, their parameters, and the edges between them.

Source: nir 1.0.8, ir/neuron.py, linear.py, conv.py, pooling.py, flatten.py, delay.py, threshold.py, graph.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]
Value = Numbers | str  # a text is 'same' or 'valid', of a padding
Edge = tuple[str, str]


@dataclass(frozen=True)
class Primitive:
    """The parameters that a kind of node must have, and those that it may have."""

    needs: tuple[str, ...]
    may: tuple[str, ...] = ()


_CONVOLUTION = Primitive(("weight", "bias", "stride", "padding", "dilation", "groups"), ("input_shape",))
_POOL = Primitive(("kernel_size", "stride", "padding"))
PRIMITIVES = {
    "Input": Primitive(("shape",)),
    "Output": Primitive(("shape",)),
    "Identity": Primitive((), ("shape", "input_type")),
    "Affine": Primitive(("weight", "bias")),
    "Linear": Primitive(("weight",)),
    "Scale": Primitive(("scale",)),
    "Conv1d": _CONVOLUTION,
    "Conv2d": _CONVOLUTION,
    "SumPool2d": _POOL,
    "AvgPool2d": _POOL,
    "Flatten": Primitive((), ("start_dim", "end_dim", "input_type")),
    "Delay": Primitive(("delay",)),
    "Threshold": Primitive(("threshold",)),
    "I": Primitive(("r",)),
    "IF": Primitive(("r", "v_threshold"), ("v_reset",)),
    "LI": Primitive(("tau", "r", "v_leak")),
    "LIF": Primitive(("tau", "r", "v_leak", "v_threshold"), ("v_reset",)),
    "CubaLI": Primitive(("tau_syn", "tau_mem", "r", "v_leak"), ("w_in",)),
    "CubaLIF": Primitive(("tau_syn", "tau_mem", "r", "v_leak", "v_threshold"), ("v_reset", "w_in")),
}
GRAPH = "NIRGraph"
SPIKING = ("IF", "LIF", "CubaLIF")  # those with a membrane that spikes reset
INTEGRATING = ("I", "LI", "CubaLI")
TIMED = ("LIF", "LI", "CubaLIF", "CubaLI", "Delay")  # with parameters in seconds
LINEAR = ("Affine", "Linear", "Scale")


@dataclass(frozen=True, eq=False)
class Node:
    """A node: its kind, a key of PRIMITIVES, and its parameters, those that are left out too where NIR says them."""

    kind: str
    values: Mapping[str, Value]

    def __getitem__(self, key: str) -> Numbers:
        value = self.values[key]
        assert isinstance(value, np.ndarray)
        return value


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes by name, and edges between them, (source, target)."""

    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...] = field(default=())

    @cached_property
    def sources(self) -> Mapping[str, list[str]]:
        """What each node reads."""
        return self._joined(0)

    @cached_property
    def targets(self) -> Mapping[str, list[str]]:
        """What reads each node."""
        return self._joined(1)

    def _joined(self, end: int) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {name: [] for name in self.nodes}
        for edge in self.edges:
            found[edge[1 - end]].append(edge[end])
        return found
