"""Pass: read the class from another score of the integrators than the model says, because the user asks for it."""

from dataclasses import replace

from snn2rtl.errors import OptionError, UnsupportedModelError
from snn2rtl.float_net.layered import FloatLayer, LayeredNetwork
from snn2rtl.float_net.nodes import Integrator


def choose_readout(network: LayeredNetwork, score: str) -> LayeredNetwork:
    """Return the network whose integrators have that score, or the network itself where none is asked for.

    Raises:
        OptionError: the network has no integrators.
        UnsupportedModelError: groups of integrators stand for classes, and the score is the greatest membrane.
    """
    chosen = _with_score(network, score) if score else network
    _check_groups(chosen)
    return chosen


def _with_score(network: LayeredNetwork, score: str) -> LayeredNetwork:
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


def _check_groups(network: LayeredNetwork) -> None:
    """Raise UnsupportedModelError where a group's score is no sum: that of the greatest may come before or after it."""
    neuron = network.output.neuron
    if network.group > 1 and isinstance(neuron, Integrator) and neuron.score == "max":
        rule = f"must not be read by its greatest membrane (max) behind a vote of {network.group} integrators"
        advice = "read the last or the sum, or let a vote of each step stand before the integrators, which are linear"
        raise UnsupportedModelError([f"layer '{network.output.name}': {rule}; {advice}"])
