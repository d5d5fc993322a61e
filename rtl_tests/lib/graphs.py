"""Random networks that are graphs, of every kind of node, and the hardware for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from graphs import random_graph, with_readers

from snn2rtl.encoders import MAX_RATE, Encoder
from snn2rtl.errors import UnsupportedModelError
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.rtl.plan import plan

MOST_VALUES = 24  # of a node: Verilator builds many networks at once


def random_graph_case(rng: np.random.Generator) -> tuple[FixedPointNetwork, RtlOptions]:
    """Return a network that is a graph and the hardware for it; of pixels only what there is hardware for."""
    while True:
        network = _encoded(rng, with_readers(rng, random_graph(rng, MOST_VALUES)))
        options = _hardware(rng, network)
        if network.is_direct:
            try:
                plan(network, options)
            except UnsupportedModelError:
                continue
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
