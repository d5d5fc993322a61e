"""Current-based LIF neurons in hardware."""

from snn2rtl.int_net.neurons import CubaLifNeuron, Reset
from snn2rtl.rtl.neurons.module import NeuronModule, Place, firing, leak_parameters, rest


def cuba_lif(place: Place, neuron: CubaLifNeuron) -> NeuronModule:
    """Return snn_current_lif, whose second state is the membrane: what lanes add to is the current.

    What neurons remember of a spike is above the membrane in the same word.
    """
    parameters, each = firing(place, neuron)
    kind, leak = leak_parameters("SynapseLeak", "synapse_leak", neuron.synapse_leak, len(neuron))
    parameters, each, width = (*parameters, *kind), (*each, leak), neuron.membrane_bits
    if neuron.refractory:
        more, left = rest(neuron)
        return NeuronModule("snn_refractory_current_lif", (*parameters, *more), each, width + left, extra_stages=1)
    if neuron.reset is Reset.STEPPED:
        return NeuronModule("snn_stepped_current_lif", parameters, each, width + 1, extra_stages=1)
    return NeuronModule("snn_current_lif", parameters, each, width, extra_stages=1)
