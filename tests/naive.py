"""The neuron as docs/semantics.md has it, one number at a time: Python's // floors."""

from __future__ import annotations

from snn2rtl.network import FixedPointNetwork, Layer, MultiplierLeak, Reset, ShiftLeak


def leaked(membrane: int, layer: Layer) -> int:
    leak = layer.neuron.leak
    if isinstance(leak, ShiftLeak):
        return membrane - membrane // 2**leak.shift
    if isinstance(leak, MultiplierLeak):
        return membrane * leak.factor // 2**leak.fraction
    return membrane


def charged(membrane: int, layer: Layer, neuron: int, inputs: list[int]) -> int:
    """Return the membrane before saturation."""
    total = int(layer.bias[neuron])
    for weight, value in zip(layer.weight[neuron].tolist(), inputs, strict=True):
        total += weight * value * 2**layer.weight_shift
    return leaked(membrane, layer) + total


def fire_and_reset(value: int, layer: Layer, neuron: int) -> tuple[int, int]:
    """Return spike and membrane after reset of a charged membrane."""
    most = 2 ** (layer.neuron.membrane_bits - 1)
    value = min(max(value, -most), most - 1)
    if value < layer.neuron.fire_at[neuron]:
        return 0, value
    return 1, 0 if layer.neuron.reset is Reset.HARD else value - int(layer.neuron.reset_by[neuron])


def run_sample(
    network: FixedPointNetwork, steps: list[list[int]]
) -> tuple[list[list[list[int]]], list[list[list[int]]], list[int], int]:
    """Return spikes and membranes [step][layer][neuron], counts and class of one sample."""
    membranes = [[0] * len(layer.weight) for layer in network.layers]
    spikes_seen, membranes_seen = [], []
    counts = [0] * len(membranes[-1])
    for inputs in steps:
        events, spikes_now = inputs, []
        for layer, state in zip(network.layers, membranes, strict=True):
            out = []
            for neuron in range(len(state)):
                value = charged(state[neuron], layer, neuron, events)
                spike, state[neuron] = fire_and_reset(value, layer, neuron)
                out.append(spike)
            events = out
            spikes_now.append(out)
        for neuron, spike in enumerate(events):
            counts[neuron] = min(counts[neuron] + spike, 2**network.count_bits - 1)
        spikes_seen.append(spikes_now)
        membranes_seen.append([list(state) for state in membranes])
    winner = 0
    for neuron, count in enumerate(counts):
        if count > counts[winner]:
            winner = neuron
    return spikes_seen, membranes_seen, counts, winner
