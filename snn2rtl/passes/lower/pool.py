"""Where the windows of pools lie, and what an average pool divides by."""

from __future__ import annotations

import math

import numpy as np

from snn2rtl.float_net.nodes import AdaptiveAveragePool, AveragePool, FloatArray, MaxPool
from snn2rtl.windows import Shape, Windows


def windows_of(pool: AveragePool | AdaptiveAveragePool | MaxPool, space: Shape) -> Windows | str:
    """Return the windows of a pool over the axes of its input, or what is wrong with them."""
    axes = len(space)
    wanted = len(pool.outputs if isinstance(pool, AdaptiveAveragePool) else pool.kernel)
    if wanted != axes:
        return f"{type(pool).__name__} of {wanted} axes must have an input of {wanted + 1} axes, channels first"
    if isinstance(pool, AdaptiveAveragePool):
        if any(n % out for n, out in zip(space, pool.outputs, strict=True)):
            return f"outputs {pool.outputs} must divide the input of {space}, for windows must not overlap"
        kernel = tuple(n // out for n, out in zip(space, pool.outputs, strict=True))
        return Windows(space=space, kernel=kernel, stride=kernel, padding=(0,) * axes, dilation=(1,) * axes)
    padding = pool.padding or (0,) * axes
    dilation = (pool.dilation or (1,) * axes) if isinstance(pool, MaxPool) else (1,) * axes
    outputs = tuple(
        _outputs(space[a], pool.kernel[a], pool.stride[a], padding[a], dilation[a], pool.ceil_mode) for a in range(axes)
    )
    if min(outputs) < 1:
        return f"kernel must fit the input of shape {space}, which it does not"
    return Windows(
        space=space, kernel=pool.kernel, stride=pool.stride, padding=padding, dilation=dilation, outputs=outputs
    )


def _outputs(length: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """Return how many windows torch has along an axis."""
    room = length + 2 * padding - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return room // stride + 1
    found = -(-room // stride) + 1
    return found - 1 if (found - 1) * stride >= length + padding else found  # the last one must begin inside


def divisors(pool: AveragePool | AdaptiveAveragePool, windows: Windows) -> FloatArray:
    """Return what the sum of each window is divided by, shape of the windows."""
    if isinstance(pool, AveragePool) and pool.divisor:
        return np.full(windows.outputs, float(pool.divisor))
    of_axes = []
    counts_padding = isinstance(pool, AdaptiveAveragePool) or pool.count_include_pad
    for axis, length in enumerate(windows.space):
        padding = windows.padding[axis]
        first = np.arange(windows.outputs[axis]) * windows.stride[axis] - padding
        last = np.minimum(first + windows.kernel[axis], length + padding)
        if not counts_padding:
            first, last = np.maximum(first, 0), np.minimum(last, length)
        of_axes.append((last - first).astype(np.float64))
    return of_axes[0] if len(of_axes) == 1 else np.multiply.outer(*of_axes)


def summing(channels: int, windows: Windows) -> FloatArray:
    """Return the kernel that sums the windows of each channel, shape (channels, 1, *kernel)."""
    return np.ones((channels, 1, *windows.kernel)) if math.prod(windows.kernel) else np.ones(0)
