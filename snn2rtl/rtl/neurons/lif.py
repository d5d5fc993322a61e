"""LIF neurons in hardware."""

from snn2rtl.int_net.neurons import LifNeuron
from snn2rtl.rtl.neurons.module import SINGLE, NeuronModule, Place, firing


def lif(place: Place, neuron: LifNeuron) -> NeuronModule:
    """Return snn_lif or, where every lane has one neuron of spikes, snn_single_lif."""
    parameters, each = firing(place, neuron)
    if place.slots == 1 and not place.entering.held:
        return NeuronModule(SINGLE, parameters, each, extra_stages=-1)
    return NeuronModule("snn_lif", parameters, each)
