"""Read a network from memory: a chain of layers as it is, anything else by tracing its forward()."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import nn

from snn2rtl.encoders import Encoder
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.frontend import modules
from snn2rtl.frontend.graph import read_steps, read_steps_of
from snn2rtl.frontend.layers import front_end_of
from snn2rtl.frontend.traced import network_of

TRACED_STEPS = 4  # of an input that has an axis of time, where there is no example


def from_module(
    net: nn.Module,
    *,
    name: str = "network",
    encoder: Encoder | None = None,
    example_input: Any = None,
    input_shape: tuple[int, ...] | None = None,
) -> SpikingNetwork:
    """Return the network that the module computes in evaluation mode.

    Args:
        net: an nn.Sequential or Norse's SequentialState of layers, nested or not; with an example_input or an
            input_shape any module whose forward() can be traced.
        name: the name of the network.
        encoder: how samples become its input, where that is known.
        example_input: a tensor or array that net takes, of shape (T, N, ...), (N, T, ...) or (N, ...): only its shape
            is used. The network is then traced, a chain of layers too.
        input_shape: axes of a sample, without time and batch.

    Raises:
        UnsupportedModelError: something in it has no exact hardware here; all of it is named.
    """
    if example_input is not None:
        steps = read_steps(net, tuple(example_input.shape))
        return network_of(steps, name=name, encoder=encoder)
    is_chain = front_end_of(modules.unwrapped(net)) is not None
    if input_shape is not None and isinstance(net, nn.Module) and not is_chain:
        return network_of(read_steps_of(net, input_shape, TRACED_STEPS), name=name, encoder=encoder)
    network = modules.from_module(net, name=name, encoder=encoder)
    return network if input_shape is None else replace(network, shape=input_shape)
