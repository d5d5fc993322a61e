"""Small integer networks: chosen by hand, or at random over all that a network can be."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from snn2rtl.encoders import MAX_PIXEL, MAX_RATE, PIXEL_BITS, Encoder
from snn2rtl.fixed_point import IntArray, signed_range
from snn2rtl.int_net.chain import DenseLayer, chain_of, layers_of, with_layers
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.neurons import (
    AdaptiveLifNeuron,
    CubaIntegrator,
    CubaLifNeuron,
    Integrator,
    Leak,
    LifNeuron,
    MultiplierLeak,
    NoLeak,
    Reset,
    Score,
    ShiftLeak,
)
from snn2rtl.options import PerLayer, RtlOptions

NO_LEAK = NoLeak()


def identity_network(neurons: int, count_bits: int) -> FixedPointNetwork:
    """Return a network whose neurons fire where their inputs do."""
    return network(layer("same", np.eye(neurons, dtype=np.int64), fire_at=1), count_bits=count_bits)


def direct(network: FixedPointNetwork, time_steps: int) -> FixedPointNetwork:
    """Return a network that takes pixels where the given one takes spikes."""
    layers = (replace(layers_of(network)[0], input_max=MAX_PIXEL), *layers_of(network)[1:])
    return with_layers(network, layers, encoder=Encoder(kind="direct", time_steps=time_steps))


def valued(network: FixedPointNetwork) -> FixedPointNetwork:
    """Return a network that takes values of each step where the given one takes spikes."""
    first, *others = layers_of(network)
    spike_value = None if first.recurrent is None else MAX_PIXEL
    layers = (replace(first, input_max=MAX_PIXEL, spike_value=spike_value), *others)
    return with_layers(network, layers, encoder=Encoder(kind="values"))


def encoded(network: FixedPointNetwork, time_steps: int, rate: int) -> FixedPointNetwork:
    """Return a network that makes its input spikes of pixels."""
    encoder = Encoder(kind="poisson", time_steps=time_steps, rate=rate, noise="xorshift")
    return replace(network, encoder=encoder)


def network(*layers: DenseLayer, name: str = "toy", count_bits: int = 4) -> FixedPointNetwork:
    return chain_of(name=name, layers=layers, count_bits=count_bits)


def layer(
    name: str,
    weight: IntArray,
    *,
    fire_at: Any = 4,
    reset_by: Any = None,
    reset: Reset = Reset.HARD,
    leak: Leak = NO_LEAK,
    bias: Any = 0,
    bits: int = 4,
    shift: int = 0,
    membrane_bits: int = 10,
    refractory: int = 0,
) -> DenseLayer:
    """Return a layer; fire_at, reset_by (by default the threshold) and bias may be one number for all neurons."""
    weight = np.asarray(weight)
    neurons = weight.shape[0]

    def each(value: Any) -> IntArray:
        return np.broadcast_to(np.asarray(value, np.int64), (neurons,))

    subtracted = (fire_at if reset_by is None else reset_by) if reset.subtracts else 0
    neuron = LifNeuron(
        fire_at=each(fire_at),
        reset_by=each(subtracted),
        reset=reset,
        leak=leak,
        membrane_bits=membrane_bits,
        refractory=refractory,
    )
    return DenseLayer(name=name, weight=weight, weight_bits=bits, weight_shift=shift, bias=each(bias), neuron=neuron)


def integrators(plain: DenseLayer, score: Score, extra_bits: int = 0, leak: Leak | None = None) -> DenseLayer:
    """Return the layer with integrators for neurons; a sum has so many bits more than a membrane."""
    neuron = plain.neuron
    bits = neuron.membrane_bits
    score_bits = min(48, bits + extra_bits) if score is Score.SUM else bits
    integrator = Integrator(
        neurons=len(neuron), leak=leak or neuron.leak, membrane_bits=bits, score=score, score_bits=score_bits
    )
    return replace(plain, neuron=integrator)


def recurrent(rng: np.random.Generator, plain: DenseLayer, density: float = 1.0) -> DenseLayer:
    """Return the layer with random recurrent weights."""
    return replace(plain, recurrent=weights(rng, plain.num_neurons, plain.num_neurons, plain.weight_bits, density))


def adaptive(plain: DenseLayer, grow: Any, leak: Leak) -> DenseLayer:
    """Return the layer with neurons that adapt; grow may be one number for all neurons."""
    grow = np.broadcast_to(np.asarray(grow, np.int64), (plain.num_neurons,))
    values = {key: value for key, value in vars(plain.neuron).items() if key != "refractory"}
    if plain.neuron.reset in (Reset.LATE, Reset.STEPPED):
        values["reset"] = Reset.SOFT
    return replace(plain, neuron=AdaptiveLifNeuron(**values, adaptation_step=grow, adaptation_leak=leak))


def current(plain: DenseLayer, leak: Leak) -> DenseLayer:
    """Return the layer with neurons, or integrators, behind a synaptic current."""
    if not plain.neuron.spikes:
        return replace(plain, neuron=CubaIntegrator(**vars(plain.neuron), synapse_leak=leak))
    return replace(plain, neuron=CubaLifNeuron(**vars(plain.neuron), synapse_leak=leak))


def weights(rng: np.random.Generator, neurons: int, inputs: int, bits: int = 4, density: float = 1.0) -> IntArray:
    """Return random weights of which about a share of ``density`` is not zero."""
    low, high = signed_range(bits)
    kept = rng.random((neurons, inputs)) < density
    return rng.integers(low, high, (neurons, inputs), endpoint=True) * kept


def random_case(
    rng: np.random.Generator, input_bits: int = 0, held: bool = True
) -> tuple[FixedPointNetwork, RtlOptions]:
    """Return a network of any shape, whose inputs have so many bits, and the hardware for it.

    Where inputs with bits are held for all steps, the first layer has neither recurrence nor integrators.
    """
    sizes = rng.choice([1, 2, 3, 4, 5, 7, 8, 9, 12, 17], int(rng.integers(2, 6)))
    layers = [
        random_temporal(rng, random_layer(rng, f"fc{index}", int(inputs), int(neurons), bits), bits, held=held)
        for index, (inputs, neurons) in enumerate(pairwise(sizes))
        for bits in (0 if index else input_bits,)
    ]
    outputs = ["class", "counts", "spikes"]
    if (len(layers) > 1 or not (input_bits and held)) and rng.random() < 0.4:
        layers[-1] = integrators(replace(layers[-1], recurrent=None), rng.choice(list(Score)), int(rng.integers(4)))
        if rng.random() < 0.5:
            layers[-1] = current(layers[-1], random_fast_leak(rng, layers[-1].num_neurons))
        outputs.remove("spikes")
    options = RtlOptions(
        lanes=PerLayer(1, {layer.name: int(rng.choice([1, 2, 3, 4, 5, 8, 64])) for layer in layers}),
        layout=PerLayer(
            "auto", {layer.name: str(rng.choice(["auto", "dense", "indexed", "ragged"])) for layer in layers}
        ),
        output=rng.choice(outputs).item(),
    )
    return network(*layers, count_bits=int(rng.integers(1, 9))), options


def random_direct_case(rng: np.random.Generator) -> tuple[FixedPointNetwork, RtlOptions]:
    """Return a directly coded network of any shape and the hardware for it."""
    toy, options = random_case(rng, PIXEL_BITS)
    return direct(toy, int(rng.integers(1, 10))), replace(options, beat_pixels=int(rng.integers(1, 9)))


def random_value_case(rng: np.random.Generator) -> tuple[FixedPointNetwork, RtlOptions]:
    """Return a network of any shape that takes values of each step, and the hardware for it."""
    toy, options = random_case(rng, PIXEL_BITS, held=False)
    return valued(toy), replace(options, beat_pixels=int(rng.integers(1, 9)))


def random_encoded_case(rng: np.random.Generator) -> tuple[FixedPointNetwork, RtlOptions]:
    """Return a network of any shape behind a Poisson encoder, and the hardware for it."""
    toy, options = random_case(rng)
    rate = int(rng.choice([MAX_RATE, int(rng.integers(1, MAX_RATE))]))
    return encoded(toy, int(rng.integers(1, 10)), rate), replace(options, beat_pixels=int(rng.integers(1, 9)))


def random_mixed_case(rng: np.random.Generator) -> tuple[FixedPointNetwork, RtlOptions]:
    """Return a small network for temporal data, all of whose layers have features of it, and the hardware for it."""
    sizes = rng.integers(2, 7, int(rng.integers(3, 5)))
    plain = [
        random_layer(rng, f"fc{index}", int(inputs), int(neurons))
        for index, (inputs, neurons) in enumerate(pairwise(sizes))
    ]
    layers = [random_temporal(rng, one, plainness=0.0) for one in plain]
    if rng.random() < 0.6:
        last = integrators(replace(layers[-1], recurrent=None), rng.choice(list(Score)), int(rng.integers(4)))
        layers[-1] = current(last, random_fast_leak(rng, len(last.neuron))) if rng.random() < 0.5 else last
    layout = {layer.name: str(rng.choice(["dense", "indexed", "ragged"])) for layer in layers}
    lanes = {layer.name: int(rng.integers(1, 4)) for layer in layers}
    options = RtlOptions(lanes=PerLayer(2, lanes), layout=PerLayer("auto", layout), output="counts")
    return network(*layers, count_bits=int(rng.integers(2, 6))), options


def random_temporal(
    rng: np.random.Generator, plain: DenseLayer, input_bits: int = 0, plainness: float = 0.5, held: bool = True
) -> DenseLayer:
    """Return the layer with none, one or several of delays, recurrence, adaptation and synaptic currents.

    Delays are for spikes, whose input_bits are zero, and so is recurrence where inputs with bits are held; plainness is
    the share of neurons without the last two.
    """
    neurons, bits = plain.num_neurons, min(20, plain.weight_bits + plain.weight_shift + input_bits)
    made = plain
    if not (input_bits and held) and rng.random() < 0.4:
        made = recurrent(rng, plain, float(rng.choice([0.2, 1.0])))
    if not input_bits and rng.random() < 0.3:
        made = replace(made, delay=rng.choice([0, 1, 2, 3, 63], plain.num_inputs))
    leak = random_fast_leak(rng, neurons)
    if rng.random() < plainness:
        return made
    if rng.random() < 0.5:
        return adaptive(made, rng.integers(0, 1 << bits, neurons if rng.random() < 0.5 else 1), leak)
    return current(made, leak)


def random_layer(rng: np.random.Generator, name: str, inputs: int, neurons: int, input_bits: int = 0) -> DenseLayer:
    """Return a layer whose thresholds, biases and membrane width are about as large as its weights times an input."""
    bits, shift = int(rng.integers(1, 17)), int(rng.choice([0, 0, 1, 5]))
    reach = bits + shift + input_bits
    membrane_bits = int(np.clip(reach + rng.integers(-1, 4), 2, 48))
    high = signed_range(membrane_bits)[1]
    scale = min(high, 1 << reach - 1)
    reset = list(Reset)[rng.integers(5)]
    refractory = int(rng.choice([0, 1, 5])) if reset is Reset.HARD else 0
    each = neurons if rng.random() < 0.5 else 1  # one threshold for all, or one for each
    least = 1 if reset.subtracts or refractory else -(scale // 4)
    fire_at = rng.integers(least, scale, each, endpoint=True)
    reset_by = fire_at if rng.random() < 0.5 else rng.integers(1, scale, each, endpoint=True)
    membrane_bits += reset is Reset.STEPPED  # which holds both thresholds
    bias = rng.integers(-scale // 2, scale // 2, each, endpoint=True) * (rng.random() < 0.5)
    weight = weights(
        rng, neurons, inputs, bits, float(rng.choice([1.0, 0.5, 0.2, 0.05, 0.0], p=[0.4, 0.3, 0.2, 0.07, 0.03]))
    )
    return layer(
        name,
        weight,
        fire_at=fire_at,
        reset_by=reset_by,
        reset=reset,
        leak=random_leak(rng, neurons),
        bias=bias,
        bits=bits,
        shift=shift,
        membrane_bits=membrane_bits,
        refractory=refractory,
    )


def random_fast_leak(rng: np.random.Generator, neurons: int) -> Leak:
    """Return a leak that no state with it grows far above what enters."""
    leaks = [ShiftLeak(int(rng.integers(5))), MultiplierLeak(int(rng.integers(0, 16)), 4)]
    leaks += [ShiftLeak(rng.integers(0, 5, neurons)), MultiplierLeak(rng.integers(0, 8, neurons), 3)]
    return leaks[int(rng.integers(4))]


def random_leak(rng: np.random.Generator, neurons: int) -> Leak:
    fraction = int(rng.integers(1, 16))
    shifts, factors = rng.choice([0, 1, 2, 3, 8, 47], neurons), rng.integers(0, 1 << fraction, neurons, endpoint=True)
    choices: list[Leak] = [NoLeak(), ShiftLeak(int(shifts[0])), MultiplierLeak(int(factors[0]), fraction)]
    choices += [ShiftLeak(shifts), MultiplierLeak(factors, fraction)]
    return choices[int(rng.integers(5))]
