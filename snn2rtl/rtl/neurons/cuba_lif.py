"""Current-based LIF neurons in hardware."""

from snn2rtl.int_net.neurons import CubaLifNeuron
from snn2rtl.rtl.neurons.module import NeuronModule, Place, firing, leak_parameters


def cuba_lif(place: Place, neuron: CubaLifNeuron) -> NeuronModule:
    """Return snn_current_lif, whose second state is the membrane: what lanes add to is the current."""
    parameters, each = firing(place, neuron)
    kind, leak = leak_parameters("SynapseLeak", "synapse_leak", neuron.synapse_leak, len(neuron))
    width = neuron.membrane_bits
    return NeuronModule("snn_current_lif", (*parameters, *kind), (*each, leak), width, extra_stages=1)
