"""Exact pass: remove the nodes that do nothing once a network is trained."""

from dataclasses import replace

from snn2rtl.float_net.network import Dropout, Flatten, SpikingNetwork


def drop_identities(network: SpikingNetwork) -> SpikingNetwork:
    """Return the network without Flatten and Dropout nodes."""
    nodes = tuple(node for node in network.nodes if not isinstance(node, (Flatten, Dropout)))
    return replace(network, nodes=nodes)
