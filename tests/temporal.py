"""Random float networks for temporal data, of dyadic numbers, that mix all features."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from snn2rtl.encoders import Encoder
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import Integrator, Linear, Neuron, Node

TAUS = (1.0, 2.0, 4.0)
RATIOS = (1 / 0.75, 1 / 0.625, 1 / 0.375)  # a leak by a multiplier of three bits


def eighths(random: np.random.Generator, *shape: int, low: int = -3) -> np.ndarray:
    """Return multiples of 1/8."""
    return random.integers(low, 7, shape) / 8


def tau(random: np.random.Generator, neurons: int, choices: tuple[float, ...] = TAUS) -> Any:
    """Return a time constant, or one for each neuron."""
    return float(random.choice(choices)) if random.random() < 0.5 else random.choice(choices, neurons)


def synapses(random: np.random.Generator, name: str, inputs: int, outputs: int, may_return: bool = True) -> Linear:
    return Linear(
        name=name,
        weight=eighths(random, outputs, inputs),
        bias=eighths(random, outputs) / 4 * random.integers(2),
        recurrent=eighths(random, outputs, outputs) if may_return and random.random() < 0.5 else None,
        delay=random.integers(0, 4, inputs) if random.random() < 0.5 else None,
    )


def neurons(random: np.random.Generator, name: str, count: int, choices: tuple[float, ...] = TAUS) -> Neuron:
    more: dict[str, Any] = {}
    kind = random.integers(3)
    if kind == 1:
        more["synapse_tau"] = tau(random, count, choices)
    if kind == 2:
        grow = eighths(random, count, low=0) if random.random() < 0.5 else 0.25
        more |= {"grow": grow, "adaptation_tau": tau(random, count, choices)}
    own = None if random.random() < 0.2 else tau(random, count, choices)
    thresholds = random.choice([0.5, 0.75, 1.0], count)
    v_reset = random.choice([None, 0.0, 0.25, -0.5])
    if v_reset is None:
        more["reset"] = str(random.choice(["", "none"] if kind == 2 else ["", "none", "late", "stepped"]))
    elif kind != 2:
        more["refractory"] = int(random.choice([0, 0, 1, 3]))
    return Neuron(
        name=name,
        tau=own,
        v_threshold=thresholds if random.random() < 0.3 else float(thresholds[0]),
        v_reset=v_reset,
        decay_input=own is not None and bool(random.integers(2)),
        strict=bool(random.integers(2)),
        **more,
    )


def integrator(random: np.random.Generator, name: str, count: int, choices: tuple[float, ...] = TAUS) -> Integrator:
    own = None if random.random() < 0.2 else tau(random, count, choices)
    return Integrator(
        name=name,
        tau=own,
        score=str(random.choice(["max", "last", "sum"])),
        synapse_tau=tau(random, count, choices) if random.random() < 0.5 else None,
        decay_input=own is not None and bool(random.integers(2)),
    )


def random_network(
    seed: int, choices: tuple[float, ...] = TAUS, encoder: Encoder | None = None, integrates: bool | None = None
) -> SpikingNetwork:
    """Return a network of one to three layers that mix all features."""
    random = np.random.default_rng(seed)
    widths = random.integers(2, 6, random.integers(2, 5)).tolist()
    last = len(widths) - 2
    ends = bool(random.integers(2)) if integrates is None else integrates
    nodes: list[Node] = []
    for index, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        if index == last and ends:
            nodes += [synapses(random, f"fc{index}", inputs, outputs, may_return=False)]
            nodes += [integrator(random, "li", outputs, choices)]
        else:
            nodes += [synapses(random, f"fc{index}", inputs, outputs), neurons(random, f"n{index}", outputs, choices)]
    return SpikingNetwork(name="net", nodes=tuple(nodes), encoder=encoder)
