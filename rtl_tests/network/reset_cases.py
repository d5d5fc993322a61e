"""Networks of every reset, chosen by hand: neurons that stay above their thresholds, and neurons that rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from rtl_tests.lib.seed import generator
from rtl_tests.lib.toys import adaptive, current, direct, layer, network, recurrent, valued, weights
from snn2rtl.int_net.chain import DenseLayer, layers_of, with_layers
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.neurons import Leak, MultiplierLeak, NoLeak, Reset, ShiftLeak
from snn2rtl.options import PerLayer, RtlOptions

Case = tuple[FixedPointNetwork, RtlOptions]
INPUTS, HIDDEN, CLASSES = 6, 7, 5
KINDS: dict[str, tuple[Reset, int]] = {
    "none": (Reset.NONE, 0),
    "late": (Reset.LATE, 0),
    "stepped": (Reset.STEPPED, 0),
    "refractory-1": (Reset.HARD, 1),
    "refractory-3": (Reset.HARD, 3),
}


def plain(kind: str, leak: Leak, **features: int) -> FixedPointNetwork:
    """Return a 6-7-5 network whose neurons differ in thresholds, resets and biases, and are often far above them."""
    reset, refractory = KINDS[kind]
    rng = generator(41)

    def one(name: str, neurons: int, inputs: int) -> DenseLayer:
        return layer(
            name,
            weights(rng, neurons, inputs),
            fire_at=np.arange(neurons) + 3,
            reset_by=np.arange(neurons)[::-1] + 2,
            bias=np.arange(neurons) % 4,
            reset=reset,
            refractory=refractory,
            leak=leak,
            **features,  # type: ignore[arg-type]
        )

    return network(one("fc1", HIDDEN, INPUTS), one("fc2", CLASSES, HIDDEN))


def each(toy: FixedPointNetwork, change: Callable[[DenseLayer], DenseLayer]) -> FixedPointNetwork:
    """Return a network with every layer changed."""
    return with_layers(toy, tuple(change(one) for one in layers_of(toy)))


def pixels(kind: str, count: int, is_current: bool) -> Case:
    """A network that pixels enter, with thresholds for them."""
    first, second = layers_of(plain(kind, ShiftLeak(2), membrane_bits=14))
    neuron = replace(first.neuron, fire_at=first.neuron.fire_at * 200, reset_by=first.neuron.reset_by * 150)
    first = replace(first, neuron=neuron)
    toy = network(current(first, ShiftLeak(1)) if is_current else first, second)
    return direct(toy, 6), RtlOptions(lanes=PerLayer(2, {"fc1": count}))


def values(kind: str) -> Case:
    """A recurrent network that values of each step enter."""
    toy, options = pixels(kind, 2, is_current=True)
    first, second = layers_of(toy)
    return valued(network(recurrent(generator(43), replace(first, input_max=1), 0.3), second)), options


def fed_back(kind: str, is_current: bool) -> Case:
    """Two recurrent layers in ragged lanes."""
    rng = generator(42)
    toy = each(plain(kind, MultiplierLeak(3, 2)), lambda one: recurrent(rng, one, 0.5))
    if is_current:
        toy = each(toy, lambda one: current(one, ShiftLeak(2)))
    return toy, RtlOptions(lanes=PerLayer(3), layout=PerLayer("ragged"))


TWO_LANES, MANY_LANES = RtlOptions(lanes=PerLayer(2)), RtlOptions(lanes=PerLayer(64))
LEAKS: dict[str, Leak] = {
    "no-leak": NoLeak(),
    "shift": ShiftLeak(1),
    "multiplier": MultiplierLeak(29491, 15),
}


def of_kind(kind: str) -> dict[str, Callable[[], Case]]:
    """Return the networks of a kind of reset."""
    made = {f"{kind}-{name}": lambda leak=leak: (plain(kind, leak), TWO_LANES) for name, leak in LEAKS.items()}
    return made | {
        f"{kind}-saturating": lambda: (plain(kind, ShiftLeak(3), membrane_bits=6), TWO_LANES),
        f"{kind}-single": lambda: (plain(kind, ShiftLeak(2), shift=1), MANY_LANES),
        f"{kind}-single-saturating": lambda: (plain(kind, MultiplierLeak(7, 3), membrane_bits=5), MANY_LANES),
        f"{kind}-currents": lambda: (
            each(plain(kind, ShiftLeak(1), membrane_bits=7), lambda one: current(one, ShiftLeak(1))),
            TWO_LANES,
        ),
        f"{kind}-currents-single": lambda: (
            each(plain(kind, ShiftLeak(2)), lambda one: current(one, ShiftLeak(1))),
            MANY_LANES,
        ),
        f"{kind}-recurrent": lambda: fed_back(kind, is_current=False),
        f"{kind}-recurrent-currents": lambda: fed_back(kind, is_current=True),
        f"{kind}-direct": lambda: pixels(kind, 2, is_current=False),
        f"{kind}-direct-64-lanes": lambda: pixels(kind, 64, is_current=False),
        f"{kind}-direct-currents": lambda: pixels(kind, 2, is_current=True),
        f"{kind}-values": lambda: values(kind),
    }


RESETS: dict[str, Callable[[], Case]] = {
    **{name: case for kind in KINDS for name, case in of_kind(kind).items()},
    "none-adaptive": lambda: (
        each(plain("none", ShiftLeak(2)), lambda one: adaptive(one, 5, ShiftLeak(2))),
        TWO_LANES,
    ),
}
