"""The walk: each node of a float network becomes what flows from it, and neurons become layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

import numpy as np

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.layered import FloatConnection, FloatLayer, FloatNode, LayeredNetwork, greatest_values
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import (
    OF_EACH_NEURON,
    AdaptiveAveragePool,
    Add,
    And,
    AveragePool,
    BatchNorm,
    Concatenate,
    Convolution,
    Dropout,
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
from snn2rtl.passes.lower.currents import (
    Current,
    Term,
    added,
    concatenated,
    normalised,
    of_source,
    reshaped,
    through,
)
from snn2rtl.passes.lower.maps import Gain, Kernel, Matrix, as_matrix, one_to_one, split
from snn2rtl.passes.lower.pool import divisors, summing, windows_of
from snn2rtl.pools import INPUT, Sum, SumPool
from snn2rtl.pools import MaxPool as SpikePool
from snn2rtl.windows import Shape, Windows

Parts = tuple[Current, ...]  # what a node makes: currents one after the other along the channels


def lower(network: SpikingNetwork) -> LayeredNetwork:
    """Return the network as layers, pools and sums; its neurons stay as they are.

    Batch norms, average pools behind weights, sums of currents and linear nodes behind each other become weights and
    biases. Everything is exact but for the rounding of floats.

    Raises:
        UnsupportedModelError: something has no exact hardware, or shapes do not fit; every problem is named.
    """
    walk = _Walk(network)
    for node in network.nodes:
        walk.take(node)
    group = 1 if walk.problems else walk.readout()
    if walk.problems:
        raise UnsupportedModelError(walk.problems)
    return LayeredNetwork(
        name=network.name, shape=walk.shape, nodes=tuple(walk.nodes), group=group, encoder=network.encoder
    )


@dataclass
class _Walk:
    """nodes: what was made. made: what flows from each node, None where it has a problem. problems: all of them."""

    network: SpikingNetwork
    nodes: list[FloatNode] = field(default_factory=list)
    made: dict[str, Parts | None] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    votes: int = 1

    def __post_init__(self) -> None:
        self.sources = self.network.sources
        self.shape = self.network.shape or _first_shape(self.network)
        self.made[INPUT] = (of_source(INPUT, self.shape),) if self.shape else None
        self.pixels = self.network.encoder is not None and self.network.encoder.kind == "direct"

    def take(self, node: Node) -> None:
        """Work out what flows from a node; where what flows into it is unknown, nothing is said."""
        inputs = [self.made[source] for source in self.sources[node.name]]
        self.made[node.name] = None
        if inputs == [None] and isinstance(node, Convolution | AveragePool | MaxPool | AdaptiveAveragePool):
            self._say_unknown(node)
        if any(one is None for one in inputs):
            return
        try:
            self.made[node.name] = self._made(node, [parts for parts in inputs if parts is not None])
        except UnsupportedModelError as error:
            self.problems += error.problems

    def _say_unknown(self, node: Node) -> None:
        if not self.shape and not self.problems:
            axes = len(node.kernel) if isinstance(node, AveragePool | MaxPool) else 0
            axes = node.weight.ndim - 2 if isinstance(node, Convolution) else axes or 2
            example = "1,28,28" if axes == 2 else "1,28"
            rule = f"{type(node).__name__} must have an input of known shape; give --input-shape, such as {example}"
            self.problems.append(f"layer '{node.name}': {rule}, or put an nn.Unflatten before it")

    def _made(self, node: Node, inputs: list[Parts]) -> Parts:  # noqa: PLR0911, PLR0912, a line for each kind of node
        parts = inputs[0]
        match node:
            case Dropout():
                return parts
            case Flatten():
                return tuple(reshaped(one, (math.prod(one.shape),)) for one in parts)
            case Unflatten():
                return (reshaped(self._whole(node, parts), node.shape),)
            case Linear() | Convolution():
                return (self._weighted(node, parts),)
            case BatchNorm():
                return (self._normalised(node, self._whole(node, parts)),)
            case AveragePool() | AdaptiveAveragePool():
                return tuple(self._averaged(node, one) for one in parts)
            case MaxPool():
                return tuple(self._max_pooled(node, one, index) for index, one in enumerate(parts))
            case Add():
                return (self._added(node, [self._whole(node, one) for one in inputs]),)
            case Concatenate():
                return self._concatenated(node, inputs)
            case And() | Iand():
                return (self._gate(node, [self._whole(node, one) for one in inputs]),)
            case Neuron() | Integrator():
                return (self._layer(node, self._whole(node, parts)),)
            case Vote():
                self.votes *= node.size
                return parts
            case _:
                assert_never(node)

    def _whole(self, node: Node, parts: Parts) -> Current:
        return parts[0] if len(parts) == 1 else concatenated(parts, node.name)

    def _weighted(self, node: Linear | Convolution, parts: Parts) -> Current:
        whole = (sum(one.shape[0] for one in parts), *parts[0].shape[1:])
        outer, shape, bias = self._linear(node, whole) if isinstance(node, Linear) else self._convolution(node, whole)
        pieces = split(outer, tuple(one.shape for one in parts)) if len(parts) > 1 else [outer]
        if pieces is None:
            parts, pieces = (self._whole(node, parts),), [outer]
        zero = np.zeros_like(bias)
        found = [
            through(one, piece, zero if index else bias, node.name, shape)
            for index, (one, piece) in enumerate(zip(parts, pieces, strict=True))
        ]
        return found[0] if len(found) == 1 else added(tuple(found))

    def _linear(self, node: Linear, shape: Shape) -> tuple[Matrix, Shape, np.ndarray]:
        if len(shape) > 1:
            _refuse(node, f"Linear must come after a Flatten, not on shape {shape}")
        out, inputs = node.weight.shape
        if inputs != shape[0]:
            (source,) = self.sources[node.name]
            _refuse(node, f"must take {shape[0]} inputs from '{source.lstrip('@')}', not {inputs}")
        return Matrix(node.weight, node.step, node.recurrent, node.delay), (out,), node.bias

    def _convolution(self, node: Convolution, shape: Shape) -> tuple[Kernel, Shape, np.ndarray]:
        axes = node.weight.ndim - 2
        if len(shape) != axes + 1:
            _refuse(
                node, f"Convolution of {axes} axes must have an input of {axes + 1} axes, channels first, not {shape}"
            )
        if node.weight.shape[1] * node.groups != shape[0]:
            _refuse(node, f"must take {shape[0]} channels, not {node.weight.shape[1] * node.groups}")
        windows = Windows(
            space=shape[1:],
            kernel=node.weight.shape[2:],
            stride=node.stride,
            padding=node.padding,
            dilation=node.dilation,
        )
        if windows.problems():
            _refuse(node, f"kernel must fit the input of shape {shape}, which it does not")
        bias = np.repeat(node.bias, math.prod(windows.outputs))
        return Kernel(node.weight, windows, node.groups, node.step), (len(node.weight), *windows.outputs), bias

    def _normalised(self, node: BatchNorm, current: Current) -> Current:
        if len(node.mean) != current.shape[0]:
            what = "channels" if len(current.shape) > 1 else "neurons"
            _refuse(node, f"must have {current.shape[0]} {what}, not {len(node.mean)}")
        gain = node.gamma / np.sqrt(node.variance + node.epsilon)
        return normalised(current, gain, node.beta - node.mean * gain, node.name)

    def _averaged(self, node: AveragePool | AdaptiveAveragePool, current: Current) -> Current:
        windows = self._windows(node, current.shape)
        channels, share = current.shape[0], 1 / divisors(node, windows)
        shape = (channels, *windows.outputs)
        term = current.spikes
        if term and not (term.source == INPUT and self.pixels) and _is_uniform(term, current.shape):
            assert isinstance(term.map, Gain)
            pool = SumPool(name=self._free(node.name), source=term.source, channels=channels, windows=windows)
            self.nodes.append(pool)
            of_channel = np.broadcast_to(term.map.gain, current.shape).reshape(channels, -1)[:, :1]
            gain = of_channel.reshape(-1, *(1,) * len(windows.outputs)) * share
            each = np.asarray(gain.flat[0]) if np.all(gain == gain.flat[0]) else np.broadcast_to(gain, shape)
            return Current(shape, (Term(pool.name, shape, Gain(each)),), np.zeros(math.prod(shape)))
        kernel: Matrix | Kernel = Kernel(summing(channels, windows), windows, channels)
        if np.all(share == share.flat[0]):
            kernel = replace(kernel, weight=kernel.weight * share.flat[0])
        else:
            rows = np.broadcast_to(share, shape).reshape(-1, 1)
            kernel = Matrix(as_matrix(kernel, node.name, current.shape).weight * rows)
        pooled = through(current, kernel, np.zeros(math.prod(shape)), node.name, shape)
        return replace(pooled, label=current.label or node.name)

    def _max_pooled(self, node: MaxPool, current: Current, index: int) -> Current:
        windows = self._windows(node, current.shape)
        source = current.source
        if source is None or self._greatest(source) != 1:
            _refuse(
                node, "MaxPool must come right after spiking neurons, for it pools spikes; put the neurons before it"
            )
        name = self._free(node.name if not index else f"{node.name}.{index}")
        pool = SpikePool(name=name, source=str(source), channels=current.shape[0], windows=windows)
        self.nodes.append(pool)
        return of_source(name, (current.shape[0], *windows.outputs))

    def _windows(self, node: AveragePool | AdaptiveAveragePool | MaxPool, shape: Shape) -> Windows:
        found = windows_of(node, shape[1:])
        if isinstance(found, str):
            _refuse(
                node, found if "fit" not in found else f"kernel must fit the input of shape {shape}, which it does not"
            )
        assert isinstance(found, Windows)
        return found

    def _added(self, node: Add, currents: list[Current]) -> Current:
        shapes = {one.shape for one in currents}
        if len(shapes) > 1:
            _refuse(node, f"must add inputs of one shape, not {' and '.join(map(str, sorted(shapes)))}")
        sources = [one.source for one in currents]
        if all(source is not None and not (source == INPUT and self.pixels) for source in sources):
            name = self._free(node.name)
            self.nodes.append(Sum(name=name, sources=tuple(map(str, sources)), shape=currents[0].shape))
            return of_source(name, currents[0].shape)
        return added(tuple(currents))

    def _concatenated(self, node: Concatenate, inputs: list[Parts]) -> Parts:
        parts = tuple(one for each in inputs for one in each)
        if len({one.shape[1:] for one in parts}) > 1:
            _refuse(node, f"must join inputs of one size, not {' and '.join(str(one.shape) for one in parts)}")
        return parts

    def _gate(self, node: And | Iand, currents: list[Current]) -> Current:
        """Make neurons without a memory: two spikes reach 2, one without the other reaches 1."""
        for one in currents:
            if one.source is None or self._greatest(one.source) != 1:
                _refuse(node, f"{type(node).__name__} must take spikes, not currents or counts")
        if len(currents) != 2 or currents[0].shape != currents[1].shape:
            _refuse(node, f"{type(node).__name__} must take two inputs of one shape")
        first, second = currents
        negated = replace(first, terms=(replace(first.terms[0], map=Gain(-np.ones(()))),))
        threshold = 2.0 if isinstance(node, And) else 1.0
        neuron = Neuron(name=node.name, tau=1.0, v_threshold=threshold, v_reset=0.0)
        return self._layer(neuron, added((first if isinstance(node, And) else negated, second)))

    def _layer(self, node: Neuron | Integrator, current: Current) -> Current:
        size = math.prod(current.shape)
        for key in OF_EACH_NEURON:
            value = getattr(node, key, None)
            if isinstance(value, np.ndarray) and value.shape != (size,):
                _refuse(node, f"{key} must have shape ({size},), not {value.shape}")
        if any(self._integrates(term.source) for term in current.terms):
            _refuse(node, "an Integrator must be the last layer, for it never fires")
        name = self._free(current.label or node.name, node.name)
        inputs, step = _connections(current, name)
        if isinstance(node, Integrator) and any(one.previous_step for one in inputs):
            problem = f"layer '{current.label}': must not be recurrent before '{node.name}', which never fires"
            raise UnsupportedModelError([problem])
        layer = FloatLayer(name=name, shape=current.shape, inputs=inputs, bias=current.bias, neuron=node, step=step)
        self.nodes.append(layer)
        return of_source(name, current.shape)

    def _integrates(self, name: str) -> bool:
        return any(isinstance(node, FloatLayer) and node.name == name and isinstance(node.neuron, Integrator)
                   for node in self.nodes)  # fmt: skip

    def _greatest(self, source: str) -> int:
        so_far = LayeredNetwork(name="", shape=self.shape, nodes=tuple(self.nodes), encoder=self.network.encoder)
        return greatest_values(so_far)[source]

    def _free(self, *names: str) -> str:
        used = {node.name for node in self.nodes}
        return next((name for name in names if name not in used), f"{names[-1]}_{len(used)}")

    def readout(self) -> int:
        """Return how many neighbouring outputs stand for a class, and take a pool of whole maps at the end for that."""
        last = self.network.nodes[-1].name
        parts = self.made[last]
        if parts is None or len(parts) > 1:
            self.problems.append(f"layer '{last}': must not be the last one; end with neurons")
            return 1
        (current,) = parts
        term = current.spikes
        if term is None or (current.source is None and not self._ends_with_pool(term)):
            self.problems.append(self._unfinished(current))
            return 1
        group = 1
        if isinstance(self.nodes[-1], SumPool) and self.nodes[-1].name == term.source:
            group = self.nodes.pop().windows.size  # type: ignore[union-attr]
        if not self.nodes or not isinstance(self.nodes[-1], FloatLayer):
            self.problems.append(f"layer '{last}': must come before neurons, with which a network must end")
            return 1
        outputs = math.prod(self.nodes[-1].shape)
        if outputs % (group * self.votes):
            self.problems.append(f"layer '{last}': {outputs} outputs must be a multiple of {group * self.votes}")
        return group * self.votes

    def _ends_with_pool(self, term: Term) -> bool:
        last = self.nodes[-1] if self.nodes else None
        return isinstance(last, SumPool) and last.name == term.source and math.prod(last.windows.outputs) == 1

    def _unfinished(self, current: Current) -> str:
        name = current.label or self.network.nodes[-1].name
        kind = next((type(node).__name__ for node in self.network.nodes if node.name == name), "Linear")
        return f"layer '{name}': {kind} must be followed by a spiking neuron, not by nothing"


def _connections(current: Current, name: str) -> tuple[tuple[FloatConnection, ...], np.ndarray | None]:
    """Return a layer's connections, all with a kernel or all with a matrix, and the step of each row."""
    maps: list[tuple[Term, Matrix | Kernel]] = []
    for term in current.terms:
        one = term.map
        maps.append((term, one_to_one(one.gain, term.shape) if isinstance(one, Gain) else one))
    if not all(isinstance(one, Kernel) for _, one in maps):
        maps = [(term, as_matrix(one, name, term.shape)) for term, one in maps]
    inputs, back = [], []
    for term, one in maps:
        if isinstance(one, Kernel):
            inputs.append(
                FloatConnection(source=term.source, weight=one.weight, windows=one.windows, groups=one.groups)
            )
        else:
            inputs.append(FloatConnection(source=term.source, weight=one.weight, delay=one.delay))
            if one.recurrent is not None:
                back.append(FloatConnection(source=name, weight=one.recurrent, previous_step=True))
    steps = [one.step for _, one in maps]
    same = steps[0] is not None and all(step is not None and np.array_equal(step, steps[0]) for step in steps)
    return (*inputs, *back), steps[0] if same else None


def _is_uniform(term: Term, shape: Shape) -> bool:
    """Return whether each channel has one gain."""
    assert isinstance(term.map, Gain)
    rows = np.broadcast_to(term.map.gain, shape).reshape(shape[0], -1)
    return bool(np.all(rows == rows[:, :1]))


def _first_shape(network: SpikingNetwork) -> Shape:
    """Return the shape that the first nodes give the input, () where they do not."""
    reading: Sequence[str] = (INPUT,)
    for node in network.nodes:
        if not set(network.sources[node.name]) & set(reading):
            continue
        match node:
            case Linear(weight=weight):
                return (int(weight.shape[1]),)
            case BatchNorm(mean=mean):
                return (len(mean),)
            case Unflatten(shape=shape):
                return shape
            case Flatten() | Dropout():
                reading = (*reading, node.name)
            case _:
                return ()
    return ()


def _refuse(node: Node, rule: str) -> None:
    raise UnsupportedModelError([f"layer '{node.name}': {rule}"])
