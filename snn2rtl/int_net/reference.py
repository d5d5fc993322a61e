"""The golden model: runs an integer network on whole batches, exactly as docs/semantics.md says.

Everything that claims to be this network (Verilog in any simulator, a synthesised netlist) is compared with this file.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2rtl.errors import DataError
from snn2rtl.fixed_point import IntArray, int_dtype, signed_bits, signed_range
from snn2rtl.int_net.intervals import adaptation_low, charged_range, leak, membrane_range, signed_sums
from snn2rtl.int_net.network import (
    AdaptiveLifNeuron,
    CurrentIntegrator,
    CurrentLifNeuron,
    FixedPointNetwork,
    Integrator,
    Layer,
    Leak,
    LifNeuron,
    MultiplierLeak,
    MultiplierLeaks,
    Neuron,
    Reset,
    Score,
    WithCurrent,
)
from snn2rtl.int_net.saturations import Limits, Saturations, readout_limits

Spikes = NDArray[np.uint8]
State = tuple[IntArray, ...]  # of a layer's neurons, the membrane first, each of shape (N, neurons)
Inputs = NDArray[np.uint8]  # spikes of shape (T, N, inputs), or pixels of shape (N, inputs) where a network takes them

_CHUNK_BYTES = 1 << 25  # of input current at a time: enough for BLAS to be fast, small enough for the caches


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """What one layer did: spikes and, where recorded, membranes after reset, both of shape (T, N, neurons).

    Integrators never spike.
    """

    spikes: Spikes
    membranes: IntArray | None


@dataclass(frozen=True, eq=False)
class Result:
    """What the network did.

    layers: one trace a layer; empty where spikes were not recorded.
    counts: what the class is the argmax of, shape (N, classes): spikes of each output neuron, saturated at the
        network's count_bits, or the scores of integrators.
    classes: the winning output, shape (N,).
    saturations: what was clipped and lost.
    """

    layers: tuple[LayerTrace, ...]
    counts: IntArray
    classes: IntArray
    saturations: Saturations


def run(
    network: FixedPointNetwork, inputs: Inputs, *, record_spikes: bool = True, record_membranes: bool = False
) -> Result:
    """Run the network on a batch of inputs.

    Args:
        network: the integer network.
        inputs: spikes of shape (T, N, inputs), values 0 and 1. For a network that takes them, pixels of shape (N,
            inputs), of which the encoder makes its time steps.
        record_spikes: keep the spikes of every layer.
        record_membranes: keep the membranes of every layer too.

    Raises:
        DataError: the inputs have another shape or other values.
    """
    check_inputs(network, inputs)
    samples = inputs.shape[-2]
    steps = network.encoder.time_steps if network.encoder and network.takes_pixels else len(inputs)
    traces = [_empty_trace(layer, steps, samples, record_membranes) for layer in network.layers]
    counts = np.empty((samples, network.num_classes), np.int64)
    widest = max(layer.num_neurons for layer in network.layers)
    chunk = max(1, _CHUNK_BYTES // (4 * max(steps, 1) * widest))
    runners, readout = [_LayerRunner(layer) for layer in network.layers], readout_limits(network)
    for first in range(0, samples, chunk):
        part = slice(first, first + chunk)
        events = entering(network, inputs[..., part, :])
        for runner, trace in zip(runners, traces, strict=True):
            membranes = _membranes(runner.layer, trace, part, events.shape[-2], steps)
            events = runner.run(events, steps, membranes)
            if record_spikes:
                trace.spikes[:, part] = events
        counts[part] = _counts(network, events, membranes, readout)
    layers = tuple(traces) if record_spikes else ()
    found = Saturations(
        samples=samples,
        steps=steps,
        membranes={one.layer.name: one.saturate.clipped for one in runners if one.saturate and one.saturate.clipped},
        readout=readout.clipped,
        lost_spikes={one.layer.name: one.lost for one in runners if one.lost},
    )
    return Result(layers, counts, np.argmax(counts, axis=1), found)


def _membranes(layer: Layer, trace: LayerTrace, part: slice, samples: int, steps: int) -> IntArray | None:
    """Return where a part's membranes go: into the trace, or nowhere unless the score is read from them."""
    if trace.membranes is not None:
        return trace.membranes[:, part]
    if isinstance(layer.neuron, Integrator):
        return np.empty((steps, samples, layer.num_neurons), int_dtype(layer.neuron.membrane_bits))
    return None


def _counts(network: FixedPointNetwork, spikes: Spikes, membranes: IntArray | None, limits: Limits) -> IntArray:
    """Return the counts of a batch from the last layer's spikes, or the scores from its membranes."""
    neuron = network.layers[-1].neuron
    if isinstance(neuron, Integrator):
        assert membranes is not None
        return _scores(neuron, membranes, limits)
    return spike_counts(spikes, limits)


def spike_counts(spikes: Spikes, limits: Limits) -> IntArray:
    """Return the counts, shape (N, classes), of the last layer's spikes, shape (T, N, classes); they saturate."""
    return limits.clip(spikes.sum(axis=0, dtype=np.int64))


def _scores(neuron: Integrator, membranes: IntArray, limits: Limits) -> IntArray:
    """Return the scores of membranes of shape (T, N, neurons); a sample without a step has scores of zero."""
    score: IntArray = np.zeros(membranes.shape[1:], np.int64)
    for step, membrane in enumerate(membranes):
        match neuron.score:
            case Score.MAX:
                score = np.maximum(score, membrane) if step else membrane.astype(np.int64)
            case Score.LAST:
                score = membrane.astype(np.int64)
            case Score.SUM:
                score = limits.clip(score + membrane)
    return score


def entering(network: FixedPointNetwork, inputs: Inputs) -> Inputs:
    """Return what the first layer takes of a network's inputs: spikes, or the pixels of direct coding."""
    return inputs if network.encoder is None else network.encoder.entering(inputs)


def count_events(inputs: Inputs) -> IntArray:
    """Return how often each of the last axis spiked, or its pixel was not black, over all steps and samples."""
    count: IntArray = np.count_nonzero(inputs, axis=tuple(range(inputs.ndim - 1)))
    return count


def check_inputs(network: FixedPointNetwork, inputs: Inputs) -> None:
    """Raise DataError unless the inputs are spikes or pixels, whichever the network takes, and as many as it does."""
    what, shape = ("pixels", "N") if network.takes_pixels else ("spikes", "T, N")
    if inputs.ndim != (2 if network.takes_pixels else 3) or inputs.shape[-1] != network.num_inputs:
        raise DataError(f"input {what}: must have shape ({shape}, {network.num_inputs}), not {inputs.shape}")
    if network.takes_pixels and inputs.dtype != np.uint8:
        raise DataError(f"input pixels: must be of type uint8, not {inputs.dtype}")
    if not network.takes_pixels and (inputs.dtype != np.uint8 or (inputs.size and inputs.max() > 1)):
        raise DataError("input spikes: must be 0 or 1 of type uint8")


def delayed(layer: Layer, inputs: Inputs) -> Inputs:
    """Return the inputs as they arrive at the layer's synapses, shape (T, N, inputs)."""
    return late(layer.delay, inputs)


def late(delay: IntArray | None, inputs: NDArray[Any]) -> NDArray[Any]:
    """Return inputs of shape (T, N, inputs) each so many steps later, those past the last step being lost."""
    if delay is None:
        return inputs
    arriving = np.zeros_like(inputs)
    for steps in np.unique(delay):
        waiting = delay == steps
        arriving[steps:, :, waiting] = inputs[: max(len(inputs) - int(steps), 0), :, waiting]
    return arriving


def arriving(layer: Layer, inputs: Inputs, spikes: Spikes) -> Inputs:
    """Return the events at a layer's synapses, shape (T, N, inputs), or (T, N, inputs + neurons) where it is recurrent.

    Args:
        layer: the layer.
        inputs: shape (T, N, inputs), before their delays.
        spikes: of the layer, shape (T, N, neurons); a recurrent layer reads those of the step before.
    """
    inputs = delayed(layer, inputs)
    if layer.recurrent is None:
        return inputs
    back = np.concatenate([np.zeros_like(spikes[:1]), spikes[:-1]])
    return np.concatenate([inputs, back], axis=2)


class _LayerRunner:
    """One layer, prepared for many chunks: weights transposed to the BLAS type in which every sum is exact."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        # a float of n mantissa bits adds integers exactly while every partial sum stays below 2**n
        synapses = [layer.weight] if layer.recurrent is None else [layer.weight, layer.recurrent]
        largest = layer.input_max * max(int(np.abs(total).max()) for one in synapses for total in signed_sums(one))
        self.weight, *self.recurrent = (
            np.ascontiguousarray(one.T, dtype=np.float32 if largest < 2**24 else np.float64) for one in synapses
        )
        self.state_type = int_dtype(_state_bits(layer))
        fits = membrane_range(layer).bits <= layer.neuron.membrane_bits
        self.saturate = None if fits else Limits(*signed_range(layer.neuron.membrane_bits))
        self.lost = 0

    def run(self, inputs: Inputs, steps: int, membranes: IntArray | None) -> Spikes:
        """Return the layer's spikes; fill membranes where given.

        Args:
            inputs: shape (T, n, inputs), or (n, inputs) where all steps have the same.
            steps: T.
            membranes: shape (T, n, neurons), or None.
        """
        layer, samples = self.layer, inputs.shape[-2]
        arrived = delayed(layer, inputs)
        self.lost += 0 if layer.delay is None else int(np.count_nonzero(inputs)) - int(np.count_nonzero(arrived))
        current = np.broadcast_to(self._current(arrived), (steps, samples, layer.num_neurons))
        num_states, step = NEURON_STEPS[type(layer.neuron)]
        state: State = (np.zeros((samples, layer.num_neurons), self.state_type),) * num_states
        out = np.empty((steps, samples, layer.num_neurons), bool)
        for t in range(steps):
            total = current[t] + self._fed_back(out[t - 1]) if self.recurrent and t else current[t]
            state, out[t] = step(state, total, layer.neuron, self.saturate)
            if membranes is not None:
                membranes[t] = state[0]
        return out.view(np.uint8)

    def _fed_back(self, spikes: NDArray[np.bool_]) -> IntArray:
        """Return the current of the layer's spikes of the step before, both of shape (n, neurons)."""
        (recurrent,) = self.recurrent
        total: IntArray = (spikes.astype(recurrent.dtype) @ recurrent).astype(self.state_type)
        return total << self.layer.weight_shift

    def _current(self, inputs: Inputs) -> IntArray:
        *places, _ = inputs.shape
        active = np.flatnonzero(inputs.any(axis=tuple(range(len(places)))))  # a silent input costs nothing here either
        dense = np.take(inputs, active, axis=-1).astype(self.weight.dtype).reshape(math.prod(places), active.size)
        total: IntArray = (dense @ self.weight[active]).astype(self.state_type)
        if self.layer.weight_shift:
            total <<= self.layer.weight_shift
        if self.layer.bias.any():
            total += self.layer.bias.astype(self.state_type)
        return total.reshape(*places, self.layer.num_neurons)


def _state_bits(layer: Layer) -> int:
    """Return a width for every number of a step: leaks' products, and the current with and without its bias."""
    neuron = layer.neuron
    bits = [charged_range(layer).bits + 1, membrane_range(layer).bits, neuron.membrane_bits + _product(neuron.leak)]
    if isinstance(neuron, AdaptiveLifNeuron):
        low = int(adaptation_low(neuron).min())
        widest = max(neuron.membrane_bits, signed_bits(low, 0))
        bits += [widest + 1, widest + _product(neuron.adaptation_leak)]
    if isinstance(neuron, WithCurrent):
        bits.append(charged_range(layer).bits + _product(neuron.synapse_leak))
    return max(bits)


def _product(kind: Leak) -> int:
    return kind.fraction + 1 if isinstance(kind, MultiplierLeak | MultiplierLeaks) else 0


Step = Callable[[State, IntArray, Any, Limits | None], tuple[State, NDArray[np.bool_]]]


def lif_step(
    state: State, current: IntArray, neuron: LifNeuron, saturate: Limits | None
) -> tuple[State, NDArray[np.bool_]]:
    """Return state and spikes of one time step: charge, fire, reset.

    Args:
        state: the membrane after the reset of the step before, shape (N, neurons).
        current: shape (N, neurons), bias included.
        neuron: the layer's neurons; its docstring has the equations.
        saturate: clips and counts; None where it is proven that nothing is clipped.
    """
    charged = _charge(state[0], current, neuron, saturate)
    fired = charged >= neuron.fire_at
    return (_reset(charged, fired, neuron),), fired


def adaptive_lif_step(
    state: State, current: IntArray, neuron: AdaptiveLifNeuron, saturate: Limits | None
) -> tuple[State, NDArray[np.bool_]]:
    """Return state (membrane, adaptation) and spikes of one time step; arguments as of lif_step()."""
    membrane, adaptation = state
    charged = _charge(membrane, current, neuron, saturate)
    fired = charged + adaptation >= neuron.fire_at
    adapted = leak(adaptation, neuron.adaptation_leak) - fired * neuron.grow
    return (_reset(charged, fired, neuron), adapted), fired


def current_lif_step(
    state: State, current: IntArray, neuron: CurrentLifNeuron, saturate: Limits | None
) -> tuple[State, NDArray[np.bool_]]:
    """Return state (membrane, synaptic current) and spikes of one time step; arguments as of lif_step()."""
    membrane, synaptic = state
    synaptic = leak(synaptic, neuron.synapse_leak) + current
    charged = _charge(membrane, synaptic, neuron, saturate)
    fired = charged >= neuron.fire_at
    return (_reset(charged, fired, neuron), synaptic), fired


def integrator_step(
    state: State, current: IntArray, neuron: Integrator, saturate: Limits | None
) -> tuple[State, NDArray[np.bool_]]:
    """Return state and spikes, of which there are none, of one time step; arguments as of lif_step()."""
    charged = _charge(state[0], current, neuron, saturate)
    return (charged,), np.zeros(charged.shape, bool)


def current_integrator_step(
    state: State, current: IntArray, neuron: CurrentIntegrator, saturate: Limits | None
) -> tuple[State, NDArray[np.bool_]]:
    """Return state (membrane, synaptic current) and spikes, of which there are none; arguments as of lif_step()."""
    membrane, synaptic = state
    synaptic = leak(synaptic, neuron.synapse_leak) + current
    charged = _charge(membrane, synaptic, neuron, saturate)
    return (charged, synaptic), np.zeros(charged.shape, bool)


NEURON_STEPS: dict[type, tuple[int, Step]] = {
    LifNeuron: (1, lif_step),
    AdaptiveLifNeuron: (2, adaptive_lif_step),
    CurrentLifNeuron: (2, current_lif_step),
    Integrator: (1, integrator_step),
    CurrentIntegrator: (2, current_integrator_step),
}
"""The number of states of a neuron and its step."""


def _charge(membrane: IntArray, current: IntArray, neuron: Neuron, saturate: Limits | None) -> IntArray:
    charged = leak(membrane, neuron.leak) + current
    return charged if saturate is None else saturate.clip(charged)


def _reset(charged: IntArray, fired: NDArray[np.bool_], neuron: LifNeuron) -> IntArray:
    return charged * ~fired if neuron.reset is Reset.HARD else charged - fired * neuron.reset_by


def _empty_trace(layer: Layer, steps: int, samples: int, record_membranes: bool) -> LayerTrace:
    shape = (steps, samples, layer.num_neurons)
    membranes = np.empty(shape, int_dtype(layer.neuron.membrane_bits)) if record_membranes else None
    return LayerTrace(np.empty(shape, np.uint8), membranes)
