"""Run a float network in torch, as its user would: SpikingJelly layers, all time steps in one call."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from spikingjelly.activation_based import functional, layer, neuron
from torch import Tensor, nn

from snn2rtl.float_net.layered import LayeredNetwork
from snn2rtl.passes.fold_neurons import plain_layers

# SpikingJelly looks for Triton at its first forward pass, and torch warns where there is none; nothing here needs it
logging.getLogger("torch._library.triton").setLevel(logging.ERROR)


def devices() -> dict[str, str]:
    """Return the devices that torch sees, by name, each with what it is."""
    found = {"cpu": f"cpu, {torch.get_num_threads()} thread(s)"}
    if torch.cuda.is_available():
        found["cuda"] = torch.cuda.get_device_name()
    return found


def forward(network: LayeredNetwork, inputs: NDArray[np.uint8], device: str = "cpu") -> Callable[[], Tensor]:
    """Return a call that runs the network and gives its spike counts, shape (N, classes); the inputs lie on the device.

    Args:
        network: a chain of layers, as fold_neurons() leaves them.
        inputs: spikes or values, shape (T, N, inputs), or the pixels of an encoder that takes them, shape (N, inputs).
        device: a key of devices().
    """
    inputs = network.encoder.encoded(inputs) if network.encoder else inputs
    net = to_spikingjelly(network).to(device)
    values = torch.from_numpy(np.ascontiguousarray(inputs)).to(device, torch.float32)
    if network.encoder:
        values = values / network.encoder.input_max
    if values.dim() == 2:
        assert network.encoder is not None
        values = values.expand(network.encoder.time_steps, -1, -1)

    def call() -> Tensor:
        with torch.no_grad():
            functional.reset_net(net)
            counts: Tensor = net(values).sum(0)
            if counts.is_cuda:
                torch.cuda.synchronize()
            return counts

    return call


def to_spikingjelly(network: LayeredNetwork, step_mode: str = "m") -> nn.Sequential:
    """Return SpikingJelly's layers of a chain of layers, in evaluation mode.

    Raises:
        UnsupportedModelError: the network has something that they lack.
    """
    return nn.Sequential(*_modules(network, step_mode)).eval()


def _modules(network: LayeredNetwork, step_mode: str) -> Iterator[nn.Module]:
    for linear, node in plain_layers(network, "to run in SpikingJelly"):
        out, inputs = linear.weight.shape
        synapses = layer.Linear(inputs, out, bias=bool(linear.bias.any()), step_mode=step_mode)
        synapses.weight.data = torch.tensor(linear.weight, dtype=torch.float32)
        if synapses.bias is not None:
            synapses.bias.data = torch.tensor(linear.bias, dtype=torch.float32)
        yield synapses
        if node.tau is None:
            yield neuron.IFNode(node.v_threshold, node.v_reset, step_mode=step_mode)
        else:
            yield neuron.LIFNode(node.tau, node.decay_input, node.v_threshold, node.v_reset, step_mode=step_mode)
