"""Networks that are graphs, chosen by hand: forks, merges, maps and pools in the top module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from rtl_tests.lib.seed import generator
from rtl_tests.lib.toys import encoded, layer, weights
from snn2rtl.encoders import Encoder
from snn2rtl.int_net.network import FixedPointNetwork, Node
from snn2rtl.int_net.population import Connection, Input, Population
from snn2rtl.int_net.synapses import Convolution, Dense, Synapses
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.pools import INPUT, MaxPool, Sum, SumPool
from snn2rtl.windows import Shape, Windows

Case = tuple[FixedPointNetwork, RtlOptions]
SPACE = (4, 4)
HALVES = Windows(space=SPACE, kernel=(2, 2), stride=(2, 2), padding=(0, 0), dilation=(1, 1))
OVERLAPPING = Windows(space=SPACE, kernel=(3, 3), stride=(1, 1), padding=(1, 1), dilation=(1, 1))


def population(
    name: str, shape: Shape, *inputs: tuple[str, Synapses], fire_at: int = 6, greatest: int = 1
) -> Population:
    """Return neurons that read sources through synapses of 4-bit weights."""
    neurons = int(np.prod(shape))
    plain = layer(name, np.zeros((neurons, 1), int), fire_at=fire_at, bias=1, membrane_bits=12)
    return Population(
        name=name,
        shape=shape,
        inputs=tuple(Connection(source=source, synapses=synapses, greatest=greatest) for source, synapses in inputs),
        weight_bits=4,
        weight_shift=0,
        bias=plain.bias,
        neuron=plain.neuron,
    )


def kernel(rng: np.random.Generator, channels: int, out: int, space: Shape = SPACE) -> Convolution:
    """Return a convolution with a kernel of three by three that keeps the shape."""
    weight = weights(rng, out, channels * 9).reshape(out, channels, 3, 3)
    return Convolution(
        weight=weight, input_shape=(channels, *space), stride=(1, 1), padding=(1, 1), dilation=(1, 1), groups=1
    )


def graph(*nodes: Node, shape: Shape = (2, *SPACE), name: str = "graph", **changes: int) -> FixedPointNetwork:
    return FixedPointNetwork(name=name, input=Input(shape=shape), nodes=nodes, **{"count_bits": 6, **changes})


def residual(names: tuple[str, ...] = ("one", "two", "add", "most", "mean", "out")) -> FixedPointNetwork:
    """Return a block of SEW ResNet with a max pool around it and an average pool behind it; classes are pairs."""
    rng = generator(14)
    one, two, add, most, mean, out = names
    last = population(
        out,
        (6,),
        (most, Dense(weights(rng, 6, 12))),
        (mean, Dense(weights(rng, 6, 12))),
        (one, Dense(weights(rng, 6, 48))),
    )
    first, second, third = last.inputs
    return graph(
        population(one, (3, *SPACE), (INPUT, kernel(rng, 2, 3))),
        population(two, (3, *SPACE), (one, kernel(rng, 3, 3)), (INPUT, kernel(rng, 2, 3))),
        Sum(name=add, sources=(one, two), shape=(3, *SPACE)),
        MaxPool(name=most, source=two, channels=3, windows=HALVES),
        SumPool(name=mean, source=add, channels=3, windows=HALVES),
        replace(last, inputs=(first, replace(second, greatest=8), third)),
        group=2,
    )


def pruned() -> FixedPointNetwork:
    """Return a sum and pools of populations whose neurons stand at other indices than their numbers, or nowhere."""
    rng = generator(15)
    sparse = weights(rng, 32, 32, density=0.15)
    other = weights(rng, 32, 32, density=0.15)
    sparse[::5], other[::3] = np.minimum(sparse[::5], 0), np.minimum(other[::3], 0)
    quiet = [population(name, (2, *SPACE), (INPUT, Dense(one))) for name, one in (("a", sparse), ("b", other))]
    quiet = [replace(one, bias=one.bias * 0) for one in quiet]
    out = population("out", (4,), ("windows", Dense(weights(rng, 4, 32))), ("both", Dense(weights(rng, 4, 32))))
    first, second = out.inputs
    return graph(
        *quiet,
        Sum(name="both", sources=("a", "b", "a"), shape=(2, *SPACE)),
        MaxPool(name="windows", source="b", channels=2, windows=OVERLAPPING),
        replace(out, inputs=(first, replace(second, greatest=3))),
    )


def of_one_source() -> FixedPointNetwork:
    """Return a sum of one source, and a population that reads one source twice."""
    rng = generator(16)
    back = Connection(source="out", synapses=Dense(weights(rng, 4, 4)), previous_step=True)
    out = population("out", (4,), ("same", Dense(weights(rng, 4, 8))), ("same", Dense(weights(rng, 4, 8))))
    return graph(
        population("first", (8,), (INPUT, Dense(weights(rng, 8, 5)))),
        Sum(name="same", sources=("first",), shape=(8,)),
        replace(out, inputs=(*out.inputs, back)),
        shape=(5,),
    )


def of_pixels() -> FixedPointNetwork:
    """Return a fork of pixels to two populations, which meet again."""
    rng = generator(17)
    first, second = (population(name, (6,), (INPUT, Dense(weights(rng, 6, 5))), fire_at=700) for name in ("a", "b"))
    pixels = [replace(one, inputs=(replace(one.inputs[0], greatest=255),)) for one in (first, second)]
    last = population("out", (4,), ("a", Dense(weights(rng, 4, 6))), ("b", Dense(weights(rng, 4, 6))))
    encoder = Encoder(kind="direct", time_steps=5)
    entered = Input(shape=(5,), greatest=255)
    return FixedPointNetwork(name="graph", input=entered, nodes=(*pixels, last), count_bits=4, encoder=encoder)


# names of nodes that are those of streams, instances and memories which the wiring makes, but for an underscore
LIKE_THE_WIRING_S = ("a", "a_in", "a_to_a_in", "a_map", "a_target", "a_class")


def options(lanes: int, layout: str, output: str = "counts") -> RtlOptions:
    return RtlOptions(lanes=PerLayer(lanes), layout=PerLayer(layout), output=output)


GRAPHS: dict[str, Callable[[], Case]] = {
    "graph-residual": lambda: (residual(), options(2, "indexed")),
    "graph-residual-spikes": lambda: (residual(), options(3, "ragged", "spikes")),
    "graph-residual-encoded": lambda: (encoded(residual(), 4, 200), options(4, "dense", "class")),
    "graph-names": lambda: (residual(LIKE_THE_WIRING_S), options(1, "dense", "class")),
    "graph-pruned": lambda: (pruned(), options(3, "ragged")),
    "graph-of-one-source": lambda: (of_one_source(), options(2, "dense")),
    "graph-of-pixels": lambda: (of_pixels(), options(2, "indexed")),
}
