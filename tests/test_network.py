import re

import numpy as np
import pytest
from networks import chain, dense, lif

from snn2rtl.encoders import Encoder
from snn2rtl.errors import QuantizationError
from snn2rtl.int_net.chain import DenseLayer, chain_of, layers_of
from snn2rtl.int_net.network import INPUT
from snn2rtl.int_net.neurons import MultiplierLeak, ShiftLeak
from snn2rtl.int_net.population import Input

DIRECT = Encoder(kind="direct", time_steps=4)
BAD_NEURONS = [
    (lambda: lif([1], membrane_bits=1), "membrane: width must be 2..48 bits, not 1"),
    (lambda: lif([1], membrane_bits=49), "membrane: width must be 2..48 bits, not 49"),
    (lambda: lif([128], membrane_bits=8), "neuron: fire_at must fit the membrane's 8 bits, not reach 128"),
    (lambda: lif([-128], membrane_bits=8), "neuron: fire_at must fit the membrane's 8 bits, not reach -128"),
    (lambda: lif([2], [128], membrane_bits=8), "neuron: reset_by must fit the membrane's 8 bits, not reach 128"),
    (lambda: lif([[1]]), "neuron: fire_at must have one value a neuron, not shape (1, 1)"),
    (lambda: lif([0], [1]), "neuron: fire_at must be positive with a soft reset"),
    (lambda: lif([1, 1], [1, 0]), "neuron: reset_by must be positive with a soft reset"),
    (lambda: lif([1, 1], [1, -1]), "neuron: reset_by must be positive with a soft reset"),
    (lambda: ShiftLeak(-1), "leak: shift must be 0..47, not -1"),
    (lambda: ShiftLeak(48), "leak: shift must be 0..47, not 48"),
    (lambda: MultiplierLeak(1, 0), "leak: fraction must be 1..15 bits, not 0"),
    (lambda: MultiplierLeak(1, 16), "leak: fraction must be 1..15 bits, not 16"),
    (lambda: MultiplierLeak(-1, 8), "leak: factor must be 0..256, not -1"),
    (lambda: MultiplierLeak(257, 8), "leak: factor must be 0..256, not 257"),
]
BAD_LAYERS = [
    (lambda: dense([[1]], weight_bits=0), "layer 'fc': bits must be 1..16, not 0"),
    (lambda: dense([[1]], weight_bits=17), "layer 'fc': bits must be 1..16, not 17"),
    (lambda: dense([[1]], weight_shift=-1), "layer 'fc': weight_shift must be 0..31, not -1"),
    (lambda: dense([[1]], weight_shift=32), "layer 'fc': weight_shift must be 0..31, not 32"),
    (lambda: dense([[1]], input_max=0), "layer 'fc': input_max must be 1..65535, not 0"),
    (lambda: dense([[1]], input_max=65536), "layer 'fc': input_max must be 1..65535, not 65536"),
    (lambda: dense([1, 2]), "layer 'fc': weight must have shape (neurons, inputs), not (2,)"),
    (lambda: dense(np.zeros((2, 0), int)), "layer 'fc': weight must have shape (neurons, inputs), not (2, 0)"),
    (lambda: dense([[1, -129, 3]]), "layer 'fc': weights must fit 8 bits, not reach -129"),
    (lambda: dense([[1]], weight_bits=1), "layer 'fc': weights must fit 1 bits, not reach 1"),
    (lambda: dense([[1]], bias=np.zeros(2, int)), "layer 'fc': bias must have shape (1,), not (2,)"),
    (
        lambda: dense(np.zeros((1, (1 << 23) + 1), np.int8), weight_shift=31),
        "layer 'fc': input current must stay within 2**61, not reach 2.31e+18",
    ),
    (
        lambda: dense(np.zeros((1, 33026), np.int8), weight_shift=31, input_max=255),
        "layer 'fc': input current must stay within 2**61, not reach 2.31e+18",
    ),
    (lambda: dense([[1], [2]], lif([1])), "layer 'fc': must have 2 neurons, not 1"),
    (lambda: dense([[1]], bias=[1 << 47]), "layer 'fc': bias must fit 48 bits, not reach 140737488355328"),
]
BAD_NETWORKS = [
    (chain, "network: must have at least one layer, not none"),
    (lambda: chain(dense([[1]]), count_bits=0), "network: count_bits must be 1..32, not 0"),
    (lambda: chain(dense([[1]]), count_bits=33), "network: count_bits must be 1..32, not 33"),
    (lambda: chain(dense([[1], [1]]), dense([[1, 1, 1]])), "layer 'fc2': must take 2 inputs, not 3"),
    (
        lambda: chain(dense([[1]], input_max=255), encoder=Encoder.poisson(4, 0.5)),
        "network: input must reach 1 as its encoder says, not 255",
    ),
    (lambda: chain(dense([[1]]), encoder=DIRECT), "network: input must reach 255 as its encoder says, not 1"),
    (
        lambda: chain(dense([[1]], input_max=255), dense([[1]], input_max=255), encoder=DIRECT),
        "layer 'fc2': input_max must be 1, not 255, as 'fc1' has it",
    ),
    (
        lambda: chain_of(name="n", layers=(dense([[1]]), dense([[1]])), count_bits=1),
        "network: layer names must be unique, not ['fc', 'fc']",
    ),
]


@pytest.mark.parametrize(("build", "message"), BAD_NEURONS + BAD_LAYERS + BAD_NETWORKS)
def test_invalid_networks_cannot_be_built(build, message):
    with pytest.raises(QuantizationError, match=rf"^{re.escape(message)}$"):
        build()


@pytest.mark.parametrize("key", ["weight", "bias"])
def test_a_layer_holds_integers_only(key):
    with pytest.raises(QuantizationError, match=rf"^layer 'fc': {key} must hold integers, not float64$"):
        dense(**{"weight": [[1]], key: np.ones((1, 1) if key == "weight" else 1)})


@pytest.mark.parametrize("key", ["fire_at", "reset_by"])
def test_a_neuron_holds_integers_only(key):
    values = {"fire_at": [1], "reset_by": [1], key: [1.5]}
    with pytest.raises(QuantizationError, match=rf"^neuron: {key} must hold integers, not float64$"):
        lif(**values)


def test_a_layer_looks_for_its_extreme_weights_once():
    looks = []

    class Watched(np.ndarray):
        def min(self, *args, **kwargs):
            looks.append("min")
            return super().min(*args, **kwargs)

        def max(self, *args, **kwargs):
            looks.append("max")
            return super().max(*args, **kwargs)

    weight = np.array([[1, -2]]).view(Watched)
    DenseLayer(name="fc", weight=weight, weight_bits=8, weight_shift=0, bias=np.zeros(1, int), neuron=lif([1]))
    assert sorted(looks) == ["max", "min"]


def test_arrays_are_read_only_copies_of_the_narrowest_type():
    weight = np.array([[1, 2]])
    layer = dense(weight)
    weight[0, 0] = 100
    assert layer.weight.tolist() == [[1, 2]]
    assert (layer.weight.dtype, layer.bias.dtype, layer.neuron.fire_at.dtype) == (np.int8, np.int64, np.int16)
    for array in (layer.weight, layer.bias, layer.neuron.fire_at, layer.neuron.reset_by):
        assert not array.flags.writeable


def test_a_read_only_view_of_an_array_that_changes_is_copied():
    weight = np.array([[1, 2]], np.int8)
    view = weight[:]
    view.setflags(write=False)
    layer = dense(view)
    weight[0, 0] = 100
    assert layer.weight.tolist() == [[1, 2]]


def test_sizes():
    network = chain(dense([[1, 0, 2], [0, 0, 3]]), dense([[1, 1]]))
    assert (network.num_inputs, network.num_classes) == (3, 1)
    assert (layers_of(network)[0].num_inputs, layers_of(network)[0].num_neurons) == (3, 2)
    first, last = network.populations
    assert first.fan_out.tolist() == [1, 0, 2]
    assert (first.num_inputs, first.num_neurons, first.num_weights, first.num_nonzero) == (3, 2, 6, 3)
    assert last is network.output
    assert [node.name for node in network.readers("fc1")] == ["fc2"]
    assert network.greatest == {INPUT: 1, "fc1": 1, "fc2": 1}


def test_without_an_encoder_counts_may_enter():
    network = chain(dense([[1, 2]], input_max=255), dense([[1]]))
    assert network.input == Input(shape=(2,), greatest=255)
    assert layers_of(network)[0].input_max == 255
