"""The neuron as docs/semantics.md has it, one number at a time: Python's // floors."""

from __future__ import annotations

from snn2rtl.int_net.chain import DenseLayer, layers_of
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.neurons import (
    AdaptiveLifNeuron,
    Integrator,
    Leak,
    MultiplierLeak,
    MultiplierLeaks,
    Reset,
    Score,
    ShiftLeak,
    ShiftLeaks,
    WithCurrent,
)


def leaked(value: int, leak: Leak, neuron: int) -> int:
    match leak:
        case ShiftLeak(shift):
            return value - value // 2**shift
        case ShiftLeaks(shift):
            return value - value // 2 ** int(shift[neuron])
        case MultiplierLeak(factor, fraction):
            return value * factor // 2**fraction
        case MultiplierLeaks(factor, fraction):
            return value * int(factor[neuron]) // 2**fraction
    return value


def stepped(
    membrane: int, other: int, layer: DenseLayer, neuron: int, inputs: list[int], before: list[int]
) -> tuple[int, int, int]:
    """Return spike, membrane and second state of a neuron after a step."""
    kind = layer.neuron
    if isinstance(kind, WithCurrent):
        other = leaked(other, kind.synapse_leak, neuron) + received(layer, neuron, inputs, before)
        spike, membrane = fire_and_reset(leaked(membrane, kind.leak, neuron) + other, layer, neuron)
        return spike, membrane, other
    value = leaked(membrane, kind.leak, neuron) + received(layer, neuron, inputs, before)
    if isinstance(kind, AdaptiveLifNeuron):
        spike, membrane = fire_and_reset(value, layer, neuron, other)
        return spike, membrane, leaked(other, kind.adaptation_leak, neuron) - spike * int(kind.grow[neuron])
    return *fire_and_reset(value, layer, neuron), 0


def received(layer: DenseLayer, neuron: int, inputs: list[int], before: list[int]) -> int:
    """Return the current of a neuron, its bias included."""
    total = sum(weight * value for weight, value in zip(layer.weight[neuron].tolist(), inputs, strict=True))
    if layer.recurrent is not None:
        total += sum(weight * spike for weight, spike in zip(layer.recurrent[neuron].tolist(), before, strict=True))
    return int(layer.bias[neuron]) + total * 2**layer.weight_shift


def charged(membrane: int, layer: DenseLayer, neuron: int, inputs: list[int]) -> int:
    """Return the membrane before saturation."""
    return leaked(membrane, layer.neuron.leak, neuron) + received(layer, neuron, inputs, [0] * layer.num_neurons)


def fire_and_reset(value: int, layer: DenseLayer, neuron: int, adaptation: int = 0) -> tuple[int, int]:
    """Return spike and membrane after reset of a charged membrane."""
    value = saturated(value, layer.neuron.membrane_bits)
    if isinstance(layer.neuron, Integrator) or value + adaptation < layer.neuron.fire_at[neuron]:
        return 0, value
    return 1, 0 if layer.neuron.reset is Reset.HARD else value - int(layer.neuron.reset_by[neuron])


def saturated(value: int, bits: int) -> int:
    return min(max(value, -(2 ** (bits - 1))), 2 ** (bits - 1) - 1)


def scored(score: int, membrane: int, step: int, neuron: Integrator) -> int:
    """Return the score after a step, counted from 0."""
    if neuron.score is Score.SUM:
        return saturated(score + membrane, neuron.score_bits)
    return max(score, membrane) if neuron.score is Score.MAX and step else membrane


def run_sample(
    network: FixedPointNetwork, steps: list[list[int]]
) -> tuple[list[list[list[int]]], list[list[list[int]]], list[int], int]:
    """Return spikes and membranes [step][layer][neuron], counts and class of one sample."""
    membranes = [[0] * len(layer.weight) for layer in layers_of(network)]
    others = [[0] * len(layer.weight) for layer in layers_of(network)]  # adaptations or synaptic currents
    before = [[0] * len(layer.weight) for layer in layers_of(network)]  # spikes
    seen: list[list[list[int]]] = [[] for _ in layers_of(network)]  # inputs of each step
    spikes_seen, membranes_seen = [], []
    counts = [0] * len(membranes[-1])
    last = layers_of(network)[-1].neuron
    for step, inputs in enumerate(steps):
        events, spikes_now = inputs, []
        for index, layer in enumerate(layers_of(network)):
            out = []
            seen[index].append(events)
            if layer.delay is not None:
                past = [step - int(steps_late) for steps_late in layer.delay]
                events = [seen[index][then][i] if then >= 0 else 0 for i, then in enumerate(past)]
            for neuron in range(len(layer.weight)):
                spike, membranes[index][neuron], others[index][neuron] = stepped(
                    membranes[index][neuron], others[index][neuron], layer, neuron, events, before[index]
                )
                out.append(spike)
            before[index] = out
            events = out
            spikes_now.append(out)
        for neuron, spike in enumerate(events):
            if isinstance(last, Integrator):
                counts[neuron] = scored(counts[neuron], membranes[-1][neuron], step, last)
            else:
                counts[neuron] = min(counts[neuron] + spike, 2**network.count_bits - 1)
        spikes_seen.append(spikes_now)
        membranes_seen.append([list(state) for state in membranes])
    winner = 0
    for neuron, count in enumerate(counts):
        if count > counts[winner]:
            winner = neuron
    return spikes_seen, membranes_seen, counts, winner
