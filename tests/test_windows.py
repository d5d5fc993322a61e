"""Windows against loops over their places, and against PyTorch's pools."""

from dataclasses import replace
from itertools import product

import naive
import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.nn import functional

from snn2rtl.windows import Windows

ONE = Windows(space=(5,), kernel=(2,), stride=(1,), padding=(0,), dilation=(1,))


@st.composite
def windows(draw: st.DrawFn) -> Windows:
    """Draw windows over one or two axes, as many as fit, fewer, or more of which the last reach outside."""
    axes = draw(st.integers(1, 2))

    def each(least: int, most: int) -> tuple[int, ...]:
        return tuple(draw(st.lists(st.integers(least, most), min_size=axes, max_size=axes)))

    made = Windows(space=each(1, 7), kernel=each(1, 3), stride=each(1, 4), padding=each(0, 2), dilation=each(1, 2))
    if draw(st.booleans()):
        made = replace(made, outputs=each(1, 8))
    assume(not made.problems())
    return made


def fitting(space: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Return how many windows lie inside the padded input."""
    begins = range(-padding, space + padding, stride)
    return sum(begin + dilation * (kernel - 1) < space + padding for begin in begins)


@given(*(st.integers(least, most) for least, most in ((1, 9), (1, 4), (1, 4), (0, 3), (1, 3))))
def test_as_many_windows_as_lie_inside(space, kernel, stride, padding, dilation):
    made = Windows(space=(space,), kernel=(kernel,), stride=(stride,), padding=(padding,), dilation=(dilation,))
    number = fitting(space, kernel, stride, padding, dilation)
    assert max(made.outputs[0], 0) == number
    assert (made.problems() == []) == (number > 0)


@given(windows())
def test_taps_join_windows_and_inputs(made):
    found = [
        (window, naive_tap, place)
        for naive_tap, (_, outputs, inputs) in enumerate(made.taps())
        for window, place in zip(outputs.tolist(), inputs.tolist(), strict=True)
    ]
    windows = range(naive.size(made.outputs))
    wanted = [(window, tap, place) for window in windows for tap, place in naive.taken(made, window)]
    assert sorted(found) == sorted(wanted)
    assert [tap for tap, *_ in made.taps()] == list(product(*map(range, made.kernel)))
    assert made.size == naive.size(made.kernel) == len(list(made.taps()))


def taken_by(made: Windows, values: np.ndarray) -> np.ndarray:
    """Return what the windows take of values of shape (..., *space), as shape (..., *outputs, taps)."""
    padded = made.padded(values)
    return np.stack([padded[..., *taken] for taken in made.slices()], axis=-1)


@given(windows(), st.integers(0, 2))
def test_slices_take_the_windows_padded_with_zeros(made, places):
    random = np.random.default_rng(0)
    values = random.integers(1, 100, (2,) * places + made.space)
    views = taken_by(made, values)
    assert views.shape == (*(2,) * places, *made.outputs, made.size)
    taps = views.reshape(2**places, -1, made.size)
    flat = values.reshape(2**places, -1)
    for window in range(naive.size(made.outputs)):
        taken = dict(naive.taken(made, window))
        for tap in range(made.size):
            wanted = flat[:, taken[tap]] if tap in taken else np.zeros(2**places)
            assert np.array_equal(taps[:, window, tap], wanted)


@given(windows())
def test_targets_are_the_windows_of_each_input(made):
    wanted: list[list[int]] = [[] for _ in range(naive.size(made.space))]
    for window in range(naive.size(made.outputs)):
        for _, place in naive.taken(made, window):
            wanted[place].append(window)
    found = made.targets()
    assert found.shape == (len(wanted), max(1, *map(len, wanted)))
    assert [[window for window in row if window >= 0] for row in found.tolist()] == wanted


@given(windows())
def test_margins_are_the_least_that_hold_all_windows(made):
    for axis, (before, behind) in enumerate(made.margins):
        begins = [made.stride[axis] * window - made.padding[axis] for window in range(made.outputs[axis])]
        ends = [begin + made.dilation[axis] * (made.kernel[axis] - 1) for begin in begins]
        assert before == -min(begins)
        assert behind == max(0, max(ends) - made.space[axis] + 1)


def of_torch(values: np.ndarray, made: Windows) -> torch.Tensor:
    """Return values of shape (channels, *space) as PyTorch's two-dimensional layers take them."""
    return torch.from_numpy(values.reshape(1, len(values), *(1,) * (2 - len(made.space)), *made.space)).double()


@given(windows(), st.booleans())
def test_pools_are_those_of_torch(made, ceil):
    """PyTorch pads at most half a kernel, and a window that ceil_mode adds begins inside the input or its padding."""
    assume(all(2 * pad <= k for pad, k in zip(made.padding, made.kernel, strict=True)))
    values = np.random.default_rng(1).integers(0, 9, (3, *made.space))
    line = (1,) * (2 - len(made.space))  # one axis is the last of two
    kernel, stride, dilation = (line + each for each in (made.kernel, made.stride, made.dilation))
    padding = (0,) * len(line) + made.padding
    try:
        largest = functional.max_pool2d(of_torch(values, made), kernel, stride, padding, dilation, ceil_mode=ceil)
    except RuntimeError:  # no window fits
        assume(False)
    made = replace(made, outputs=tuple(largest.shape[-len(made.space) :]))
    assert made.problems() == []
    views = taken_by(made, values)
    # a window without an input, which dilation can make, is silent here and minus infinity there
    assert np.array_equal(views.max(axis=-1).ravel(), largest.clamp(min=0).numpy().ravel())
    if set(made.dilation) == {1}:
        sums = functional.avg_pool2d(
            of_torch(values, made), kernel, stride, padding, ceil_mode=ceil, divisor_override=1
        )
        assert np.array_equal(views.sum(axis=-1).ravel(), sums.numpy().ravel())


def test_windows_of_ceil_mode_reach_outside():
    made = Windows(space=(5,), kernel=(2,), stride=(2,), padding=(0,), dilation=(1,), outputs=(3,))
    assert made.margins == ((0, 1),)
    assert taken_by(made, np.array([1, 2, 3, 4, 5])).tolist() == [[1, 2], [3, 4], [5, 0]]
    assert made.targets().tolist() == [[0], [0], [1], [1], [2]]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"kernel": (2, 2)}, "window must have one number for each of 1 axes"),
        ({"stride": ()}, "window must have one number for each of 1 axes"),
        ({"outputs": (1, 1)}, "window must have one number for each of 1 axes"),
        ({"space": ()}, "window must have one number for each of 0 axes"),
        ({"kernel": (0,)}, "kernel must be at least 1, not 0"),
        ({"stride": (0,)}, "stride must be at least 1, not 0"),
        ({"dilation": (-1,)}, "dilation must be at least 1, not -1"),
        ({"padding": (-1,)}, "padding must be at least 0, not -1"),
        ({"space": (0,), "padding": (9,)}, "space must be at least 1, not 0"),
        ({"kernel": (6,)}, "kernel must fit the input of (5,), not be (6,)"),
        ({"outputs": (6,)}, "windows must begin inside the input, at most (5,), not (6,)"),
    ],
)
def test_problems(changes, problem):
    values = {"space": (5,), "kernel": (2,), "stride": (1,), "padding": (0,), "dilation": (1,)} | changes
    assert problem in Windows(**values).problems()


def test_what_is_no_problem():
    assert ONE.problems() == replace(ONE, outputs=(5,)).problems() == replace(ONE, outputs=(2,)).problems() == []
