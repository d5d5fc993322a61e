"""A float network's graph in torch and SpikingJelly, node by node and step by step, in float64."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from spikingjelly.activation_based import neuron
from torch import Tensor
from torch.nn import functional as F

from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import (
    AdaptiveAveragePool,
    Add,
    And,
    AveragePool,
    BatchNorm,
    Concatenate,
    Convolution,
    Dropout,
    Flatten,
    Iand,
    Integrator,
    Linear,
    MaxPool,
    Neuron,
    Node,
    Unflatten,
    Vote,
)
from snn2rtl.pools import INPUT


def tensor(values: NDArray[np.float64]) -> Tensor:
    return torch.tensor(np.asarray(values, np.float64))


def run(net: SpikingNetwork, inputs: NDArray[np.number], shape: tuple[int, ...]) -> dict[str, Tensor]:
    """Return what each node makes of inputs of shape (T, N, inputs), by its name: shape (T, N, ...).

    Args:
        net: the network; its neurons have no synaptic current and no adaptation.
        inputs: of the network.
        shape: of one sample.
    """
    neurons = {node.name: _Neurons(node) for node in net.nodes if isinstance(node, Neuron | Integrator)}
    seen: dict[str, list[Tensor]] = {INPUT: [], **{node.name: [] for node in net.nodes}}
    for step in torch.tensor(inputs, dtype=torch.float64):
        seen[INPUT].append(step.reshape(len(step), *shape))
        for node in net.nodes:
            values = [seen[source][-1] for source in net.sources[node.name]]
            if isinstance(node, Linear):
                made = _linear(node, seen, net)
            elif isinstance(node, Neuron | Integrator):
                made = neurons[node.name].step(*values)
            else:
                made = stateless(node, values)
            seen[node.name].append(made)
    return {name: torch.stack(steps) for name, steps in seen.items()}


def _linear(node: Linear, seen: Mapping[str, list[Tensor]], net: SpikingNetwork) -> Tensor:
    """Return the current of a step; own spikes are those of the first neurons behind the layer."""
    history = seen[net.sources[node.name][0]]
    values = history[-1]
    if node.delay is not None:
        late = [history[-1 - d][:, i] if d < len(history) else 0 * values[:, i] for i, d in enumerate(node.delay)]
        values = torch.stack(late, dim=1)
    made = F.linear(values, tensor(node.weight), tensor(node.bias))
    back = seen[_neurons_behind(net, node.name)] if node.recurrent is not None else []
    return made + F.linear(back[-1], tensor(node.recurrent)) if back else made


def _neurons_behind(net: SpikingNetwork, name: str) -> str:
    behind = {name}
    for node in net.nodes:
        if behind & set(net.sources[node.name]):
            if isinstance(node, Neuron):
                return node.name
            behind.add(node.name)
    raise AssertionError(f"no neurons behind {name}")


def stateless(node: Node, values: list[Tensor]) -> Tensor:  # noqa: PLR0911, a line for each kind of node
    """Return what a node that is neither Linear nor a neuron makes of its inputs, shape (N, ...)."""
    first = values[0]
    match node:
        case Flatten():
            return first.flatten(1)
        case Dropout():
            return first
        case Unflatten(shape=shape):
            return first.reshape(len(first), *shape)
        case Convolution():
            convolve = (F.conv1d, F.conv2d)[node.weight.ndim - 3]
            weight, bias = tensor(node.weight), tensor(node.bias)
            return convolve(first, weight, bias, node.stride, node.padding, node.dilation, node.groups)
        case BatchNorm(mean=mean, variance=variance, gamma=gamma, beta=beta):
            return F.batch_norm(first, *map(tensor, (mean, variance, gamma, beta)), eps=node.epsilon)
        case AveragePool() | AdaptiveAveragePool() | MaxPool():
            return _pooled(node, first)
        case Add():
            return sum(values[1:], first)
        case And():
            return first * values[1]
        case Iand():
            return (1 - first) * values[1]
        case Concatenate():
            return torch.cat(values, dim=1)
        case Vote(size=size):
            return F.avg_pool1d(first.unsqueeze(1), size, size).squeeze(1)
        case _:
            raise AssertionError(node)


def _pooled(node: AveragePool | AdaptiveAveragePool | MaxPool, values: Tensor) -> Tensor:
    axes = values.dim() - 2
    if isinstance(node, AdaptiveAveragePool):
        return (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d)[axes - 1](values, node.outputs)
    padding = node.padding or (0,) * axes
    if isinstance(node, MaxPool):
        pool = (F.max_pool1d, F.max_pool2d)[axes - 1]
        return pool(values, node.kernel, node.stride, padding, node.dilation or (1,) * axes, node.ceil_mode)
    if axes == 1:
        assert not node.divisor, "torch has none in one dimension"
        return F.avg_pool1d(values, node.kernel, node.stride, padding, node.ceil_mode, node.count_include_pad)
    divisor = node.divisor or None
    return F.avg_pool2d(values, node.kernel, node.stride, padding, node.ceil_mode, node.count_include_pad, divisor)


class _Neurons:
    """SpikingJelly's neurons, whose threshold an Integrator never reaches."""

    def __init__(self, node: Neuron | Integrator) -> None:
        threshold, reset = (node.v_threshold, node.v_reset) if isinstance(node, Neuron) else (2.0**50, None)
        if node.tau is None:
            self.node: neuron.BaseNode = neuron.IFNode(threshold, reset)
        else:
            self.node = neuron.LIFNode(node.tau, node.decay_input, threshold, reset)
        self.integrates = isinstance(node, Integrator)

    def step(self, current: Tensor) -> Tensor:
        spikes = self.node(current)
        return self.node.v.clone() if self.integrates else spikes
