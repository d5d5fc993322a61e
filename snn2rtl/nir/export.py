"""From a network to a graph of NIR that computes the same in steps of dt, and to what NIR does not say of it.

Neurons rest, start and reset at 0. LIF and LI have r = 1 and weights of ``tau / dt`` more, for some importers leave r
out; CubaLIF and CubaLI have ``r = tau_mem / dt`` and ``w_in = tau_syn / dt``, IF and I ``r = 1 / dt``.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.layered import FloatConnection, LayeredNetwork
from snn2rtl.float_net.nodes import FloatArray
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.nir.populations import Exported, populations
from snn2rtl.nir.primitives import Edge, Graph, Node, Value
from snn2rtl.pools import INPUT, MaxPool, Sum, SumPool, pooled_shape
from snn2rtl.windows import Shape, Windows, ungrouped, unrolled


@dataclass(frozen=True, eq=False)
class Export:
    """graph: what is written. losses: a sentence for everything that it does not say of the network."""

    graph: Graph
    losses: tuple[str, ...]


def to_graph(network: LayeredNetwork | FixedPointNetwork, dt: float) -> Export:
    """Return a network as a graph.

    Args:
        network: an integer network, or a float one as fold_neurons() leaves it.
        dt: seconds of a time step.

    Raises:
        UnsupportedModelError: NIR cannot carry something of it; every problem is named.
    """
    build = _Build(populations(network), dt)
    shape = network.shape if isinstance(network, LayeredNetwork) else network.input.shape
    build.start(shape)
    for node in network.nodes:
        match node:
            case SumPool():
                build.pool(node)
            case Sum():
                build.sum(node)
            case MaxPool():
                build.problems.append(f"layer '{node.name}': NIR has no max pool")
                build.feeds[node.name] = _Feed(build.feeds[node.source].names, pooled_shape(node))
            case _ if node.pool is not None:
                build.problems.append(f"layer '{node.name}': NIR has no max pool, of currents either")
                build.feeds[node.name] = _Feed(("input",), node.shape)
            case _:
                build.population(build.known[node.name])
    problems = build.problems + _mixed_resets(build.known)
    if problems:
        raise UnsupportedModelError(problems)
    build.finish(network.output.name)
    losses = build.losses + _losses(network, build.known)
    return Export(Graph(build.nodes, tuple(build.edges)), tuple(losses))


def _mixed_resets(known: dict[str, Exported]) -> list[str]:
    kinds = {one.is_soft: name for name, one in known.items() if one.above is not None}
    if len(kinds) < 2:
        return []
    rule = "must all reset alike, for NIR does not say how"
    return [f"network: spikes {rule}, not '{kinds[False]}' to a potential and '{kinds[True]}' by the threshold"]


@dataclass(frozen=True)
class _Feed:
    """The nodes whose sum stands for a node of the network, and its shape."""

    names: tuple[str, ...]
    shape: Shape


class _Build:
    """nodes, edges: of the graph. feeds: what stands for the input and for each node. known: the populations."""

    def __init__(self, known: dict[str, Exported], dt: float) -> None:
        self.known, self.dt = known, dt
        self.nodes: dict[str, Node] = {}
        self.edges: list[Edge] = []
        self.feeds: dict[str, _Feed] = {}
        self.losses: list[str] = []
        self.problems: list[str] = []

    def start(self, shape: Shape) -> None:
        """Add the input."""
        self._add("input", "Input", (), shape=np.array(shape))
        self.feeds[INPUT] = _Feed(("input",), shape)

    def finish(self, last: str) -> None:
        """Add the output."""
        feed = self.feeds[last]
        self._add("output", "Output", feed.names, shape=np.array(feed.shape))

    def _add(self, name: str, kind: str, sources: tuple[str, ...], **values: Value) -> str:
        base = name = re.sub(r"\W", "_", name, flags=re.ASCII) or "node"
        number = 1
        while name in self.nodes:
            number += 1
            name = f"{base}_{number}"
        self.nodes[name] = Node(kind, values)
        for source in dict.fromkeys(sources):
            self.edges.append((self._times(source, sources.count(source)), name))
        return name

    def _times(self, source: str, count: int) -> str:
        """Return what reads a node so often at once, for an edge is there once."""
        if count == 1:
            return source
        shape = next(feed.shape for feed in self.feeds.values() if source in feed.names)
        return self._add(f"{source}_times", "Scale", (source,), scale=np.full(shape, float(count)))

    def pool(self, node: SumPool) -> None:
        """Add a pool; one that is no SumPool2d as weights."""
        feed, windows = self.feeds[node.source], node.windows
        shape = (node.channels, *windows.outputs)
        if (
            len(shape) == 3
            and feed.shape == (node.channels, *windows.space)
            and windows.fit
            and set(windows.dilation) == {1}
        ):
            name = self._add(node.name, "SumPool2d", feed.names, kernel_size=np.array(windows.kernel),
                             stride=np.array(windows.stride), padding=np.array(windows.padding))  # fmt: skip
            self.feeds[node.name] = _Feed((name,), shape)
            return
        ones = np.ones((node.channels, 1, *windows.kernel))
        weight = unrolled(ones, windows, node.channels)
        name = self._add(node.name, "Affine", self._flat(feed).names, weight=weight, bias=np.zeros(len(weight)))
        self.feeds[node.name] = _Feed((name,), (len(weight),))

    def sum(self, node: Sum) -> None:
        """Let the sources of a sum, in a row where their shapes differ, stand for it."""
        feeds = [self.feeds[source] for source in node.sources]
        if len({feed.shape for feed in feeds}) > 1:
            feeds = [self._flat(feed) for feed in feeds]
        self.feeds[node.name] = _Feed(tuple(name for feed in feeds for name in feed.names), feeds[0].shape)

    def _flat(self, feed: _Feed) -> _Feed:
        """Return a feed in a row."""
        if len(feed.shape) == 1:
            return feed
        name = self._add(f"{feed.names[0]}_flat", "Flatten", feed.names, input_type=np.array(feed.shape),
                         start_dim=np.array(0), end_dim=np.array(-1))  # fmt: skip
        return _Feed((name,), (math.prod(feed.shape),))

    def population(self, one: Exported) -> None:
        """Add the connections into a population, and its neurons."""
        self.problems += [f"layer '{one.name}': {problem}" for problem in one.problems]
        if one.problems:
            self.feeds[one.name] = _Feed(("",), one.shape)
            return
        kind, values, gain = self._neurons(one)
        forward = [connection for connection in one.inputs if not connection.previous_step]
        shaped = all(self._is_convolution(connection, one, gain) for connection in forward)
        shape = one.shape if shaped and len(forward) == len(one.inputs) else (math.prod(one.shape),)
        keeps = shape == one.shape and len(shape) > 1
        bias = one.bias * gain
        ends = []
        for index, connection in enumerate(forward):
            part = bias if index == 0 else np.zeros_like(bias)
            ends.append(self._connection(one, connection, gain, part, keeps))
        arrays = {key: np.array(value.reshape(shape)) for key, value in values.items()}
        name = self._add(f"{one.name}_neurons", kind, tuple(ends), **arrays)
        self.feeds[one.name] = _Feed((name,), shape)
        for connection in one.inputs:
            if connection.previous_step:
                back = self._add(f"{one.name}_back", "Linear", (name,), weight=gain[:, None] * connection.matrix())
                self.edges.append((back, name))

    def _neurons(self, one: Exported) -> tuple[str, dict[str, FloatArray], FloatArray]:
        """Return the kind of neurons, their parameters, and what their weights are multiplied by."""
        ones = np.ones(len(one.bias))
        fires = {} if one.above is None else {"v_threshold": one.above, "v_reset": 0 * ones}
        leaks = one.taken > 0
        if (np.any(leaks) and not np.all(leaks)) or (one.current_taken is not None and not np.all(leaks)):
            self.problems.append(f"layer '{one.name}': NIR has no neurons without a leak behind a current, or among "
                                 "others with one")  # fmt: skip
            return "IF", fires, ones
        if not np.any(leaks):
            return ("IF" if fires else "I"), {"r": ones / self.dt, **fires}, ones
        times, rest = 1 / one.taken, {"v_leak": 0 * ones}
        if one.current_taken is None:
            kind = "LIF" if fires else "LI"
            return kind, {"tau": self.dt * times, "r": ones, **rest, **fires}, times
        kind, synapse = "CubaLIF" if fires else "CubaLI", 1 / one.current_taken
        current = {"tau_syn": self.dt * synapse, "tau_mem": self.dt * times, "w_in": synapse}
        return kind, {**current, "r": times, **rest, **fires}, ones

    def _is_convolution(self, connection: FloatConnection, one: Exported, gain: FloatArray) -> bool:
        """Return whether a connection is one of NIR: of a source in its shape, with a bias of each channel."""
        windows = connection.windows
        if windows is None or not windows.fit or connection.delay is not None:
            return False
        channels = len(connection.weight)
        rows = np.stack([one.bias * gain, gain]).reshape(2, channels, -1)
        return (
            self.feeds[connection.source].shape == (connection.channels, *windows.space)
            and one.shape == (channels, *windows.outputs)
            and bool(np.all(rows == rows[:, :, :1]))
        )

    def _connection(
        self, one: Exported, connection: FloatConnection, gain: FloatArray, bias: FloatArray, keeps: bool
    ) -> str:
        """Add a connection; keeps: whether it makes the shape of its neurons."""
        feed = self.feeds[connection.source]
        if connection.delay is not None:
            seconds = (connection.delay * self.dt).reshape(feed.shape)
            feed = _Feed((self._add(f"{one.name}_delay", "Delay", feed.names, delay=seconds),), feed.shape)
        windows = connection.windows
        if keeps and windows is not None:
            if len({*windows.kernel}) > 1:
                rule = "nir 1.0.8 takes a kernel of two lengths only without its check of types (type_check=False)"
                self.losses.append(f"layer '{one.name}': {rule}")
            return self._add(one.name, f"Conv{len(windows.kernel)}d", feed.names,
                             **_kernel(connection, windows, gain, bias))  # fmt: skip
        weight = gain[:, None] * connection.matrix()
        names = self._flat(feed).names
        return self._add(one.name, "Affine", names, weight=weight, bias=bias)


def _kernel(connection: FloatConnection, windows: Windows, gain: FloatArray, bias: FloatArray) -> dict[str, Value]:
    """Return the parameters of a convolution; numbers of one axis are numbers, not arrays.

    There are no groups, for which nir 1.0.8 takes the channels of one for all, but weights of 0.
    """
    channels = len(connection.weight)
    rows = gain.reshape(channels, -1)[:, 0].reshape(-1, *(1,) * (connection.weight.ndim - 1))
    numbers = {"input_shape": windows.space, "stride": windows.stride, "padding": windows.padding}
    numbers |= {"dilation": windows.dilation}
    values: dict[str, Value] = {key: np.array(value if len(value) > 1 else value[0]) for key, value in numbers.items()}
    return {
        "weight": rows * ungrouped(connection.weight, connection.groups),
        "bias": np.array(bias.reshape(channels, -1)[:, 0]),
        "groups": np.array(1),
        **values,
    }


def _losses(network: LayeredNetwork | FixedPointNetwork, known: dict[str, Exported]) -> list[str]:
    """Return a sentence for everything that the graph does not say."""
    found = [f"layer '{name}': {loss}" for name, one in known.items() for loss in one.losses]
    soft = {one.is_soft for one in known.values() if one.above is not None}
    if soft:
        how = "subtracts the threshold: --reset soft" if soft == {True} else "resets the membrane to 0: --reset hard"
        found.append(f"reset: a spike {how}, which a reader must be told")
    encoder = network.encoder
    if encoder is not None:
        what = "0..255" if isinstance(network, FixedPointNetwork) and encoder.kind != "poisson" else "0..1"
        found.append(f"encoder: '{encoder.kind}' must make the input, {what}, of {encoder.time_steps} steps")
    groups = f", of {network.group} neighbouring outputs each" if network.group > 1 else ""
    found.append(f"readout: the class is that of {_read(network)}{groups}, ties to the lowest")
    return found


def _read(network: LayeredNetwork | FixedPointNetwork) -> str:
    neuron = network.output.neuron
    score = getattr(neuron, "score", None)
    if score is None:
        return "the most spikes"
    name = score if isinstance(score, str) else score.value
    return f"the greatest '{name}' of the membranes"
