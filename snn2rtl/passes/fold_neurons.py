"""Exact pass: bring every neuron to the one form that the hardware has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.layered import FloatConnection, FloatLayer, LayeredNetwork, chain_problems, dense_pairs
from snn2rtl.float_net.nodes import FloatArray, Integrator, Linear, Neuron, decay


def fold_neurons(network: LayeredNetwork) -> LayeredNetwork:
    """Return the network in which no neuron decays its input or rests above zero.

    decay_input: ``x / tau`` goes into weights and bias, so that only the leak is left to round; through a synaptic
    current, too, of which everything is a sum of inputs.
    v_reset: the membrane becomes ``u = v - v_reset``, which rests at, starts from and resets to 0.
    """
    nodes = tuple(folded_layer(node) if isinstance(node, FloatLayer) else node for node in network.nodes)
    return replace(network, nodes=nodes)


def folded_layer(layer: FloatLayer) -> FloatLayer:
    """Return one layer as fold_neurons() has it."""
    folded = _with_decayed_input(layer, layer.neuron.tau) if layer.neuron.decay_input else layer
    return replace(folded, neuron=replace(_at_rest(layer.neuron), decay_input=False))


def _at_rest(neuron: Neuron | Integrator) -> Neuron | Integrator:
    if isinstance(neuron, Integrator) or neuron.v_reset is None:
        return neuron
    return replace(neuron, v_threshold=neuron.v_threshold - neuron.v_reset, v_reset=0.0)


def _with_decayed_input(layer: FloatLayer, tau: float | FloatArray | None) -> FloatLayer:
    if tau is None:
        return layer
    if np.ndim(tau) and layer.pool is not None:
        rule = "must have one tau for all neurons, which decay their input behind a pool of currents"
        raise UnsupportedModelError([f"layer '{layer.name}': {rule}"])
    layer = layer if np.ndim(tau) == 0 or layer.positions == 1 else as_dense(layer)
    factor = decay(tau)
    is_single = factor == factor.astype(np.float32)  # times a float32 weight it is exact
    factor, divisor = np.where(is_single, factor, 1.0), np.where(is_single, 1.0, tau)
    inputs = tuple(_times_rows(connection, factor, divisor) for connection in layer.inputs)
    step = None if layer.step is None else _times(layer.step, factor, divisor)
    return replace(layer, inputs=inputs, bias=_times(layer.bias, factor, divisor), step=step)


def as_dense(layer: FloatLayer) -> FloatLayer:
    """Return a layer of kernels as one of matrices."""
    inputs = tuple(replace(one, weight=one.matrix(), windows=None, groups=1) for one in layer.inputs)
    return replace(layer, inputs=inputs, step=None if layer.step is None else np.repeat(layer.step, layer.positions))


def _times_rows(connection: FloatConnection, factor: FloatArray, divisor: FloatArray) -> FloatConnection:
    ones = (1,) * (connection.weight.ndim - 1)
    column, below = (values.reshape(*values.shape, *ones) for values in (factor, divisor))
    return replace(connection, weight=_times(connection.weight, column, below))


def _times(values: FloatArray, factor: FloatArray, divisor: FloatArray) -> FloatArray:
    product: FloatArray = values * factor
    product /= divisor
    product.setflags(write=False)
    return product


def plain_layers(network: LayeredNetwork, rule: str) -> list[tuple[Linear, Neuron]]:
    """Return the layers as dense_pairs() does, if they have nothing that SpikingJelly's LIFNode lacks.

    Args:
        network: a chain of layers.
        rule: why, as the end of a sentence about a layer that must not have something.

    Raises:
        UnsupportedModelError: a layer has more; every one is named.
    """
    problems = chain_problems(network)
    for layer in network.layers:
        more = _more_than_plain(layer)
        problems += [f"layer '{layer.name}': must not have {', '.join(more)} {rule}"] if more else []
    if problems:
        raise UnsupportedModelError(problems)
    return [(linear, neuron) for linear, neuron in dense_pairs(network) if isinstance(neuron, Neuron)]


def is_plain(network: LayeredNetwork) -> bool:
    """Return whether plain_layers() takes a network."""
    return not chain_problems(network) and not any(_more_than_plain(layer) for layer in network.layers)


def _more_than_plain(layer: FloatLayer) -> list[str]:
    neuron = layer.neuron
    more = ["recurrent"] if any(one.previous_step for one in layer.inputs) else []
    more += ["delay"] if any(one.delay is not None for one in layer.inputs) else []
    more += [key for key in ("synapse_tau", "grow") if getattr(neuron, key, None) is not None]
    more += ["a tau of each neuron"] if isinstance(neuron.tau, np.ndarray) else []
    if isinstance(neuron, Integrator):
        return [*more, "integrators"]
    return more + untrainable(neuron) + (["strict"] if neuron.strict else [])


def untrainable(neuron: Neuron) -> list[str]:
    """Return what training has not: a name of each."""
    found = ["a v_threshold of each neuron"] if isinstance(neuron.v_threshold, np.ndarray) else []
    found += [f"reset '{neuron.reset}'"] if neuron.reset else []
    return found + (["refractory"] if neuron.refractory else [])
