"""Random integer networks that are graphs: convolutions, pools, sums, several connections, recurrence, delays."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from networks import lif, shared
from numpy.typing import NDArray

from snn2rtl.encoders import Encoder
from snn2rtl.int_net.network import INPUT, FixedPointNetwork, MaxPool, Node, Sum, SumPool, shape_of, sources_of
from snn2rtl.int_net.neurons import (
    AdaptiveLifNeuron,
    CubaIntegrator,
    CubaLifNeuron,
    Integrator,
    Leak,
    MultiplierLeak,
    Neuron,
    NoLeak,
    Reset,
    Score,
    ShiftLeak,
)
from snn2rtl.int_net.population import MAX_VALUE, Connection, Input, Population
from snn2rtl.int_net.synapses import Convolution, Dense, Synapses
from snn2rtl.windows import Shape, Windows, taps_of

Random = np.random.Generator
Known = dict[str, tuple[Shape, int]]  # shape and greatest value of what can be read, by name

GREATEST = {"spikes": 1, "counts": 3, "pixels": 255}
MAX_INPUTS = 200  # of a node: the scalar model takes its time


def random_graph(random: Random, most: int = MAX_INPUTS, events: int = MAX_VALUE, depth: int = 0) -> FixedPointNetwork:
    """Return a network that spikes, counts up to 3 or pixels enter.

    Args:
        random: what it is drawn from.
        most: values that a node makes.
        events: what they add up to in a step, at most.
        depth: populations that the longest path has at least.
    """
    entering = random.choice(["spikes", "spikes", "counts", "pixels"]).item()
    shape = _numbers(random, int(random.choice([1, 2, 3, 3])), 1, 5)
    known: Known = {INPUT: (shape, GREATEST[entering])}
    nodes: list[Node] = []
    paths = {INPUT: 0}  # populations on the longest path to each
    deepest = INPUT
    count = int(random.integers(6))
    for index in itertools.count():
        if index >= count and paths[deepest] >= depth - 1:
            break
        node = _node(random, f"n{index}", known, deepest if depth else "")
        value, size = _greatest(node, known), math.prod(shape_of(node))
        if value <= MAX_VALUE and size <= most and size * value <= events:
            nodes.append(node)
            known[node.name] = shape_of(node), value
            paths[node.name] = _path(node, paths)
            deepest = max(reversed(paths), key=paths.__getitem__)
    last = _population(random, "out", known, deepest if depth else "", last=True)
    groups = [number for number in range(1, last.num_neurons + 1) if last.num_neurons % number == 0]
    return FixedPointNetwork(
        name="graph",
        input=Input(shape=shape, greatest=GREATEST[entering]),
        nodes=(*nodes, last),
        count_bits=int(random.integers(1, 6)),
        group=1 if not last.neuron.spikes else int(random.choice(groups)),
        encoder=Encoder(kind="direct", time_steps=int(random.integers(1, 7))) if entering == "pixels" else None,
    )


def with_readers(random: Random, network: FixedPointNetwork) -> FixedPointNetwork:
    """Return the network with an output that reads what nobody else does: hardware without a reader is refused."""
    *others, last = network.nodes
    assert isinstance(last, Population)
    read = {source for node in network.nodes for source in sources_of(node)}
    sizes = {INPUT: network.num_inputs, **{node.name: math.prod(shape_of(node)) for node in others}}
    inputs = last.inputs
    for name in [name for name in sizes if name not in read]:
        weight = random.integers(-6, 10, (last.num_sums, sizes[name])) * random.integers(2, size=sizes[name])
        inputs = (Connection(source=name, synapses=Dense(weight), greatest=network.greatest[name]), *inputs)
    return replace(network, nodes=(*others, replace(last, inputs=inputs)))


def random_inputs(network: FixedPointNetwork, steps: int, samples: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return what a network takes, from a silent sample to one with something at every input in every step."""
    random = np.random.default_rng(seed)
    shape = (samples, network.num_inputs) if network.takes_pixels else (steps, samples, network.num_inputs)
    values = random.integers(1, network.input.greatest + 1, shape)
    return (values * (random.random(shape) < np.linspace(0, 1, samples)[:, None])).astype(np.uint8)


def random_convolution(random: Random, shape: Shape) -> Convolution:
    """Return a convolution of an input, grouped or not; no kernel is larger than the padded input."""
    channels, *space = shape
    axes = len(space)
    groups = int(random.choice([number for number in range(1, channels + 1) if channels % number == 0]))
    stride, padding, dilation = (_numbers(random, axes, *ends) for ends in ((1, 2), (0, 2), (1, 2)))
    most = [(n + 2 * pad - 1) // apart + 1 for n, pad, apart in zip(space, padding, dilation, strict=True)]
    kernel = tuple(min(k, n) for k, n in zip(_numbers(random, axes, 1, 3), most, strict=True))
    return Convolution(
        weight=_weights(random, (groups * int(random.integers(1, 3)), channels // groups, *kernel)),
        input_shape=shape,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


def random_windows(random: Random, space: Shape) -> Windows:
    """Return the windows of a pool; along some axes one more than fit, as ceil_mode has them."""
    axes = len(space)
    while True:
        stride, padding, dilation = (_numbers(random, axes, *ends) for ends in ((1, 3), (0, 1), (1, 2)))
        kernel = _numbers(random, axes, 1, 3)
        made = Windows(space=space, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
        more = tuple(n + extra for n, extra in zip(made.outputs, _numbers(random, axes, 0, 1), strict=True))
        for one in (replace(made, outputs=more), made):
            if not made.problems() and not one.problems():
                return one


def random_pool_of_currents(random: Random, space: Shape) -> Windows | None:
    """Return the windows of a pool, each with a place inside, or None where none is found soon."""
    for _ in range(10):
        windows = random_windows(random, space)
        if windows.size > 1 and (taps_of(windows, 1) >= 0).any(axis=1).all():
            return windows
    return None


def _numbers(random: Random, count: int, least: int, most: int) -> Shape:
    return tuple(random.integers(least, most, count, endpoint=True).tolist())


def _weights(random: Random, shape: Shape) -> NDArray[np.int64]:
    weights = random.integers(-6, 10, shape)
    weights[random.random(shape) < random.choice([0.0, 0.5])] = 0
    return weights


def _path(node: Node, paths: Mapping[str, int]) -> int:
    """Return how many populations the longest path to a node has, itself among them."""
    return max(paths.get(source, 0) for source in sources_of(node)) + isinstance(node, Population)


def paths_of(network: FixedPointNetwork) -> dict[str, int]:
    """Return how many populations the longest path to each node has, by its name."""
    paths = {INPUT: 0}
    for node in network.nodes:
        paths[node.name] = _path(node, paths)
    return paths


def _node(random: Random, name: str, known: Known, first: str) -> Node:
    """Return a node that reads some of what is known; a population reads the first, where there is one."""
    spread = [source for source, (shape, _) in known.items() if len(shape) > 1]
    spiking = [source for source in spread if known[source][1] == 1]
    kinds = ["population"] * (6 if first else 2) + ["sum"]
    kinds += ["sum_pool"] * bool(spread) + ["max_pool"] * bool(spiking)
    kind = random.choice(kinds).item()
    if kind == "population":
        return _population(random, name, known, first)
    if kind == "sum":
        shape, _ = known[random.choice(list(known)).item()]
        alike = [source for source, (other, _) in known.items() if math.prod(other) == math.prod(shape)]
        return Sum(name=name, sources=tuple(random.choice(alike, random.integers(1, 4)).tolist()), shape=shape)
    source = random.choice(spread if kind == "sum_pool" else spiking).item()
    channels, *space = known[source][0]
    pool = SumPool if kind == "sum_pool" else MaxPool
    return pool(name=name, source=source, channels=channels, windows=random_windows(random, tuple(space)))


def _population(random: Random, name: str, known: Known, first: str, last: bool = False) -> Population:
    """Return a population that reads one or several of what is known; the last one may be of integrators."""
    source = first or random.choice(list(known)).item()
    shape, kernel = known[source][0], None
    if len(shape) > 1 and random.random() < 0.7:
        kernel = random_convolution(random, shape)
    shape = kernel.output_shape if kernel else (int(random.integers(1, 9)),)
    sums, pool = math.prod(shape), None
    if kernel and random.random() < (0.2 if first else 0.4):
        pool = random_pool_of_currents(random, shape[1:])
    parts: list[tuple[str, Synapses]] = [(source, kernel)] if kernel else []
    others = random.choice(list(known), random.integers(0 if kernel else 1, 3)).tolist()
    for other in others if kernel or not first else [first, *others[1:]]:
        parts.append((other, Dense(_weights(random, (sums, math.prod(known[other][0]))))))
    shape = (shape[0], *pool.outputs) if pool else shape
    neurons = math.prod(shape)
    inputs = [_connection(random, *part, known[part[0]][1]) for part in parts]
    neuron = _integrators(random, neurons) if last and random.random() < 0.4 else _spiking(random, neurons)
    if neuron.spikes and not pool and random.random() < 0.4:
        back = Dense(_weights(random, (neurons, neurons)))
        inputs.append(Connection(source=name, synapses=back, previous_step=True))
    return Population(
        name=name,
        shape=shape,
        inputs=tuple(inputs),
        weight_bits=5,
        weight_shift=int(random.integers(3)),
        bias=random.integers(-3, 6, sums) * random.integers(2),
        neuron=neuron,
        pool=pool,
    )


def _connection(random: Random, source: str, synapses: Synapses, greatest: int) -> Connection:
    delay = None
    if greatest == 1 and random.random() < 0.3:
        delay = random.choice([0, 1, 2, 5, 63], synapses.num_inputs)
    return Connection(source=source, synapses=synapses, greatest=greatest, delay=delay)


def _spiking(random: Random, neurons: int) -> Neuron:
    """Return neurons of which some fire often and some saturate."""
    fire_at = random.integers(1, random.choice([10, 60]), neurons)
    reset_by = random.integers(1, 60, neurons) if random.random() < 0.5 else np.zeros(neurons, int)
    bits = int(random.choice([8, 16, 40]))
    plain = lif(fire_at, reset_by, _leak(random, neurons), membrane_bits=bits)
    if plain.reset is Reset.SOFT:
        plain = replace(plain, reset=Reset(random.choice(["soft", "late", "stepped"])))
    else:
        plain = replace(plain, **random.choice([{}, {"reset": Reset.NONE}, {"refractory": 1}, {"refractory": 4}]))
    match random.integers(4):
        case 0:
            grow = random.integers(0, 20, neurons)
            return AdaptiveLifNeuron(**shared(plain), adaptation_step=grow, adaptation_leak=_fast_leak(random, neurons))
        case 1:
            return CubaLifNeuron(**vars(plain), synapse_leak=_fast_leak(random, neurons))
        case _:
            return plain


def _integrators(random: Random, neurons: int) -> Neuron:
    bits, score = int(random.choice([8, 16])), random.choice(list(Score))
    plain = Integrator(
        neurons=neurons,
        leak=_leak(random, neurons),
        membrane_bits=bits,
        score=score,
        score_bits=bits + int(random.integers(3)) if score is Score.SUM else bits,
    )
    if random.random() < 0.5:
        return plain
    return CubaIntegrator(**vars(plain), synapse_leak=_fast_leak(random, neurons))


def _leak(random: Random, neurons: int) -> Leak:
    factors = random.integers(0, 257, neurons)
    shifts = random.integers(0, 10, neurons)
    leaks = [NoLeak(), ShiftLeak(int(shifts[0])), MultiplierLeak(int(factors[0]), 8)]
    leaks += [ShiftLeak(shifts), MultiplierLeak(factors, 8)]
    return leaks[random.integers(len(leaks))]


def _fast_leak(random: Random, neurons: int) -> Leak:
    """Return a leak that no state with it grows far above what enters."""
    shifts, factors = random.integers(0, 4, neurons), random.integers(0, 12, neurons)
    leaks = [ShiftLeak(int(shifts[0])), MultiplierLeak(int(factors[0]), 4)]
    leaks += [ShiftLeak(shifts), MultiplierLeak(factors, 4)]
    return leaks[random.integers(len(leaks))]


def _greatest(node: Node, known: Known) -> int:
    match node:
        case SumPool():
            return known[node.source][1] * math.prod(node.windows.kernel)
        case Sum():
            return sum(known[source][1] for source in node.sources)
        case _:
            return 1
