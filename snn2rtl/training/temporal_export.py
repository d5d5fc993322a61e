"""Trained networks of temporal layers as float networks."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import FloatArray, Integrator, Linear, Neuron, Node
from snn2rtl.training.network import THRESHOLD, Network
from snn2rtl.training.temporal import FiringLayer, ReadoutLayer, TemporalLayer


@torch.no_grad()
def to_network(net: Network, name: str) -> SpikingNetwork:
    """Return the float network: fc1, n1, fc2, n2, ..., and at the end an integrator.

    Pruned weights are zeros; quantized ones are whole multiples of their step, and all numbers whole multiples of a
    membrane step, in float64. Leaks are those of training exactly, and norms are folded.
    """
    net = copy.deepcopy(net)
    net.fold()
    nodes: list[Node] = []
    for layer in net.layers:
        assert isinstance(layer, TemporalLayer)
        nodes += _nodes(layer)
    return SpikingNetwork(name=name, nodes=tuple(nodes))


def _nodes(layer: TemporalLayer) -> tuple[Linear, Neuron | Integrator]:
    weight, bias, fire_at = (_array(number) for number in layer.numbers())
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
        grow = layer.growth(torch.from_numpy(fire_at).float())
        assert grow is not None
        more |= {"grow": _array(grow) * in_thresholds, "adaptation_tau": layer.adaptation.tau()}
    v_reset = None if layer.soft else 0.0
    return linear, Neuron(
        name=f"n{layer.name}", tau=layer.membrane.tau(), v_threshold=THRESHOLD, v_reset=v_reset, **more
    )


def _array(values: Tensor) -> FloatArray:
    found: FloatArray = values.cpu().numpy().astype(np.float64)
    return found
