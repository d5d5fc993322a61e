"""Synapses that are a convolution: one kernel for all positions."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import DTypeLike, NDArray

from snn2rtl.checks import check, check_integers, narrowed
from snn2rtl.fixed_point import IntArray
from snn2rtl.int_net.synapses.dense import Operator, Values
from snn2rtl.windows import Shape, Windows, convolve, rows_of, unrolled


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution:
    """``i[o] = sum of weight[o, c, k] * x[c, p]`` over channels c of o's group and taps k; windows.py says where p is.

    weight has shape (out, in / groups, *kernel). Inputs and neurons count channel by channel, the last axis fastest;
    input_shape is (channels, length) or (channels, height, width).

    Source: torch.nn.Conv1d, Conv2d.
    """

    weight: IntArray
    input_shape: Shape
    stride: Shape
    padding: Shape
    dilation: Shape
    groups: int = 1

    def __post_init__(self) -> None:
        check_integers("weight", self.weight)
        axes = len(self.input_shape) - 1
        check(axes in (1, 2) and self.weight.ndim == axes + 2 and 0 not in self.weight.shape,
              f"weight must have shape (out, in, *kernel) for an input of shape {self.input_shape}, "
              f"not {self.weight.shape}")  # fmt: skip
        out, per_group, *_ = self.weight.shape
        check(self.groups >= 1 and per_group * self.groups == self.input_shape[0],
              f"must take {self.input_shape[0]} channels, not {per_group * self.groups}")  # fmt: skip
        check(out % self.groups == 0, f"groups must divide {out} output channels, not be {self.groups}")
        for problem in self.windows.problems():
            check(False, problem)
        object.__setattr__(self, "weight", narrowed(self.weight))

    @cached_property
    def windows(self) -> Windows:
        """Where the kernel lies."""
        return Windows(
            space=self.input_shape[1:],
            kernel=self.weight.shape[2:],
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
        )

    @property
    def output_shape(self) -> Shape:
        """(channels, length) or (channels, height, width) of the neurons."""
        return (len(self.weight), *self.windows.outputs)

    @property
    def num_inputs(self) -> int:
        """Inputs."""
        return math.prod(self.input_shape)

    @property
    def num_neurons(self) -> int:
        """Neurons."""
        return math.prod(self.output_shape)

    @property
    def stored(self) -> IntArray:
        """What memory must hold at least: the kernel, once."""
        return self.weight

    @cached_property
    def matrix(self) -> IntArray:
        """Weights as a matrix, shape (neurons, inputs)."""
        return unrolled(self.weight, self.windows, self.groups)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of a step in which nothing is skipped."""
        return self.weight.size * math.prod(self.windows.outputs)

    @cached_property
    def bounds(self) -> tuple[IntArray, IntArray]:
        """Sums of the negative and of the positive weights of each neuron, shape (neurons,), int64."""
        ones = np.ones((1, self.num_inputs), np.uint8)
        parts = (np.minimum(self.weight, 0), np.maximum(self.weight, 0))
        low, high = (self._operator(part, np.float64)(ones)[0].astype(np.int64) for part in parts)
        return low, high

    @cached_property
    def fan_out(self) -> IntArray:
        """Non-zero weights that a spike of each input touches, shape (inputs,)."""
        out, per_group, *_ = self.weight.shape
        used = (self.weight != 0).reshape(self.groups, out // self.groups, per_group, -1)
        touched = used.sum(axis=1).reshape(self.groups * per_group, *self.weight.shape[2:])  # of a channel, by a tap
        count = np.zeros((self.input_shape[0], math.prod(self.input_shape[1:])), np.int64)
        for tap, _, inputs in self.windows.taps():
            count[:, inputs] += touched[(slice(None), *tap)][:, None]
        return count.reshape(-1)

    def without(self, neurons: NDArray[np.bool_]) -> Convolution:
        """Return the synapses without those of some neurons, which are all of their channels."""
        silent = neurons.reshape(len(self.weight), -1).all(axis=1)
        each = silent.reshape(-1, *(1,) * (self.weight.ndim - 1))
        return replace(self, weight=np.where(each, self.weight.dtype.type(0), self.weight))

    def operator(self, dtype: DTypeLike) -> Operator:
        """Return the function from inputs of shape (..., inputs) to currents of shape (..., neurons), in a float type.

        It is exact where the type holds every partial sum.
        """
        return self._operator(self.weight, dtype)

    def _operator(self, weight: IntArray, dtype: DTypeLike) -> Operator:
        rows = rows_of(weight, self.groups, dtype)

        def currents(inputs: Values) -> Values:
            *places, _ = inputs.shape
            shaped = inputs.reshape(math.prod(places), *self.input_shape)
            return convolve(rows, self.windows, shaped).reshape(*places, self.num_neurons)

        return currents
