"""Random networks that are graphs, of every kind of node, and the hardware for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from graphs import random_graph, with_readers

from snn2rtl.encoders import MAX_PIXEL, MAX_RATE, Encoder
from snn2rtl.errors import UnsupportedModelError
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.reference import run
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.rtl.estimate import cycles
from snn2rtl.rtl.plan import plan

MOST_VALUES = 24  # of a node: Verilator builds many networks at once
MOST_EVENTS = 120  # of a node in a step
MOST_CYCLES = 1200  # of a sample with all inputs in every step: simulators take so many of them
STEPS = 6
DEPTH, DEEP = 8, 0.1  # populations in a path of some networks, whose nodes are smaller; how many these are


def random_graph_case(rng: np.random.Generator) -> tuple[FixedPointNetwork, RtlOptions]:
    """Return a network that is a graph and the hardware for it; of pixels only what there is hardware for."""
    is_deep = rng.random() < DEEP
    while True:
        most, depth = (MOST_VALUES // 2, DEPTH) if is_deep else (MOST_VALUES, 0)
        network = _encoded(rng, with_readers(rng, random_graph(rng, most, MOST_EVENTS, depth)))
        options = _hardware(rng, network)
        try:
            design = plan(network, options)
        except UnsupportedModelError:
            assert network.is_direct
            continue
        shape = (1, network.num_inputs) if network.takes_pixels else (STEPS, 1, network.num_inputs)
        most_of_all = np.full(shape, network.input.greatest if not network.encoder else MAX_PIXEL, np.uint8)
        if cycles(network, design, most_of_all, run(network, most_of_all)).max() <= MOST_CYCLES:
            return network, options


def _encoded(rng: np.random.Generator, network: FixedPointNetwork) -> FixedPointNetwork:
    """Return the network, now and then behind a Poisson encoder in hardware."""
    if network.encoder or network.input.greatest > 1 or rng.random() < 0.8:
        return network
    rate = int(rng.choice([MAX_RATE, int(rng.integers(1, MAX_RATE))]))
    encoder = Encoder(kind="poisson", time_steps=int(rng.integers(1, 8)), rate=rate, noise="xorshift")
    return replace(network, encoder=encoder)


def _hardware(rng: np.random.Generator, network: FixedPointNetwork) -> RtlOptions:
    outputs = ["class", "counts"] if network.integrates else ["class", "counts", "spikes"]
    names = [layer.name for layer in network.populations]
    return RtlOptions(
        lanes=PerLayer(1, {name: int(rng.choice([1, 2, 3, 4, 64], p=[0.3, 0.3, 0.2, 0.15, 0.05])) for name in names}),
        layout=PerLayer("auto", {name: str(rng.choice(["auto", "dense", "indexed", "ragged"])) for name in names}),
        output=rng.choice(outputs).item(),
        beat_pixels=int(rng.integers(1, 9)) if network.takes_pixels else 0,
    )
