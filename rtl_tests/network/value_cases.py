"""Networks of values in each step, chosen by hand: every kind of neurons, lane and layout; spikes beside values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from rtl_tests.lib.seed import generator
from rtl_tests.lib.toys import adaptive, current, integrators, layer, network, recurrent, valued, weights
from snn2rtl.encoders import MAX_PIXEL, Encoder
from snn2rtl.int_net.chain import DenseLayer, layers_of, with_layers
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.neurons import MultiplierLeak, Reset, Score, ShiftLeak
from snn2rtl.int_net.population import Connection, Input
from snn2rtl.int_net.synapses import Convolution, Dense
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.pools import INPUT

Case = tuple[FixedPointNetwork, RtlOptions]
INPUTS, HIDDEN, CLASSES = 19, 13, 4


def values(layout: str, lanes: int, beat_pixels: int = 8, **features: object) -> Case:
    """A 19-13-4 network in which half of the weights are zero."""
    rng = generator(34)
    fc1 = layer(
        "fc1",
        weights(rng, HIDDEN, INPUTS, 4, 0.5),
        **{"fire_at": 700, "membrane_bits": 14, "leak": ShiftLeak(2), "bias": 20} | features,  # type: ignore[arg-type]
    )
    toy = network(fc1, layer("fc2", weights(rng, CLASSES, HIDDEN), fire_at=5))
    options = RtlOptions(lanes=PerLayer(2, {"fc1": lanes}), layout=PerLayer(layout), beat_pixels=beat_pixels)
    return valued(toy), options


def first(case: Case, change: Callable[[DenseLayer], DenseLayer]) -> Case:
    """Return a case with another first layer."""
    toy, options = case
    fc1, *others = layers_of(toy)
    return valued(with_layers(toy, (change(fc1), *others), encoder=None)), options


def fed_back(layout: str, lanes: int) -> Case:
    """A recurrent layer of values: its own spikes count 255."""
    return first(values(layout, lanes), lambda fc1: recurrent(generator(35), fc1, 0.5))


def alone(score: Score, lanes: int, kind: Callable[[DenseLayer], DenseLayer] = lambda one: one) -> Case:
    """Integrators of values, and nothing else."""
    toy, options = values("auto", lanes, membrane_bits=12)
    fc1, _ = layers_of(toy)
    return with_layers(toy, (kind(integrators(fc1, score, 2)),)), replace(options, output="counts")


def beside_spikes() -> Case:
    """A population that reads values and spikes of another one, and is recurrent; and a kernel of values."""
    rng = generator(36)
    kernel = Convolution(weight=weights(rng, 2, 3, 4).reshape(2, 1, 3), input_shape=(1, INPUTS), stride=(4,),
                         padding=(1,), dilation=(1,), groups=1)  # fmt: skip
    hidden = layer("conv", weights(rng, kernel.num_neurons, INPUTS), fire_at=500, membrane_bits=14).population
    conv = replace(hidden, inputs=(Connection(source=INPUT, synapses=kernel, greatest=MAX_PIXEL),))
    both = layer("both", weights(rng, 5, INPUTS), fire_at=np.arange(5) * 100 + 600, membrane_bits=14).population
    of_spikes = Dense(weights(rng, 5, kernel.num_neurons))
    back = Connection(source="both", synapses=Dense(weights(rng, 5, 5)), previous_step=True, spike_value=MAX_PIXEL)
    joined = replace(
        both,
        inputs=(
            Connection(source="conv", synapses=of_spikes, spike_value=MAX_PIXEL),
            Connection(source=INPUT, synapses=Dense(weights(rng, 5, INPUTS)), greatest=MAX_PIXEL),
            back,
        ),
    )
    entered = Input(shape=(INPUTS,), greatest=MAX_PIXEL)
    made = FixedPointNetwork(
        name="graph", input=entered, nodes=(conv, joined), count_bits=5, encoder=Encoder(kind="values")
    )
    return made, RtlOptions(lanes=PerLayer(2), output="spikes", beat_pixels=3)


VALUES: dict[str, Callable[[], Case]] = {
    **{
        f"values-{lanes}-lanes-{layout}": lambda lanes=lanes, layout=layout: values(layout, lanes)
        for lanes, layout in ((1, "dense"), (2, "indexed"), (5, "ragged"), (13, "dense"))
    },
    "values-single-indexed": lambda: values("indexed", 64, 1, reset=Reset.SOFT, leak=MultiplierLeak(3, 2)),
    "values-single-ragged": lambda: values("ragged", 64, 5, shift=2, fire_at=3000, membrane_bits=16),
    "values-saturating": lambda: values("ragged", 4, 7, fire_at=511, membrane_bits=10),
    "values-numbers-of-each-neuron": lambda: values(
        "dense", 3, fire_at=np.arange(HIDDEN) * 90 + 300, bias=np.arange(HIDDEN) * 40 - 250
    ),
    "values-adaptive": lambda: first(
        values("auto", 2), lambda one: adaptive(one, np.arange(HIDDEN) * 300, MultiplierLeak(np.arange(HIDDEN), 4))
    ),
    "values-currents": lambda: first(values("indexed", 64), lambda one: current(one, ShiftLeak(np.arange(HIDDEN) % 3))),
    "values-integrators": lambda: alone(Score.SUM, 2),
    "values-current-integrators": lambda: alone(Score.MAX, 64, lambda one: current(one, ShiftLeak(1))),
    **{
        f"values-recurrent-{lanes}-lanes-{layout}": lambda lanes=lanes, layout=layout: fed_back(layout, lanes)
        for lanes, layout in ((2, "dense"), (3, "ragged"), (64, "indexed"))
    },
    "values-beside-spikes": beside_spikes,
}
