"""Delays of inputs, in whole time steps: the float and the integer network share them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_DELAY = 63  # time steps


def late(delay: NDArray[np.integer[Any]] | None, inputs: NDArray[Any]) -> NDArray[Any]:
    """Return inputs of shape (T, N, inputs) each so many steps later, those past the last step being lost."""
    if delay is None:
        return inputs
    arriving = np.zeros_like(inputs)
    for steps in np.unique(delay):
        waiting = delay == steps
        arriving[steps:, :, waiting] = inputs[: max(len(inputs) - int(steps), 0), :, waiting]
    return arriving
