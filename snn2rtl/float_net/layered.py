"""The float network after its exact passes: populations of neurons and connections, in the shape of the integer one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snn2rtl.encoders import Encoder
from snn2rtl.errors import UnsupportedModelError
from snn2rtl.fixed_point import IntArray
from snn2rtl.float_net.nodes import FloatArray, Integrator, Linear, Neuron
from snn2rtl.pools import INPUT, MaxPool, Sum, SumPool
from snn2rtl.windows import Shape, Windows, unrolled


@dataclass(frozen=True, eq=False, kw_only=True)
class FloatConnection:
    """Synapses from a source: a matrix, shape (neurons, inputs), or a kernel where there are windows.

    A kernel has shape (out, in / groups, *kernel). delay, of shape (inputs,), are steps after which an input arrives;
    a connection of the previous step reads what its own layer made in the step before.
    """

    source: str
    weight: FloatArray
    windows: Windows | None = None
    groups: int = 1
    delay: IntArray | None = None
    previous_step: bool = False

    @property
    def channels(self) -> int:
        """Channels of the source, of a kernel."""
        return int(self.weight.shape[1]) * self.groups

    def matrix(self) -> FloatArray:
        """Return the weights as a matrix, shape (neurons, inputs)."""
        return self.weight if self.windows is None else unrolled(self.weight, self.windows, self.groups)


@dataclass(frozen=True, eq=False, kw_only=True)
class FloatLayer:
    """Neurons and the connections into them, all with a matrix or all with a kernel.

    bias has shape (sums,), with one for each neuron or, where neurons take the greatest of a pool's window, for each
    place before it. step, of shape (rows,), is the value of one integer weight of each row where training chose it.
    """

    name: str
    shape: Shape
    inputs: tuple[FloatConnection, ...]
    bias: FloatArray
    neuron: Neuron | Integrator
    step: FloatArray | None = None
    pool: Windows | None = None

    @property
    def num_rows(self) -> int:
        """Rows of weights: one for each neuron, or for each channel of a kernel or before a pool."""
        if self.pool is not None:
            return len(self.bias) // math.prod(self.pool.space)
        return len(self.inputs[0].weight)

    def rows(self, connection: FloatConnection) -> FloatArray:
        """Return the weights of one of the connections with a row of all that share a step."""
        weight = connection.weight  # itself, where it has these rows: nodes share arrays, and copy views
        return (
            weight if weight.shape[:1] == (self.num_rows,) == weight.shape[:-1] else weight.reshape(self.num_rows, -1)
        )

    @property
    def positions(self) -> int:
        """Neurons of a row."""
        return math.prod(self.shape) // self.num_rows

    @property
    def places(self) -> int:
        """Sums of a row: as many as neurons, or the places before the pool."""
        return len(self.bias) // self.num_rows


FloatNode = FloatLayer | MaxPool | SumPool | Sum


@dataclass(frozen=True, eq=False, kw_only=True)
class LayeredNetwork:
    """Layers, pools and sums in order, the output last; group neighbouring outputs stand for a class.

    greatest: count of an input in a step where no encoder says it, 1 for spikes.
    """

    name: str
    shape: Shape
    nodes: tuple[FloatNode, ...]
    group: int = 1
    greatest: int = 1
    encoder: Encoder | None = None

    @property
    def layers(self) -> tuple[FloatLayer, ...]:
        """The layers, in order."""
        return tuple(node for node in self.nodes if isinstance(node, FloatLayer))

    @property
    def output(self) -> FloatLayer:
        """The layer that the class is read from."""
        return self.layers[-1]

    def unit(self, layer: FloatLayer) -> int:
        """Return which input of a layer is the float 1.0: 255 where pixels or values enter, 1 of spikes."""
        pixels = self.encoder is not None and any(one.source == INPUT for one in layer.inputs)
        return self.encoder.input_max if self.encoder and pixels else 1


def dense_pairs(network: LayeredNetwork) -> list[tuple[Linear, Neuron | Integrator]]:
    """Return a chain of layers as fully connected ones, each with its neurons.

    Raises:
        UnsupportedModelError: the network is no chain.
    """
    if problems := chain_problems(network):
        raise UnsupportedModelError(problems)
    return [(_linear(layer), layer.neuron) for layer in network.layers]


def chain_problems(network: LayeredNetwork) -> list[str]:
    """Return a sentence for every node that is no layer which reads the one before it alone."""
    problems, source = [], INPUT
    for node in network.nodes:
        if not isinstance(node, FloatLayer) or [one.source for one in node.inputs if not one.previous_step] != [source]:
            problems.append(f"layer '{node.name}': must be neurons that read '{source}' alone")
        elif node.pool is not None:
            problems.append(f"layer '{node.name}': must be neurons that read '{source}' without a pool of currents")
        source = node.name
    return problems


def _linear(layer: FloatLayer) -> Linear:
    first, *back = layer.inputs
    step = layer.step if layer.step is None or layer.positions == 1 else np.repeat(layer.step, layer.positions)
    return Linear(
        name=layer.name,
        weight=first.matrix(),
        bias=layer.bias,
        step=step,
        recurrent=back[0].matrix() if back else None,
        delay=first.delay,
    )


def greatest_values(network: LayeredNetwork) -> Mapping[str, int]:
    """Return the greatest value of the input and of each node in a step, in spikes, by name."""
    found = {INPUT: network.encoder.input_max if network.encoder else network.greatest}
    for node in network.nodes:
        match node:
            case SumPool():
                found[node.name] = found[node.source] * node.windows.size
            case Sum():
                found[node.name] = sum(found[source] for source in node.sources)
            case MaxPool() | FloatLayer():
                found[node.name] = 1
    return found
