"""Nodes without neurons: pools and sums of what other nodes make. The float and the integer network share them.

They hold no numbers that quantizing could change, and no state.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2rtl.windows import Shape, Windows

INPUT = "<input>"  # name of what enters a network, as the source of a node; no layer can have it


@dataclass(frozen=True, kw_only=True)
class MaxPool:
    """``s[c, o] = any of x[c, p]`` over the places p of a window, in every step; x are spikes.

    Source: torch.nn.MaxPool1d, MaxPool2d on spikes.
    """

    name: str
    source: str
    channels: int
    windows: Windows


@dataclass(frozen=True, kw_only=True)
class SumPool:
    """``y[c, o] = sum of x[c, p]`` over the places p of a window, in every step.

    An average pool is one whose divisor is a part of the weights behind it.

    Source: torch.nn.AvgPool1d, AvgPool2d.
    """

    name: str
    source: str
    channels: int
    windows: Windows


@dataclass(frozen=True, kw_only=True)
class Sum:
    """``y = x_1 + x_2 + ...``, element by element, in every step.

    Source: the ADD connection of SEW ResNet (Fang et al. 2021).
    """

    name: str
    sources: tuple[str, ...]
    shape: Shape


Pool = MaxPool | SumPool


def pooled_shape(pool: Pool) -> Shape:
    """Return (channels, length) or (channels, height, width) of what a pool makes."""
    return (pool.channels, *pool.windows.outputs)


def pooled(pool: Pool, values: NDArray[Any]) -> NDArray[Any]:
    """Return the greatest value, or the sum, of each window of values of shape (..., inputs): (..., outputs)."""
    *places, _ = values.shape
    windows = pool.windows
    padded = windows.padded(values.reshape(*places, pool.channels, *windows.space))
    join = np.maximum if isinstance(pool, MaxPool) else np.add
    made: NDArray[Any] = reduce(join, (padded[..., *taken] for taken in windows.slices()))
    return made.reshape(*places, math.prod(made.shape[len(places) :]))
