"""Float networks of one layer, folded already, and short ways to quantize them."""

import numpy as np

from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import Linear, Neuron
from snn2rtl.int_net.chain import layers_of
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.passes.lower import lower
from snn2rtl.passes.quantize import quantize_network


def one_layer(weight, bias=None, tau=None, v_threshold=1.0, v_reset=0.0, encoder=None) -> SpikingNetwork:
    """Return a folded network of one layer called fc."""
    weight = np.asarray(weight, float)
    bias = np.zeros(len(weight)) if bias is None else bias
    nodes = (
        Linear(name="fc", weight=weight, bias=bias),
        Neuron(name="lif", tau=tau, v_threshold=v_threshold, v_reset=v_reset),
    )
    return SpikingNetwork(name="net", nodes=nodes, encoder=encoder)


def quantized(network: SpikingNetwork, **options):
    """Return the integer layer and its report."""
    values = {
        key: PerLayer(value) if key in ("bits", "membrane_bits", "membrane_fraction") else value
        for key, value in options.items()
    }
    integer, (report,) = quantize_network(lower(network), QuantizeOptions(**values))
    return layers_of(integer)[0], report


def random_layer(seed: int, neurons: int = 5, inputs: int = 7, **changes) -> SpikingNetwork:
    random = np.random.default_rng(seed)
    return one_layer(random.normal(size=(neurons, inputs)), random.normal(size=neurons), **changes)
