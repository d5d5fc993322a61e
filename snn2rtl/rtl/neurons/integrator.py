"""Integrators in hardware, and what their readout keeps."""

from dataclasses import dataclass

from snn2rtl.int_net.neurons import CubaIntegrator, Integrator, Neuron, Score
from snn2rtl.rtl.neurons.module import NeuronModule, Place, leak_parameters, shared

_SCORE_KINDS = {Score.MAX: 0, Score.LAST: 1, Score.SUM: 2}


@dataclass(frozen=True)
class Scores:
    """What a layer of integrators keeps: ScoreKind of snn_scores, and the width of a score."""

    kind: int
    width: int


def scores(neuron: Neuron) -> Scores | None:
    """Return what a layer of integrators keeps, or None for one that spikes."""
    return None if neuron.spikes else Scores(_SCORE_KINDS[neuron.score], neuron.score_bits)


def integrator(place: Place, _: Integrator) -> NeuronModule:
    """Return snn_integrator."""
    return NeuronModule("snn_integrator", *shared(place))


def cuba_integrator(place: Place, neuron: CubaIntegrator) -> NeuronModule:
    """Return snn_current_integrator, whose second state is the membrane: what lanes add to is the current."""
    parameters, each = shared(place)
    kind, leak = leak_parameters("SynapseLeak", "synapse_leak", neuron.synapse_leak, len(neuron))
    width = neuron.membrane_bits
    return NeuronModule("snn_current_integrator", (*parameters, *kind), (*each, leak), width, extra_stages=1)
