"""Kinds of synapses against loops over their weights, and against PyTorch's convolutions."""

import re

import naive
import numpy as np
import pytest
import torch
from graphs import random_convolution
from torch.nn import functional

from snn2rtl.errors import QuantizationError
from snn2rtl.int_net.synapses import Convolution, Dense, Synapses

SHAPES = ((1, 1), (3, 7), (4, 9), (1, 4, 4), (2, 5, 3), (4, 6, 5))
CONVOLUTIONS = range(60)


def convolution(number: int) -> Convolution:
    return random_convolution(np.random.default_rng((4, number)), SHAPES[number % len(SHAPES)])


def random_dense(number: int) -> Dense:
    random = np.random.default_rng((5, number))
    neurons, inputs = random.integers(1, 9, 2)
    return Dense(random.integers(-9, 10, (neurons, inputs)) * (random.random((neurons, inputs)) < 0.6))


ALL = [*map(convolution, CONVOLUTIONS), *map(random_dense, range(10))]


@pytest.mark.parametrize("synapses", ALL)
def test_everything_is_that_of_the_loops(synapses: Synapses):
    rows = [[0] * synapses.num_inputs for _ in range(synapses.num_neurons)]
    for neuron, row in enumerate(rows):
        for source, weight in naive.weights(synapses, neuron):
            row[source] += weight
    assert synapses.matrix.tolist() == rows
    low, high = synapses.bounds
    assert low.tolist() == [sum(weight for weight in row if weight < 0) for row in rows]
    assert high.tolist() == [sum(weight for weight in row if weight > 0) for row in rows]
    assert low.dtype == high.dtype == np.int64
    assert synapses.fan_out.tolist() == [sum(1 for row in rows if row[i]) for i in range(synapses.num_inputs)]
    assert np.array_equal(synapses.stored, synapses.weight)


@pytest.mark.parametrize("synapses", ALL)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_currents_are_those_of_the_loops(synapses: Synapses, dtype: type):
    operator = synapses.operator(dtype)
    random = np.random.default_rng(6)
    for places in ((), (3,), (2, 3), (2, 0)):
        values = random.integers(0, 4, (*places, synapses.num_inputs)).astype(np.uint8)
        values[..., :1] = 0  # an input that is always silent
        found = operator(values)
        assert (found.shape, found.dtype) == ((*places, synapses.num_neurons), dtype)
        for sample, currents in zip(
            values.reshape(-1, synapses.num_inputs).tolist(),
            found.reshape(-1, synapses.num_neurons).tolist(),
            strict=True,
        ):
            for neuron, current in enumerate(currents):
                assert current == sum(weight * sample[source] for source, weight in naive.weights(synapses, neuron))


@pytest.mark.parametrize("number", CONVOLUTIONS)
def test_convolutions_are_those_of_torch(number: int):
    made = convolution(number)
    values = np.random.default_rng(7).integers(0, 256, (5, *made.input_shape))
    function = {2: functional.conv1d, 3: functional.conv2d}[len(made.input_shape)]
    found = function(
        torch.from_numpy(values).double(),
        torch.from_numpy(made.weight.astype(np.float64)),
        stride=made.stride,
        padding=made.padding,
        dilation=made.dilation,
        groups=made.groups,
    ).numpy()
    assert made.output_shape == found.shape[1:]
    currents = made.operator(np.float64)(values.reshape(5, -1).astype(np.uint8))
    assert np.array_equal(currents, found.reshape(5, -1))


def test_the_random_convolutions_have_every_feature():
    made = [convolution(number) for number in CONVOLUTIONS]
    depthwise = [one for one in made if one.groups == one.input_shape[0] > 1]
    assert len(depthwise) >= 10
    assert any(len(one.weight) > one.groups for one in depthwise)
    assert sum(1 < one.groups < one.input_shape[0] for one in made) >= 5
    for key, plain in (("stride", 1), ("padding", 0), ("dilation", 1)):
        assert sum(set(getattr(one, key)) != {plain} for one in made) >= 10
    assert sum(len(set(one.stride)) > 1 for one in made) >= 5


@pytest.mark.parametrize("synapses", ALL)
def test_without_some_neurons(synapses: Synapses):
    """A kernel loses a channel only if all of its neurons go."""
    random = np.random.default_rng(8)
    gone = random.random(synapses.num_neurons) < 0.5
    if isinstance(synapses, Convolution):
        each = np.arange(synapses.num_neurons) // naive.size(synapses.output_shape[1:])
        gone = (random.random(len(synapses.weight)) < 0.5)[each]
        spared = gone.copy()
        spared[: naive.size(synapses.output_shape[1:]) - 1] = True  # all but one of the first channel
        spared[naive.size(synapses.output_shape[1:]) - 1] = False
        assert synapses.without(spared).matrix[each == 0].tolist() == synapses.matrix[each == 0].tolist()
    left = synapses.without(gone)
    assert type(left) is type(synapses)
    assert not left.matrix[gone].any()
    assert np.array_equal(left.matrix[~gone], synapses.matrix[~gone])


def test_multiplications_of_a_step_are_counted_without_skips():
    assert Dense(np.zeros((3, 4), int)).macs == 12
    kernel = np.zeros((6, 2, 3, 1), int)
    made = Convolution(weight=kernel, input_shape=(4, 5, 5), stride=(2, 1), padding=(0, 0), dilation=(1, 1), groups=2)
    assert made.output_shape == (6, 2, 5)
    assert made.macs == 6 * 2 * 5 * (2 * 3)


@pytest.mark.parametrize("chunk", [1, 50, 1000])
def test_large_batches_run_in_parts(monkeypatch: pytest.MonkeyPatch, chunk: int):
    made = convolution(17)
    values = np.random.default_rng(9).integers(0, 2, (40, made.num_inputs)).astype(np.uint8)
    whole = made.operator(np.float32)(values)
    monkeypatch.setattr("snn2rtl.windows._CHUNK", chunk)
    assert np.array_equal(made.operator(np.float32)(values), whole)


@pytest.mark.parametrize("weight", [np.array([[1, -128]]), np.array([[1, 128]]), np.array([[1]], np.uint64)])
def test_weights_are_kept_read_only_in_the_narrowest_type(weight: np.ndarray):
    kernel = weight[:, :, None]
    made = Convolution(weight=kernel, input_shape=(len(weight[0]), 3), stride=(1,), padding=(0,), dilation=(1,))
    for kept, given in ((Dense(weight).weight, weight), (made.weight, kernel)):
        assert kept.dtype == (np.int16 if weight.max() == 128 else np.int8)
        assert not kept.flags.writeable
        assert not np.shares_memory(kept, given)
        assert np.array_equal(kept, given)


PLAIN = {
    "weight": np.ones((2, 3, 2), int),
    "input_shape": (3, 5),
    "stride": (1,),
    "padding": (0,),
    "dilation": (1,),
    "groups": 1,
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight": np.ones((2, 3, 2))}, "weight must hold integers, not float64"),
        (
            {"weight": np.ones((2, 3), int)},
            "weight must have shape (out, in, *kernel) for an input of shape (3, 5), not (2, 3)",
        ),
        (
            {"weight": np.ones((2, 3, 0), int)},
            "weight must have shape (out, in, *kernel) for an input of shape (3, 5), not (2, 3, 0)",
        ),
        (
            {"input_shape": (3,)},
            "weight must have shape (out, in, *kernel) for an input of shape (3,), not (2, 3, 2)",
        ),
        (
            {"input_shape": (3, 5, 5)},
            "weight must have shape (out, in, *kernel) for an input of shape (3, 5, 5), not (2, 3, 2)",
        ),
        ({"input_shape": (4, 5)}, "must take 4 channels, not 3"),
        ({"input_shape": (6, 5)}, "must take 6 channels, not 3"),
        ({"groups": 2}, "must take 3 channels, not 6"),
        ({"groups": 0}, "must take 3 channels, not 0"),
        ({"groups": 3, "input_shape": (9, 5)}, "groups must divide 2 output channels, not be 3"),
        ({"stride": (0,)}, "stride must be at least 1, not 0"),
        ({"stride": (1, 1)}, "window must have one number for each of 1 axes"),
        ({"padding": (-1,)}, "padding must be at least 0, not -1"),
        ({"dilation": (5,)}, "kernel must fit the input of (5,), not be (2,)"),
    ],
)
def test_what_is_no_convolution(changes: dict[str, object], message: str):
    with pytest.raises(QuantizationError, match=rf"^{re.escape(message)}$"):
        Convolution(**PLAIN | changes)


@pytest.mark.parametrize("weight", [np.ones(3, int), np.ones((0, 3), int), np.ones((2, 2, 2), int)])
def test_what_is_no_dense_matrix(weight: np.ndarray):
    with pytest.raises(QuantizationError, match=r"^weight must have shape \(neurons, inputs\), not "):
        Dense(weight)
