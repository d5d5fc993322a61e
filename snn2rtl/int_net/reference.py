"""The golden model: runs an integer network on whole batches, exactly as docs/semantics.md says.

Everything that claims to be this network (Verilog in any simulator, a synthesised netlist) is compared with this file.
One population over time is in population_runner.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from snn2rtl.delays import late
from snn2rtl.errors import DataError
from snn2rtl.fixed_point import IntArray, int_dtype
from snn2rtl.int_net.network import FixedPointNetwork, Node, shape_of
from snn2rtl.int_net.neurons import Neuron, Score
from snn2rtl.int_net.population import Connection, Population
from snn2rtl.int_net.population_runner import PopulationRunner
from snn2rtl.int_net.saturations import Limits, Saturations, readout_limits
from snn2rtl.pools import INPUT, MaxPool, Sum, SumPool, pooled

Spikes = NDArray[np.unsignedinteger[Any]]
Inputs = NDArray[
    np.unsignedinteger[Any]
]  # spikes or counts (T, N, inputs), or pixels (N, inputs) where a network takes them

_CHUNK_BYTES = 1 << 25  # of input current at a time: enough for BLAS to be fast, small enough for the caches


@dataclass(frozen=True, eq=False)
class NodeTrace:
    """What one node did: spikes and, where recorded, membranes after reset, both of shape (T, N, neurons).

    Integrators never spike; sums make values rather than spikes. Only populations have membranes.
    """

    spikes: Spikes
    membranes: IntArray | None


@dataclass(frozen=True, eq=False)
class Result:
    """What the network did.

    traces: one of each node by its name, in order; empty where spikes were not recorded.
    counts: what the class is the argmax of, shape (N, classes): spikes of each group of outputs, saturated at the
        network's count_bits, or the scores of integrators, summed over each group.
    classes: the winning group, shape (N,).
    saturations: what was clipped and lost.
    scores: of each integrator, shape (N, outputs); None where the output spikes.
    """

    traces: Mapping[str, NodeTrace]
    counts: IntArray
    classes: IntArray
    saturations: Saturations
    scores: IntArray | None = None

    @property
    def in_order(self) -> tuple[NodeTrace, ...]:
        """The traces in the order of the nodes."""
        return tuple(self.traces.values())


def run(
    network: FixedPointNetwork, inputs: Inputs, *, record_spikes: bool = True, record_membranes: bool = False
) -> Result:
    """Run the network on a batch of inputs.

    Args:
        network: the integer network.
        inputs: spikes, counts or values of shape (T, N, inputs). For a network that takes them, pixels of shape (N,
            inputs), of which the encoder makes its time steps.
        record_spikes: keep the spikes of every node.
        record_membranes: keep the membranes of every population too.

    Raises:
        DataError: the inputs have another shape or other values.
    """
    check_inputs(network, inputs)
    samples = inputs.shape[-2]
    steps = network.encoder.time_steps if network.encoder and network.makes_steps else len(inputs)
    traces = {node.name: _empty_trace(network, node, steps, samples, record_membranes and record_spikes)
              for node in network.nodes} if record_spikes else {}  # fmt: skip
    counts = np.empty((samples, network.num_classes), np.int64)
    scores = np.empty((samples, network.output.num_neurons), np.int64) if network.integrates else None
    widest = max(node.num_sums if isinstance(node, Population) else math.prod(shape_of(node)) for node in network.nodes)
    chunk = max(1, _CHUNK_BYTES // (4 * max(steps, 1) * widest))
    runners = {layer.name: PopulationRunner(layer) for layer in network.populations}
    readout = readout_limits(network)
    for first in range(0, samples, chunk):
        part = slice(first, first + chunk)
        made = {INPUT: encoded(network, inputs[..., part, :])}
        for node in network.nodes:
            trace = traces.get(node.name)
            if isinstance(node, Population):
                membranes = _membranes(node, trace, part, made[INPUT].shape[-2], steps)
                made[node.name] = runners[node.name].run(made, steps, membranes)
            else:
                made[node.name] = _made(node, made)
            if trace:
                trace.spikes[:, part] = made[node.name]
        if scores is None:
            counts[part] = spike_counts(network, made[network.output.name], readout)
        else:
            scores[part] = _scores(network.output.neuron, membranes, readout)
            counts[part] = group_scores(network, scores[part])
    found = Saturations(
        samples=samples,
        steps=steps,
        membranes={
            name: one.saturate.clipped for name, one in runners.items() if one.saturate and one.saturate.clipped
        },
        readout=readout.clipped,
        lost_spikes={name: one.lost for name, one in runners.items() if one.lost},
    )
    return Result(traces, counts, np.argmax(counts, axis=1), found, scores)


def _membranes(layer: Population, trace: NodeTrace | None, part: slice, samples: int, steps: int) -> IntArray | None:
    """Return where a part's membranes go: into the trace, or nowhere unless the score is read from them."""
    if trace and trace.membranes is not None:
        return trace.membranes[:, part]
    if not layer.neuron.spikes:
        return np.empty((steps, samples, layer.num_neurons), int_dtype(layer.neuron.membrane_bits))
    return None


def spike_counts(network: FixedPointNetwork, spikes: Spikes, limits: Limits) -> IntArray:
    """Return the counts, shape (N, classes), of the output's spikes, shape (T, N, outputs); they saturate."""
    each = spikes.sum(axis=0, dtype=np.int64)
    return limits.clip(each.reshape(len(each), network.num_classes, network.group).sum(axis=2))


def group_scores(network: FixedPointNetwork, scores: IntArray) -> IntArray:
    """Return the scores of each group of outputs, shape (N, classes), the sums of theirs, shape (N, outputs)."""
    total: IntArray = scores.reshape(len(scores), network.num_classes, network.group).sum(axis=2)
    return total


def _scores(neuron: Neuron, membranes: IntArray | None, limits: Limits) -> IntArray:
    """Return the scores of membranes of shape (T, N, neurons); a sample without a step has scores of zero."""
    assert membranes is not None
    assert not neuron.spikes
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


def encoded(network: FixedPointNetwork, inputs: Inputs) -> Inputs:
    """Return what the first layer takes of a network's inputs: spikes, or the pixels of direct coding."""
    return inputs if network.encoder is None else network.encoder.encoded(inputs)


def input_events(network: FixedPointNetwork, inputs: Inputs) -> Inputs:
    """Return how many events each input of the first layer is in each step, shape (T, N, inputs).

    A count of n is n, any value that is not 0 is one; where pixels enter the first layer, there is one step of them.
    """
    first = encoded(network, inputs)
    events = (first != 0).astype(np.uint8) if network.weighs_values else first
    return events if events.ndim == 3 else events[None]


def check_inputs(network: FixedPointNetwork, inputs: Inputs) -> None:
    """Raise DataError unless the inputs are as many spikes, counts, pixels or values as the network takes."""
    pixels, greatest = network.makes_steps, network.input.greatest
    of_steps = "values" if network.takes_pixels else "spikes" if greatest == 1 else "counts"
    what, shape = ("pixels", "N") if pixels else (of_steps, "T, N")
    if inputs.ndim != (2 if pixels else 3) or inputs.shape[-1] != network.num_inputs:
        raise DataError(f"input {what}: must have shape ({shape}, {network.num_inputs}), not {inputs.shape}")
    if network.takes_pixels and inputs.dtype != np.uint8:
        raise DataError(f"input {what}: must be of type uint8, not {inputs.dtype}")
    types = (np.uint8,) if greatest == 1 else (np.uint8, np.uint16)
    if not pixels and (inputs.dtype not in types or (inputs.size and inputs.max() > greatest)):
        values = "0 or 1 of type uint8" if greatest == 1 else f"0..{greatest} of type uint8 or uint16"
        raise DataError(f"input {what}: must be {values}")


def arrivals(network: FixedPointNetwork, inputs: Inputs, result: Result) -> Iterator[tuple[Population, Inputs]]:
    """Yield each population with what arrives at its synapses, its connections beside each other.

    Its shape is (T, N, inputs of all connections), after delays, a recurrent connection's own spikes one step late. A
    value that is not 0 is a one; so is a pixel in the first step, which is all there is where nothing but pixels
    enters.

    Args:
        network: the integer network.
        inputs: of the network, as for run().
        result: of the golden model for them, with spikes.
    """
    made = {INPUT: input_events(network, inputs)}
    for node in network.nodes:
        made[node.name] = result.traces[node.name].spikes
        if isinstance(node, Population):
            parts = [_delayed(connection, made[connection.source]) for connection in node.inputs]
            yield node, parts[0] if len(parts) == 1 else _beside(parts)


def _beside(parts: list[Inputs]) -> Inputs:
    """Return arrivals of connections beside each other; where pixels arrive, nothing does after the first step."""
    steps = max(map(len, parts))
    lasting = [np.concatenate([part, np.zeros((steps - len(part), *part.shape[1:]), part.dtype)]) for part in parts]
    return np.concatenate(lasting, axis=2)


def _delayed(connection: Connection, values: Inputs) -> Inputs:
    if connection.previous_step:
        return np.concatenate([np.zeros_like(values[:1]), values[:-1]])
    return late(connection.delay, values)


def _made(node: MaxPool | SumPool | Sum, made: Mapping[str, Inputs]) -> Inputs:
    """Return what a node without a state makes of what its sources made, shape (..., outputs)."""
    match node:
        case MaxPool():
            return pooled(node, made[node.source])
        case SumPool():
            return _narrow(pooled(node, made[node.source].astype(np.uint16)))
        case Sum():
            first, *others = (made[source].astype(np.uint16) for source in node.sources)
            for other in others:
                first = first + other
            return _narrow(first)
        case _:
            assert_never(node)


def _narrow(values: Inputs) -> Inputs:
    return values.astype(np.uint8) if values.max(initial=0) <= np.iinfo(np.uint8).max else values


def _empty_trace(network: FixedPointNetwork, node: Node, steps: int, samples: int, record_membranes: bool) -> NodeTrace:
    shape = (steps, samples, math.prod(shape_of(node)))
    membranes = None
    if record_membranes and isinstance(node, Population):
        membranes = np.empty(shape, int_dtype(node.neuron.membrane_bits))
    return NodeTrace(np.empty(shape, _value_type(network.greatest[node.name])), membranes)


def _value_type(greatest: int) -> type[np.unsignedinteger[Any]]:
    return np.uint8 if greatest <= np.iinfo(np.uint8).max else np.uint16
