"""Pools: of spikes they are nodes of their own, of currents a part of the weights."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from snn2rtl.float_net.nodes import AdaptiveAveragePool, AveragePool, FloatArray, MaxPool, Vote
from snn2rtl.passes.lower.currents import Current, Term, greatest, of_source, reshaped, through
from snn2rtl.passes.lower.made import Made, refuse
from snn2rtl.passes.lower.maps import Gain, Kernel, Matrix, as_matrix, check_size, gain_of_channels
from snn2rtl.pools import MaxPool as SpikePool
from snn2rtl.pools import SumPool
from snn2rtl.windows import Shape, Windows, taps_of


def averaged(node: AveragePool | AdaptiveAveragePool, current: Current, made: Made) -> Current:
    """Return what an average pool makes of a current: of spikes and counts their sums, whose divisor is a gain."""
    if isinstance(node, AdaptiveAveragePool) and _overlaps(node, current.shape[1:]):
        return _adapted(node, current)
    windows = _windows(node, current.shape)
    channels, share = current.shape[0], 1 / _divisors(node, windows)
    shape = (channels, *windows.outputs)
    term = current.spikes
    gain = gain_of_channels(term.map.gain, current.shape) if term and isinstance(term.map, Gain) else None
    if term and gain is not None and not made.are_pixels(term.source):
        pool = SumPool(name=made.free_name(node.name), source=term.source, channels=channels, windows=windows)
        made.nodes.append(pool)
        each = gain.reshape(-1, *(1,) * len(windows.outputs)) * share
        divided = np.asarray(each.flat[0]) if np.all(each == each.flat[0]) else np.broadcast_to(each, shape)
        return Current(shape, (Term(pool.name, shape, Gain(divided)),), np.zeros(math.prod(shape)))
    kernel: Matrix | Kernel = Kernel(np.ones((channels, 1, *windows.kernel)), windows, channels)
    if np.all(share == share.flat[0]):
        kernel = replace(kernel, weight=kernel.weight * share.flat[0])
    else:
        rows = np.broadcast_to(share, shape).reshape(-1, 1)
        kernel = Matrix(as_matrix(kernel, node.name, current.shape).weight * rows)
    return _weighted(node, current, kernel, shape)


def _overlaps(node: AdaptiveAveragePool, space: Shape) -> bool:
    """Return whether windows are of several sizes, or share places; an input of other axes is refused elsewhere."""
    return len(space) == len(node.outputs) and any(n % out for n, out in zip(space, node.outputs, strict=True))


def _adapted(node: AdaptiveAveragePool, current: Current) -> Current:
    """Return the mean of each window as weights.

    Window i of o over n places reaches from ``floor(i * n / o)`` to the place before ``ceil((i + 1) * n / o)``.

    Source: torch.nn.AdaptiveAvgPool2d.
    """
    channels, *space = current.shape
    shape = (channels, *node.outputs)
    check_size(node.name, math.prod(shape) * math.prod(current.shape))
    weight = np.eye(channels)
    for length, outputs in zip(space, node.outputs, strict=True):
        places, first = np.arange(length), np.arange(outputs)[:, None] * length
        inside = (places >= first // outputs) & (places < -(-(first + length) // outputs))
        weight = np.kron(weight, inside / inside.sum(axis=1, keepdims=True))
    return _weighted(node, current, Matrix(weight), shape)


def _weighted(
    node: AveragePool | AdaptiveAveragePool | MaxPool, current: Current, outer: Matrix | Kernel, shape: Shape
) -> Current:
    """Return a pool that is a part of the weights, under the name of those before it where there are any."""
    pooled = through(current, outer, np.zeros(math.prod(shape)), node.name, shape)
    return replace(pooled, label=current.label or node.name)


def max_pooled(node: MaxPool, current: Current, name: str, made: Made) -> Current:
    """Return the greatest of each window: of spikes a node under a name, of currents what neurons behind it take."""
    windows = _windows(node, current.shape)
    source = current.source
    if source is None or made.are_pixels(source) or not made.are_spikes(source):
        return _pooled_current(node, current, windows)
    pool = SpikePool(name=made.free_name(name), source=source, channels=current.shape[0], windows=windows)
    made.nodes.append(pool)
    return of_source(pool.name, (current.shape[0], *windows.outputs))


def _pooled_current(node: MaxPool, current: Current, windows: Windows) -> Current:
    if not (taps_of(windows, 1) >= 0).any(axis=1).all():
        refuse(node, "MaxPool must not have a window outside its input")
    if windows.size == 1:  # a choice of places
        channels = current.shape[0]
        outer = Kernel(np.ones((channels, 1, *windows.kernel)), windows, channels)
        return _weighted(node, current, outer, (channels, *windows.outputs))
    return greatest(current, windows, node.name)


def voted(node: Vote, current: Current, made: Made) -> Current:
    """Return the mean of each group of neighbours in a row."""
    if len(current.shape) > 1:
        refuse(node, f"Vote must come after a Flatten, not on shape {current.shape}")
    (size,) = current.shape
    if size % node.size:
        refuse(node, f"{size} outputs must be a multiple of {node.size}")
    pool = AveragePool(name=node.name, kernel=(node.size,), stride=(node.size,))
    return reshaped(averaged(pool, reshaped(current, (1, size)), made), (size // node.size,))


def _windows(node: AveragePool | AdaptiveAveragePool | MaxPool, shape: Shape) -> Windows:
    found = _windows_of(node, shape[1:])
    if isinstance(found, str):
        refuse(node, found)
    return found


def _windows_of(pool: AveragePool | AdaptiveAveragePool | MaxPool, space: Shape) -> Windows | str:
    """Return the windows of a pool over the axes of its input, or what is wrong with them."""
    axes = len(space)
    wanted = len(pool.outputs if isinstance(pool, AdaptiveAveragePool) else pool.kernel)
    if wanted != axes:
        kind = type(pool).__name__
        return f"{kind} of {wanted} axes must have an input of {wanted + 1} axes, channels first, not {axes + 1}"
    if isinstance(pool, AdaptiveAveragePool):
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


def _divisors(pool: AveragePool | AdaptiveAveragePool, windows: Windows) -> FloatArray:
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
