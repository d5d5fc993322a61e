"""Where a window (a kernel, a pool) lies on an input: integers only, for the float and for the integer network.

Along each axis the window of output ``o`` takes, for its tap ``k``, the input ``stride * o + dilation * k - padding``;
inputs outside are zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property, reduce
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Index = NDArray[np.int64]
Shape = tuple[int, ...]
MAX_UNROLLED = 1 << 27  # weights of a matrix: a gigabyte of floats or integers
_CHUNK = 1 << 19  # values of unrolled rows at a time: few enough for a cache


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Windows over the axes of an input behind its channels.

    space: lengths of the input. outputs: how many windows there are along each axis; None for as many as lie inside
    the padded input. More than those, as ceil_mode makes, reach outside at the far end.
    """

    space: Shape
    kernel: Shape
    stride: Shape
    padding: Shape
    dilation: Shape
    outputs: Shape = ()

    def __post_init__(self) -> None:
        if not self.outputs:
            object.__setattr__(self, "outputs", self._fitting)

    @property
    def _fitting(self) -> Shape:
        axes = zip(self.space, self.kernel, self.stride, self.padding, self.dilation, strict=False)
        return tuple((n + 2 * pad - d * (k - 1) - 1) // max(stride, 1) + 1 for n, k, stride, pad, d in axes)

    def problems(self) -> list[str]:
        """Return a sentence for everything that no window can be."""
        found: list[str] = []
        lengths = {len(values) for values in (self.space, self.kernel, self.stride, self.padding, self.dilation)}
        if lengths != {len(self.space)} or len(self.outputs) != len(self.space) or not self.space:
            return [f"window must have one number for each of {len(self.space)} axes"]
        for what, least in (("space", 1), ("kernel", 1), ("stride", 1), ("dilation", 1), ("padding", 0)):
            values = getattr(self, what)
            if min(values) < least:
                found.append(f"{what} must be at least {least}, not {min(values)}")
        if min(self.outputs) < 1:
            found.append(f"kernel must fit the input of {self.space}, not be {self.kernel}")
        if not found and any(n > most for n, most in zip(self.outputs, self._most, strict=True)):
            found.append(f"windows must begin inside the input, at most {self._most}, not {self.outputs}")
        return found

    @property
    def _most(self) -> Shape:
        """As many windows as lie inside the padded input or, as ceil_mode has them, begin before its end."""
        begin = tuple((n + pad - 1) // stride + 1
                      for n, stride, pad in zip(self.space, self.stride, self.padding, strict=True))  # fmt: skip
        return tuple(map(max, self._fitting, begin))

    @property
    def fit(self) -> bool:
        """Whether there are as many windows as lie inside the padded input, no more and no less."""
        return self.outputs == self._fitting

    @property
    def size(self) -> int:
        """Taps of a window."""
        return math.prod(self.kernel)

    @cached_property
    def margins(self) -> tuple[tuple[int, int], ...]:
        """Zeros that the input needs before and behind it along each axis, so that every window lies inside."""
        margins = []
        for axis, length in enumerate(self.space):
            last = self.stride[axis] * (self.outputs[axis] - 1) + self.dilation[axis] * (self.kernel[axis] - 1)
            margins.append((self.padding[axis], max(0, last - self.padding[axis] - length + 1)))
        return tuple(margins)

    def along(self, axes: slice) -> Windows:
        """Return the windows along some of the axes."""
        return replace(self, **{field.name: getattr(self, field.name)[axes] for field in fields(self)})

    def taps(self) -> Iterator[tuple[Shape, Index, Index]]:
        """Yield each tap with the windows and the inputs that it joins, both counted in a row."""
        for tap in product(*(range(k) for k in self.kernel)):
            joined = []
            for axis, k in enumerate(tap):
                to = np.arange(self.outputs[axis])
                source = to * self.stride[axis] + k * self.dilation[axis] - self.padding[axis]
                inside = (source >= 0) & (source < self.space[axis])
                joined.append((to[inside], source[inside]))
            outputs, inputs = (np.meshgrid(*ends, indexing="ij") for ends in zip(*joined, strict=True))
            yield (
                tap,
                np.ravel_multi_index(outputs, self.outputs).ravel(),
                np.ravel_multi_index(inputs, self.space).ravel(),
            )

    def padded(self, values: NDArray[Any], fill: float = 0) -> NDArray[Any]:
        """Return values of shape (..., *space) with what the windows need around them, zeros unless fill says else."""
        if not any(map(any, self.margins)):
            return values
        return np.pad(values, [(0, 0)] * (values.ndim - len(self.space)) + list(self.margins), constant_values=fill)

    def slices(self) -> Iterator[tuple[Any, ...]]:
        """Yield, for each tap, the places of the padded input that the windows take for it."""
        axes = (range(k) for k in self.kernel)
        for tap in product(*axes):
            begins = [d * k for d, k in zip(self.dilation, tap, strict=True)]
            yield tuple(slice(begin, begin + stride * (n - 1) + 1, stride)
                        for begin, stride, n in zip(begins, self.stride, self.outputs, strict=True))  # fmt: skip

    def targets(self) -> Index:
        """Return the windows of each input, counted in a row, shape (inputs, most windows of one); -1 for none."""
        pairs = [(inputs, outputs) for _, outputs, inputs in self.taps()]
        inputs, outputs = (np.concatenate(ends) for ends in zip(*pairs, strict=True))
        order = np.lexsort((outputs, inputs))
        inputs, outputs = inputs[order], outputs[order]
        first = np.searchsorted(inputs, inputs)
        rank = np.arange(len(inputs)) - first
        table: Index = np.full((math.prod(self.space), int(rank.max(initial=0)) + 1), -1)
        table[inputs, rank] = outputs
        return table


def taps_of(windows: Windows, channels: int) -> Index:
    """Return the inputs that each window takes, shape (channels * windows, taps); -1 for a tap outside the input."""
    table: Index = np.full((math.prod(windows.outputs), windows.size), -1)
    for tap, (_, outputs, inputs) in enumerate(windows.taps()):
        table[outputs, tap] = inputs
    size = math.prod(windows.space)
    of_channels = table + size * np.arange(channels)[:, None, None]
    return np.where(table < 0, -1, of_channels).reshape(-1, windows.size)


def greatest_of(windows: Windows, values: NDArray[Any]) -> NDArray[Any]:
    """Return the greatest value that each window takes inside the input, for values of shape (..., channels * inputs).

    Values count channel by channel. Every window must take one inside.
    """
    *places, size = values.shape
    channels = size // math.prod(windows.space)
    shaped = values.reshape(*places, channels, *windows.space)
    lowest = np.iinfo(values.dtype).min if np.issubdtype(values.dtype, np.integer) else -np.inf
    padded = windows.padded(shaped, lowest)
    found: NDArray[Any] = reduce(np.maximum, (padded[..., *taken] for taken in windows.slices()))
    return found.reshape(*places, channels * math.prod(windows.outputs))


def convolve(rows: NDArray[Any], windows: Windows, values: NDArray[Any]) -> NDArray[Any]:
    """Return the convolution of values of shape (N, channels, *space), as shape (N, out, windows).

    The last axis is unrolled, so that a row of taps is one product for all windows. The axes before it are not: where
    their stride is 1, the values of a row of taps need no copy.

    Args:
        rows: weights as rows_of() returns them, whose type is that of the sums.
        windows: where the kernel lies.
        values: what it is moved over.
    """
    groups, of_group, taps = rows.shape[1:]
    samples, positions = len(values), math.prod(windows.outputs)
    shaped = windows.padded(values.reshape(samples, groups, taps // windows.kernel[-1], *windows.space))
    total = np.empty((samples, groups, of_group, positions), rows.dtype)
    above, last = windows.along(slice(-1)), windows.along(slice(-1, None))
    step = max(1, _CHUNK // (groups * taps * math.prod(shaped.shape[3:-1]) * windows.outputs[-1]))
    for first in range(0, samples, step):
        part, sums = shaped[first : first + step], total[first : first + step]
        # (samples, groups, channels of a group, taps of a row, *padded space above, windows of a row)
        unrolled_rows = np.stack([part[..., *taken] for taken in last.slices()], axis=3, dtype=rows.dtype)
        for row, (weight, taken) in enumerate(zip(rows, above.slices(), strict=True)):
            inputs = unrolled_rows[..., *taken, :].reshape(len(part), groups, taps, positions)
            if row == 0:
                np.matmul(weight, inputs, out=sums)
            else:
                sums += weight @ inputs
    return total.reshape(samples, groups * of_group, positions)


def rows_of(weight: NDArray[Any], groups: int, dtype: DTypeLike) -> NDArray[Any]:
    """Return a kernel, shape (out, in / groups, *kernel), by its rows of taps along the last axis.

    Its shape is (rows, groups, out / groups, in / groups * taps of a row).
    """
    out, per_group, *above, last = weight.shape
    split = weight.reshape(groups, out // groups, per_group, math.prod(above), last)
    return np.moveaxis(split, 3, 0).reshape(-1, groups, out // groups, per_group * last).astype(dtype)


def unrolled(weight: NDArray[Any], windows: Windows, groups: int) -> NDArray[Any]:
    """Return a convolution's weights as a matrix, shape (out * windows, channels * inputs of a channel)."""
    out, per_group, *_ = weight.shape
    matrix = np.zeros((out, math.prod(windows.outputs), groups * per_group, math.prod(windows.space)), weight.dtype)
    dense = np.moveaxis(ungrouped(weight, groups), (0, 1), (-2, -1))
    for tap, to, source in windows.taps():
        matrix[:, to, :, source] = dense[tap]
    return matrix.reshape(matrix.shape[0] * matrix.shape[1], -1)


def ungrouped(weight: NDArray[Any], groups: int) -> NDArray[Any]:
    """Return the kernel with a weight for every channel, 0 outside of a group's own."""
    out, per_group, *kernel = weight.shape
    dense = np.zeros((groups, out // groups, groups, per_group, *kernel), weight.dtype)
    group = np.arange(groups)
    dense[group, :, group] = weight.reshape(groups, out // groups, per_group, *kernel)
    return dense.reshape(out, groups * per_group, *kernel)
