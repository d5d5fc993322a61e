"""Neuron models of the integer network, one file a model; base.py says what a model has, docs/semantics.md computes.

``KINDS`` names the models in files; a model's Verilog is named in rtl/neurons.
"""

from __future__ import annotations

from snn2rtl.int_net.neurons.adaptive_lif import AdaptiveLifNeuron
from snn2rtl.int_net.neurons.base import Reset, State, Threshold, never
from snn2rtl.int_net.neurons.cuba_lif import CubaLifNeuron
from snn2rtl.int_net.neurons.integrator import CubaIntegrator, Integrator, Score
from snn2rtl.int_net.neurons.leaks import MAX_MEMBRANE_BITS, Leak, MultiplierLeak, NoLeak, ShiftLeak
from snn2rtl.int_net.neurons.lif import LifNeuron

Spiking = LifNeuron | AdaptiveLifNeuron | CubaLifNeuron
Integrating = Integrator | CubaIntegrator
Neuron = Spiking | Integrating
KINDS: dict[str, type[Neuron]] = {
    "lif": LifNeuron,
    "adaptive": AdaptiveLifNeuron,
    "current": CubaLifNeuron,
    "integrator": Integrator,
    "current_integrator": CubaIntegrator,
}

__all__ = [
    "KINDS",
    "MAX_MEMBRANE_BITS",
    "AdaptiveLifNeuron",
    "CubaIntegrator",
    "CubaLifNeuron",
    "Integrating",
    "Integrator",
    "Leak",
    "LifNeuron",
    "MultiplierLeak",
    "Neuron",
    "NoLeak",
    "Reset",
    "Score",
    "ShiftLeak",
    "Spiking",
    "State",
    "Threshold",
    "never",
]
