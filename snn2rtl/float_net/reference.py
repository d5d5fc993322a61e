"""Runs the float network, to say what integers cost; it is no golden model, since floats round."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

import numpy as np
from numpy.typing import DTypeLike, NDArray

from snn2rtl.delays import late
from snn2rtl.float_net.layered import FloatConnection, FloatLayer, LayeredNetwork
from snn2rtl.float_net.nodes import Neuron, decay
from snn2rtl.pools import INPUT, MaxPool, Sum, SumPool, pooled
from snn2rtl.windows import convolve, greatest_of, rows_of

Floats = NDArray[Any]
Inputs = NDArray[np.unsignedinteger[Any]]  # spikes, counts or values (T, N, inputs), or pixels (N, inputs)
Operator = Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False)
class FloatTrace:
    """What one layer did: spikes, and membranes after reset, both of shape (T, N, neurons); Integrators never spike."""

    spikes: NDArray[np.uint8]
    membranes: Floats


def run(network: LayeredNetwork, inputs: Inputs, dtype: DTypeLike = np.float32) -> Mapping[str, FloatTrace]:
    """Return what each layer of a folded network does, by its name.

    Args:
        network: layers as fold_neurons() leaves them.
        inputs: spikes or values of shape (T, N, inputs), or pixels of shape (N, inputs) for an encoder that takes
            them; 1.0 is made of pixels and values of 255.
        dtype: the precision.
    """
    inputs = network.encoder.encoded(inputs) if network.encoder else inputs
    values = inputs.astype(dtype)
    steps = network.encoder.time_steps if network.encoder and inputs.ndim == 2 else len(inputs)
    if network.encoder:
        values /= network.encoder.input_max
    made = {INPUT: values}
    traces: dict[str, FloatTrace] = {}
    for node in network.nodes:
        match node:
            case FloatLayer():
                traces[node.name] = _Neurons(node, dtype).run(_current(node, made, steps, dtype))
                made[node.name] = traces[node.name].spikes.astype(dtype)
            case MaxPool() | SumPool():
                made[node.name] = pooled(node, made[node.source])
            case Sum():
                made[node.name] = np.sum([made[source] for source in node.sources], axis=0)
            case _:
                assert_never(node)
    return traces


def _current(layer: FloatLayer, made: Mapping[str, Floats], steps: int, dtype: DTypeLike) -> Floats:
    """Return the currents of a layer from what its sources made, shape (T, N, neurons): of a pool the greatest ones."""
    total: Floats = layer.bias.astype(dtype)
    for connection in layer.inputs:
        if not connection.previous_step:
            total = total + _operator(connection, dtype)(late(connection.delay, made[connection.source]))
    if layer.pool is not None:
        total = greatest_of(layer.pool, total)
    return np.broadcast_to(total, (steps, *total.shape[-2:]))


def _operator(connection: FloatConnection, dtype: DTypeLike) -> Operator:
    """Return the function from inputs of shape (..., inputs) to currents of shape (..., neurons)."""
    windows = connection.windows
    if windows is None:
        weight = connection.weight.T.astype(dtype)
        return lambda values: values.astype(dtype) @ weight
    rows = rows_of(connection.weight, connection.groups, dtype)

    def currents(values: Floats) -> Floats:
        *places, _ = values.shape
        shaped = values.reshape(math.prod(places), connection.channels, *windows.space)
        return convolve(rows, windows, shaped).reshape(*places, -1)

    return currents


def scores(network: LayeredNetwork, inputs: Inputs) -> Floats:
    """Return what the class is the argmax of, shape (N, classes): spike counts, or the scores of an Integrator.

    Args:
        network: layers as fold_neurons() leaves them.
        inputs: as of run().
    """
    last, neuron = run(network, inputs)[network.output.name], network.output.neuron
    if isinstance(neuron, Neuron):
        each = last.spikes.sum(axis=0, dtype=np.int64)
        counts: Floats = each.reshape(len(each), -1, network.group).sum(axis=2)
        return counts
    each = _scores(neuron.score, last.membranes)
    sums: Floats = each.reshape(len(each), -1, network.group).sum(axis=2)
    return sums


def _scores(score: str, membranes: Floats) -> Floats:
    """Return the scores of membranes of shape (T, N, neurons); a sample without a step has scores of zero."""
    found: Floats = np.zeros(membranes.shape[1:])
    if score == "sum":
        found = membranes.sum(axis=0)
    elif len(membranes):
        found = membranes.max(axis=0) if score == "max" else membranes[-1]
    return found


class _Neurons:
    """The neurons of one layer in one precision; docs of Neuron and Integrator have the equations."""

    def __init__(self, layer: FloatLayer, dtype: DTypeLike) -> None:
        self.neuron = neuron = layer.neuron
        back = [connection for connection in layer.inputs if connection.previous_step]
        self.recurrent = _operator(back[0], dtype) if back else None
        self.keep = (1.0 - decay(neuron.tau)).astype(dtype)
        self.keep_current = None if neuron.synapse_tau is None else (1.0 - decay(neuron.synapse_tau)).astype(dtype)
        if isinstance(neuron, Neuron):
            self.threshold = np.asarray(neuron.v_threshold, dtype)
            self.grow = None if neuron.grow is None else np.asarray(neuron.grow, dtype)
            self.keep_adaptation = (1.0 - decay(neuron.adaptation_tau)).astype(dtype)

    def run(self, current: Floats) -> FloatTrace:
        """Return what the neurons do of their currents, shape (T, N, neurons)."""
        trace = FloatTrace(np.zeros(current.shape, np.uint8), np.empty(current.shape, current.dtype))
        membrane = synaptic = adaptation = np.zeros_like(current[:1].sum(axis=0))
        waiting = np.zeros(membrane.shape, np.int64)  # steps that a neuron stays refractory
        for t, entering in enumerate(current):
            total = entering
            if self.recurrent is not None and t:
                total = entering + self.recurrent(trace.spikes[t - 1])
            if self.keep_current is not None:
                total = synaptic = synaptic * self.keep_current + total
            if isinstance(self.neuron, Neuron):
                charged, threshold = self._charged(self.neuron, membrane, total)
                fired = self._fires(charged + adaptation, threshold) & (waiting == 0)
                if self.grow is not None:
                    adaptation = adaptation * self.keep_adaptation - fired * self.grow
                membrane = self._after_reset(self.neuron, charged, fired | (waiting > 0))
                waiting = np.where(fired, self.neuron.refractory, np.maximum(waiting - 1, 0))
                trace.spikes[t] = fired
            else:
                membrane = membrane * self.keep + total
            trace.membranes[t] = membrane
        return trace

    def _charged(self, neuron: Neuron, membrane: Floats, total: Floats) -> tuple[Floats, Floats]:
        """Return the charged membranes, and what they must reach to fire."""
        charged = membrane * self.keep + total
        match neuron.reset_kind:
            case "hard" | "soft" | "none":
                return charged, self.threshold
            case "late":
                return charged - self._fires(membrane, self.threshold) * self.threshold, self.threshold
            case "stepped":
                return charged, self.threshold + self._fires(membrane, self.threshold) * self.threshold
            case _:
                assert_never(neuron.reset_kind)

    def _after_reset(self, neuron: Neuron, charged: Floats, fired: NDArray[np.bool_]) -> Floats:
        """Return the membranes after the reset of neurons that fired, or are refractory."""
        after: Floats
        match neuron.reset_kind:
            case "hard":
                after = charged * ~fired
            case "soft" | "stepped":
                after = charged - fired * self.threshold
            case "none" | "late":
                after = charged
            case _:
                assert_never(neuron.reset_kind)
        return after

    def _fires(self, felt: Floats, threshold: Floats) -> NDArray[np.bool_]:
        assert isinstance(self.neuron, Neuron)
        fired: NDArray[np.bool_] = felt > threshold if self.neuron.strict else felt >= threshold
        return fired
