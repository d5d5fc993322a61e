"""The random graphs that both simulators run have everything that a graph can have, and do something."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from graph_cases import DEPTH, STEPS, random_graph_case
from graphs import paths_of, random_inputs

from snn2rtl.int_net.network import FixedPointNetwork, MaxPool, Population, Sum, SumPool, sources_of
from snn2rtl.int_net.reference import run
from snn2rtl.int_net.synapses import Convolution

NETWORKS, SAMPLES = 300, 8
LEAST = {
    "skip": 120, "concatenation": 160, "sum": 70, "several readers": 200, f"{DEPTH} populations": 25,
    "max pool": 50, "pool of currents": 60, "sum pool": 60, "recurrent": 115, "delays": 120, "convolution": 120,
    "groups": 70, "integrators": 100, "counts enter": 45, "pixels enter": 12, "encoder": 40, "spikes enter": 140,
}  # fmt: skip


def features(network: FixedPointNetwork) -> Iterator[str]:
    """Yield what a network has, as often as it has it."""
    paths = paths_of(network)
    if paths[network.nodes[-1].name] >= DEPTH:
        yield f"{DEPTH} populations"
    if network.integrates:
        yield "integrators"
    if network.group > 1:
        yield "groups"
    entering = "counts" if network.input.greatest not in (1, 255) else "pixels" if network.is_direct else "spikes"
    yield "encoder" if network.takes_pixels and not network.is_direct else f"{entering} enter"
    read = Counter(source for node in network.nodes for source in sources_of(node) if source != node.name)
    if max(read.values()) > 1:
        yield "several readers"
    for node in network.nodes:
        match node:
            case Population():
                yield from _of_population(node, paths)
            case MaxPool():
                yield "max pool"
            case SumPool():
                yield "sum pool"
            case Sum():
                if len(node.sources) > 1:
                    yield "sum"


def _of_population(node: Population, paths: dict[str, int]) -> Iterator[str]:
    """Yield what a population has."""
    if any(paths[one.source] < paths[node.name] - 1 for one in node.forward):
        yield "skip"
    if len({one.source for one in node.forward}) > 1:
        yield "concatenation"
    if node.pool:
        yield "pool of currents"
    if node.recurrent:
        yield "recurrent"
    if any(one.delay is not None for one in node.inputs):
        yield "delays"
    if any(isinstance(one.synapses, Convolution) for one in node.inputs):
        yield "convolution"


def test_every_feature_is_in_many_of_them():
    seen: Counter[str] = Counter()
    deep: Counter[int] = Counter()
    lively = 0
    for number in range(NETWORKS):
        network, _ = random_graph_case(np.random.default_rng([1, 60, number]))  # those of seed 1
        found = set(features(network))
        seen.update(found)
        result = run(network, random_inputs(network, STEPS, SAMPLES, number))
        spiking = {node.name for node in network.populations if result.traces[node.name].spikes.any()}
        lively += len(spiking) >= len(network.populations) / 2
        paths = paths_of(network)
        if f"{DEPTH} populations" in found:
            deep[max((paths[name] for name in spiking), default=0)] += 1
    assert seen.keys() == LEAST.keys()
    assert all(seen[name] >= least for name, least in LEAST.items()), seen
    assert lively >= NETWORKS * 0.7
    assert sum(count for path, count in deep.items() if path >= DEPTH - 1) >= 20, deep  # integrators never spike
