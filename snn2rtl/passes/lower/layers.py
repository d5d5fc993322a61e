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
    for key in OF_EACH_NEURON:
        value = getattr(node, key, None)
        if isinstance(value, np.ndarray) and value.shape != (size,):
            refuse(node, f"{key} must have shape ({size},), not {value.shape}")
    integrator = next((term.source for term in current.terms if made.integrates(term.source)), None)
    if integrator:
        refuse(node, f"must not read '{integrator}', whose integrators never fire; they must be the last layer")
    name = made.free_name(current.label or node.name, node.name)
    inputs, step = _connections(current, name)
    if isinstance(node, Integrator) and any(one.previous_step for one in inputs):
        rule = f"must not be recurrent before '{node.name}', which never fires"
        raise UnsupportedModelError([f"layer '{current.label}': {rule}"])
    bias = current.bias
    made.nodes.append(FloatLayer(name=name, shape=current.shape, inputs=inputs, bias=bias, neuron=node, step=step))
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
    neuron = Neuron(name=node.name, tau=1.0, v_threshold=2.0 if isinstance(node, And) else 1.0, v_reset=0.0)
    return layer(neuron, added((first if isinstance(node, And) else negated, second)), made)


def _connections(current: Current, name: str) -> tuple[tuple[FloatConnection, ...], FloatArray | None]:
    """Return a layer's connections, all with a kernel or all with a matrix, and the step of each row."""
    maps: list[tuple[Term, Matrix | Kernel]] = []
    for term in current.terms:
        one = term.map
        maps.append((term, one_to_one(one.gain, term.shape) if isinstance(one, Gain) else one))
    if not all(isinstance(one, Kernel) for _, one in maps):
        maps = [(term, as_matrix(one, name, term.shape)) for term, one in maps]
    inputs, back = [], []
    for term, one in maps:
        if isinstance(one, Kernel):
            inputs.append(
                FloatConnection(source=term.source, weight=one.weight, windows=one.windows, groups=one.groups)
            )
        else:
            inputs.append(FloatConnection(source=term.source, weight=one.weight, delay=one.delay))
            if one.recurrent is not None:
                back.append(FloatConnection(source=name, weight=one.recurrent, previous_step=True))
    steps = [one.step for _, one in maps]
    same = steps[0] is not None and all(step is not None and np.array_equal(step, steps[0]) for step in steps)
    return (*inputs, *back), steps[0] if same else None
