"""Random integer networks for the tests, and short ways to write one by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from snn2rtl.encoders import Encoder
from snn2rtl.fixed_point import signed_range
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


def lif(fire_at: ArrayLike, reset_by: ArrayLike = 0, leak: Leak | None = None, membrane_bits: int = 16) -> LifNeuron:
    """Return neurons with a hard reset where reset_by is zero, with a soft one elsewhere."""
    fire_at = np.atleast_1d(np.asarray(fire_at))
    reset_by = np.broadcast_to(np.asarray(reset_by), fire_at.shape)
    return LifNeuron(
        fire_at=fire_at,
        reset_by=reset_by,
        reset=Reset.SOFT if reset_by.any() else Reset.HARD,
        leak=leak or NoLeak(),
        membrane_bits=membrane_bits,
    )


def shared(neuron: LifNeuron) -> dict[str, Any]:
    """Return what a neuron has in common with one that adapts."""
    values = {key: value for key, value in vars(neuron).items() if key != "refractory"}
    return values | ({"reset": Reset.SOFT} if neuron.reset in (Reset.LATE, Reset.STEPPED) else {})


def dense(weight: ArrayLike, neuron: LifNeuron | int = 1, bias: ArrayLike = 0, **changes: Any) -> DenseLayer:
    """Return a layer called fc of 8-bit weights."""
    weight = np.asarray(weight)
    neuron = lif(np.full(len(weight), neuron)) if isinstance(neuron, int) else neuron
    bias = np.full(len(weight), bias) if np.ndim(bias) == 0 else np.asarray(bias)
    plain = DenseLayer(name="fc", weight=weight, weight_bits=8, weight_shift=0, bias=bias, neuron=neuron)
    return replace(plain, **changes)


def chain(*layers: DenseLayer, count_bits: int = 8, encoder: Encoder | None = None) -> FixedPointNetwork:
    """Return a network called net of layers called fc1, fc2, and so on."""
    named = tuple(replace(layer, name=f"fc{index}") for index, layer in enumerate(layers, 1))
    return chain_of(name="net", layers=named, count_bits=count_bits, encoder=encoder)


LEAKS = (
    st.just(NoLeak())
    | st.builds(ShiftLeak, st.integers(0, 9) | st.just(47))
    | st.integers(1, 15).flatmap(lambda f: st.builds(MultiplierLeak, st.integers(0, 1 << f), st.just(f)))
)


@st.composite
def layers(draw: st.DrawFn, inputs: int, max_membrane_bits: int = 48) -> DenseLayer:
    """Draw a layer whose numbers meet often: ties at the threshold and saturation are common."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    neurons = draw(st.integers(1, 6))
    membrane_bits = draw(st.integers(2, min(12, max_membrane_bits)) | st.just(max_membrane_bits))
    low, high = signed_range(membrane_bits)
    reach = draw(st.integers(1, 40))
    weight_bits = draw(st.sampled_from([1, 2, 4, 8, 16]))
    weights = np.clip(random.integers(-reach, reach + 1, (neurons, inputs)), *signed_range(weight_bits))
    weights[random.random(weights.shape) < draw(st.sampled_from([0.0, 0.5, 1.0]))] = 0
    kinds = [kind for kind in Reset if high > 1 or kind is not Reset.STEPPED]
    reset, refractory = draw(st.sampled_from(kinds)), draw(st.sampled_from([0, 0, 1, 3]))
    refractory = refractory if reset is Reset.HARD else 0
    most = min(high, 2 * reach) - (reset is Reset.STEPPED and 2 * reach >= high)
    fire_at = random.integers(max(low + 1, 1 if reset.subtracts or refractory else -reach), most + 1, neurons)
    reset_by = random.integers(1, min(high, 2 * reach) + 1, neurons) * reset.subtracts
    if reset is Reset.STEPPED:  # both thresholds fit
        reset_by = np.minimum(reset_by, high - fire_at)
    return DenseLayer(
        name="fc",
        weight=weights,
        weight_bits=weight_bits,
        weight_shift=draw(st.integers(0, 3)),
        bias=random.integers(-reach, reach + 1, neurons) * draw(st.integers(0, 1)),
        neuron=LifNeuron(
            fire_at=fire_at,
            reset_by=reset_by,
            reset=reset,
            leak=draw(leaks_of_each(neurons)),
            membrane_bits=membrane_bits,
            refractory=refractory,
        ),
    )


FAST_LEAKS = st.builds(ShiftLeak, st.integers(0, 4)) | st.builds(MultiplierLeak, st.integers(0, 15), st.just(4))


def leaks_of_each(neurons: int) -> st.SearchStrategy[Leak]:
    """Draw a leak, the same for all neurons or one for each."""
    each = st.lists(st.integers(0, 9) | st.just(47), min_size=neurons, max_size=neurons)
    factors = st.lists(st.integers(0, 8), min_size=neurons, max_size=neurons)
    return (
        LEAKS
        | st.builds(lambda shifts: ShiftLeak(np.array(shifts)), each)
        | st.builds(lambda factors: MultiplierLeak(np.array(factors), 3), factors)
    )


@st.composite
def temporal(draw: st.DrawFn, inputs: int) -> DenseLayer:
    """Draw a layer that may be recurrent, adaptive, or have synaptic currents."""
    layer = draw(layers(inputs))
    neurons, plain = layer.num_neurons, layer.neuron
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    low, high = signed_range(layer.weight_bits)
    recurrent = random.integers(max(low, -20), min(high, 20) + 1, (neurons, neurons)) if draw(st.booleans()) else None
    leaks = FAST_LEAKS | st.builds(
        lambda seed: ShiftLeak(np.random.default_rng(seed).integers(0, 5, neurons)), st.integers(0, 99)
    )
    kind = draw(st.sampled_from(["lif", "adaptive", "current"]))
    if kind == "adaptive":
        grow = random.integers(0, 2 * int(abs(plain.fire_at).max()) + 2, neurons)
        plain = AdaptiveLifNeuron(**shared(plain), adaptation_step=grow, adaptation_leak=draw(leaks))
    if kind == "current":
        plain = CubaLifNeuron(**vars(plain), synapse_leak=draw(leaks))
    delay = random.choice([0, 1, 2, 5, 63], inputs) if draw(st.booleans()) else None
    return replace(layer, neuron=plain, recurrent=recurrent, delay=delay)


@st.composite
def integrators(draw: st.DrawFn, inputs: int) -> DenseLayer:
    """Draw a layer of integrators whose membranes and scores saturate often."""
    layer = draw(layers(inputs))
    bits, score = layer.neuron.membrane_bits, draw(st.sampled_from(Score))
    neuron = Integrator(
        neurons=len(layer.neuron),
        leak=draw(leaks_of_each(len(layer.neuron))),
        membrane_bits=bits,
        score=score,
        score_bits=draw(st.integers(bits, min(48, bits + 4))) if score is Score.SUM else bits,
    )
    if draw(st.booleans()):
        neuron = CubaIntegrator(**vars(neuron), synapse_leak=draw(FAST_LEAKS))
    return replace(layer, neuron=neuron)


@st.composite
def networks(draw: st.DrawFn, max_layers: int = 3) -> FixedPointNetwork:
    """Draw a network."""
    made: list[DenseLayer] = []
    for _ in range(draw(st.integers(1, max_layers))):
        made.append(draw(temporal(made[-1].num_neurons if made else draw(st.integers(1, 6)))))
    if draw(st.booleans()):
        made[-1] = draw(integrators(made[-1].num_inputs))
    return chain(*made, count_bits=draw(st.integers(1, 5)))


def direct(network: FixedPointNetwork, time_steps: int) -> FixedPointNetwork:
    """Return the network with pixels for inputs, which cannot be late."""
    layers = (replace(layers_of(network)[0], input_max=255, delay=None), *layers_of(network)[1:])
    return with_layers(network, layers, encoder=Encoder(kind="direct", time_steps=time_steps))


def valued(network: FixedPointNetwork) -> FixedPointNetwork:
    """Return the network with values of each step for inputs, which cannot be late; beside them its spikes are 255."""
    first, *others = layers_of(network)
    first = replace(first, input_max=255, delay=None, spike_value=None if first.recurrent is None else 255)
    return with_layers(network, (first, *others), encoder=Encoder(kind="values"))


def direct_hardware(network: FixedPointNetwork, time_steps: int) -> FixedPointNetwork:
    """Return the network with pixels for inputs, as there is hardware for it: with a layer before integrators."""
    first = replace(layers_of(network)[0], recurrent=None)
    if not first.neuron.spikes:
        first = dense(np.ones((network.num_inputs, network.num_inputs), int), 1)
        return direct(chain(first, *layers_of(network), count_bits=network.count_bits), time_steps)
    return direct(with_layers(network, (first, *layers_of(network)[1:])), time_steps)


def random_pixels(inputs: int, samples: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return pixels of shape (samples, inputs), from a black sample to a white one, with black and white among them."""
    random = np.random.default_rng(seed)
    levels = np.linspace(-128, 128, samples)[:, None]
    return np.clip(random.integers(-64, 320, (samples, inputs)) + 2 * levels, 0, 255).astype(np.uint8)


def random_spikes(network: FixedPointNetwork, steps: int, samples: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return input spikes of shape (steps, samples, inputs), from a silent sample to one that always spikes."""
    random = np.random.default_rng(seed)
    rates = np.linspace(0, 1, samples)[:, None]
    return (random.random((steps, samples, network.num_inputs)) < rates).astype(np.uint8)
