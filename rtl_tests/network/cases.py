"""Networks chosen by hand: every feature, and every edge of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np

from rtl_tests.lib.norse_toys import of_norse
from rtl_tests.lib.seed import generator
from rtl_tests.lib.toys import adaptive, current, direct, encoded, integrators, layer, network, recurrent, weights
from rtl_tests.network import reset_cases
from rtl_tests.network.graph_cases import GRAPHS
from rtl_tests.network.pooled_cases import POOLED
from rtl_tests.network.value_cases import VALUES
from snn2rtl.fixed_point import IntArray
from snn2rtl.int_net.chain import DenseLayer, layers_of, with_layers
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.neurons import Leak, MultiplierLeak, NoLeak, Reset, Score, ShiftLeak
from snn2rtl.options import PerLayer, RtlOptions

Case = tuple[FixedPointNetwork, RtlOptions]
INPUTS, HIDDEN, CLASSES = 6, 5, 4
TWO_LANES = RtlOptions(lanes=PerLayer(2))


def two_layers(**features: object) -> FixedPointNetwork:
    """Return a 6-5-5 network both of whose layers have these features."""
    rng = generator(10)
    return network(
        layer("fc1", weights(rng, HIDDEN, INPUTS), **features),  # type: ignore[arg-type]
        layer("fc2", weights(rng, HIDDEN, HIDDEN), **features),  # type: ignore[arg-type]
    )


def dynamics(reset: Reset, leak: Leak) -> Case:
    return two_layers(fire_at=6, reset=reset, leak=leak, bias=1), TWO_LANES


def numbers_of_each_neuron(reset: Reset) -> Case:
    """Thresholds, biases and resets that all differ, so that memories hold them; two lanes and three slots."""
    rng = generator(11)
    least = 1 if reset is Reset.SOFT else -4
    layers = [
        layer(
            name,
            weights(rng, neurons, inputs),
            fire_at=np.arange(neurons) + least,
            reset_by=np.arange(neurons)[::-1] + 1,
            bias=np.arange(neurons) - 2,
            reset=reset,
            leak=ShiftLeak(2),
        )
        for name, neurons, inputs in (("fc1", HIDDEN, INPUTS), ("fc2", CLASSES, HIDDEN))
    ]
    return network(*layers), TWO_LANES


def weight_bits(bits: int, shift: int = 0) -> Case:
    """Weights of any width, of which a quarter is the most negative one."""
    rng = generator(12)
    scale = 1 << max(bits - 2, 0) + shift
    layers = []
    for name, neurons, inputs in (("fc1", HIDDEN, INPUTS), ("fc2", CLASSES, HIDDEN)):
        weight = weights(rng, neurons, inputs, bits)
        weight[rng.random(weight.shape) < 0.25] = -1 << bits - 1
        layers.append(
            layer(name, weight, bits=bits, shift=shift, fire_at=scale, bias=scale, membrane_bits=bits + shift + 6)
        )
    return network(*layers), TWO_LANES


def saturating(bits: int, reset: Reset) -> Case:
    """Sums far outside the membrane, on both sides, and thresholds at its very top."""
    rng = generator(13)
    high = (1 << bits - 1) - 1
    layers = [
        layer(name, weights(rng, neurons, inputs, 6), bits=6, fire_at=high, reset_by=1, reset=reset, membrane_bits=bits)
        for name, neurons, inputs in (("fc1", HIDDEN, INPUTS), ("fc2", CLASSES, HIDDEN))
    ]
    return network(*layers), TWO_LANES


def depth(layers: int) -> Case:
    sizes = [6, 7, 5, 6, 4][: layers + 1]
    rng = generator(14)
    chain = [layer(f"fc{i}", weights(rng, n, m), fire_at=3) for i, (m, n) in enumerate(pairwise(sizes))]
    return network(*chain), TWO_LANES


def lanes(count: int, layout: str) -> Case:
    """A 9-13-8 network in which half of the weights are zero."""
    rng = generator(15)
    chain = [layer("fc1", weights(rng, 13, 9, 4, 0.5), fire_at=5), layer("fc2", weights(rng, 8, 13, 4, 0.5), fire_at=5)]
    return network(*chain), RtlOptions(lanes=PerLayer(count), layout=PerLayer(layout))


def lanes_of_one_neuron(reset: Reset, leak: Leak) -> Case:
    """As many lanes as neurons, all of whose numbers differ, and weights that are shifted."""
    toy, _ = numbers_of_each_neuron(reset)
    layers = (
        replace(each, weight_shift=1, neuron=replace(each.neuron, leak=leak))  # type: ignore[arg-type]
        for each in layers_of(toy)
    )
    return with_layers(toy, tuple(layers)), RtlOptions(lanes=PerLayer(HIDDEN))


def output(kind: str, count_bits: int = 2) -> Case:
    toy, _ = numbers_of_each_neuron(Reset.HARD)
    return replace(toy, count_bits=count_bits), RtlOptions(lanes=PerLayer(3), output=kind)  # type: ignore[arg-type]


def single() -> Case:
    """One input, one neuron, one lane."""
    return network(layer("fc", np.array([[3]]), fire_at=5, reset=Reset.SOFT)), RtlOptions()


def silent_layer() -> Case:
    """A hidden layer none of whose neurons can fire, between two that do."""
    rng = generator(16)
    fc2 = layer("fc2", -abs(weights(rng, HIDDEN, HIDDEN)), fire_at=100)
    chain = [layer("fc1", weights(rng, HIDDEN, INPUTS), fire_at=2), fc2]
    return network(*chain, layer("fc3", weights(rng, CLASSES, HIDDEN), fire_at=2, bias=1)), TWO_LANES


def some_silent() -> Case:
    """A hidden layer of which every other neuron can never fire and has no hardware."""
    rng = generator(17)
    fc1 = layer("fc1", weights(rng, HIDDEN, INPUTS), fire_at=np.array([2, 400, 2, 400, 2]))
    return network(fc1, layer("fc2", weights(rng, CLASSES, HIDDEN), fire_at=3)), TWO_LANES


def pruned(layout: str) -> Case:
    """Inputs without any weight, the first and the last among them, and a neuron without any."""
    rng = generator(18)
    first, second = weights(rng, HIDDEN, INPUTS), weights(rng, CLASSES, HIDDEN)
    first[:, [0, 3, INPUTS - 1]] = 0
    second[:, [0, HIDDEN - 1]] = 0
    second[1] = 0
    return network(layer("fc1", first, fire_at=2), layer("fc2", second, fire_at=2)), options(2, layout)


def all_pruned(layout: str) -> Case:
    """No weight at all; the bias alone makes neurons fire."""
    fc1 = layer("fc1", np.zeros((HIDDEN, INPUTS), int), bias=2, fire_at=5)
    return network(fc1, layer("fc2", np.zeros((CLASSES, HIDDEN), int), bias=3, fire_at=4)), options(2, layout)


def named(*names: str, network_name: str = "toy") -> Case:
    rng = generator(19)
    sizes = [INPUTS, *[HIDDEN] * (len(names) - 1), CLASSES]
    chain = [layer(n, weights(rng, sizes[i + 1], sizes[i]), fire_at=3) for i, n in enumerate(names)]
    return network(*chain, name=network_name), TWO_LANES


def wide() -> Case:
    """Addresses of more than a byte at both ends, lanes in three groups, and a result of 787 bits."""
    rng = generator(23)
    fc1 = layer("fc1", weights(rng, 3, 257, 4, 0.5), fire_at=10)
    return network(fc1, layer("fc2", weights(rng, 257, 3), fire_at=3), count_bits=3), RtlOptions(
        lanes=PerLayer(2, {"fc2": 33}), output="counts"
    )


def pixels(layout: str, lanes: int, steps: int, beat_pixels: int = 8, **features: object) -> Case:
    """A directly coded 19-13-4 network in which half of the weights are zero; seven slots take seven cycles."""
    rng = generator(24)
    fc1 = layer("fc1", weights(rng, 13, 19, 4, 0.5), **{"fire_at": 700, "membrane_bits": 14} | features)  # type: ignore[arg-type]
    toy = network(fc1, layer("fc2", weights(rng, 4, 13), fire_at=5))
    lanes_of = PerLayer(2, {"fc1": lanes})
    return direct(toy, steps), RtlOptions(lanes=lanes_of, layout=PerLayer(layout), beat_pixels=beat_pixels)


def temporal_pixels(lanes: int, kind: Callable[..., DenseLayer], *numbers: IntArray) -> Case:
    """The network of pixels with neurons of two states, before recurrent neurons and integrators."""
    toy, options = pixels("auto", lanes, 7, leak=ShiftLeak(1), bias=20, fire_at=np.arange(13) * 90 + 300)
    fc1, fc2 = layers_of(toy)
    fc1 = kind(fc1, *numbers, MultiplierLeak(np.arange(13), 4))
    rng = generator(27)
    fc3 = integrators(layer("fc3", weights(rng, 5, 4), leak=ShiftLeak(2)), Score.SUM, 1)
    return with_layers(toy, (fc1, recurrent(rng, fc2), fc3)), replace(options, output="counts")


def poisson(layout: str, lanes: int, steps: int, beat_pixels: int = 8, rate: int = 200) -> Case:
    """A 19-13-4 network behind a Poisson encoder, in which half of the weights are zero."""
    rng = generator(28)
    fc1 = layer("fc1", weights(rng, 13, 19, 4, 0.5), fire_at=5, leak=ShiftLeak(2), bias=1)
    toy = network(fc1, layer("fc2", weights(rng, 4, 13), fire_at=5))
    return encoded(toy, steps, rate), RtlOptions(
        lanes=PerLayer(2, {"fc1": lanes}), layout=PerLayer(layout), beat_pixels=beat_pixels
    )


def temporal_poisson() -> Case:
    """Delays, recurrence and integrators behind a Poisson encoder."""
    toy, options = delaying("ragged")
    fc3 = integrators(layer("fc3", weights(generator(29), 5, CLASSES), leak=ShiftLeak(2)), Score.MAX)
    return encoded(with_layers(toy, (*layers_of(toy), fc3)), 6, 150), replace(options, output="counts")


def poisson_of(inputs: int) -> Case:
    """So many inputs, each of which is a neuron of its own, behind an encoder whose steps outnumber its groups."""
    toy = network(layer("fc1", np.eye(inputs, dtype=np.int64), fire_at=1))
    return encoded(toy, 5, 257), RtlOptions(lanes=PerLayer(1), output="spikes")


def slow_second_layer_of_pixels() -> Case:
    """Neuron updates that follow each other without a gap, every neuron firing, before a layer that is far slower."""
    fc1 = layer("fc1", np.ones((16, 1), int), bias=5, fire_at=5)
    fc2 = layer("fc2", weights(generator(25), 9, 16), fire_at=5)
    return direct(network(fc1, fc2), 5), RtlOptions(lanes=PerLayer(1, {"fc1": 2}))


def groups(size: int) -> Case:
    """Groups of outputs, many of which spike in the same step, one right after the other."""
    rng = generator(31)
    fc1 = layer("fc1", weights(rng, HIDDEN, INPUTS), fire_at=3)
    toy = network(fc1, layer("fc2", weights(rng, 4 * size, HIDDEN), fire_at=2, bias=1), count_bits=6)
    return replace(toy, group=size), RtlOptions(lanes=PerLayer(2, {"fc2": 4}), output="counts")


def groups_of_scores(score: Score, size: int) -> Case:
    """Groups of integrators, whose sums reach far beyond a score."""
    rng = generator(32)
    fc1 = layer("fc1", weights(rng, HIDDEN, INPUTS), fire_at=3)
    fc2 = layer("fc2", weights(rng, 3 * size, HIDDEN), leak=ShiftLeak(2), membrane_bits=6)
    toy = replace(network(fc1, integrators(fc2, score, 1)), group=size)
    return toy, RtlOptions(lanes=PerLayer(2, {"fc2": 4}), output="counts")


def slow_second_layer() -> Case:
    """A layer whose neurons all fire in every step, before one that takes far longer over a step: the queue is full."""
    fc1 = layer("fc1", np.ones((8, 1), int), bias=5, fire_at=5)
    fc2 = layer("fc2", weights(generator(21), 9, 8), fire_at=5)
    return network(fc1, fc2), RtlOptions(lanes=PerLayer(1, {"fc1": 8}))


def integrating(score: Score, count: int) -> Case:
    """Integrators at the end, whose membranes and sums saturate; two samples in three steps each wait for scores."""
    rng = generator(24)
    fc1 = layer("fc1", weights(rng, HIDDEN, INPUTS), fire_at=3)
    fc2 = layer("fc2", weights(rng, 7, HIDDEN), bias=np.arange(7) - 3, leak=ShiftLeak(2), membrane_bits=6)
    return network(fc1, integrators(fc2, score, 1)), RtlOptions(lanes=PerLayer(count), output="counts")


def integrating_currents(score: Score, count: int, leak: Leak) -> Case:
    """Integrators behind synaptic currents, whose membranes saturate."""
    toy, options = integrating(score, count)
    fc1, fc2 = layers_of(toy)
    return with_layers(toy, (fc1, current(fc2, leak))), options


def leaks_of_each(leak: Leak) -> Case:
    """Neurons each of which leaks at a pace of its own."""
    return two_layers(fire_at=6, leak=leak, bias=1), TWO_LANES


def fed_back(layout: str, count: int) -> Case:
    """Two recurrent layers."""
    rng = generator(25)
    fc1 = layer("fc1", weights(rng, 7, INPUTS), fire_at=np.arange(7) + 2, leak=ShiftLeak(1))
    fc2 = layer("fc2", weights(rng, CLASSES, 7), fire_at=4)
    return network(recurrent(rng, fc1, 0.5), recurrent(rng, fc2)), options(count, layout)


def delaying(layout: str) -> Case:
    """Inputs and spikes that wait, for different steps or all for one, and beyond the end of the sample."""
    rng = generator(26)
    fc1 = layer("fc1", weights(rng, 7, INPUTS), fire_at=3, leak=ShiftLeak(1))
    fc2 = replace(layer("fc2", weights(rng, CLASSES, 7), fire_at=4), delay=np.ones(7, int))
    return network(replace(fc1, delay=np.array([0, 1, 1, 3, 4, 63])), recurrent(rng, fc2)), options(2, layout)


def adapting(leak: Leak, reset: Reset) -> Case:
    """Neurons whose thresholds rise far and fall back, of which each has a pace of its own."""
    toy = two_layers(fire_at=3, reset=reset, leak=ShiftLeak(2), bias=1)
    return with_layers(toy, tuple(adaptive(one, np.arange(HIDDEN) * 3, leak) for one in layers_of(toy))), TWO_LANES


def with_currents(leak: Leak, reset: Reset, count: int = 2) -> Case:
    """Neurons behind synaptic currents, with membranes that saturate."""
    toy = two_layers(fire_at=np.arange(HIDDEN) + 5, reset=reset, leak=ShiftLeak(1), bias=-1, membrane_bits=6)
    return with_layers(toy, tuple(current(one, leak) for one in layers_of(toy))), RtlOptions(lanes=PerLayer(count))


def options(count: int, layout: str) -> RtlOptions:
    return RtlOptions(lanes=PerLayer(count), layout=PerLayer(layout))


LEAKS = {
    "no-leak": NoLeak(),
    "shift-0": ShiftLeak(0),
    "shift-1": ShiftLeak(1),
    "shift-47": ShiftLeak(47),
    "multiplier-3-4": MultiplierLeak(3, 2),
    "multiplier-15-bits": MultiplierLeak(30000, 15),
    "multiplier-1": MultiplierLeak(256, 8),
    "multiplier-0": MultiplierLeak(0, 1),
}
RESETS = {"hard": Reset.HARD, "soft": Reset.SOFT}

CASES: dict[str, Callable[[], Case]] = {
    **GRAPHS,
    **POOLED,
    **VALUES,
    **reset_cases.RESETS,
    **{f"{k}-{r}": lambda k=k, r=r: dynamics(RESETS[r], LEAKS[k]) for k in LEAKS for r in RESETS},
    "no-leak-ragged": lambda: (two_layers(fire_at=6, bias=1), options(2, "ragged")),
    **{f"numbers-of-each-neuron-{r}": lambda r=r: numbers_of_each_neuron(RESETS[r]) for r in RESETS},
    **{f"weights-of-{bits}-bits": lambda bits=bits: weight_bits(bits) for bits in (1, 2, 3, 8, 13, 16)},
    **{f"weights-shifted-by-{shift}": lambda shift=shift: weight_bits(5, shift) for shift in (1, 7, 24)},
    **{f"saturating-{b}-bits-{r}": lambda b=b, r=r: saturating(b, RESETS[r]) for b in (2, 5, 7) for r in RESETS},
    **{f"{layers}-layers": lambda layers=layers: depth(layers) for layers in (1, 2, 3, 4)},
    **{
        f"{count}-lanes-{layout}": lambda count=count, layout=layout: lanes(count, layout)
        for count in (1, 3, 4, 64)
        for layout in ("dense", "indexed", "ragged", "auto")
    },
    **{f"output-{kind}": lambda kind=kind: output(kind) for kind in ("class", "counts", "spikes")},
    **{f"groups-of-{size}": lambda size=size: groups(size) for size in (2, 5)},
    "groups-of-2-sums": lambda: groups_of_scores(Score.SUM, 2),
    "groups-of-5-last-scores": lambda: groups_of_scores(Score.LAST, 5),
    "output-of-wide-counts": lambda: output("counts", 32),
    **{
        f"integrators-{score.value}-{count}-lanes": lambda score=score, count=count: integrating(score, count)
        for score in Score
        for count in (1, 3, 8)
    },
    "current-integrators-max": lambda: integrating_currents(Score.MAX, 3, ShiftLeak(1)),
    "current-integrators-last": lambda: integrating_currents(Score.LAST, 8, MultiplierLeak(9, 4)),
    "current-integrators-sum": lambda: integrating_currents(Score.SUM, 2, ShiftLeak(np.arange(7) % 4)),
    **{
        f"recurrent-{layout}-{count}-lanes": lambda layout=layout, count=count: fed_back(layout, count)
        for layout in ("dense", "indexed", "ragged")
        for count in (1, 3, 8)
    },
    **{f"delays-{layout}": lambda layout=layout: delaying(layout) for layout in ("dense", "indexed", "ragged")},
    **{f"adaptive-{r}": lambda r=r: adapting(ShiftLeak(2), RESETS[r]) for r in RESETS},
    "adaptive-multipliers": lambda: adapting(MultiplierLeak(np.array([0, 3, 7, 8, 15]), 4), Reset.SOFT),
    **{f"currents-{r}": lambda r=r: with_currents(ShiftLeak(1), RESETS[r]) for r in RESETS},
    "currents-shifts": lambda: with_currents(ShiftLeak(np.array([0, 1, 2, 3, 4])), Reset.HARD, 8),
    "shifts": lambda: leaks_of_each(ShiftLeak(np.array([0, 1, 2, 5, 47]))),
    "multipliers": lambda: leaks_of_each(MultiplierLeak(np.array([0, 3, 12, 15, 16]), 4)),
    "norse": lambda: (of_norse(False), TWO_LANES),
    "norse-recurrent": lambda: (of_norse(True), replace(TWO_LANES, output="counts")),
    "single": single,
    "single-hard": lambda: lanes_of_one_neuron(Reset.HARD, ShiftLeak(2)),
    "single-soft": lambda: lanes_of_one_neuron(Reset.SOFT, MultiplierLeak(3, 2)),
    "slow-second-layer": slow_second_layer,
    **{
        f"direct-{count}-lanes-{layout}": lambda count=count, layout=layout: pixels(layout, count, 4)
        for count in (1, 2, 5, 64)
        for layout in ("dense", "indexed", "ragged")
    },
    "direct-one-step": lambda: pixels("ragged", 2, 1),
    "direct-many-steps": lambda: pixels("indexed", 3, 17, leak=ShiftLeak(2), fire_at=1500),
    "direct-numbers-of-each-neuron": lambda: pixels(
        "ragged",
        2,
        5,
        3,
        fire_at=np.arange(13) * 90 + 300,
        bias=np.arange(13) * 40 - 250,
        reset_by=np.arange(13)[::-1] * 70 + 100,
        reset=Reset.SOFT,
        leak=MultiplierLeak(3, 2),
    ),
    "direct-shifted": lambda: pixels("dense", 2, 4, 1, shift=3, fire_at=5000, membrane_bits=16, leak=ShiftLeak(1)),
    **{
        f"direct-adaptive-{count}-lanes": lambda count=count: temporal_pixels(count, adaptive, np.arange(13) * 300)
        for count in (1, 2, 64)
    },
    **{f"direct-currents-{count}-lanes": lambda count=count: temporal_pixels(count, current) for count in (1, 2, 64)},
    "direct-shifts": lambda: pixels("ragged", 2, 5, leak=ShiftLeak(np.arange(13) % 6)),
    "direct-saturating": lambda: pixels("ragged", 4, 6, 5, fire_at=511, membrane_bits=10),
    "slow-second-layer-of-pixels": slow_second_layer_of_pixels,
    **{
        f"poisson-{count}-lanes-{layout}": lambda count=count, layout=layout: poisson(layout, count, 4)
        for count, layout in ((1, "dense"), (2, "indexed"), (2, "ragged"), (64, "ragged"))
    },
    "poisson-one-step": lambda: poisson("ragged", 2, 1, 3),
    "poisson-rare": lambda: poisson("ragged", 5, 9, 1, 8),
    "poisson-temporal": temporal_poisson,
    **{f"poisson-of-{inputs}": lambda inputs=inputs: poisson_of(inputs) for inputs in (1, 3, 4, 8)},
    "wide": wide,
    "silent-layer": silent_layer,
    "some-silent": some_silent,
    **{f"pruned-{layout}": lambda layout=layout: pruned(layout) for layout in ("dense", "indexed", "ragged")},
    **{f"all-pruned-{layout}": lambda layout=layout: all_pruned(layout) for layout in ("dense", "indexed", "ragged")},
    "names-of-verilog": lambda: named("wire", "module", "../x", "0", "", network_name="endmodule"),
    "names-of-the-design": lambda: named("ingress", "readout", "input", "result", "top", network_name="../../net"),
    "names-that-collide": lambda: named("a b", "a_b", "A-B", "a_bn2", "lif", network_name="snn"),
    "names-of-the-bench": lambda: named("source", "monitor", "tb", "output", "dut", network_name="replay"),
}
