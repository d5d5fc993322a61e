"""Nodes with weights: linear layers, convolutions and batch norms become maps of currents."""

from __future__ import annotations

import math

import numpy as np

from snn2rtl.float_net.nodes import BatchNorm, Convolution, FloatArray, Linear, Node
from snn2rtl.passes.lower.currents import Current, added, concatenated, fed_back, normalised, through
from snn2rtl.passes.lower.made import refuse
from snn2rtl.passes.lower.maps import Kernel, Matrix, split
from snn2rtl.windows import Shape, Windows

Parts = tuple[Current, ...]  # what a node makes: currents one after the other along the channels


def whole(node: Node, parts: Parts) -> Current:
    """Return parts as one current."""
    return parts[0] if len(parts) == 1 else concatenated(parts, node.name)


def weighted(node: Linear | Convolution, parts: Parts, source: str) -> Current:
    """Return what a layer with weights makes of parts; source names what it reads, for errors."""
    shape = (sum(one.shape[0] for one in parts), *parts[0].shape[1:])
    outer, made, bias = _linear(node, shape, source) if isinstance(node, Linear) else _convolution(node, shape)
    pieces = split(outer, tuple(one.shape for one in parts)) if len(parts) > 1 else [outer]
    if pieces is None:
        parts, pieces = (whole(node, parts),), [outer]
    currents = tuple(
        through(one, piece, np.zeros_like(bias) if index else bias, node.name, made)
        for index, (one, piece) in enumerate(zip(parts, pieces, strict=True))
    )
    current = currents[0] if len(currents) == 1 else added(currents)
    return fed_back(current, node.recurrent) if isinstance(node, Linear) else current


def _linear(node: Linear, shape: Shape, source: str) -> tuple[Matrix, Shape, FloatArray]:
    if len(shape) > 1:
        refuse(node, f"Linear must come after a Flatten, not on shape {shape}")
    out, inputs = node.weight.shape
    if inputs != shape[0]:
        refuse(node, f"must take {shape[0]} inputs from '{source}', not {inputs}")
    return Matrix(node.weight, node.step, delay=node.delay), (out,), node.bias


def _convolution(node: Convolution, shape: Shape) -> tuple[Kernel, Shape, FloatArray]:
    axes = node.weight.ndim - 2
    if len(shape) != axes + 1:
        refuse(node, f"Convolution of {axes} axes must have an input of {axes + 1} axes, channels first, not {shape}")
    if node.weight.shape[1] * node.groups != shape[0]:
        refuse(node, f"must take {shape[0]} channels, not {node.weight.shape[1] * node.groups}")
    windows = Windows(
        space=shape[1:],
        kernel=node.weight.shape[2:],
        stride=node.stride,
        padding=node.padding,
        dilation=node.dilation,
    )
    if windows.problems():
        refuse(node, f"kernel must fit the input of shape {shape}, which it does not")
    made = (len(node.weight), *windows.outputs)
    return Kernel(node.weight, windows, node.groups, node.step), made, np.repeat(node.bias, math.prod(windows.outputs))


def batch_normalised(node: BatchNorm, current: Current) -> Current:
    """Return what a batch norm with its running statistics makes of a current."""
    if len(node.mean) != current.shape[0]:
        what = "channels" if len(current.shape) > 1 else "neurons"
        refuse(node, f"must have {current.shape[0]} {what}, not {len(node.mean)}")
    gain = node.gamma / np.sqrt(node.variance + node.epsilon)
    return normalised(current, gain, node.beta - node.mean * gain, node.name)
