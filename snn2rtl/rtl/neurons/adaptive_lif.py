"""LIF neurons with an adaptive threshold in hardware."""

from snn2rtl.fixed_point import signed_bits
from snn2rtl.int_net.neurons import AdaptiveLifNeuron
from snn2rtl.rtl.neurons.module import NeuronModule, NeuronParameter, Place, firing, leak_parameters


def adaptive_lif(place: Place, neuron: AdaptiveLifNeuron) -> NeuronModule:
    """Return snn_adaptive_lif, whose second state is the adaptation."""
    parameters, each = firing(place, neuron)
    kind, leak = leak_parameters("AdaptLeak", "adapt_leak", neuron.adaptation_leak, len(neuron))
    width = signed_bits(min(int(neuron.lowest_adaptation.min()), -1), 0)
    step = NeuronParameter("adapt_step", -neuron.adaptation_step, width)
    return NeuronModule(
        "snn_adaptive_lif", (*parameters, ("AdaptWidth", width), *kind), (*each, leak, step), width, extra_stages=1
    )
