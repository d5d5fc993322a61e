"""Pass: read the class from another score of the integrators than the model says, because the user asks for it."""

from dataclasses import replace

from snn2rtl.errors import OptionError
from snn2rtl.float_net.layered import FloatLayer, LayeredNetwork
from snn2rtl.float_net.nodes import Integrator


def choose_readout(network: LayeredNetwork, score: str) -> LayeredNetwork:
    """Return the network whose integrators have that score, or the network itself where none is asked for.

    Raises:
        OptionError: the network has no integrators.
    """
    if not score:
        return network
    if not isinstance(network.output.neuron, Integrator):
        raise OptionError(
            f"--readout: must be left out where the last layer spikes, for spikes are counted, not {score}"
        )
    nodes = (
        replace(node, neuron=replace(node.neuron, score=score))
        if isinstance(node, FloatLayer) and isinstance(node.neuron, Integrator)
        else node
        for node in network.nodes
    )
    return replace(network, nodes=tuple(nodes))
