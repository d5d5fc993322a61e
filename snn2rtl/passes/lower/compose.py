"""One linear map behind another as one map."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from snn2rtl.float_net.nodes import FloatArray
from snn2rtl.passes.lower.maps import Gain, Kernel, Map, Matrix, as_matrix, check_size, fitted, gain_of_channels
from snn2rtl.windows import Shape, Windows, ungrouped


def after(outer: Matrix | Kernel, inner: Map, name: str, inputs: Shape, between: Shape) -> Map:
    """Return the map that does inner and then outer.

    Args:
        outer: what comes second, not recurrent; where it has delays, inner must be a Gain.
        inner: what comes first, not recurrent.
        name: of the layer of outer, for errors.
        inputs: shape of what inner takes.
        between: shape of what it makes.

    Raises:
        UnsupportedModelError: the map would be too large.
    """
    inner = fitted(inner, name, inputs, between)
    match outer, inner:
        case Matrix(), Gain():
            if inner.is_one:
                return outer
            gain = np.ravel(inner.gain)
            return replace(outer, weight=outer.weight * gain, step=_step_behind(gain, outer.step))
        case Kernel(), Gain():
            of_channels = gain_of_channels(inner.gain, between)
            if of_channels is None:
                return after(as_matrix(outer, name, between), inner, name, inputs, between)
            return _scaled_inputs(outer, of_channels)
        case Kernel(), Kernel():
            both = joined(outer, inner)
            if both is not None:
                return both
    matrix = as_matrix(outer, name, between)
    rest = as_matrix(inner, name, inputs)
    check_size(name, len(matrix.weight) * rest.weight.shape[1])
    step = matrix.step if rest.step is None or matrix.step is not None else _any_step(rest.step, len(matrix.weight))
    return Matrix(matrix.weight @ rest.weight, step, delay=rest.delay)


def _scaled_inputs(kernel: Kernel, gain: FloatArray) -> Kernel:
    out, per_group, *_ = kernel.weight.shape
    of_group = gain.reshape(kernel.groups, per_group).repeat(out // kernel.groups, axis=0)
    weight = kernel.weight * of_group.reshape(out, per_group, *(1,) * (kernel.weight.ndim - 2))
    return replace(kernel, weight=weight, step=_step_behind(gain, kernel.step))


def _step_behind(gain: FloatArray, step: FloatArray | None) -> FloatArray | None:
    """Return the step of weights times a gain of each input: with several gains none is left.

    It stays, for the report to say that it is not taken.
    """
    size = np.abs(gain)
    return step * size.flat[0] if step is not None and size.flat[0] and np.all(size == size.flat[0]) else step


def _any_step(step: FloatArray, rows: int) -> FloatArray:
    """Return a step for other rows, for the report to say that it is not taken."""
    return np.full(rows, step.min())


def joined(outer: Kernel, inner: Kernel) -> Kernel | None:
    """Return a convolution behind another as one, None where outer's padding must be zero and inner's input is not.

    The zeros that outer has around inner's outputs are outputs of inner only where inner has single points.
    """
    if not _is_pointwise(inner.windows) and any(pair != (0, 0) for pair in outer.windows.margins):
        return None
    is_depthwise = outer.groups == len(inner.weight) == len(outer.weight)
    first = inner.weight if is_depthwise else ungrouped(inner.weight, inner.groups)
    second = outer.weight if is_depthwise else ungrouped(outer.weight, outer.groups)
    windows, between = _windows_of_both(outer.windows, inner.windows)
    weight = np.zeros((len(second), first.shape[1], *windows.kernel))
    for tap in product(*(range(k) for k in outer.windows.kernel)):
        at: tuple[Any, ...] = (slice(None), slice(None))
        for axis, k in enumerate(tap):
            begin = k * between[axis] // windows.dilation[axis]
            apart = max(1, inner.windows.dilation[axis] // windows.dilation[axis])
            at += (slice(begin, begin + apart * (inner.windows.kernel[axis] - 1) + 1, apart),)
        of_tap: tuple[Any, ...] = (slice(None), slice(None), *tap)
        share = second[of_tap]
        if is_depthwise:
            weight[at] += share.reshape(-1, *(1,) * (first.ndim - 1)) * first
        else:
            weight[at] += np.tensordot(share, first, axes=1)
    step = outer.step
    if step is None and inner.step is not None:  # behind a pool it is a step times the pool's share
        step = _step_behind(outer.weight, inner.step) if is_depthwise else _any_step(inner.step, len(weight))
    return Kernel(weight, windows, inner.groups if is_depthwise else 1, step)


def _is_pointwise(windows: Windows) -> bool:
    return windows.size == 1 and set(windows.stride) == {1} and not any(windows.padding)


def _windows_of_both(second: Windows, first: Windows) -> tuple[Windows, Shape]:
    """Return the windows of two convolutions as one, and how far apart the second's taps lie on the first's input."""
    axes = range(len(first.space))
    between = tuple(first.stride[a] * second.dilation[a] for a in axes)
    grid = tuple(  # on which all taps lie
        math.gcd(between[a] if second.kernel[a] > 1 else 0, first.dilation[a] if first.kernel[a] > 1 else 0) or 1
        for a in axes
    )
    last = tuple(between[a] * (second.kernel[a] - 1) + first.dilation[a] * (first.kernel[a] - 1) for a in axes)
    windows = Windows(
        space=first.space,
        kernel=tuple(last[a] // grid[a] + 1 for a in axes),
        stride=tuple(first.stride[a] * second.stride[a] for a in axes),
        padding=tuple(first.padding[a] + first.stride[a] * second.padding[a] for a in axes),
        dilation=grid,
        outputs=second.outputs,
    )
    return windows, between
