"""A float network with random weights, for the tests that need any."""

from __future__ import annotations

import numpy as np

from snn2rtl.encoders import Encoder
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import Linear, Neuron


def random_network(encoder: Encoder | None) -> SpikingNetwork:
    """Return a network of 20 inputs, 16 hidden neurons and 5 classes."""
    random = np.random.default_rng(5)
    nodes = []
    for index, (inputs, outputs) in enumerate(((20, 16), (16, 5))):
        weight = random.normal(size=(outputs, inputs)) / np.sqrt(inputs)
        nodes += [
            Linear(name=f"fc{index}", weight=weight, bias=random.normal(size=outputs) / 4),
            Neuron(name=f"lif{index}", tau=2.0, v_threshold=0.3, v_reset=0.0),
        ]
    return SpikingNetwork(name="net", nodes=tuple(nodes), encoder=encoder)
