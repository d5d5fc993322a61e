"""Neurons: what flows into them becomes the connections of a layer."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.layered import FloatConnection, FloatLayer
from snn2rtl.float_net.nodes import OF_EACH_NEURON, And, FloatArray, Iand, Integrator, Neuron
from snn2rtl.passes.lower.currents import Current, Term, added, of_source
from snn2rtl.passes.lower.made import Made, refuse
from snn2rtl.passes.lower.maps import Gain, Kernel, Matrix, as_matrix, one_to_one


def layer(node: Neuron | Integrator, current: Current, made: Made) -> Current:
    """Return the spikes of neurons; the layer is named after the last node with weights before them."""
    size = math.prod(current.shape)
    _check_pixels(node, current, made)
    for key in OF_EACH_NEURON:
        value = getattr(node, key, None)
        if isinstance(value, np.ndarray) and value.shape != (size,):
            refuse(node, f"{key} must have shape ({size},), not {value.shape}")
    name = made.free_name(current.label or node.name, node.name)
    inputs, step = _connections(current, name)
    if isinstance(node, Integrator) and any(one.previous_step for one in inputs):
        rule = f"must not be recurrent before '{node.name}', which never fires"
        raise UnsupportedModelError([f"layer '{current.label}': {rule}"])
    if step is not None and current.pool is not None:  # the places of a channel share one, for they are compared
        step = step.reshape(current.summed_shape[0], -1).min(axis=1)
    made.nodes.append(
        FloatLayer(
            name=name,
            shape=current.shape,
            inputs=inputs,
            bias=current.bias,
            neuron=node,
            step=step,
            pool=current.pool,
        )
    )
    return of_source(name, current.shape)


def gate(node: And | Iand, currents: list[Current], made: Made) -> Current:
    """Return a gate of spikes as neurons without a memory: two reach 2, the second without the first reaches 1."""
    for one in currents:
        if one.source is None or made.are_pixels(one.source) or not made.are_spikes(one.source):
            refuse(node, f"{type(node).__name__} must take spikes, not currents, counts or pixels")
    if len(currents) != 2 or currents[0].shape != currents[1].shape:
        refuse(node, f"{type(node).__name__} must take two inputs of one shape")
    first, second = currents
    negated = replace(first, terms=(replace(first.terms[0], map=Gain(-np.ones(()))),))
    both = added((first if isinstance(node, And) else negated, second))
    return _without_memory(node.name, 2.0 if isinstance(node, And) else 1.0, both, made)


def copied(name: str, spikes: Current, made: Made) -> Current:
    """Return spikes that neurons make of spikes, unchanged."""
    return _without_memory(name, 1.0, spikes, made)


def _without_memory(name: str, threshold: float, current: Current, made: Made) -> Current:
    return layer(Neuron(name=name, tau=1.0, v_threshold=threshold, v_reset=0.0), current, made)


def _check_pixels(node: Neuron | Integrator, current: Current, made: Made) -> None:
    """Raise UnsupportedModelError where spikes enter neurons beside pixels, which are summed once a sample."""
    others = [term.source for term in current.terms if not made.are_pixels(term.source)]
    if not made.holds_pixels or len(others) == len(current.terms):
        return
    if others:
        refuse(node, f"must read pixels alone, not with '{others[0]}'; put a layer before it")
    if any(isinstance(term.map, Matrix) and term.map.recurrent is not None for term in current.terms):
        refuse(node, "must not be recurrent where pixels enter it; put a layer before it")


def _connections(current: Current, name: str) -> tuple[tuple[FloatConnection, ...], FloatArray | None]:
    """Return a layer's connections, all with a kernel or all with a matrix, and the step of each row."""
    maps: list[tuple[Term, Matrix | Kernel]] = []
    for term in current.terms:
        one = term.map
        maps.append((term, one_to_one(one.gain, term.shape) if isinstance(one, Gain) else one))
    rows = {len(one.weight) for _, one in maps}
    if len(rows) > 1 or not all(isinstance(one, Kernel) and one.windows.fit for _, one in maps):
        maps = [(term, as_matrix(one, name, term.shape)) for term, one in maps]
    inputs: list[FloatConnection] = []
    back: list[FloatArray] = []
    for term, one in maps:
        if isinstance(one, Kernel):
            inputs.append(
                FloatConnection(source=term.source, weight=one.weight, windows=one.windows, groups=one.groups)
            )
        else:
            inputs.append(FloatConnection(source=term.source, weight=one.weight, delay=one.delay))
            back += [] if one.recurrent is None else [one.recurrent]
    if back:
        inputs.append(FloatConnection(source=name, weight=np.sum(back, axis=0), previous_step=True))
    steps = [one.step for _, one in maps if one.step is not None]  # of which the finest may suit all
    return tuple(inputs), np.min(steps, axis=0) if steps else None
