"""The network as docs/semantics.md has it, one number at a time: Python's // floors."""

from __future__ import annotations

from itertools import product

import numpy as np

from snn2rtl.int_net.network import INPUT, FixedPointNetwork, MaxPool, Node, Sum, SumPool
from snn2rtl.int_net.neurons import (
    AdaptiveLifNeuron,
    Integrator,
    Leak,
    MultiplierLeak,
    Reset,
    Score,
    ShiftLeak,
)
from snn2rtl.int_net.population import Connection, Population
from snn2rtl.int_net.synapses import Convolution, Dense
from snn2rtl.windows import Shape, Windows


def leaked(value: int, leak: Leak, neuron: int) -> int:
    match leak:
        case ShiftLeak(shift):
            return value - value // 2 ** own(shift, neuron)
        case MultiplierLeak(factor, fraction):
            return value * own(factor, neuron) // 2**fraction
    return value


def own(parameter: object, neuron: int) -> int:
    """Return the parameter of a neuron, where each has one of its own or all share it."""
    return int(parameter[neuron]) if isinstance(parameter, np.ndarray) else int(parameter)  # type: ignore[call-overload]


State = tuple[int, int, int, int]  # spike, membrane, adaptation or synaptic current, steps that are left to rest


def stepped(state: State, layer: Population, neuron: int, inputs: list[list[int]]) -> State:
    """Return the state of a neuron after a step; inputs are those of each connection."""
    _, membrane, other, left = state
    kind = layer.neuron
    current = received(layer, neuron, inputs)
    if kind.current_leak is not None:
        current = other = leaked(other, kind.synapse_leak, neuron) + current
    if left:
        return 0, 0, other, left - 1
    adaptation = other if isinstance(kind, AdaptiveLifNeuron) else 0
    value = kept(membrane, layer, neuron) + current
    spike, membrane = fire_and_reset(value, layer, neuron, adaptation, membrane)
    if isinstance(kind, AdaptiveLifNeuron):
        other = leaked(other, kind.adaptation_leak, neuron) - spike * int(kind.adaptation_step[neuron])
    return spike, membrane, other, getattr(kind, "refractory", 0) * spike


def charged(membrane: int, layer: Population, neuron: int, inputs: list[list[int]]) -> int:
    """Return the membrane before saturation."""
    return kept(membrane, layer, neuron) + received(layer, neuron, inputs)


def kept(membrane: int, layer: Population, neuron: int) -> int:
    """Return what a step keeps of a membrane: after the leak, and after a reset that is late."""
    taken = int(layer.neuron.reset_by[neuron]) if above(membrane, layer, neuron, Reset.LATE) else 0
    return leaked(membrane, layer.neuron.leak, neuron) - taken


def above(membrane: int, layer: Population, neuron: int, reset: Reset) -> bool:
    """Return whether the membrane of the step before is at the threshold, and the neuron's reset asks for that."""
    kind = layer.neuron
    return kind.spikes and kind.reset is reset and membrane >= int(kind.fire_at[neuron])


def received(layer: Population, neuron: int, inputs: list[list[int]]) -> int:
    """Return the current of a neuron, its bias included: the greatest of its window where there is a pool."""
    return max(summed(layer, place, inputs) for place in places(layer, neuron))


def places(layer: Population, neuron: int) -> list[int]:
    """Return the sums that a neuron takes the greatest of: one of its own where there is no pool."""
    if layer.pool is None:
        return [neuron]
    channel, window = divmod(neuron, size(layer.pool.outputs))
    return [channel * size(layer.pool.space) + place for _, place in taken(layer.pool, window)]


def summed(layer: Population, place: int, inputs: list[list[int]]) -> int:
    """Return the sum of the weights of a place and its bias."""
    total = 0
    for connection, values in zip(layer.inputs, inputs, strict=True):
        for source, weight in weights(connection.synapses, place):
            total += weight * values[source] * (connection.spike_value or 1)
    return int(layer.bias[place]) + total * 2**layer.weight_shift


def weights(synapses: Dense | Convolution, neuron: int) -> list[tuple[int, int]]:
    """Return every input of a neuron with its weight."""
    if isinstance(synapses, Dense):
        return list(enumerate(synapses.weight[neuron].tolist()))
    windows, (out, per_group, *_) = synapses.windows, synapses.weight.shape
    channel, window = divmod(neuron, size(windows.outputs))
    first = channel // (out // synapses.groups) * per_group
    kernel = synapses.weight[channel].reshape(per_group, -1).tolist()
    return [
        ((first + c) * size(windows.space) + place, kernel[c][tap])
        for c in range(per_group)
        for tap, place in taken(windows, window)
    ]


def taken(windows: Windows, window: int) -> list[tuple[int, int]]:
    """Return every tap of a window that lies inside, with the input that it takes, all counted in a row."""
    found = []
    for number, tap in enumerate(product(*map(range, windows.kernel))):
        place = 0
        inside = True
        for axis, begin in enumerate(unravelled(window, windows.outputs)):
            at = windows.stride[axis] * begin + windows.dilation[axis] * tap[axis] - windows.padding[axis]
            inside = inside and 0 <= at < windows.space[axis]
            place = place * windows.space[axis] + at
        if inside:
            found.append((number, place))
    return found


def unravelled(number: int, shape: Shape) -> list[int]:
    """Return the coordinates of a place that is counted in a row."""
    found: list[int] = []
    for length in reversed(shape):
        found = [number % length, *found]
        number //= length
    return found


def size(shape: Shape) -> int:
    total = 1
    for length in shape:
        total *= length
    return total


def fire_and_reset(value: int, layer: Population, neuron: int, adaptation: int = 0, before: int = 0) -> tuple[int, int]:
    """Return spike and membrane after reset of a charged membrane, and the one before it."""
    value = saturated(value, layer.neuron.membrane_bits)
    if not layer.neuron.spikes:
        return 0, value
    reset_by = int(layer.neuron.reset_by[neuron])
    felt = value + adaptation - (reset_by if above(before, layer, neuron, Reset.STEPPED) else 0)
    if felt < layer.neuron.fire_at[neuron]:
        return 0, value
    after = {Reset.HARD: 0, Reset.SOFT: value - reset_by, Reset.NONE: value, Reset.LATE: value}
    return 1, after.get(layer.neuron.reset, value - reset_by)


def saturated(value: int, bits: int) -> int:
    return min(max(value, -(2 ** (bits - 1))), 2 ** (bits - 1) - 1)


def scored(score: int, membrane: int, step: int, neuron: Integrator) -> int:
    """Return the score after a step, counted from 0."""
    if neuron.score is Score.SUM:
        return saturated(score + membrane, neuron.score_bits)
    return max(score, membrane) if neuron.score is Score.MAX and step else membrane


def pooled(node: MaxPool | SumPool, values: list[int]) -> list[int]:
    """Return what a pool makes of the values of its source."""
    found, places = [], size(node.windows.space)
    for channel in range(node.channels):
        for window in range(size(node.windows.outputs)):
            inside = [values[channel * places + place] for _, place in taken(node.windows, window)]
            found.append(max(inside, default=0) if isinstance(node, MaxPool) else sum(inside))
    return found


def arriving(connection: Connection, made: dict[str, list[list[int]]], step: int) -> list[int]:
    """Return what arrives through a connection in a step.

    Args:
        connection: the connection.
        made: what the input and the nodes made in each step so far.
        step: the step.
    """
    found = []
    for i in range(connection.synapses.num_inputs):
        late = 1 if connection.previous_step else 0 if connection.delay is None else int(connection.delay[i])
        found.append(made[connection.source][step - late][i] if step >= late else 0)
    return found


class Neurons:
    """A population of one sample: the states of its neurons."""

    def __init__(self, layer: Population) -> None:
        self.layer = layer
        self.states: list[State] = [(0, 0, 0, 0)] * layer.num_neurons

    @property
    def membranes(self) -> list[int]:
        return [membrane for _, membrane, _, _ in self.states]

    def step(self, inputs: list[list[int]]) -> list[int]:
        """Return the spikes of a step."""
        self.states = [stepped(state, self.layer, neuron, inputs) for neuron, state in enumerate(self.states)]
        return [spike for spike, _, _, _ in self.states]


def made_by(node: Node, neurons: dict[str, Neurons], made: dict[str, list[list[int]]], step: int) -> list[int]:
    """Return what a node makes in a step."""
    match node:
        case Population():
            return neurons[node.name].step([arriving(connection, made, step) for connection in node.inputs])
        case Sum():
            return [sum(values) for values in zip(*(made[source][step] for source in node.sources), strict=True)]
        case MaxPool() | SumPool():
            return pooled(node, made[node.source][step])


def run_sample(
    network: FixedPointNetwork, steps: list[list[int]]
) -> tuple[list[list[list[int]]], list[list[list[int]]], list[int], int]:
    """Return spikes [step][node][place], membranes [step][node][neuron], counts and class of one sample.

    Nodes without neurons have no membranes.
    """
    neurons = {node.name: Neurons(node) for node in network.nodes if isinstance(node, Population)}
    made: dict[str, list[list[int]]] = {INPUT: [], **{node.name: [] for node in network.nodes}}
    membranes_seen = []
    counts = [0] * network.num_classes
    scores = [0] * network.output.num_neurons
    output = neurons[network.nodes[-1].name]
    for step, inputs in enumerate(steps):
        made[INPUT].append(inputs)
        for node in network.nodes:
            made[node.name].append(made_by(node, neurons, made, step))
        for place, spike in enumerate(made[output.layer.name][step]):
            if not output.layer.neuron.spikes:
                scores[place] = scored(scores[place], output.membranes[place], step, output.layer.neuron)
            else:
                winner = place // network.group
                counts[winner] = min(counts[winner] + spike, 2**network.count_bits - 1)
        membranes_seen.append([neurons[node.name].membranes if node.name in neurons else [] for node in network.nodes])
    if not output.layer.neuron.spikes:
        counts = [sum(scores[first : first + network.group]) for first in range(0, len(scores), network.group)]
    spikes_seen = [[made[node.name][step] for node in network.nodes] for step in range(len(steps))]
    winner = 0
    for neuron, count in enumerate(counts):
        if count > counts[winner]:
            winner = neuron
    return spikes_seen, membranes_seen, counts, winner
