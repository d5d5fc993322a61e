"""Exact pass: bring every neuron to the one form that the hardware has."""

from dataclasses import replace

import numpy as np

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.network import FloatArray, Integrator, Linear, Neuron, Node, SpikingNetwork, decay


def fold_neurons(network: SpikingNetwork) -> SpikingNetwork:
    """Return the network as pairs of Linear and Neuron, no neuron of which decays its input or rests above zero.

    decay_input: ``x / tau`` goes into weights and bias, so that only the leak is left to round; through a synaptic
    current, too, of which everything is a sum of inputs.
    v_reset: the membrane becomes ``u = v - v_reset``, which rests at, starts from and resets to 0.

    Raises:
        UnsupportedModelError: a node is not one of a Linear and Neuron pair.
    """
    nodes: list[Node] = []
    for linear, neuron in pair_layers(network):
        nodes += folded_pair(linear, neuron)
    return replace(network, nodes=tuple(nodes))


def folded_pair(linear: Linear, neuron: Neuron | Integrator) -> tuple[Linear, Neuron | Integrator]:
    """Return one layer as fold_neurons() has it."""
    folded = _with_decayed_input(linear, neuron.tau) if neuron.decay_input else linear
    return folded, replace(_at_rest(neuron), decay_input=False)


def _at_rest(neuron: Neuron | Integrator) -> Neuron | Integrator:
    if isinstance(neuron, Integrator) or neuron.v_reset is None:
        return neuron
    return replace(neuron, v_threshold=neuron.v_threshold - neuron.v_reset, v_reset=0.0)


def _with_decayed_input(linear: Linear, tau: float | FloatArray | None) -> Linear:
    if tau is None:
        return linear
    factor = decay(tau)
    is_single = factor == factor.astype(np.float32)  # times a float32 weight it is exact
    factor, divisor = np.where(is_single, factor, 1.0), np.where(is_single, 1.0, tau)
    column, below = np.expand_dims(factor, -1), np.expand_dims(divisor, -1)
    return replace(
        linear,
        weight=_times(linear.weight, column, below),
        bias=_times(linear.bias, factor, divisor),
        step=None if linear.step is None else _times(linear.step, factor, divisor),
        recurrent=None if linear.recurrent is None else _times(linear.recurrent, column, below),
    )


def _times(values: FloatArray, factor: FloatArray, divisor: FloatArray) -> FloatArray:
    product: FloatArray = values * factor
    product /= divisor
    product.setflags(write=False)  # a node takes it as it is, without a copy
    return product


def pair_layers(network: SpikingNetwork) -> list[tuple[Linear, Neuron | Integrator]]:
    """Return the layers of a network that is nothing but pairs of Linear and Neuron, the last one an Integrator or not.

    Raises:
        UnsupportedModelError: it is not; every node out of place is named.
    """
    pairs: list[tuple[Linear, Neuron | Integrator]] = []
    problems = []
    nodes = list(network.nodes)
    while nodes:
        node = nodes.pop(0)
        following = nodes[0] if nodes else None
        if isinstance(node, Linear) and node.recurrent is not None and isinstance(following, Integrator):
            problems.append(f"layer '{node.name}': must not be recurrent before '{following.name}', which never fires")
            nodes.pop(0)
        elif isinstance(node, Linear) and isinstance(following, Neuron | Integrator):
            pairs.append((node, following))
            nodes.pop(0)
        elif isinstance(node, Linear):
            after = f"by {type(following).__name__} '{following.name}'" if following else "by nothing"
            problems.append(f"layer '{node.name}': Linear must be followed by a spiking neuron, not {after}")
        else:
            problems.append(f"layer '{node.name}': {type(node).__name__} must follow a Linear layer")
    if problems:
        raise UnsupportedModelError(problems)
    return pairs


def plain_layers(network: SpikingNetwork, rule: str) -> list[tuple[Linear, Neuron]]:
    """Return the layers as pair_layers() does, if they have nothing that SpikingJelly's LIFNode lacks.

    Args:
        network: pairs of Linear and Neuron.
        rule: why, as the end of a sentence about a layer that must not have something.

    Raises:
        UnsupportedModelError: a layer has more; every one is named.
    """
    pairs, problems = [], []
    for linear, neuron in pair_layers(network):
        more = _more_than_plain(linear, neuron)
        problems += [f"layer '{linear.name}': must not have {', '.join(more)} {rule}"] if more else []
        if isinstance(neuron, Neuron):
            pairs.append((linear, neuron))
    if problems:
        raise UnsupportedModelError(problems)
    return pairs


def is_plain(network: SpikingNetwork) -> bool:
    """Return whether plain_layers() takes a network of pairs of Linear and Neuron."""
    return not any(_more_than_plain(linear, neuron) for linear, neuron in pair_layers(network))


def _more_than_plain(linear: Linear, neuron: Neuron | Integrator) -> list[str]:
    more = [key for key in ("recurrent", "delay") if getattr(linear, key) is not None]
    more += [key for key in ("synapse_tau", "grow") if getattr(neuron, key, None) is not None]
    more += ["a tau of each neuron"] if isinstance(neuron.tau, np.ndarray) else []
    more += ["integrators"] if isinstance(neuron, Integrator) else []
    return more + (["strict"] if isinstance(neuron, Neuron) and neuron.strict else [])
