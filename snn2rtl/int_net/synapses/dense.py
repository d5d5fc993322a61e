"""Synapses from every input to every neuron."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from snn2rtl.checks import check, check_integers, narrowed
from snn2rtl.fixed_point import IntArray

Values = NDArray[Any]
Operator = Callable[[Values], Values]


@dataclass(frozen=True, eq=False)
class Dense:
    """``i = weight @ x``; weight has shape (neurons, inputs), and a zero is a pruned synapse."""

    weight: IntArray

    def __post_init__(self) -> None:
        check_integers("weight", self.weight)
        check(self.weight.ndim == 2 and 0 not in self.weight.shape,
              f"weight must have shape (neurons, inputs), not {self.weight.shape}")  # fmt: skip
        object.__setattr__(self, "weight", narrowed(self.weight))

    @property
    def num_inputs(self) -> int:
        """Inputs."""
        return int(self.weight.shape[1])

    @property
    def num_neurons(self) -> int:
        """Neurons."""
        return int(self.weight.shape[0])

    @property
    def stored(self) -> IntArray:
        """What memory must hold at least: every weight once."""
        return self.weight

    @property
    def matrix(self) -> IntArray:
        """Weights as a matrix, shape (neurons, inputs)."""
        return self.weight

    @property
    def macs(self) -> int:
        """Multiply-accumulates of a step in which nothing is skipped."""
        return self.weight.size

    @cached_property
    def bounds(self) -> tuple[IntArray, IntArray]:
        """Sums of the negative and of the positive weights of each neuron, shape (neurons,), int64."""
        low: IntArray = np.minimum(self.weight, 0).sum(axis=1, dtype=np.int64)
        high: IntArray = np.maximum(self.weight, 0).sum(axis=1, dtype=np.int64)
        return low, high

    @cached_property
    def fan_out(self) -> IntArray:
        """Non-zero weights that a spike of each input touches, shape (inputs,)."""
        count: IntArray = np.count_nonzero(self.weight, axis=0)
        return count

    def without(self, neurons: NDArray[np.bool_]) -> Dense:
        """Return the synapses without those of some neurons."""
        return Dense(np.where(neurons[:, None], self.weight.dtype.type(0), self.weight))

    def operator(self, dtype: DTypeLike) -> Operator:
        """Return the function from inputs of shape (..., inputs) to currents of shape (..., neurons), in a float type.

        It is exact where the type holds every partial sum.
        """
        weight = np.ascontiguousarray(self.weight.T, dtype=dtype)

        def currents(inputs: Values) -> Values:
            *places, _ = inputs.shape
            # a silent input costs nothing here either
            active = np.flatnonzero(inputs.any(axis=tuple(range(len(places)))))
            taken = np.take(inputs, active, axis=-1).astype(weight.dtype).reshape(math.prod(places), active.size)
            total: Values = taken @ weight[active]
            return total.reshape(*places, weight.shape[1])

        return currents
