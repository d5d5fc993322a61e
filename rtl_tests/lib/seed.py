"""The seed of everything random: SNN2RTL_SEED, printed with every failure."""

from __future__ import annotations

import os

import numpy as np

SEED = int(os.environ.get("SNN2RTL_SEED", "1"))


def generator(*keys: int) -> np.random.Generator:
    """Return the random numbers of a test, others for other keys."""
    return np.random.default_rng([SEED, *keys])
