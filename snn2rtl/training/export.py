"""Trained networks as they leave: in SpikingJelly's layers where it has them, or as float networks."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import Any

import numpy as np
import torch
from spikingjelly.activation_based import layer as sj_layer
from spikingjelly.activation_based import neuron as sj_neuron
from torch import Tensor, nn

from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import FloatArray, Integrator, Linear, Neuron, Node
from snn2rtl.training.layers import FiringLayer, ReadoutLayer, TrainableLayer
from snn2rtl.training.leaks import SharedLeak
from snn2rtl.training.network import TrainableNetwork
from snn2rtl.training.synapses import THRESHOLD


@torch.no_grad()
def to_spikingjelly(net: TrainableNetwork) -> nn.Sequential:
    """Return a network of plain LIF neurons in SpikingJelly's layers, in multi-step mode: fc1, (bn1), lif1, ...

    Pruned weights are zeros; quantized ones whole multiples of their step, which a buffer ``weight_step`` holds.
    """
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    for layer in net.layers:
        assert isinstance(layer, FiringLayer)
        assert isinstance(layer.membrane, SharedLeak)
        if layer.dropout:
            parts[f"drop{layer.name}"] = sj_layer.Dropout(layer.dropout, step_mode="m")
        parts[f"fc{layer.name}"] = linear = _linear(layer)
        if layer.norm is not None:
            parts[f"bn{layer.name}"] = _norm(layer.norm, linear)
        parts[f"lif{layer.name}"] = sj_neuron.LIFNode(
            tau=layer.membrane.tau(),
            decay_input=False,
            v_threshold=THRESHOLD,
            v_reset=None if layer.soft else 0.0,
            step_mode="m",
        )
    return nn.Sequential(parts).eval()


def _linear(layer: TrainableLayer) -> nn.Linear:
    weight, bias, fire_at = layer.in_membrane_steps()
    neurons, inputs = weight.shape
    linear: nn.Linear = sj_layer.Linear(inputs, neurons, bias=bias is not None, step_mode="m")
    if layer.quantized:
        in_threshold = fire_at / (2**layer.fraction * layer.input_max)
        linear.register_buffer("weight_step", THRESHOLD / in_threshold.cpu())
        weight = weight / 2**layer.fraction / in_threshold[:, None] * THRESHOLD
        bias = None if bias is None else bias / fire_at * THRESHOLD
    linear.weight.copy_(weight)
    if bias is not None:
        linear.bias.copy_(bias)
    return linear


def _norm(norm: nn.BatchNorm1d, linear: nn.Linear) -> nn.Module:
    """Return a norm with the bias of the layer before, which comes after the norm in training."""
    copy: nn.BatchNorm1d = sj_layer.BatchNorm1d(norm.num_features, step_mode="m")
    copy.load_state_dict(norm.state_dict())
    if linear.bias is not None:
        copy.bias.add_(linear.bias)
        linear.register_parameter("bias", None)
    return copy


@torch.no_grad()
def to_network(net: TrainableNetwork, name: str) -> SpikingNetwork:
    """Return the float network: fc1, n1, fc2, n2, ..., and at the end an integrator.

    Pruned weights are zeros; quantized ones are whole multiples of their step, and all numbers whole multiples of a
    membrane step, in float64. Leaks are those of training exactly, and norms are folded.
    """
    net = copy.deepcopy(net)
    net.fold()
    nodes: list[Node] = []
    for layer in net.layers:
        nodes += _nodes(layer)
    return SpikingNetwork(name=name, nodes=tuple(nodes))


def _nodes(layer: TrainableLayer) -> tuple[Linear, Neuron | Integrator]:
    assert layer.synapses.bias is not None
    weight, bias, fire_at = (_array(number) for number in layer.in_membrane_steps() if number is not None)
    inputs = layer.synapses.inputs
    in_thresholds = THRESHOLD / fire_at
    rows = weight * in_thresholds[:, None]
    linear = Linear(
        name=f"fc{layer.name}",
        weight=rows[:, :inputs],
        bias=bias * in_thresholds,
        step=2**layer.fraction * in_thresholds if layer.quantized else None,
        recurrent=rows[:, inputs:] if layer.synapses.recurrent else None,
        delay=None if layer.delay is None else layer.delay.whole().cpu().numpy(),
    )
    if isinstance(layer, ReadoutLayer):
        return linear, Integrator(name=f"n{layer.name}", tau=layer.membrane.tau(), score=layer.score)
    assert isinstance(layer, FiringLayer)
    more: dict[str, Any] = {}
    if layer.synaptic is not None:
        more["synapse_tau"] = layer.synaptic.tau()
    if layer.adaptation is not None:
        step = layer.scaled_adaptation_step(torch.from_numpy(fire_at).float())
        assert step is not None
        more |= {"grow": _array(step) * in_thresholds, "adaptation_tau": layer.adaptation.tau()}
    v_reset = None if layer.soft else 0.0
    return linear, Neuron(
        name=f"n{layer.name}", tau=layer.membrane.tau(), v_threshold=THRESHOLD, v_reset=v_reset, **more
    )


def _array(values: Tensor) -> FloatArray:
    found: FloatArray = values.cpu().numpy().astype(np.float64)
    return found
