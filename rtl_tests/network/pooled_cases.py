"""Networks whose neurons take the greatest of pooled currents, chosen by hand: windows, neurons, layouts, inputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from rtl_tests.lib.seed import generator
from rtl_tests.lib.toys import adaptive, current, integrators, layer, weights
from snn2rtl.encoders import MAX_PIXEL, Encoder
from snn2rtl.int_net.chain import DenseLayer
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.neurons import MultiplierLeak, Reset, Score, ShiftLeak
from snn2rtl.int_net.population import Connection, Input, Population
from snn2rtl.int_net.synapses import Convolution, Dense, Synapses
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.pools import INPUT
from snn2rtl.windows import Windows

Case = tuple[FixedPointNetwork, RtlOptions]
SPACE = (3, 3)
WINDOWS = {
    "apart": Windows(space=SPACE, kernel=(1, 3), stride=(1, 3), padding=(0, 0), dilation=(1, 1)),
    "overlapping": Windows(space=SPACE, kernel=(2, 2), stride=(1, 1), padding=(0, 0), dilation=(1, 1)),
    "padded": Windows(space=SPACE, kernel=(2, 2), stride=(2, 2), padding=(1, 1), dilation=(1, 1)),
    "beyond": Windows(space=SPACE, kernel=(2, 2), stride=(2, 2), padding=(0, 0), dilation=(1, 1), outputs=(2, 2)),
    "dilated": Windows(space=SPACE, kernel=(2, 2), stride=(1, 1), padding=(0, 0), dilation=(2, 2)),
}
CHANNELS, CLASSES = 2, 4


def kernel(rng: np.random.Generator, density: float = 1.0) -> Convolution:
    """Return a convolution of one channel that keeps the shape, with 4-bit weights."""
    weight = weights(rng, CHANNELS, 9, density=density).reshape(CHANNELS, 1, 3, 3)
    return Convolution(weight=weight, input_shape=(1, *SPACE), stride=(1, 1), padding=(1, 1), dilation=(1, 1), groups=1)


def pooled(
    name: str,
    windows: Windows,
    *inputs: tuple[str, Synapses],
    kind: Callable[[DenseLayer], DenseLayer] = lambda plain: plain,
    bias: Any = 1,
    shift: int = 0,
    **features: Any,
) -> Population:
    """Return neurons behind a pool of currents; features are those of layer()."""
    shape = (CHANNELS, *windows.outputs)
    plain = layer(name, np.zeros((math.prod(shape), 1), int), **{"fire_at": 6, "membrane_bits": 12} | features)
    return Population(
        name=name,
        shape=shape,
        inputs=tuple(Connection(source=source, synapses=synapses) for source, synapses in inputs),
        weight_bits=4,
        weight_shift=shift,
        bias=np.broadcast_to(np.asarray(bias, np.int64), (CHANNELS * math.prod(windows.space),)),
        neuron=kind(plain).neuron,
        pool=windows,
    )


def network(
    first: Population, encoder: Encoder | None = None, ends: bool = False, before: tuple[Population, ...] = ()
) -> FixedPointNetwork:
    """Return a network of a population of one channel of inputs and, unless it ends with that, one of four classes."""
    rng = generator(41)
    plain = layer("out", weights(rng, CLASSES, first.num_neurons), fire_at=5)
    out = replace(plain.population, inputs=(replace(plain.population.inputs[0], source="pooled"),))
    greatest = MAX_PIXEL if encoder else 1
    inputs = (replace(one, greatest=greatest) if one.source == INPUT else one for one in first.inputs)
    first = replace(first, inputs=tuple(inputs))
    entered = Input(shape=(1, *SPACE), greatest=greatest)
    nodes = (*before, first) if ends else (*before, first, out)
    return FixedPointNetwork(name="pools", input=entered, nodes=nodes, count_bits=5, encoder=encoder)


def options(lanes: int, layout: str, output: str = "counts") -> RtlOptions:
    return RtlOptions(lanes=PerLayer(1, {"pooled": lanes}), layout=PerLayer(layout), output=output)  # type: ignore[arg-type]


def of_windows(windows: str, lanes: int, layout: str) -> Case:
    return network(pooled("pooled", WINDOWS[windows], (INPUT, kernel(generator(42))))), options(lanes, layout)


def of_kind(lanes: int, layout: str, encoder: Encoder | None = None, ends: bool = False, **features: Any) -> Case:
    """Neurons of a kind behind overlapping windows; half of the weights are zero."""
    if encoder:
        features = {"fire_at": 900, "membrane_bits": 14, "bias": 100} | features
    first = pooled("pooled", WINDOWS["overlapping"], (INPUT, kernel(generator(43), 0.5)), **features)
    return network(first, encoder, ends), options(lanes, layout)


def numbers_of_each() -> dict[str, Any]:
    """Return features all of whose numbers differ from neuron to neuron, and biases from place to place."""
    neurons, places = CHANNELS * 4, CHANNELS * 9
    return {"fire_at": np.arange(neurons) + 2, "reset_by": np.arange(neurons)[::-1] + 1, "reset": Reset.SOFT,
            "leak": ShiftLeak(np.arange(neurons) % 5), "bias": np.arange(places) - 9, "shift": 1}  # fmt: skip


def of_two_sources() -> FixedPointNetwork:
    """Return a pool of the sum of two convolutions and a matrix, one of them with delays."""
    rng = generator(44)
    first = pooled("first", WINDOWS["apart"], (INPUT, kernel(rng)))
    dense = Dense(weights(rng, CHANNELS * 9, first.num_neurons))
    both = pooled("pooled", WINDOWS["padded"], (INPUT, kernel(rng)), ("first", dense))
    late = replace(both.inputs[0], delay=rng.integers(0, 4, 9))
    return network(replace(both, inputs=(late, both.inputs[1])), before=(first,))


ADAPTING = {"kind": lambda plain: adaptive(plain, 3, ShiftLeak(2))}
BEHIND_CURRENTS = {"kind": lambda plain: current(plain, MultiplierLeak(200, 8)), "leak": ShiftLeak(2)}
DIRECT, VALUES = Encoder(kind="direct", time_steps=5), Encoder(kind="values")
POOLED: dict[str, Callable[[], Case]] = {
    **{
        f"pooled-{windows}-{lanes}-lanes-{layout}": lambda case=(windows, lanes, layout): of_windows(*case)
        for windows, (lanes, layout) in product(WINDOWS, ((1, "dense"), (3, "indexed"), (2, "ragged")))
    },
    **{f"pooled-64-lanes-{layout}": lambda layout=layout: of_kind(64, layout) for layout in ("dense", "ragged")},
    "pooled-soft": lambda: of_kind(2, "dense", reset=Reset.SOFT, leak=ShiftLeak(1)),
    **{
        f"pooled-{reset.value}": lambda reset=reset: of_kind(3, "indexed", reset=reset, leak=ShiftLeak(2))
        for reset in (Reset.NONE, Reset.LATE, Reset.STEPPED)
    },
    "pooled-refractory": lambda: of_kind(3, "ragged", refractory=2),
    "pooled-direct-stepped": lambda: of_kind(3, "ragged", DIRECT, reset=Reset.STEPPED),
    "pooled-numbers-of-each-neuron": lambda: of_kind(3, "ragged", **numbers_of_each()),
    "pooled-saturating": lambda: of_kind(2, "indexed", fire_at=15, membrane_bits=5),
    "pooled-adaptive": lambda: of_kind(3, "dense", **ADAPTING),
    "pooled-currents": lambda: of_kind(2, "ragged", **BEHIND_CURRENTS),
    **{
        f"pooled-integrators-{score.value}": lambda score=score: of_kind(
            3, "indexed", ends=True, kind=lambda plain: integrators(plain, score, 3), leak=ShiftLeak(2)
        )
        for score in Score
    },
    **{
        f"pooled-direct-{lanes}-lanes-{layout}": lambda case=(lanes, layout): of_kind(*case, DIRECT)
        for lanes, layout in ((1, "dense"), (3, "indexed"), (64, "ragged"))
    },
    "pooled-direct-adaptive": lambda: of_kind(3, "dense", DIRECT, **ADAPTING),
    "pooled-direct-currents": lambda: of_kind(64, "ragged", DIRECT, **BEHIND_CURRENTS),
    "pooled-values": lambda: of_kind(3, "ragged", VALUES),
    "pooled-values-currents": lambda: of_kind(2, "dense", VALUES, **BEHIND_CURRENTS),
    "pooled-sources": lambda: (of_two_sources(), options(3, "dense")),
    "pooled-sources-spikes": lambda: (of_two_sources(), options(2, "indexed", "spikes")),
}
