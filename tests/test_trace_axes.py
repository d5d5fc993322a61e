"""Axes after a view: where it is read, every sample of every step is still whole and alone."""

import itertools
import math

import numpy as np
import pytest

from snn2rtl.frontend.axes import BATCH, FEATURE, MERGED, TIME, Axes, reshaped

T, N = 3, 11


def shapes(elements: int, least: int = 1) -> list[tuple[int, ...]]:
    """Return all ways to write a number as a product of up to five factors."""
    found: list[tuple[int, ...]] = []
    divisors = [d for d in range(1, elements + 1) if elements % d == 0]
    for count in range(1, 6):
        found += [s for s in itertools.product(divisors, repeat=count) if math.prod(s) == elements]
    return found


@pytest.mark.parametrize(
    ("roles", "sizes"),
    [
        ((TIME, BATCH, FEATURE, FEATURE), (T, N, 2, 2)),
        ((MERGED, FEATURE, FEATURE), (T * N, 2, 2)),
        ((BATCH, FEATURE), (N, 4)),
        ((TIME, BATCH, FEATURE), (1, N, 4)),
        ((BATCH, FEATURE, FEATURE, FEATURE), (N, 1, 4, 1)),
        ((BATCH, TIME, FEATURE), (N, T, 2)),
    ],
)
def test_samples_stay_whole(roles, sizes):
    axes = Axes(roles, sizes)
    elements = np.arange(math.prod(sizes)).reshape(sizes)
    rows = samples(axes, elements)
    read = 0
    for shape in shapes(elements.size):
        after = reshaped(axes, shape, N)
        if after is None or not after.is_plain:
            continue
        read += 1
        assert after.sizes == shape
        assert samples(after, elements.reshape(shape)) == rows, (shape, after)
    assert read >= 3


def samples(axes: Axes, elements: np.ndarray) -> list[list[int]]:
    """Return the elements of each sample in each step, time the slowest."""
    order = sorted(range(len(axes.roles)), key=lambda axis: (TIME, MERGED, BATCH, FEATURE).index(axes.roles[axis]))
    rows = elements.transpose(order).reshape(-1, math.prod(axes.sample))
    return rows.tolist()


@pytest.mark.parametrize(
    ("sizes", "after"),
    [
        ((T * N, 2, 2), (MERGED, FEATURE, FEATURE)),
        ((T, N, 4), (TIME, BATCH, FEATURE)),
        ((T, N, 1, 2, 2), (TIME, BATCH, FEATURE, FEATURE, FEATURE)),
        ((T, N * 4), None),
        ((N, T, 4), None),
        ((T * N * 4,), None),
    ],
)
def test_what_is_read(sizes, after):
    found = reshaped(Axes((TIME, BATCH, FEATURE, FEATURE), (T, N, 2, 2)), sizes, N)
    assert (found.roles if found else None) == after
