"""Neuron models in hardware, one file a model: which static module it is, with which parameters."""

from __future__ import annotations

from typing import assert_never

from snn2rtl.int_net.neurons import AdaptiveLifNeuron, CubaIntegrator, CubaLifNeuron, Integrator, LifNeuron
from snn2rtl.rtl.neurons.adaptive_lif import adaptive_lif
from snn2rtl.rtl.neurons.cuba_lif import cuba_lif
from snn2rtl.rtl.neurons.integrator import Scores, cuba_integrator, integrator, scores
from snn2rtl.rtl.neurons.lif import lif
from snn2rtl.rtl.neurons.module import SINGLE, NeuronModule, NeuronParameter, Place

__all__ = ["SINGLE", "NeuronModule", "NeuronParameter", "Place", "Scores", "neuron_module", "scores"]


def neuron_module(place: Place) -> NeuronModule:
    """Return the module of a population's neurons."""
    match place.layer.neuron:
        case LifNeuron() as neuron:
            return lif(place, neuron)
        case AdaptiveLifNeuron() as neuron:
            return adaptive_lif(place, neuron)
        case CubaLifNeuron() as neuron:
            return cuba_lif(place, neuron)
        case Integrator() as neuron:
            return integrator(place, neuron)
        case CubaIntegrator() as neuron:
            return cuba_integrator(place, neuron)
        case neuron:
            assert_never(neuron)
