"""LIF neurons in hardware."""

from snn2rtl.int_net.neurons import LifNeuron, Reset
from snn2rtl.rtl.neurons.module import SINGLE, NeuronModule, Place, firing, rest


def lif(place: Place, neuron: LifNeuron) -> NeuronModule:
    """Return snn_lif or, where every lane has one neuron of spikes, snn_single_lif.

    What neurons remember of a spike is the second state: the steps that are left to rest, or whether the membrane is
    still at its threshold.
    """
    parameters, each = firing(place, neuron)
    if neuron.refractory:
        more, width = rest(neuron)
        return NeuronModule("snn_refractory_lif", (*parameters, *more), each, width, extra_stages=1)
    if neuron.reset is Reset.STEPPED:
        return NeuronModule("snn_stepped_lif", parameters, each, second_width=1, extra_stages=1)
    if place.slots == 1 and not place.entering.held:
        return NeuronModule(SINGLE, parameters, each, extra_stages=-1)
    return NeuronModule("snn_lif", parameters, each)
