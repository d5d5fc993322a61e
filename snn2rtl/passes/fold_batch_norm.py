"""Exact pass: make batch normalisation a part of the linear layer beside it."""

from dataclasses import replace

import numpy as np

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.network import BatchNorm, FloatArray, Linear, Node, SpikingNetwork


def fold_batch_norm(network: SpikingNetwork) -> SpikingNetwork:
    """Return the network with every BatchNorm folded into the Linear before it, else into the one after it.

    With ``y = gain * x + offset``: before, ``gain * (weight @ x + bias) + offset``; after,
    ``weight @ (gain * x + offset) + bias``. Recurrent weights are a part of y, which a BatchNorm scales whole.
    A BatchNorm without a Linear beside it stays, and pair_layers() refuses it.

    Raises:
        UnsupportedModelError: a BatchNorm adds something to inputs that have delays.
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
            nodes.append(_after(pending, node))
            pending = None
        else:
            nodes.append(node)
    return replace(network, nodes=tuple(nodes))


def _scaled(linear: Linear, gain: FloatArray, offset: FloatArray) -> Linear:
    # a gain of 0 leaves weights of 0, of which every step is as good
    step = None if linear.step is None else linear.step * np.where(gain == 0, 1.0, np.abs(gain))
    recurrent = None if linear.recurrent is None else gain[:, None] * linear.recurrent
    weight, bias = gain[:, None] * linear.weight, gain * linear.bias + offset
    return replace(linear, weight=weight, recurrent=recurrent, bias=bias, step=step)


def _after(norm: BatchNorm, linear: Linear) -> Linear:
    gain, offset = _affine(norm)
    late = 0 if linear.delay is None else linear.delay
    if np.any(linear.weight * (offset * late)):
        rule = f"must not shift the inputs of '{linear.name}' that have delays, for a shift would be there before them"
        raise UnsupportedModelError([f"layer '{norm.name}': {rule}"])
    weight, bias, step = linear.weight * gain, linear.bias + linear.weight @ offset, linear.step
    # with a gain for each input no step of a neuron is left: it stays, for the report to say that it is not taken
    if step is not None and gain.any() and (np.abs(gain) == np.abs(gain[0])).all():
        step = step * np.abs(gain[0])
    return replace(linear, weight=weight, bias=bias, step=step)


def _affine(node: BatchNorm) -> tuple[FloatArray, FloatArray]:
    gain = node.gamma / np.sqrt(node.variance + node.epsilon)
    return gain, node.beta - node.mean * gain
