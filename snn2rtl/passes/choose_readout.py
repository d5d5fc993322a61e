"""Pass: read the class from another score of the integrators than the model says, because the user asks for it."""

from dataclasses import replace

from snn2rtl.errors import OptionError
from snn2rtl.float_net.network import Integrator, SpikingNetwork


def choose_readout(network: SpikingNetwork, score: str) -> SpikingNetwork:
    """Return the network whose integrators have that score, or the network itself where none is asked for.

    Raises:
        OptionError: the network has no integrators.
    """
    if not score:
        return network
    if not any(isinstance(node, Integrator) for node in network.nodes):
        raise OptionError(
            f"--readout: must be left out where the last layer spikes, for spikes are counted, not {score}"
        )
    nodes = (replace(node, score=score) if isinstance(node, Integrator) else node for node in network.nodes)
    return replace(network, nodes=tuple(nodes))
