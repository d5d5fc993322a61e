"""Graphs of NIR in dyadic numbers, their files, and a naive interpreter, one step at a time, as docs/nir.md has it."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import TopologicalSorter
from itertools import product
from pathlib import Path

import h5py
import nir
import numpy as np
from numpy.typing import NDArray

import snn2rtl
from snn2rtl.int_net import reference
from snn2rtl.options import PerLayer, QuantizeOptions

Values = NDArray[np.float64]
DT = 2.0**-10
STEPS = 6
EXACT = QuantizeOptions(bits=PerLayer(16), scale="layer", membrane_fraction=PerLayer(20), time_steps=STEPS, strict=True)


def edges(*chains: str) -> list[tuple[str, str]]:
    """Return the edges of chains such as ``a b c``."""
    return [pair for chain in chains for pair in zip(chain.split(), chain.split()[1:], strict=False)]


def write(path: Path, nodes: Mapping[str, nir.NIRNode], *chains: str) -> Path:
    """Write a graph, which nir does not check."""
    nir.write(path, nir.NIRGraph({**nodes}, edges(*chains), type_check=False))
    return path


def chain(path: Path, *nodes: nir.NIRNode, shape: tuple[int, ...]) -> Path:
    """Write nodes in a row between an input of a shape and an output."""
    names = [f"n{index}" for index in range(len(nodes))]
    ends = {"in": nir.Input(np.array(shape)), "out": nir.Output(None)}
    found = run(nir.NIRGraph({**ends, **dict(zip(names, nodes, strict=True))}, edges(" ".join(["in", *names, "out"])),
                             type_check=False), np.zeros((1, *shape)), "hard")  # fmt: skip
    ends["out"] = nir.Output(np.array(found.shape[1:]))
    return write(path, {**ends, **dict(zip(names, nodes, strict=True))}, " ".join(["in", *names, "out"]))


def edit(path: Path, **changes: object) -> Path:
    """Change items of a file, named with __ for /; None deletes one."""
    with h5py.File(path, "r+") as file:
        for key, value in changes.items():
            where = "node/" + key.replace("__", "/")
            if where in file:
                del file[where]
            if value is not None:
                file[where] = value
    return path


def golden(path: Path, inputs: Values, quantize: QuantizeOptions = EXACT, **options: object) -> Values:
    """Return the spikes of the last population, or the scores, that the golden model makes of inputs (T, *shape)."""
    made = snn2rtl.compile(path, quantize=quantize, input_max=max(1, int(inputs.max())), **options)  # type: ignore[arg-type]
    result = reference.run(made.network, inputs.reshape(len(inputs), 1, -1).astype(np.uint8))
    if made.network.integrates:
        return result.counts[0]
    return result.traces[made.network.output.name].spikes[:, 0]


def run(graph: nir.NIRGraph, inputs: Values, reset: str, dt: float = DT, per_step: bool = False) -> Values:
    """Return what the Output reads in each step, shape (T, *shape)."""
    states: dict[str, dict[str, Values]] = {}
    before: dict[str, Values] = {}
    made = []
    order = _order(graph)
    for values in inputs:
        now: dict[str, Values] = {}
        for name in order:
            node = graph.nodes[name]
            sources = [a for a, b in graph.edges if b == name]
            known = [now[a] if a in now else _back(graph, a, name, before) for a in sources]
            if isinstance(node, nir.Input):
                now[name] = values
            else:
                total = sum(known[1:], known[0])
                now[name] = _step(node, total, states.setdefault(name, {}), reset, dt, per_step)
        before = now
        made.append(now[next(name for name, node in graph.nodes.items() if isinstance(node, nir.Output))])
    return np.array(made)


def _back(graph: nir.NIRGraph, name: str, neurons: str, before: dict[str, Values]) -> Values:
    """Return what leads from neurons back into them, of their spikes in the step before."""
    node = graph.nodes[neurons]
    size = (node.threshold if isinstance(node, nir.Threshold) else node.v_threshold).shape
    spikes = before.get(neurons, np.zeros(size))
    return spikes if name == neurons else _step(graph.nodes[name], spikes, {}, "", 0.0, False)


def _order(graph: nir.NIRGraph) -> list[str]:
    """Return the nodes from the input on; what leads back into neurons comes after them."""
    reads = {name: {a for a, b in graph.edges if b == name} for name in graph.nodes}
    back = {name for name in graph.nodes
            if [a for a, b in graph.edges if b == name] == [b for a, b in graph.edges if a == name]}  # fmt: skip
    return list(TopologicalSorter({name: reads[name] - back - {name} for name in graph.nodes}).static_order())


def _step(node: nir.NIRNode, x: Values, state: dict[str, Values], reset: str, dt: float, per_step: bool) -> Values:  # noqa: PLR0911
    kind = type(node).__name__
    if kind in ("Linear", "Affine"):
        return node.weight @ x + (node.bias if kind == "Affine" else 0)
    if kind == "Scale":
        return node.scale * x
    if kind in ("Conv1d", "Conv2d"):
        return _convolution(node, x)
    if kind in ("SumPool2d", "AvgPool2d"):
        return _pool(node, x, kind == "AvgPool2d")
    if kind == "Flatten":
        node.input_type = {"input": np.array(x.shape)}  # without it nir writes no file
        first, last = (axis % x.ndim for axis in (node.start_dim, node.end_dim))
        return x.reshape(*x.shape[:first], -1, *x.shape[last + 1 :])
    if kind == "Delay":
        return _delayed(node, x, state, dt)
    if kind == "Threshold":
        return (x > node.threshold).astype(float)
    return _neuron(node, kind, x, state, reset, dt, per_step) if kind not in ("Output", "Identity") else x


def _delayed(node: nir.Delay, x: Values, state: dict[str, Values], dt: float) -> Values:
    seen = state["seen"] = np.concatenate([state.get("seen", np.zeros((64, *x.shape))), x[None]])
    steps = np.broadcast_to(np.round(node.delay / dt).astype(int), x.shape)
    return np.take_along_axis(seen, (len(seen) - 1 - steps)[None], axis=0)[0]


def _neuron(
    node: nir.NIRNode, kind: str, x: Values, state: dict[str, Values], reset: str, dt: float, per_step: bool
) -> Values:
    start = node.v_reset if hasattr(node, "v_reset") and reset == "hard" else 0.0
    v = state.get("v", np.zeros(x.shape) + start)
    if kind.startswith("Cuba"):
        i = state.get("i", np.zeros(x.shape))
        state["i"] = x = i + dt / node.tau_syn * (node.w_in * x - i)
    if kind in ("I", "IF"):
        v = v + (1 if per_step else dt) * node.r * x
    else:
        tau = node.tau_mem if kind.startswith("Cuba") else node.tau
        v = v + dt / tau * (node.v_leak - v + node.r * x)
    if not hasattr(node, "v_threshold"):
        state["v"] = v
        return v
    spikes = v > node.v_threshold
    state["v"] = np.where(spikes, node.v_reset, v) if reset == "hard" else v - spikes * node.v_threshold
    return spikes.astype(float)


def _pair(value: object, axes: int) -> list[int]:
    return [int(one) for one in np.broadcast_to(np.asarray(value), (axes,))]


def _places(size: list[int], kernel: list[int], stride: list[int], dilation: list[int], before: list[int],
            after: list[int]) -> list[int]:  # fmt: skip
    return [(n + b + a - d * (k - 1) - 1) // s + 1
            for n, k, s, d, b, a in zip(size, kernel, stride, dilation, before, after, strict=True)]  # fmt: skip


def _convolution(node: nir.NIRNode, x: Values) -> Values:
    weight, axes = node.weight, node.weight.ndim - 2
    kernel, size = list(weight.shape[2:]), list(x.shape[1:])
    stride, dilation = _pair(node.stride, axes), _pair(node.dilation, axes)
    is_same = isinstance(node.padding, str) and node.padding == "same"
    total = [d * (k - 1) if is_same else 0 for d, k in zip(dilation, kernel, strict=True)]
    before = [n // 2 for n in total] if isinstance(node.padding, str) else _pair(node.padding, axes)
    after = [n - n // 2 for n in total] if isinstance(node.padding, str) else before
    outputs = _places(size, kernel, stride, dilation, before, after)
    node.input_shape = tuple(size) if axes == 2 else size[0]  # without it nir writes no file
    made = np.zeros((len(weight), *outputs))
    rows, columns = len(weight) // node.groups, weight.shape[1]
    for o, *place in product(range(len(weight)), *map(range, outputs)):
        made[o, *place] = node.bias[o]
        for c, *tap in product(range(columns), *map(range, kernel)):
            at = [p * s + t * d - b for p, s, t, d, b in zip(place, stride, tap, dilation, before, strict=True)]
            if all(0 <= a < n for a, n in zip(at, size, strict=True)):
                made[o, *place] += weight[o, c, *tap] * x[o // rows * columns + c, *at]
    return made


def _pool(node: nir.NIRNode, x: Values, is_mean: bool) -> Values:
    kernel, stride, padding = (_pair(value, 2) for value in (node.kernel_size, node.stride, node.padding))
    padded = np.pad(x, [(0, 0), *((p, p) for p in padding)])
    outputs = _places(list(x.shape[1:]), kernel, stride, [1, 1], padding, padding)
    made = np.zeros((len(x), *outputs))
    for i, j in product(*map(range, outputs)):
        window = padded[:, i * stride[0] : i * stride[0] + kernel[0], j * stride[1] : j * stride[1] + kernel[1]]
        made[:, i, j] = window.sum(axis=(1, 2)) / (kernel[0] * kernel[1] if is_mean else 1)
    return made
