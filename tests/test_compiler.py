from dataclasses import replace

import numpy as np
import pytest

from snn2rtl.compiler import compile_network
from snn2rtl.encoders import Encoder
from snn2rtl.errors import StrictError, UnsupportedModelError
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import BatchNorm, Dropout, Flatten, Linear, Neuron
from snn2rtl.int_net.chain import layers_of
from snn2rtl.int_net.neurons import LifNeuron, NoLeak, Reset
from snn2rtl.options import PerLayer, QuantizeOptions

NETWORK = SpikingNetwork(
    name="net",
    nodes=(
        Flatten(name="flat"),
        Linear(name="fc1", weight=[[0.5, -0.25], [0.75, 0.5], [1.0, 1.0]], bias=[0.0, 0.25, 0.0]),
        BatchNorm(name="bn", mean=[0.0] * 3, variance=[0.25] * 3, epsilon=0.0, gamma=[0.5] * 3, beta=[0.0] * 3),
        Neuron(name="if1", tau=None, v_threshold=1.0, v_reset=0.5),
        Dropout(name="drop"),
        Linear(name="fc2", weight=[[1.0, -1.0, 0.0]], bias=[0.0]),
        Neuron(name="if2", tau=None, v_threshold=2.0, v_reset=None),
    ),
    encoder=Encoder.poisson(20, 0.5),
)


def test_a_small_network_through_all_passes():
    network, reports = compile_network(NETWORK, QuantizeOptions(strict=True))
    assert (network.name, network.encoder, network.count_bits) == ("net", NETWORK.encoder, 5)
    assert [report.name for report in reports] == [layer.name for layer in layers_of(network)] == ["fc1", "fc2"]
    first, second = layers_of(network)
    assert first.weight.tolist() == [[2, -1], [3, 2], [0, 0]]  # nobody reads the third neuron
    assert first.bias.tolist() == [0, 1, 0]
    assert first.neuron.fire_at.tolist()[:2] == [2, 2]
    assert (first.neuron.reset, first.neuron.leak) == (Reset.HARD, NoLeak())
    assert second.weight.tolist() == [[1, -1, 0]]
    assert isinstance(second.neuron, LifNeuron)
    assert (second.neuron.fire_at.tolist(), second.neuron.reset_by.tolist()) == ([2], [2])


def test_strict_names_every_approximation_of_every_layer():
    options = QuantizeOptions(bits=PerLayer(2), strict=True)
    with pytest.raises(StrictError) as caught:
        compile_network(
            replace(
                NETWORK,
                nodes=(*NETWORK.nodes[:-2], Linear(name="fc2", weight=[[0.3, 0.1, 0]], bias=[0]), NETWORK.nodes[-1]),
            ),
            options,
        )
    lines = str(caught.value).splitlines()
    assert {line.split(":")[0] for line in lines} == {"layer 'fc1'", "layer 'fc2'"}
    assert all(line.endswith(" (--strict allows no approximation)") for line in lines)


def test_the_order_of_nodes_is_checked():
    with pytest.raises(UnsupportedModelError, match=r"^layer 'fc2': Linear must be followed by a spiking neuron"):
        compile_network(replace(NETWORK, nodes=NETWORK.nodes[:-1]))


def test_compiling_changes_nothing_it_was_given():
    before = [np.copy(node.weight) for node in NETWORK.nodes if isinstance(node, Linear)]
    compile_network(NETWORK)
    after = [node.weight for node in NETWORK.nodes if isinstance(node, Linear)]
    assert all(map(np.array_equal, before, after))
