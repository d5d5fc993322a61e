"""Exact pass: make batch normalisation a part of the linear layer beside it."""

from dataclasses import replace

import numpy as np

from snn2rtl.spiking import BatchNorm, FloatArray, Linear, Node, SpikingNetwork


def fold_batch_norm(network: SpikingNetwork) -> SpikingNetwork:
    """Return the network with every BatchNorm folded into the Linear before it, else into the one after it.

    With ``y = gain * x + offset``: before, ``gain * (weight @ x + bias) + offset``; after,
    ``weight @ (gain * x + offset) + bias``. A BatchNorm without a Linear beside it stays, and pair_layers() refuses it.
    """
    nodes: list[Node] = []
    pending: BatchNorm | None = None
    for index, node in enumerate(network.nodes):
        following = network.nodes[index + 1] if index + 1 < len(network.nodes) else None
        if isinstance(node, BatchNorm) and nodes and isinstance(nodes[-1], Linear):
            gain, offset = _affine(node)
            nodes[-1] = _scaled(nodes[-1], gain, offset)
        elif isinstance(node, BatchNorm) and isinstance(following, Linear):
            pending = node
        elif isinstance(node, Linear) and pending is not None:
            gain, offset = _affine(pending)
            # each input has a gain of its own, so that no step of a neuron is left
            nodes.append(replace(node, weight=node.weight * gain, bias=node.bias + node.weight @ offset, step=None))
            pending = None
        else:
            nodes.append(node)
    return replace(network, nodes=tuple(nodes))


def _scaled(linear: Linear, gain: FloatArray, offset: FloatArray) -> Linear:
    # a gain of 0 leaves weights of 0, of which every step is as good
    step = None if linear.step is None else linear.step * np.where(gain == 0, 1.0, np.abs(gain))
    return replace(linear, weight=gain[:, None] * linear.weight, bias=gain * linear.bias + offset, step=step)


def _affine(node: BatchNorm) -> tuple[FloatArray, FloatArray]:
    gain = node.gamma / np.sqrt(node.variance + node.epsilon)
    return gain, node.beta - node.mean * gain
