"""What a network costs and what it does: weights, operations, spikes, bits, accuracy.

The golden model is the only source of spikes; everything else is counted from what it did.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2rtl.data.samples import Samples, check_labels
from snn2rtl.fixed_point import IntArray
from snn2rtl.int_net import reference
from snn2rtl.int_net.intervals import never_fires
from snn2rtl.int_net.network import FixedPointNetwork, shape_of
from snn2rtl.int_net.population import Population
from snn2rtl.int_net.saturations import Saturations
from snn2rtl.pools import INPUT
from snn2rtl.rtl.design import RtlDesign
from snn2rtl.rtl.layer_design import LayerDesign

COMPARED = {"int8": 8, "float32": 32}  # bits of a weight in other people's formats, zero or not
_CHUNK_BYTES = 1 << 25  # of recordings at a time


@dataclass(frozen=True, eq=False, kw_only=True)
class Activity:
    """What the golden model did with samples of ``steps`` time steps.

    events: how often each input spiked or had a value, or in how many samples its pixel was not black, and how often
    each neuron of each node spiked, by the node's name. arrived: how much reached the synapses of each population, by
    its name, shape (inputs of all connections,); a delay, or the end of a sample, can keep a spike from them.
    membranes: least and greatest membrane of each population after reset. classes: shape (samples,). saturations: what
    was clipped and lost.
    """

    steps: int
    events: Mapping[str, IntArray]
    arrived: Mapping[str, IntArray]
    membranes: Mapping[str, tuple[int, int]]
    classes: IntArray
    saturations: Saturations

    @property
    def samples(self) -> int:
        """Number of samples."""
        return len(self.classes)


@dataclass(frozen=True, eq=False, kw_only=True)
class LayerMetrics:
    """One layer; what happens is a mean over the samples.

    biases: 0 where every bias is zero. weights: zero or not, recurrent ones among them, a kernel once. nonzero: weights
    that are not zero. bits: of the weights' memory, by layout; layout is the one that was chosen. rom_bits: of all
    read-only memories. state_bits: of the membranes' memory. macs: dense multiply-accumulates of a sample, ``T * inputs
    * neurons``, without T where pixels enter. operations: non-zero weights that the events of a sample touch.
    recurrent: recurrent weights, which count as others do. spikes: of a sample. rates: spikes a step of each neuron,
    shape (neurons,). membrane_low and membrane_high: reached after reset. cannot_spike: neurons that no input makes
    spike.
    """

    name: str
    inputs: int
    neurons: int
    biases: int
    weights: int
    nonzero: int
    weight_bits: int
    layout: str
    bits: dict[str, int]
    rom_bits: int
    state_bits: int
    membrane_bits: int
    membrane_low: int
    membrane_high: int
    macs: int
    operations: float
    recurrent: int
    spikes: float
    rates: NDArray[np.float64]
    cannot_spike: int

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return self.weights + self.biases

    @property
    def never_spiked(self) -> int:
        """Neurons without a spike in any sample."""
        return int(np.count_nonzero(self.rates == 0))

    def bits_as(self, kind: str) -> int:
        """Return the bits of the weights in a layout, or in a format of COMPARED."""
        return self.bits[kind] if kind in self.bits else self.weights * COMPARED[kind]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "name": self.name,
            "inputs": self.inputs,
            "neurons": self.neurons,
            "weight_bits": self.weight_bits,
            "membrane_bits": self.membrane_bits,
            "membrane_range": [self.membrane_low, self.membrane_high],
            "layout": self.layout,
            **_summary((self,)),
            "firing_rate": {"mean": float(self.rates.mean()), "highest": float(self.rates.max())},
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class Metrics:
    """A network on samples of ``steps`` time steps.

    input_spikes: of a sample. confusion[label, class] counts samples, shape (classes, classes), None without labels.
    """

    layers: tuple[LayerMetrics, ...]
    samples: int
    steps: int
    input_spikes: float
    confusion: IntArray | None

    @property
    def accuracy(self) -> float | None:
        """Share of the samples whose class is their label."""
        return None if self.confusion is None else int(self.confusion.trace()) / self.samples

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "samples": self.samples,
            "time_steps": self.steps,
            "accuracy": self.accuracy,
            "confusion": None if self.confusion is None else self.confusion.tolist(),
            "input_spikes": self.input_spikes,
            "total": _summary(self.layers),
            "layers": [layer.to_dict() for layer in self.layers],
        }


def total(layers: Sequence[LayerMetrics], key: str) -> int | float:
    """Return the sum of a number over layers."""
    values: list[int | float] = [getattr(layer, key) for layer in layers]
    return sum(values)


def rows(metrics: Metrics) -> list[tuple[str, tuple[LayerMetrics, ...]]]:
    """Return what the rows of a table stand for: each layer and, where there are more, all of them."""
    each: list[tuple[str, tuple[LayerMetrics, ...]]] = [(layer.name, (layer,)) for layer in metrics.layers]
    return [*each, ("all", metrics.layers)] if len(each) > 1 else each


def memory_bits(layers: Sequence[LayerMetrics]) -> dict[str, int]:
    """Return the bits of the layers' weights in every layout and in every format of COMPARED."""
    kinds = (*layers[0].bits, *COMPARED)
    return {kind: sum(layer.bits_as(kind) for layer in layers) for kind in kinds}


def sparsity(layers: Sequence[LayerMetrics]) -> float:
    """Return the share of the layers' weights that are zero."""
    return 1 - total(layers, "nonzero") / total(layers, "weights")


def _summary(layers: Sequence[LayerMetrics]) -> dict[str, Any]:
    """Return what adds up over layers."""
    return {
        "parameters": total(layers, "parameters"),
        "weights": total(layers, "weights"),
        "nonzero_weights": total(layers, "nonzero"),
        "sparsity": sparsity(layers),
        "macs": total(layers, "macs"),
        "synaptic_operations": total(layers, "operations"),
        "spikes": total(layers, "spikes"),
        "never_spiked": total(layers, "never_spiked"),
        "cannot_spike": total(layers, "cannot_spike"),
        "weight_memory_bits": memory_bits(layers),
        "rom_bits": total(layers, "rom_bits"),
        "membrane_memory_bits": total(layers, "state_bits"),
    }


def chunk_size(network: FixedPointNetwork, samples: Samples) -> int:
    """Return how many samples to run at a time so that their recordings stay small."""
    state_bytes = max(layer.neuron.membrane_bits for layer in network.populations) // 8 + 2
    width = network.num_inputs + state_bytes * sum(math.prod(shape_of(node)) for node in network.nodes)
    return max(1, _CHUNK_BYTES // (samples.steps * width))


def observe(
    network: FixedPointNetwork, samples: Samples, advance: Callable[[int], object] = lambda count: None
) -> Activity:
    """Run the golden model on the samples, part by part, and count.

    Args:
        network: the integer network.
        samples: what to run it on.
        advance: told the number of samples after each part.
    """
    sizes = {INPUT: network.num_inputs} | {node.name: math.prod(shape_of(node)) for node in network.nodes}
    events: dict[str, IntArray] = {name: np.zeros(size, np.int64) for name, size in sizes.items()}
    arrived: dict[str, IntArray] = {layer.name: np.zeros(len(layer.fan_out), np.int64) for layer in network.populations}
    membranes = {layer.name: (0, 0) for layer in network.populations}
    classes = np.empty(len(samples), np.int64)
    steps, chunk, saturations = 0, chunk_size(network, samples), Saturations()
    for first in range(0, len(samples), chunk):
        last = min(first + chunk, len(samples))
        inputs = samples.inputs(first, last)
        result = reference.run(network, inputs, record_membranes=True)
        classes[first:last] = result.classes
        saturations += result.saturations
        steps = len(result.traces[network.output.name].spikes)
        entered = reference.input_events(network, inputs)
        events[INPUT] = events[INPUT] + entered.sum(axis=(0, 1), dtype=np.int64)
        for name, trace in result.traces.items():
            events[name] = events[name] + trace.spikes.sum(axis=(0, 1), dtype=np.int64)
            if trace.membranes is not None:
                low, high = membranes[name]
                membranes[name] = min(low, int(trace.membranes.min())), max(high, int(trace.membranes.max()))
        for layer, arrivals in reference.arrivals(network, inputs, result):
            arrived[layer.name] = arrived[layer.name] + arrivals.sum(axis=(0, 1), dtype=np.int64)
        advance(last - first)
    return Activity(
        steps=steps,
        events=events,
        arrived=arrived,
        membranes=membranes,
        classes=classes,
        saturations=saturations,
    )


def measure(
    network: FixedPointNetwork, design: RtlDesign, activity: Activity, labels: NDArray[np.int64] | None
) -> Metrics:
    """Return the metrics of a network.

    Args:
        network: the integer network.
        design: its hardware, for the sizes.
        activity: what it did with the samples.
        labels: shape (samples,), where they are known.

    Raises:
        DataError: a label is no class of the network.
    """
    layers = tuple(
        _layer_metrics(network, layer, hardware, activity)
        for layer, hardware in zip(network.populations, design.layers, strict=True)
    )
    return Metrics(
        layers=layers,
        samples=activity.samples,
        steps=activity.steps,
        input_spikes=int(activity.events[INPUT].sum()) / activity.samples,
        confusion=None if labels is None else confusion(labels, activity.classes, network.num_classes),
    )


def _layer_metrics(
    network: FixedPointNetwork, layer: Population, hardware: LayerDesign, activity: Activity
) -> LayerMetrics:
    leaving = activity.events[layer.name]
    low, high = activity.membranes[layer.name]
    recurrent = layer.recurrent.synapses.stored.size if layer.recurrent else 0
    return LayerMetrics(
        name=layer.name,
        inputs=layer.num_inputs,
        neurons=layer.num_neurons,
        biases=layer.num_sums if layer.bias.any() else 0,
        weights=layer.num_weights,
        nonzero=layer.num_nonzero,
        weight_bits=layer.weight_bits,
        layout=hardware.layout.kind,
        bits={kind: cost.bits for kind, cost in hardware.costs.items()},
        rom_bits=hardware.rom_bits,
        state_bits=hardware.state_bits,
        membrane_bits=layer.neuron.membrane_bits,
        membrane_low=low,
        membrane_high=high,
        macs=sum((1 if network.holds(one) else activity.steps) * one.synapses.macs for one in layer.inputs),
        operations=int(activity.arrived[layer.name] @ layer.fan_out) / activity.samples,
        recurrent=recurrent,
        spikes=int(leaving.sum()) / activity.samples,
        rates=leaving / (activity.steps * activity.samples),
        cannot_spike=int(never_fires(layer).sum()),
    )


def confusion(labels: NDArray[np.int64], classes: IntArray, num_classes: int) -> IntArray:
    """Return how many samples of each label got each class, shape (label, class).

    Raises:
        DataError: a label is no class of the network, or there is not one for each sample.
    """
    check_labels(labels, len(classes), num_classes)
    matrix = np.zeros((num_classes, num_classes), np.int64)
    np.add.at(matrix, (labels, classes), 1)
    return matrix
