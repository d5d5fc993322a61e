"""Neuron models in hardware, one file a model: which static module it is, with which parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from snn2rtl.int_net.neurons import (
    KINDS,
    AdaptiveLifNeuron,
    CubaIntegrator,
    CubaLifNeuron,
    Integrator,
    LifNeuron,
    Neuron,
)
from snn2rtl.rtl.neurons.adaptive_lif import adaptive_lif
from snn2rtl.rtl.neurons.cuba_lif import cuba_lif
from snn2rtl.rtl.neurons.integrator import Scores, cuba_integrator, integrator, scores
from snn2rtl.rtl.neurons.lif import lif
from snn2rtl.rtl.neurons.module import SINGLE, NeuronModule, NeuronParameter, Place

__all__ = [
    "MODULES",
    "SINGLE",
    "NeuronModule",
    "NeuronParameter",
    "Place",
    "Scores",
    "check_complete",
    "neuron_module",
    "scores",
]


MODULES: dict[type[Neuron], Callable[[Place, Any], NeuronModule]] = {
    LifNeuron: lif,
    AdaptiveLifNeuron: adaptive_lif,
    CubaLifNeuron: cuba_lif,
    Integrator: integrator,
    CubaIntegrator: cuba_integrator,
}


def check_complete() -> None:
    """Raise TypeError where a kind of neurons has no module: nothing starts without it."""
    missing = [kind.__name__ for kind in KINDS.values() if kind not in MODULES]
    if missing:
        raise TypeError(f"MODULES: must have the module of {', '.join(missing)}")


def neuron_module(place: Place) -> NeuronModule:
    """Return the module of a population's neurons."""
    return MODULES[type(place.layer.neuron)](place, place.layer.neuron)


check_complete()
