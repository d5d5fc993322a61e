"""Runs the float network, to say what integers cost; it is no golden model, since floats round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from snn2rtl.encoders import MAX_PIXEL
from snn2rtl.float_net.network import Integrator, Linear, Neuron, SpikingNetwork, decay
from snn2rtl.int_net.reference import Inputs, Spikes, late
from snn2rtl.passes.fold_neurons import pair_layers

Floats = NDArray[Any]


@dataclass(frozen=True, eq=False)
class FloatTrace:
    """What one layer did: spikes, and membranes after reset, both of shape (T, N, neurons); Integrators never spike."""

    spikes: Spikes
    membranes: Floats


def run(network: SpikingNetwork, inputs: Inputs, dtype: DTypeLike = np.float32) -> tuple[FloatTrace, ...]:
    """Return what each layer of a folded network does.

    Args:
        network: pairs of Linear and Neuron, as fold_neurons() leaves them.
        inputs: spikes of shape (T, N, inputs), or pixels of shape (N, inputs) for an encoder that takes them; direct
            coding makes 1.0 of 255.
        dtype: the precision.
    """
    inputs = network.encoder.entering(inputs) if network.encoder else inputs
    values = inputs.astype(dtype)
    steps = len(inputs)
    if network.encoder and network.encoder.kind == "direct":
        values /= MAX_PIXEL
        steps = network.encoder.time_steps
    traces: list[FloatTrace] = []
    for linear, neuron in pair_layers(network):
        current = late(linear.delay, values) @ linear.weight.T.astype(dtype) + linear.bias.astype(dtype)
        traces.append(_Neurons(linear, neuron, dtype).run(np.broadcast_to(current, (steps, *current.shape[-2:]))))
        values = traces[-1].spikes.astype(dtype)
    return tuple(traces)


def scores(network: SpikingNetwork, inputs: Inputs) -> Floats:
    """Return what the class is the argmax of, shape (N, classes): spike counts, or the scores of an Integrator.

    Args:
        network: pairs of Linear and Neuron, as fold_neurons() leaves them.
        inputs: as of run().
    """
    last = run(network, inputs)[-1]
    _, neuron = pair_layers(network)[-1]
    if isinstance(neuron, Neuron):
        counts: Floats = last.spikes.sum(axis=0, dtype=np.int64)
        return counts
    return _scores(neuron.score, last.membranes)


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

    def __init__(self, linear: Linear, neuron: Neuron | Integrator, dtype: DTypeLike) -> None:
        self.neuron = neuron
        self.recurrent = None if linear.recurrent is None else linear.recurrent.T.astype(dtype)
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
        for t, entering in enumerate(current):
            total = entering
            if self.recurrent is not None and t:
                total = entering + trace.spikes[t - 1].astype(current.dtype) @ self.recurrent
            if self.keep_current is not None:
                total = synaptic = synaptic * self.keep_current + total
            membrane = membrane * self.keep + total
            if isinstance(self.neuron, Neuron):
                fired = self._fires(membrane + adaptation)
                if self.grow is not None:
                    adaptation = adaptation * self.keep_adaptation - fired * self.grow
                membrane = membrane * ~fired if self.neuron.v_reset is not None else membrane - fired * self.threshold
                trace.spikes[t] = fired
            trace.membranes[t] = membrane
        return trace

    def _fires(self, felt: Floats) -> NDArray[np.bool_]:
        assert isinstance(self.neuron, Neuron)
        fired: NDArray[np.bool_] = felt > self.threshold if self.neuron.strict else felt >= self.threshold
        return fired
