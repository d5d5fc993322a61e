"""One population of the golden model, over time: what arrives, its current, the steps of its neurons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2rtl.delays import late
from snn2rtl.fixed_point import IntArray, int_dtype, signed_bits, signed_range
from snn2rtl.int_net.intervals import charged_range, membrane_range, sum_range
from snn2rtl.int_net.neurons import State
from snn2rtl.int_net.neurons.leaks import product_bits
from snn2rtl.int_net.population import Connection, Population
from snn2rtl.int_net.saturations import Limits
from snn2rtl.int_net.synapses.dense import Operator

Values = NDArray[np.unsignedinteger[Any]]  # spikes, counts or pixels


class PopulationRunner:
    """One population, prepared for many chunks: weights in the float type in which every sum is exact."""

    def __init__(self, layer: Population) -> None:
        self.layer = layer
        self.operators = [(connection, _exact_operator(connection)) for connection in layer.forward]
        self.recurrent = _exact_operator(layer.recurrent) if layer.recurrent else None
        self.state_type = int_dtype(_state_bits(layer))
        fits = membrane_range(layer).bits <= layer.neuron.membrane_bits
        self.saturate = None if fits else Limits(*signed_range(layer.neuron.membrane_bits))
        self.lost = 0

    def run(self, made: Mapping[str, Values], steps: int, membranes: IntArray | None) -> Values:
        """Return the population's spikes; fill membranes where given.

        Args:
            made: what each source made, shape (T, n, inputs), or (n, inputs) where all steps have the same.
            steps: T.
            membranes: shape (T, n, neurons), or None.
        """
        layer = self.layer
        current = layer.pooled(self._current(made))
        samples = current.shape[-2]
        current = np.broadcast_to(current, (steps, samples, layer.num_neurons))
        neuron, saturate = layer.neuron, self.saturate.clip if self.saturate else None
        state: State = (np.zeros((samples, layer.num_neurons), self.state_type),) * neuron.num_states
        out = np.empty((steps, samples, layer.num_neurons), bool)
        for t in range(steps):
            total = current[t] + self._fed_back(self.recurrent, out[t - 1]) if self.recurrent and t else current[t]
            state, out[t] = neuron.step(state, total, saturate)
            if membranes is not None:
                membranes[t] = state[0]
        return out.view(np.uint8)

    def _fed_back(self, recurrent: Operator, spikes: NDArray[np.bool_]) -> IntArray:
        """Return the current of the population's spikes of the step before, both of shape (n, neurons)."""
        assert self.layer.recurrent is not None
        total: IntArray = recurrent(spikes).astype(self.state_type) * self.layer.recurrent.value_of_one
        return total << self.layer.weight_shift

    def _current(self, made: Mapping[str, Values]) -> IntArray:
        total: IntArray = np.zeros((1, 1), self.state_type)
        for index, (connection, operator) in enumerate(self.operators):
            part = operator(self._arrived(connection, made[connection.source])).astype(self.state_type)
            part = part if connection.spike_value is None else part * connection.spike_value
            total = total + part if index else part
        if self.layer.weight_shift:
            total <<= self.layer.weight_shift
        if self.layer.bias.any():
            total += self.layer.bias.astype(self.state_type)
        return total

    def _arrived(self, connection: Connection, values: Values) -> Values:
        if connection.delay is None:
            return values
        arrived = late(connection.delay, values)
        self.lost += int(np.count_nonzero(values)) - int(np.count_nonzero(arrived))
        return arrived


def _exact_operator(connection: Connection) -> Operator:
    """Return the operator in a float of n mantissa bits, which adds integers exactly while every sum is below 2**n."""
    largest = connection.greatest * max(int(np.abs(bound).max()) for bound in connection.synapses.bounds)
    return connection.synapses.operator(np.float32 if largest < 2**24 else np.float64)


def _sum_bits(layer: Population) -> int:
    """Return the width of what a pool takes the greatest of; without one the charged membrane is as wide."""
    low, high = sum_range(layer)
    return 0 if layer.pool is None else signed_bits(int(low.min()), int(high.max()))


def _state_bits(layer: Population) -> int:
    """Return a width for every number of a step: leaks' products, and the current with and without its bias."""
    neuron, charged = layer.neuron, max(charged_range(layer).bits, _sum_bits(layer))
    ones = [signed_bits(0, one.value_of_one) for one in layer.inputs]  # which multiply weights, zero ones too
    bits = [*ones, charged + 1, membrane_range(layer).bits, neuron.membrane_bits + product_bits(neuron.leak)]
    if neuron.current_leak:
        bits.append(charged + product_bits(neuron.current_leak))
    return max(*bits, *neuron.step_bits)
