"""The forward pass in torch against the one in NumPy, on numbers that no float rounds."""

import numpy as np
import pytest
import torch

from snn2rtl.compiler import fold
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import Linear, Neuron
from snn2rtl.float_net.reference import scores
from snn2rtl.frontend.forward import devices, forward


@pytest.mark.parametrize("tau", [None, 2.0])
@pytest.mark.parametrize("v_reset", [None, 0.0, -0.5])
@pytest.mark.parametrize("decay_input", [False, True])
def test_spikes_are_those_of_the_float_reference(tau: float | None, v_reset: float | None, decay_input: bool) -> None:
    random = np.random.default_rng(0)
    shapes = ((6, 5), (4, 6))
    nodes = []
    for index, shape in enumerate(shapes):
        bias = random.integers(-2, 3, shape[0]) / 8 if index else np.zeros(shape[0])
        nodes.append(Linear(name=f"fc{index}", weight=random.integers(-8, 12, shape) / 8, bias=bias))
        reset = {"v_threshold": 1.0, "v_reset": v_reset}
        nodes.append(Neuron(name=f"lif{index}", tau=tau, decay_input=decay_input and tau is not None, **reset))
    network = fold(SpikingNetwork(name="net", nodes=tuple(nodes)))
    spikes = (random.random((12, 7, 5)) < 0.5).astype(np.uint8)
    expected = scores(network, spikes)
    assert expected.any()
    for device in devices():
        call = forward(network, spikes, device)
        for _ in range(2):  # a second call starts from rest again
            assert np.array_equal(call().cpu().numpy(), expected)


def test_it_keeps_no_gradients_and_does_not_train() -> None:
    linear = Linear(name="fc", weight=[[1.0]], bias=[0.0])
    neuron = Neuron(name="lif", tau=2.0, v_threshold=1.0, v_reset=0.0)
    network = fold(SpikingNetwork(name="net", nodes=(linear, neuron)))
    counts = forward(network, np.ones((3, 1, 1), np.uint8))()
    assert not counts.requires_grad
    assert counts.tolist() == [[3]]
    assert torch.is_grad_enabled()
