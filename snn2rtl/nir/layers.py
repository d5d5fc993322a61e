"""Nodes of NIR without a membrane: weights, pools, delays, and what only changes a shape."""

from __future__ import annotations

import math
from typing import NoReturn

import numpy as np

from snn2rtl.delays import MAX_DELAY
from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.nodes import AveragePool, Convolution, Flatten, FloatArray, Linear, Scale, Unflatten
from snn2rtl.float_net.nodes import Node as FloatNode
from snn2rtl.nir.neurons import each, number, plain
from snn2rtl.nir.primitives import Node
from snn2rtl.options import ReadOptions
from snn2rtl.windows import MAX_UNROLLED, Shape, Windows

MOST_VALUES = 1 << 24  # of a node in a step
Made = tuple[list[FloatNode], Shape]


def nodes_of(name: str, node: Node, shape: Shape, options: ReadOptions) -> Made:  # noqa: PLR0911, a line a kind
    """Return what a node becomes, in a row, and the shape of what it makes of an input of a shape.

    Raises:
        UnsupportedModelError: it has no exact hardware here, or does not fit the input.
    """
    match node.kind:
        case "Output" | "Identity":
            return _passed(name, node, shape)
        case "Linear" | "Affine":
            made = linear(name, node, shape)
            return [made], (len(made.weight),)
        case "Scale":
            gain = each(name, node, "scale", shape)
            same = number(gain)
            return [Scale(name=name, gain=same if isinstance(same, float) else gain)], shape
        case "Conv1d" | "Conv2d":
            return _convolution(name, node, shape)
        case "SumPool2d" | "AvgPool2d":
            return _pool(name, node, shape)
        case "Flatten":
            return _flatten(name, node, shape)
        case "Delay":
            return _delay(name, node, shape, options), shape
        case _:
            raise AssertionError(node.kind)


def shape_of(name: str, node: Node) -> Shape:
    """Return the shape that a node says it takes."""
    values = np.atleast_1d(node["shape"])
    shape = tuple(int(length) for length in values.ravel())
    if values.ndim != 1 or not 1 <= len(shape) <= 3 or min(shape) < 1 or np.any(values != shape):
        rule = "must be one to three lengths, (inputs,), (channels, length) or (channels, height, width)"
        _refuse(name, f"shape {rule}, not {values.tolist()}")
    return shape


def linear(name: str, node: Node, shape: Shape) -> Linear:
    """Return a linear node for an input of a shape."""
    weight = np.asarray(node["weight"], np.float64)
    if weight.ndim != 2 or shape != (weight.shape[1],):
        rows = "" if len(shape) == 1 else " behind a Flatten"
        batch = (
            "; an axis of 1 may be a batch: export with a sample that has none" if shape[0] == 1 < len(shape) else ""
        )
        rule = f"weight must have shape (out, {math.prod(shape)}) for an input of shape {shape}{rows}"
        _refuse(name, f"{rule}, not {weight.shape}{batch}")
    bias = np.asarray(node["bias"], np.float64) if node.kind == "Affine" else np.zeros(len(weight))
    if bias.shape != (len(weight),):
        _refuse(name, f"bias must have shape ({len(weight)},) as weight has rows, not {bias.shape}")
    return Linear(name=name, weight=weight, bias=bias)


def _passed(name: str, node: Node, shape: Shape) -> Made:
    """Return nothing, after a look at the shape, in which some exporters write an axis of 1 more."""
    given = tuple(np.atleast_1d(node["shape"]).ravel().tolist()) if "shape" in node.values else shape
    if [length for length in given if length != 1] != [length for length in shape if length != 1]:
        _refuse(name, f"shape must be {shape}, as that of what it reads, not {given}")
    return [], shape


def _convolution(name: str, node: Node, shape: Shape) -> Made:
    axes = 1 if node.kind == "Conv1d" else 2
    weight = np.asarray(node["weight"], np.float64)
    groups = whole(name, node, "groups", 1, 1)[0]
    wanted = "(channels, length)" if axes == 1 else "(channels, height, width)"
    if len(shape) != axes + 1:
        _refuse(name, f"{node.kind} must have an input of shape {wanted}, not {shape}")
    if weight.ndim != axes + 2 or weight.shape[1] * groups != shape[0] or len(weight) % groups:
        rule = f"weight must have shape (out, {shape[0]} / groups, kernel) for an input of shape {shape}, not"
        _refuse(name, f"{rule} {weight.shape} with {groups} group(s)")
    if "input_shape" in node.values and (said := whole(name, node, "input_shape", axes, 1)) != shape[1:]:
        _refuse(name, f"input_shape must be {shape[1:]}, as that of what it reads, not {said}")
    bias = np.asarray(node["bias"], np.float64)
    if bias.shape != (len(weight),):
        _refuse(name, f"bias must have shape ({len(weight)},) as weight has channels, not {bias.shape}")
    stride, dilation = (whole(name, node, key, axes, 1) for key in ("stride", "dilation"))
    weight, padding = _padded(name, node, weight, stride, dilation)
    made = Convolution(name=name, weight=weight, bias=bias, stride=stride, padding=padding, dilation=dilation,
                       groups=groups)  # fmt: skip
    return [made], (len(weight), *_places(name, shape, weight.shape[2:], stride, padding, dilation))


def _padded(name: str, node: Node, weight: FloatArray, stride: Shape, dilation: Shape) -> tuple[FloatArray, Shape]:
    """Return a kernel, and zeros that are as many on both sides of the input.

    'same' makes as many outputs as there are inputs. An even kernel has one zero more behind the input than before it:
    with a weight of 0 before its own ones it needs as many.
    """
    kernel = weight.shape[2:]
    padding = node.values["padding"]
    if not isinstance(padding, str):
        return weight, whole(name, node, "padding", len(kernel), 0)
    if padding == "valid":
        return weight, (0,) * len(kernel)
    totals = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    uneven = [total % 2 for total in totals]
    if set(stride) != {1} or any(odd and d != 1 for odd, d in zip(uneven, dilation, strict=True)):
        rule = "must be numbers where stride is not 1, or an even kernel has a dilation"
        _refuse(name, f"padding {rule}, not 'same' with stride {stride}, kernel {kernel} and dilation {dilation}")
    wider = np.pad(weight, [(0, 0), (0, 0), *((odd, 0) for odd in uneven)])
    return wider, tuple((total + odd) // 2 for total, odd in zip(totals, uneven, strict=True))


def _pool(name: str, node: Node, shape: Shape) -> Made:
    """Return a pool; an average counts the zeros around its input, as torch's does where nothing else is said."""
    if len(shape) != 3:
        _refuse(name, f"{node.kind} must have an input of shape (channels, height, width), not {shape}")
    kernel, stride = (whole(name, node, key, 2, 1) for key in ("kernel_size", "stride"))
    padding = whole(name, node, "padding", 2, 0)
    divisor = 1 if node.kind == "SumPool2d" else 0
    made = AveragePool(name=name, kernel=kernel, stride=stride, padding=padding, divisor=divisor)
    return [made], (shape[0], *_places(name, shape, kernel, stride, padding, (1, 1)))


def _places(name: str, shape: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape) -> Shape:
    windows = Windows(space=shape[1:], kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    if windows.problems():
        _refuse(name, f"kernel must fit an input of shape {shape}, not be {kernel}")
    return windows.outputs


def _flatten(name: str, node: Node, shape: Shape) -> Made:
    """Return what joins the axes from start_dim to end_dim, counted without batch; negative ones from the end."""
    first, last = (
        whole(name, node, key, 1, -len(shape))[0] if key in node.values else default
        for key, default in (("start_dim", 1), ("end_dim", -1))
    )
    first, last = (axis + len(shape) if axis < 0 else axis for axis in (first, last))
    if len(shape) == 1 or first == last:
        return [], shape
    if not 0 <= first < last < len(shape):
        _refuse(name, f"start_dim and end_dim must be axes of an input of shape {shape}, not {first} and {last}")
    made = (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :])
    return [Flatten(name=name)] if len(made) == 1 else [Unflatten(name=name, shape=made)], made


def _delay(name: str, node: Node, shape: Shape, options: ReadOptions) -> list[FloatNode]:
    """Return a delay of each input, as weights of one that lead on what arrives."""
    seconds = each(name, node, "delay", shape)
    exact = seconds / (options.dt or 1.0)
    steps = np.round(exact)
    if np.any(np.abs(plain(exact) - steps) > 1e-6 * np.maximum(steps, 1)):
        worst = exact.flat[int(np.abs(exact - steps).argmax())]
        _refuse(name, f"delay must be whole time steps of --dt {options.dt:g} s, not {worst:g} of them")
    if steps.min() < 0 or steps.max() > MAX_DELAY:
        _refuse(name, f"delay must be 0..{MAX_DELAY} time steps, not {steps.min():g}..{steps.max():g}")
    if not steps.any():
        return []
    check_square(name, shape)
    size = math.prod(shape)
    late = Linear(name=name, weight=np.eye(size), bias=np.zeros(size), delay=np.ravel(steps).astype(np.int64))
    if len(shape) == 1:
        return [late]
    return [Flatten(name=f"{name}.flat"), late, Unflatten(name=f"{name}.shape", shape=shape)]


def check_size(name: str, shape: Shape) -> None:
    """Raise UnsupportedModelError where a node makes more than any network of hardware has: a number is wrong."""
    if math.prod(shape) > MOST_VALUES:
        _refuse(name, f"must make at most {MOST_VALUES:,} values, not those of shape {shape}")


def check_square(name: str, shape: Shape) -> None:
    """Raise UnsupportedModelError where a matrix from so many values to as many would be too large."""
    if math.prod(shape) ** 2 > MAX_UNROLLED:
        _refuse(name, f"must have at most {math.isqrt(MAX_UNROLLED):,} values, each of which is led on, not {shape}")


def whole(name: str, node: Node, key: str, count: int, least: int) -> tuple[int, ...]:
    """Return a parameter as so many whole numbers; one stands for all.

    Raises:
        UnsupportedModelError: it is anything else, or one is less than the least.
    """
    values = np.atleast_1d(np.asarray(node.values[key])) if not isinstance(node.values[key], str) else np.empty(0)
    if values.size == 1:
        values = np.repeat(values.ravel(), count)
    if values.shape != (count,) or np.any(values != np.round(values)) or np.any(values < least):
        what = "a whole number" if count == 1 else f"{count} whole numbers"
        _refuse(name, f"{key} must be {what} of at least {least}, not {values.tolist()}")
    return tuple(int(value) for value in values)


def _refuse(name: str, rule: str) -> NoReturn:
    raise UnsupportedModelError([f"node '{name}': {rule}"])
