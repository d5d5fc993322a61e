"""Float networks that are graphs, of dyadic numbers, written node by node; and what holds for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch_graph
from numpy.typing import NDArray

from snn2rtl.compiler import compile_network, fold
from snn2rtl.encoders import Encoder
from snn2rtl.float_net import reference as float_reference
from snn2rtl.float_net.layered import LayeredNetwork
from snn2rtl.float_net.network import Edge, SpikingNetwork
from snn2rtl.float_net.nodes import (
    AdaptiveAveragePool,
    Add,
    And,
    AveragePool,
    BatchNorm,
    Concatenate,
    Convolution,
    Flatten,
    Iand,
    Integrator,
    Linear,
    MaxPool,
    Neuron,
    Node,
    Unflatten,
    Vote,
)
from snn2rtl.int_net import reference
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.passes.quantize import quantize_network
from snn2rtl.pools import INPUT

STEPS, SAMPLES = 5, 6
Shape = tuple[int, ...]


class Graph:
    """A network in the making; each method adds a node and returns its name. A node reads the last one unless told."""

    def __init__(self, *shape: int, seed: int = 0) -> None:
        self.shape = shape
        self.random = np.random.default_rng(seed)
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.shapes: dict[str, Shape] = {INPUT: shape}

    @property
    def last(self) -> str:
        """Name of the last node, or of the input."""
        return self.nodes[-1].name if self.nodes else INPUT

    @property
    def here(self) -> Shape:
        """Shape of what the last node makes."""
        return self.shapes[self.last]

    def add(self, kind: type[Node], *sources: str, **values: Any) -> str:
        """Add any node."""
        sources = sources or (self.last,)
        name = f"{kind.__name__.lower()}{len(self.nodes)}"
        node = kind(name=name, **values)
        zeros = [torch.zeros(1, *self.shapes[source], dtype=torch.float64) for source in sources]
        if isinstance(node, Linear):
            self.shapes[name] = (len(node.weight),)
        elif isinstance(node, Neuron | Integrator):
            self.shapes[name] = self.shapes[sources[0]]
        else:
            self.shapes[name] = tuple(torch_graph.stateless(node, zeros).shape[1:])
        self.nodes.append(node)
        self.edges += [(source, name) for source in sources]
        return name

    def eighths(self, *shape: int) -> NDArray[np.float64]:
        """Return random multiples of an eighth, some of them zero."""
        values = self.random.integers(-6, 9, shape) / 8
        return np.where(self.random.random(shape) < 0.2, 0.0, values)

    def conv(self, out: int, kernel: Sequence[int], *sources: str, groups: int = 1, **values: Any) -> str:
        """Add a convolution."""
        axes, channels = len(kernel), self.shapes[sources[0] if sources else self.last][0]
        ones = {"stride": (1,) * axes, "padding": (0,) * axes, "dilation": (1,) * axes}
        weight = self.eighths(out, channels // groups, *kernel)
        given = {**ones, "weight": weight, "bias": self.eighths(out), **values}
        return self.add(Convolution, *sources, groups=groups, **given)

    def linear(self, out: int, *sources: str, **values: Any) -> str:
        """Add a fully connected layer."""
        (inputs,) = self.shapes[sources[0] if sources else self.last]
        given = {"weight": self.eighths(out, inputs), "bias": self.eighths(out), **values}
        return self.add(Linear, *sources, **given)

    def norm(self, *sources: str, offset: bool = True) -> str:
        """Add a batch norm whose gains are powers of two."""
        channels = self.shapes[sources[0] if sources else self.last][0]
        gain = 2.0 ** self.random.integers(-1, 2, channels) * self.random.choice([-1, 1], channels, p=[0.2, 0.8])
        one = np.ones(channels)
        beta = self.eighths(channels) if offset else gain
        return self.add(BatchNorm, *sources, mean=one, variance=one / 8, epsilon=1 / 8, gamma=gain / 2, beta=beta)

    def fire(self, *sources: str, **values: Any) -> str:
        """Add spiking neurons."""
        given = {"tau": None, "v_threshold": 0.75, "v_reset": 0.0, **values}
        return self.add(Neuron, *sources, **given)

    def average(self, kernel: Sequence[int], *sources: str, **values: Any) -> str:
        """Add an average pool."""
        return self.add(AveragePool, *sources, **{"kernel": tuple(kernel), "stride": tuple(kernel), **values})

    def adaptive(self, *outputs: int) -> str:
        """Add an adaptive average pool."""
        return self.add(AdaptiveAveragePool, outputs=outputs)

    def greatest(self, kernel: Sequence[int], *sources: str, **values: Any) -> str:
        """Add a max pool."""
        return self.add(MaxPool, *sources, **{"kernel": tuple(kernel), "stride": tuple(kernel), **values})

    def sum(self, *sources: str) -> str:
        """Add a sum."""
        return self.add(Add, *sources)

    def both(self, first: str, second: str) -> str:
        """Add a gate that fires where both do."""
        return self.add(And, first, second)

    def second_alone(self, first: str, second: str) -> str:
        """Add a gate that fires where the second fires and the first does not."""
        return self.add(Iand, first, second)

    def join(self, *sources: str) -> str:
        """Add a concatenation."""
        return self.add(Concatenate, *sources)

    def flatten(self, *sources: str) -> str:
        """Add a flattening."""
        return self.add(Flatten, *sources)

    def unflatten(self, *shape: int) -> str:
        """Add an unflattening."""
        return self.add(Unflatten, shape=shape)

    def vote(self, size: int) -> str:
        """Add a vote."""
        return self.add(Vote, size=size)

    def classify(self, classes: int = 3) -> SpikingNetwork:
        """Return the network with a spiking classifier at its end."""
        if len(self.here) > 1:
            self.flatten()
        self.linear(classes)
        self.fire()
        return self.network()

    def network(self, encoder: Encoder | None = None) -> SpikingNetwork:
        """Return the network."""
        return SpikingNetwork(
            name="net", nodes=tuple(self.nodes), edges=tuple(self.edges), shape=self.shape, encoder=encoder
        )


@dataclass(frozen=True)
class Checked:
    """What check() compared: layers of floats, the integer network and what it did."""

    layered: LayeredNetwork
    integer: FixedPointNetwork
    result: reference.Result


def spikes_of(shape: Shape, seed: int = 0) -> NDArray[np.uint8]:
    """Return input spikes of shape (T, N, inputs), from a silent sample to one that nearly always spikes."""
    rates = np.linspace(0, 0.9, SAMPLES)[:, None]
    return (np.random.default_rng(seed).random((STEPS, SAMPLES, int(np.prod(shape)))) < rates).astype(np.uint8)


def check(net: SpikingNetwork, scale: str = "neuron", seed: int = 0, bits: int = 16) -> Checked:
    """Hold spikes, membranes and counts of torch, of the float reference and of integers against each other: equal."""
    spikes = spikes_of(net.shape, seed)
    made = torch_graph.run(net, spikes, net.shape)
    options = QuantizeOptions(
        bits=PerLayer(bits), membrane_fraction=PerLayer(14), scale=scale, time_steps=STEPS, strict=True
    )
    layered = fold(net)
    integer, reports = quantize_network(layered, options)
    assert [note for report in reports for note in report.approximations()] == []
    floats = float_reference.run(layered, spikes, np.float64)
    result = reference.run(integer, spikes, record_membranes=True)
    spiking = [node.name for node in net.nodes if isinstance(node, Neuron | And | Iand)]
    for layer, report in zip(layered.layers, reports, strict=True):
        found, got = floats[layer.name], result.traces[layer.name]
        assert np.array_equal(got.spikes, found.spikes), layer.name
        if layer.neuron.name in spiking:
            spiking.remove(layer.neuron.name)
            assert np.array_equal(found.spikes, made[layer.neuron.name].flatten(2).numpy()), layer.name
        if report.scale_min == report.scale_max:
            step = report.scale_min / 2**report.membrane_fraction
            assert np.array_equal(got.membranes * step, found.membranes), layer.name
    assert not spiking
    last = made[net.nodes[-1].name].flatten(2).numpy()
    if isinstance(net.nodes[-1], Integrator):
        assert np.array_equal(floats[layered.output.name].membranes, last)
    else:
        counts = last.sum(axis=0) * layered.group  # means of groups, which round
        assert np.allclose(counts, result.counts, rtol=0, atol=1e-9)
        assert np.array_equal(result.counts, float_reference.scores(layered, spikes))
    assert np.array_equal(result.classes, float_reference.scores(layered, spikes).argmax(axis=1))
    compiled = reference.run(compile_network(net, options)[0], spikes)  # without neurons that nobody reads
    assert np.array_equal(compiled.counts, result.counts)
    return Checked(layered, integer, result)
