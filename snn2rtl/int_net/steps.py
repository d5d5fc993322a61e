"""One time step of every neuron model: charge, fire, reset, as docs/semantics.md says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2rtl.fixed_point import IntArray
from snn2rtl.int_net.intervals import leak
from snn2rtl.int_net.neurons import (
    AdaptiveLifNeuron,
    CurrentIntegrator,
    CurrentLifNeuron,
    Integrator,
    LifNeuron,
    Neuron,
    Reset,
)
from snn2rtl.int_net.saturations import Limits

State = tuple[IntArray, ...]  # of a layer's neurons, the membrane first, each of shape (N, neurons)
Step = Callable[[State, IntArray, Any, Limits | None], tuple[State, NDArray[np.bool_]]]


def lif_step(
    state: State, current: IntArray, neuron: LifNeuron, saturate: Limits | None
) -> tuple[State, NDArray[np.bool_]]:
    """Return state and spikes of one time step: charge, fire, reset.

    Args:
        state: the membrane after the reset of the step before, shape (N, neurons).
        current: shape (N, neurons), bias included.
        neuron: the layer's neurons; its docstring has the equations.
        saturate: clips and counts; None where it is proven that nothing is clipped.
    """
    charged = _charge(state[0], current, neuron, saturate)
    fired = charged >= neuron.fire_at
    return (_reset(charged, fired, neuron),), fired


def adaptive_lif_step(
    state: State, current: IntArray, neuron: AdaptiveLifNeuron, saturate: Limits | None
) -> tuple[State, NDArray[np.bool_]]:
    """Return state (membrane, adaptation) and spikes of one time step; arguments as of lif_step()."""
    membrane, adaptation = state
    charged = _charge(membrane, current, neuron, saturate)
    fired = charged + adaptation >= neuron.fire_at
    adapted = leak(adaptation, neuron.adaptation_leak) - fired * neuron.grow
    return (_reset(charged, fired, neuron), adapted), fired


def current_lif_step(
    state: State, current: IntArray, neuron: CurrentLifNeuron, saturate: Limits | None
) -> tuple[State, NDArray[np.bool_]]:
    """Return state (membrane, synaptic current) and spikes of one time step; arguments as of lif_step()."""
    membrane, synaptic = state
    synaptic = leak(synaptic, neuron.synapse_leak) + current
    charged = _charge(membrane, synaptic, neuron, saturate)
    fired = charged >= neuron.fire_at
    return (_reset(charged, fired, neuron), synaptic), fired


def integrator_step(
    state: State, current: IntArray, neuron: Integrator, saturate: Limits | None
) -> tuple[State, NDArray[np.bool_]]:
    """Return state and spikes, of which there are none, of one time step; arguments as of lif_step()."""
    charged = _charge(state[0], current, neuron, saturate)
    return (charged,), np.zeros(charged.shape, bool)


def current_integrator_step(
    state: State, current: IntArray, neuron: CurrentIntegrator, saturate: Limits | None
) -> tuple[State, NDArray[np.bool_]]:
    """Return state (membrane, synaptic current) and spikes, of which there are none; arguments as of lif_step()."""
    membrane, synaptic = state
    synaptic = leak(synaptic, neuron.synapse_leak) + current
    charged = _charge(membrane, synaptic, neuron, saturate)
    return (charged, synaptic), np.zeros(charged.shape, bool)


NEURON_STEPS: dict[type, tuple[int, Step]] = {
    LifNeuron: (1, lif_step),
    AdaptiveLifNeuron: (2, adaptive_lif_step),
    CurrentLifNeuron: (2, current_lif_step),
    Integrator: (1, integrator_step),
    CurrentIntegrator: (2, current_integrator_step),
}
"""The number of states of a neuron and its step."""


def _charge(membrane: IntArray, current: IntArray, neuron: Neuron, saturate: Limits | None) -> IntArray:
    charged = leak(membrane, neuron.leak) + current
    return charged if saturate is None else saturate.clip(charged)


def _reset(charged: IntArray, fired: NDArray[np.bool_], neuron: LifNeuron) -> IntArray:
    return charged * ~fired if neuron.reset is Reset.HARD else charged - fired * neuron.reset_by
