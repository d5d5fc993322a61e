"""Linear maps from what a source makes to the inputs of neurons: scaled, composed and added exactly.

A map is a Gain (each value by itself), a Matrix or a Kernel. Values count channel by channel, the last axis fastest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.fixed_point import IntArray
from snn2rtl.float_net.nodes import FloatArray
from snn2rtl.windows import MAX_UNROLLED, Shape, Windows, convolve, rows_of, ungrouped, unrolled


@dataclass(frozen=True, eq=False)
class Gain:
    """``y = gain * x``; gain is a number, or has the shape of x."""

    gain: FloatArray

    @property
    def is_one(self) -> bool:
        """Whether y is x."""
        return bool(np.all(self.gain == 1))


@dataclass(frozen=True, eq=False)
class Matrix:
    """``y = weight @ x``; step is what an integer weight of each row is worth, where training chose it.

    recurrent, of shape (neurons, neurons), reads y's own neurons, one step late; delay is that of each input.
    """

    weight: FloatArray
    step: FloatArray | None = None
    recurrent: FloatArray | None = None
    delay: IntArray | None = None


@dataclass(frozen=True, eq=False)
class Kernel:
    """The convolution of x with weight, of shape (out, in / groups, *kernel); step is one of each output channel."""

    weight: FloatArray
    windows: Windows
    groups: int
    step: FloatArray | None = None

    @property
    def shape(self) -> Shape:
        """Shape of what it makes."""
        return (len(self.weight), *self.windows.outputs)


Map = Gain | Matrix | Kernel


def applied(one: Map, values: FloatArray) -> FloatArray:
    """Return y for x of shape (inputs,), as shape (outputs,)."""
    match one:
        case Gain(gain):
            return (np.ravel(gain) if np.ndim(gain) else gain) * values
        case Matrix(weight):
            return weight @ values
        case Kernel(weight, windows, groups):
            channels = weight.shape[1] * groups
            rows = rows_of(weight, groups, np.float64)
            return convolve(rows, windows, values.reshape(1, channels, *windows.space)).reshape(-1)


def scaled(one: Map, gain: FloatArray, shape: Shape) -> Map:
    """Return ``gain * y`` for a gain of each channel, shape (channels,), of outputs of a shape."""
    match one:
        case Gain(before):
            return Gain(_like(before, shape) * _each(gain, shape))
        case Matrix(weight, step, recurrent):
            rows = np.repeat(gain, math.prod(shape[1:]))
            column = rows[:, None]
            return replace(
                one,
                weight=column * weight,
                step=_scaled_step(step, rows),
                recurrent=None if recurrent is None else column * recurrent,
            )
        case Kernel(weight, step=step):
            column = gain.reshape(-1, *(1,) * (weight.ndim - 1))
            return replace(one, weight=column * weight, step=_scaled_step(step, gain))


def enlarged(one: Map, gain: float) -> Map:
    """Return ``gain * y``."""
    match one:
        case Gain(before):
            return Gain(gain * before)
        case Matrix(weight) | Kernel(weight):
            return scaled(one, np.full(len(weight), gain), (len(weight),))


def scaled_each(one: Map, gain: FloatArray, name: str, inputs: Shape) -> Map:
    """Return ``gain * y`` for a gain of each value, in the shape of y: a matrix where a kernel cannot hold it.

    Args:
        one: the map.
        gain: in the shape of what it makes.
        name: of a layer, for errors.
        inputs: shape of what it takes.
    """
    if isinstance(one, Gain):
        return Gain(one.gain * gain)
    of_channels = gain_of_channels(gain, gain.shape)
    if isinstance(one, Kernel) and of_channels is not None and one.shape == gain.shape:
        return scaled(one, of_channels, gain.shape)
    return scaled(as_matrix(one, name, inputs), np.ravel(gain), (gain.size,))


def _scaled_step(step: FloatArray | None, gain: FloatArray) -> FloatArray | None:
    # a gain of 0 leaves weights of 0, of which every step is as good
    return None if step is None else step * np.where(gain == 0, 1.0, np.abs(gain))


def _step_behind(step: FloatArray | None, gain: FloatArray) -> FloatArray | None:
    """Return the step of weights behind a gain of each input, or of each channel.

    With a gain for each input no step of a neuron is left: it stays, for the report to say that it is not taken.
    """
    size = np.abs(gain)
    return step * size[0] if step is not None and size.any() and (size == size[0]).all() else step


def _like(gain: FloatArray, shape: Shape) -> FloatArray:
    return np.broadcast_to(gain, shape) if np.ndim(gain) == 0 else gain


def _each(gain: FloatArray, shape: Shape) -> FloatArray:
    return np.broadcast_to(gain.reshape(-1, *(1,) * (len(shape) - 1)), shape)


def as_matrix(one: Map, name: str, shape: Shape) -> Matrix:
    """Return the map as a matrix, for inputs of a shape.

    Raises:
        UnsupportedModelError: it would be too large.
    """
    match one:
        case Matrix():
            return one
        case Gain(gain):
            size = math.prod(shape)
            check_size(name, size * size)
            return Matrix(np.diag(np.ravel(_like(gain, shape))))
        case Kernel(weight, windows, groups, step):
            check_size(name, math.prod(shape) * len(weight) * math.prod(windows.outputs))
            steps = None if step is None else np.repeat(step, math.prod(windows.outputs))
            return Matrix(unrolled(weight, windows, groups), steps)


def fitted(one: Map, name: str, inputs: Shape, outputs: Shape) -> Map:
    """Return the map, as a matrix where its outputs have another shape than a kernel's channels and windows.

    Args:
        one: the map.
        name: of a layer, for errors.
        inputs: shape of what it takes.
        outputs: shape of what it makes.
    """
    if not isinstance(one, Kernel) or outputs in (one.shape, (len(one.weight),)):
        return one
    return as_matrix(one, name, inputs)


def check_size(name: str, size: int) -> None:
    """Raise UnsupportedModelError where a matrix of so many weights would be too large."""
    if size > MAX_UNROLLED:
        rule = f"must have at most {MAX_UNROLLED} weights when unrolled, not {size}"
        raise UnsupportedModelError([f"layer '{name}': {rule}"])


def gain_of_channels(gain: FloatArray, shape: Shape) -> FloatArray | None:
    """Return the gain of each channel, or None where positions of a channel differ."""
    rows = _like(gain, shape).reshape(shape[0], -1)
    return rows[:, 0] if bool(np.all(rows == rows[:, :1])) else None


def one_to_one(gain: FloatArray, shape: Shape) -> Kernel | Matrix:
    """Return a gain as a convolution of each channel by itself, or of each value where positions differ."""
    of_channels = gain_of_channels(gain, shape) if len(shape) > 1 else None
    if len(shape) > 1 and of_channels is None:
        return Matrix(np.diag(np.ravel(_like(gain, shape))))
    values = of_channels if of_channels is not None else np.ravel(_like(gain, shape))
    space = shape[1:] or (1,)
    ones = (1,) * len(space)
    windows = Windows(space=space, kernel=ones, stride=ones, padding=(0,) * len(space), dilation=ones)
    return Kernel(values.reshape(len(values), 1, *ones).copy(), windows, len(values))


def embedded(one: Map, name: str, inputs: Shape, outputs: Shape, first: int, channels: int) -> Matrix | Kernel:
    """Return the map, not recurrent, as the channels from ``first`` on of so many, all others zero.

    Args:
        one: the map.
        name: of a layer, for errors.
        inputs: shape of what it takes.
        outputs: shape of what it makes.
        first: channel that its first one becomes.
        channels: how many there are then.
    """
    made = one_to_one(one.gain, outputs) if isinstance(one, Gain) else fitted(one, name, inputs, outputs)
    if isinstance(made, Kernel):
        weight = ungrouped(made.weight, made.groups)
        dense = np.zeros((channels, *weight.shape[1:]))
        dense[first : first + len(weight)] = weight
        return Kernel(dense, made.windows, 1)
    assert isinstance(made, Matrix)
    positions = math.prod(outputs[1:])
    check_size(name, channels * positions * made.weight.shape[1])
    wide = np.zeros((channels * positions, made.weight.shape[1]))
    wide[first * positions : first * positions + len(made.weight)] = made.weight
    return Matrix(wide, delay=made.delay)


def split(outer: Matrix | Kernel, shapes: tuple[Shape, ...]) -> list[Matrix | Kernel] | None:
    """Return the map of each of the parts that make its input, one after the other; None where groups join them."""
    parts: list[Matrix | Kernel] = []
    first = 0
    for shape in shapes:
        match outer:
            case Kernel(weight, groups=1):
                parts.append(replace(outer, weight=weight[:, first : first + shape[0]]))
                first += shape[0]
            case Kernel():
                return None
            case Matrix(weight, delay=delay):
                size = math.prod(shape)
                late = None if delay is None else delay[first : first + size]
                parts.append(replace(outer, weight=weight[:, first : first + size], delay=late))
                first += size
    return parts
