"""Pruning: which weights and which neurons matter least, and when they go. Masks only ever lose ones."""

from __future__ import annotations

import torch
from torch import Tensor

from snn2rtl.training.config import TrainConfig
from snn2rtl.training.layers import TrainableLayer
from snn2rtl.training.network import TrainableNetwork

Rates = dict[str, Tensor]  # spikes per time step of each neuron, by layer; those of the inputs under network.INPUTS


@torch.no_grad()
def prune(net: TrainableNetwork, config: TrainConfig, epoch: int, rates: Rates) -> None:
    """Prune what the configuration prunes after this epoch.

    The share that is pruned after the k-th of n prunings is ``target * (1 - (1 - k / n)**3)``: much at first, while the
    network can still learn, little at the end (Zhu and Gupta, To prune, or not to prune, 2017).
    """
    epochs = config.prune_epochs()
    if epoch not in epochs:
        return
    share = 1 - (1 - (epochs.index(epoch) + 1) / len(epochs)) ** 3
    if config.neuron_sparsity or config.prune_threshold:
        _prune_neurons(net, config, share, rates)
    if config.sparsity or config.prune_threshold:
        _prune_weights(net, config, share, rates)


def sparsity(net: TrainableNetwork) -> float:
    """Return the share of all weights that is pruned."""
    masks = [spiking.synapses.weight_mask for spiking in net.layers]
    return 1 - sum(float(mask.sum()) for mask in masks) / sum(mask.numel() for mask in masks)


def _prune_weights(net: TrainableNetwork, config: TrainConfig, share: float, rates: Rates) -> None:
    left = _weights_left([spiking.synapses.weight_mask for spiking in net.layers], 1 - config.sparsity * share)
    sources = net.sources()
    for spiking, count in zip(net.layers, left, strict=True):
        mask = spiking.synapses.weight_mask
        score = _weight_scores(spiking, sources[spiking.name], config.prune_by, rates)
        if config.sparsity:
            stay = torch.zeros_like(mask).flatten()
            stay[score.flatten().topk(count).indices] = 1
            mask.mul_(stay.view_as(mask))
        else:
            mask.mul_(score >= config.prune_threshold)


def _weights_left(masks: list[Tensor], density: float) -> list[int]:
    """Return how many weights each layer keeps: small layers, which the others meet in, are pruned last.

    A layer's density is proportional to ``(inputs + neurons) / (inputs * neurons)``, and no layer keeps more weights
    than it has left (Mocanu et al., Scalable training of artificial neural networks with adaptive sparse connectivity,
    2018).
    """
    most = [int(mask.sum()) for mask in masks]
    wanted = round(density * sum(mask.numel() for mask in masks))
    left = [0] * len(masks)
    open_layers = sorted(range(len(masks)), key=lambda i: most[i] / sum(masks[i].shape))
    while open_layers:  # the layer that fills up first takes no more than it has
        i = open_layers.pop(0)
        weight = sum(masks[i].shape) / sum(sum(masks[j].shape) for j in (i, *open_layers))
        left[i] = min(most[i], round((wanted - sum(left)) * weight))
    return left


def _weight_scores(spiking: TrainableLayer, source: str, by: str, rates: Rates) -> Tensor:
    """Return the importance of each weight, -1 where it is pruned already.

    magnitude: |w|. activity: how often the input spikes. both: their product, which is the mean current of the synapse.
    """
    magnitude = spiking.synapses.masked().abs()
    own = [rates[spiking.name]] if spiking.synapses.recurrent else []
    activity = torch.cat([rates[source], *own]).expand_as(magnitude)
    score = {"magnitude": magnitude, "activity": activity, "both": magnitude * activity}[by]
    return torch.where(spiking.synapses.weight_mask > 0, score, -1.0)


def _prune_neurons(net: TrainableNetwork, config: TrainConfig, share: float, rates: Rates) -> None:
    """Prune hidden neurons: all weights into them and out of them, those of their own layer among them."""
    for spiking, after in zip(net.layers, net.layers[1:], strict=False):
        into, out = spiking.synapses.weight_mask, after.synapses.weight_mask
        score = _neuron_scores(spiking, after, config.prune_by, rates)
        stay = round(len(score) * (1 - config.neuron_sparsity * share))
        if config.prune_threshold:
            score = rates[spiking.name]
            stay = int((score >= config.prune_threshold).sum())
        score = torch.where(into.any(1), score, -1.0)  # what is pruned already goes first
        gone = torch.argsort(score)[: max(0, len(score) - max(stay, config.min_neurons))]
        into[gone] = 0
        out[:, gone] = 0
        if spiking.synapses.recurrent:
            into[:, spiking.synapses.inputs + gone] = 0


def _neuron_scores(spiking: TrainableLayer, after: TrainableLayer, by: str, rates: Rates) -> Tensor:
    into, out = spiking.synapses.masked(), after.synapses.masked()[:, : after.synapses.inputs]
    if spiking.synapses.recurrent:
        out = torch.cat([out, into[:, spiking.synapses.inputs :]])
    magnitude: Tensor = into.norm(dim=1) * out.norm(dim=0)
    activity = rates[spiking.name]
    return {"magnitude": magnitude, "activity": activity, "both": magnitude * activity}[by]
