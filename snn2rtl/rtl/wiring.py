"""Which streams join the nodes of a network: forks where a node has several readers, merges, maps and pools."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

import numpy as np

from snn2rtl.encoders import PIXEL_BITS
from snn2rtl.errors import UnsupportedModelError
from snn2rtl.fixed_point import IntArray, unsigned_bits
from snn2rtl.int_net.network import FixedPointNetwork, shape_of, sources_of
from snn2rtl.int_net.population import Population
from snn2rtl.pools import INPUT, MaxPool, Pool, Sum, SumPool
from snn2rtl.rtl.blocks import AddressMap, Between, FirstOfStep, Fork, GroupSum, Merge, Stream
from snn2rtl.rtl.memory import Memory
from snn2rtl.rtl.placement import Placement

INPUT_STREAM = "input"


@dataclass
class Wiring:
    """blocks: in order; the name of a population stands for its own block. reads: the stream that each one reads."""

    blocks: list[Between | str] = field(default_factory=list)
    reads: dict[str, Stream] = field(default_factory=dict)


def wire(network: FixedPointNetwork, placement: Placement, names: Mapping[str, str]) -> Wiring:
    """Return the blocks between populations, in an order in which each comes after what it reads.

    Args:
        network: the integer network.
        placement: the neuron at each hardware index of each population.
        names: of each node's stream.

    Streams of the wiring's own have two underscores in their names, which no identifier has.

    Raises:
        UnsupportedModelError: pixels enter something that has no hardware for them, or nobody reads a node.
    """
    _check_values(network)
    _check_readers(network)
    wires = _Wires(network, placement, names)
    wires.made(INPUT, Stream(INPUT_STREAM, _width(network.num_inputs), PIXEL_BITS if network.weighs_values else 0))
    for node in network.nodes:
        output = Stream(names[node.name], _width(wires.places(node.name)))
        match node:
            case Population():
                wires.enter_population(node)
            case MaxPool() | SumPool():
                wires.pool(node, output)
            case Sum():
                output = wires.sum(node, output)
            case _:
                assert_never(node)
        wires.made(node.name, output)
    return wires.wiring


def class_groups(network: FixedPointNetwork, source: Stream) -> AddressMap | GroupSum | None:
    """Return what makes classes of groups of outputs: of spikes, or of scores; None where each output is a class."""
    if network.group == 1:
        return None
    neuron = network.output.neuron
    if not neuron.spikes:
        output = f"{source.name}__class"
        return GroupSum(source.name, output, network.group, neuron.score_bits, network.readout_bits)
    targets = np.arange(network.output.num_neurons)[:, None] // network.group
    return _map(source, Stream(f"{source.name}__class", _width(network.num_classes)), targets)


class _Wires:
    def __init__(self, network: FixedPointNetwork, placement: Placement, names: Mapping[str, str]) -> None:
        self.network, self.placement, self.names = network, placement, names
        self.wiring = Wiring()
        self.free: dict[str, list[Stream]] = {}  # streams of a node that nobody reads yet

    def places(self, name: str) -> int:
        """Return how many hardware indices the events of a node, or of the input, have."""
        if name in self.placement:
            return len(self.placement[name])
        if name == INPUT:
            return self.network.num_inputs
        return math.prod(shape_of(next(node for node in self.network.nodes if node.name == name)))

    def made(self, name: str, stream: Stream) -> None:
        """Note the stream of a node, forked to each of its readers."""
        readers = Counter(node.name for node in self.network.nodes for one in sources_of(node) if one == name)
        wanted = [f"{stream.name}__to__{self.names[reader]}" for reader in readers.elements()]
        if len(wanted) < 2:
            self.free[name] = [stream]
            return
        each = (f"{label}__{index}" if wanted.count(label) > 1 else label for index, label in enumerate(wanted))
        outputs = tuple(Stream(label, stream.addr_width, stream.pixel_width) for label in each)
        self.wiring.blocks.append(Fork(stream, outputs))
        self.free[name] = list(outputs)

    def enter_population(self, layer: Population) -> None:
        """Merge what a population reads into one stream, the rows of its connections one after the other."""
        sources = tuple(self.free[connection.source].pop(0) for connection in layer.forward)
        stream = sources[0]
        if len(sources) > 1:
            sizes = [self.places(connection.source) for connection in layer.forward]
            offsets = tuple(int(offset) for offset in np.cumsum([0, *sizes[:-1]]))
            value_width = max(source.pixel_width for source in sources)
            stream = Stream(f"{self.names[layer.name]}__in", _width(sum(sizes)), value_width)
            values = tuple(connection.value_of_one for connection in layer.forward)
            self.wiring.blocks.append(Merge(sources, offsets, stream, values))
        self.wiring.reads[layer.name] = stream
        self.wiring.blocks.append(layer.name)

    def pool(self, node: Pool, output: Stream) -> None:
        """Map events to the windows that they lie in; of a max pool only the first of a window goes on."""
        source = self.free[node.source].pop(0)
        targets = self._window_targets(node)
        if isinstance(node, SumPool):
            self.wiring.blocks.append(_map(source, output, targets))
            return
        mapped = Stream(f"{output.name}__map", output.addr_width)
        num_windows = self.places(node.name)
        self.wiring.blocks += [_map(source, mapped, targets), FirstOfStep(mapped, output, num_windows)]

    def _window_targets(self, node: Pool) -> IntArray:
        """Return the windows of each hardware index of a pool's source, -1 for none."""
        of_position = node.windows.targets()
        size, outputs = len(of_position), math.prod(node.windows.outputs)
        neurons = self._neurons(node.source)
        first = neurons // size * outputs
        targets: IntArray = np.where(of_position[neurons % size] >= 0, of_position[neurons % size] + first[:, None], -1)
        return targets

    def sum(self, node: Sum, output: Stream) -> Stream:
        """Return the merged streams of equal neurons, whose events must carry their numbers for that."""
        sources = []
        for index, name in enumerate(node.sources):
            source = self.free[name].pop(0)
            neurons = self._neurons(name)
            if len(neurons) != math.prod(node.shape) or (neurons != np.arange(len(neurons))).any():
                numbered = Stream(f"{output.name}__{index}", output.addr_width)
                self.wiring.blocks.append(_map(source, numbered, neurons[:, None]))
                source = numbered
            sources.append(source)
        if len(sources) == 1:
            return sources[0]
        self.wiring.blocks.append(Merge(tuple(sources), (0,) * len(sources), output))
        return output

    def _neurons(self, name: str) -> IntArray:
        return self.placement[name] if name in self.placement else np.arange(self.places(name))


def _map(source: Stream, output: Stream, targets: IntArray) -> AddressMap:
    """Return a map; targets has shape (addresses, most targets of one), -1 for none."""
    valid = targets >= 0
    fields = np.where(valid, targets | 1 << output.addr_width, 0)
    table = Memory(f"{output.name}__targets", fields, output.addr_width + 1)
    return AddressMap(source, output, table, targets.shape[1])


def _width(places: int) -> int:
    return unsigned_bits(places - 1)


def _check_readers(network: FixedPointNetwork) -> None:
    """Raise UnsupportedModelError where nobody would take a node's events."""
    read = {source for node in network.nodes for source in sources_of(node)} | {network.nodes[-1].name}
    problems = [f"layer '{node.name}': must be read by another layer, or be the last one; remove it"
                for node in network.nodes if node.name not in read]  # fmt: skip
    problems += ["network: must read its input; no layer does"] * (INPUT not in read)
    if problems:
        raise UnsupportedModelError(problems)


def _check_values(network: FixedPointNetwork) -> None:
    """Raise UnsupportedModelError where values enter what takes spikes only, or would add or wait between steps."""
    if not network.weighs_values:
        return
    problems = []
    for node in network.readers(INPUT):
        where = f"layer '{node.name}'"
        if not isinstance(node, Population):
            what = "the pixels of direct coding" if network.is_direct else "values"
            problems.append(f"{where}: must take spikes, not {what}; put a layer before it")
        elif any(connection.delay is not None for connection in node.forward):
            problems.append(f"{where}: must not have delays where values enter it; put a layer before it")
        elif not network.is_direct:
            continue
        elif len(node.forward) > 1:
            problems.append(
                f"{where}: must read pixels alone, not with '{node.forward[1].source}'; put a layer before it"
            )
        elif node.recurrent:
            problems.append(f"{where}: must not be recurrent where pixels enter it; put a layer before it")
        elif node is network.output and network.integrates:
            problems.append(f"{where}: must spike where pixels enter it, not integrate; put a layer before it")
    if problems:
        raise UnsupportedModelError(problems)
