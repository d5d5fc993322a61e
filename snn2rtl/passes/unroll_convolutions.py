"""Exact pass: write convolutions and average pools as the sparse linear layers that they are.

Hardware that walks a spike's non-zero weights has no use for their regularity: a spike costs the weights that it
reaches, and each place of a kernel is stored for each input that it meets.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.fixed_point import IntArray
from snn2rtl.float_net.network import FloatArray, SpikingNetwork
from snn2rtl.float_net.nodes import (
    AveragePool,
    BatchNorm,
    Convolution,
    Dropout,
    Flatten,
    Linear,
    Neuron,
    Node,
    Unflatten,
)

MAX_WEIGHTS = 1 << 27  # a gigabyte of floats
Shape = tuple[int, ...]  # (channels, length) or (channels, height, width); () where neurons lie in a row


def unroll_convolutions(network: SpikingNetwork) -> SpikingNetwork:
    """Return the network with Linear layers in place of convolutions and pools; neurons count channel by channel.

    An average pool becomes a part of the weights after it.

    Raises:
        UnsupportedModelError: the shape of a convolution's input is not known, or its kernel does not fit; every
            problem is named.
    """
    if not any(isinstance(node, Unflatten | Convolution | AveragePool) for node in network.nodes):
        return network
    unroller = _Unroller([], [])
    for node in network.nodes:
        unroller.take(node)
    if unroller.pool is not None:
        unroller.problems.append(f"layer '{unroller.pool.name}': AveragePool must come before a layer with weights")
    if unroller.problems:
        raise UnsupportedModelError(unroller.problems)
    return replace(network, nodes=tuple(unroller.nodes))


@dataclass
class _Unroller:
    """nodes: what is unrolled. shape: of what the next node takes. pool: one whose weights wait for a layer."""

    nodes: list[Node]
    problems: list[str]
    shape: Shape = ()
    pool: Linear | None = None

    def take(self, node: Node) -> None:
        where = f"layer '{node.name}'"
        match node:
            case Unflatten():
                self.shape = node.shape
            case Flatten():
                self.shape = ()
            case Convolution() | AveragePool():
                self._unroll(node, where)
            case Linear():
                if self.shape:
                    self.problems.append(f"{where}: Linear must come after a Flatten, not on shape {self.shape}")
                self._append(node)
            case BatchNorm():
                self._normalise(node, where)
            case Neuron() | Dropout() if self.pool is None:
                self.nodes.append(node)
            case Neuron():
                self.problems.append(f"{where}: neurons must come after a layer with weights, not after an AveragePool")
            case _:
                self.nodes.append(node)

    def _append(self, linear: Linear) -> None:
        if self.pool is not None and linear.weight.shape[1] == len(self.pool.weight):
            share = self.pool.weight[self.pool.weight > 0].min()  # of a window; weights are multiples of step * share
            step = None if linear.step is None else linear.step * share
            linear = replace(linear, weight=linear.weight @ self.pool.weight, step=step)
        self.pool = None
        self.nodes.append(linear)

    def _normalise(self, node: BatchNorm, where: str) -> None:
        places = math.prod(self.shape[1:])
        if self.shape and len(node.mean) != self.shape[0]:
            self.problems.append(f"{where}: must have {self.shape[0]} channels, not {len(node.mean)}")
        if self.shape:
            mean, variance, gamma, beta = (
                np.repeat(values, places) for values in (node.mean, node.variance, node.gamma, node.beta)
            )
            node = replace(node, mean=mean, variance=variance, gamma=gamma, beta=beta)
        self.nodes.append(node)

    def _unroll(self, node: Convolution | AveragePool, where: str) -> None:
        problem = _misfit(node, self.shape)
        if problem:
            self.problems.append(f"{where}: {problem}")
            self.shape = ()
            return
        conv = node if isinstance(node, Convolution) else _mean(node, self.shape[0])
        shape = (len(conv.weight), *_places(conv, self.shape))
        size = math.prod(shape) * math.prod(self.shape)
        if size > MAX_WEIGHTS:
            self.problems.append(f"{where}: must have at most {MAX_WEIGHTS} weights when unrolled, not {size}")
        elif not self.problems:
            linear = Linear(
                name=node.name,
                weight=unrolled(conv, self.shape),
                bias=np.repeat(conv.bias, math.prod(shape[1:])),
            )
            if isinstance(node, AveragePool):
                self.pool = linear if self.pool is None else replace(linear, weight=linear.weight @ self.pool.weight)
            else:
                self._append(linear)
        self.shape = shape


def _misfit(node: Convolution | AveragePool, shape: Shape) -> str | None:
    kind, axes = type(node).__name__, _axes(node)
    if not shape:
        return (
            f"{kind} must have an input of known shape; give --input-shape, such as {'1,' * axes}28, or put an "
            "nn.Unflatten before it"
        )
    if len(shape) != axes + 1:
        return f"{kind} of {axes} axes must have an input of {axes + 1} axes, channels first, not {shape}"
    if isinstance(node, Convolution) and node.weight.shape[1] * node.groups != shape[0]:
        return f"must take {shape[0]} channels, not {node.weight.shape[1] * node.groups}"
    fits = min(_places(node, shape)) >= 1
    return None if fits else f"kernel must fit the input of shape {shape}, which it does not"


def _axes(node: Convolution | AveragePool) -> int:
    return len(node.kernel) if isinstance(node, AveragePool) else node.weight.ndim - 2


def _mean(pool: AveragePool, channels: int) -> Convolution:
    """Return the pool as a convolution of each channel by itself."""
    weight = np.full((channels, 1, *pool.kernel), 1 / math.prod(pool.kernel))
    none = (0,) * len(pool.kernel)
    return Convolution(
        name=pool.name,
        weight=weight,
        bias=np.zeros(channels),
        stride=pool.stride,
        padding=none,
        dilation=(1,) * len(none),
        groups=channels,
    )


def _places(node: Convolution | AveragePool, shape: Shape) -> Shape:
    """Return how often the kernel fits along each axis."""
    if isinstance(node, AveragePool):
        room = [length - kernel for length, kernel in zip(shape[1:], node.kernel, strict=True)]
    else:
        room = [
            length + 2 * padding - dilation * (kernel - 1) - 1
            for length, padding, dilation, kernel in zip(
                shape[1:], node.padding, node.dilation, node.weight.shape[2:], strict=True
            )
        ]
    return tuple(left // stride + 1 for left, stride in zip(room, node.stride, strict=True))


def unrolled(conv: Convolution, shape: Shape) -> FloatArray:
    """Return the weights of a convolution as a matrix, shape (channels * places, inputs), for inputs of a shape."""
    out, places = len(conv.weight), _places(conv, shape)
    channels, *space = shape
    matrix = np.zeros((out, math.prod(places), channels, math.prod(space)))
    dense = np.moveaxis(_ungrouped(conv), (0, 1), (-2, -1))
    for tap, (to, source) in _taps(conv, places, space):
        matrix[:, to, :, source] = dense[tap]
    return matrix.reshape(out * math.prod(places), channels * math.prod(space))


def _taps(conv: Convolution, places: Shape, space: Sequence[int]) -> Iterator[tuple[Shape, tuple[IntArray, ...]]]:
    """Yield each place of the kernel, with the outputs and the inputs that it joins, counted in a row."""
    for tap in product(*(range(k) for k in conv.weight.shape[2:])):
        joined = []
        for axis, k in enumerate(tap):
            to = np.arange(places[axis])
            source = to * conv.stride[axis] + k * conv.dilation[axis] - conv.padding[axis]
            inside = (source >= 0) & (source < space[axis])
            joined.append((to[inside], source[inside]))
        outputs, inputs = (np.meshgrid(*ends, indexing="ij") for ends in zip(*joined, strict=True))
        yield tap, (np.ravel_multi_index(outputs, places).ravel(), np.ravel_multi_index(inputs, space).ravel())


def _ungrouped(conv: Convolution) -> FloatArray:
    """Return the kernel with a weight for every channel, 0 outside of a group's own."""
    out, per_group, *kernel = conv.weight.shape
    dense = np.zeros((conv.groups, out // conv.groups, conv.groups, per_group, *kernel))
    group = np.arange(conv.groups)
    dense[group, :, group] = conv.weight.reshape(conv.groups, out // conv.groups, per_group, *kernel)
    return dense.reshape(out, conv.groups * per_group, *kernel)
