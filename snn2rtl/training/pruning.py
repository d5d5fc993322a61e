"""Pruning: which weights and which neurons matter least, and when they go. Masks only ever lose ones."""

from __future__ import annotations

import torch
from torch import Tensor

from snn2rtl.training.config import TrainConfig
from snn2rtl.training.model import Network, SpikingLayer

Rates = dict[str, Tensor]  # spikes per time step of each neuron, by layer; those of the inputs under INPUTS
INPUTS = "inputs"


@torch.no_grad()
def prune(net: Network, config: TrainConfig, epoch: int, rates: Rates) -> None:
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


def sparsity(net: Network) -> float:
    """Return the share of all weights that is pruned."""
    masks = [spiking.synapses.weight_mask for spiking in net.layers]
    return 1 - sum(float(mask.sum()) for mask in masks) / sum(mask.numel() for mask in masks)


def _prune_weights(net: Network, config: TrainConfig, share: float, rates: Rates) -> None:
    scores = [_weight_scores(spiking, config, rates) for spiking in net.layers]
    everything = torch.cat([score.flatten() for score in scores])
    if config.prune_threshold:
        stays = everything >= config.prune_threshold
    else:
        # ties go to the smaller weight, so that the share is reached to the weight
        small = torch.cat([spiking.synapses.masked().abs().flatten() for spiking in net.layers])
        order = torch.argsort(small)
        order = order[torch.argsort(everything[order], stable=True)]
        stays = torch.ones_like(everything, dtype=torch.bool)
        stays[order[: round(config.sparsity * share * len(order))]] = False
    for spiking, mask in zip(net.layers, stays.split([score.numel() for score in scores]), strict=True):
        spiking.synapses.weight_mask.mul_(mask.view_as(spiking.synapses.weight_mask))


def _weight_scores(spiking: SpikingLayer, config: TrainConfig, rates: Rates) -> Tensor:
    """Return the importance of each weight, -1 where it is pruned already.

    magnitude: |w|. activity: how often the input spikes. both: their product, which is the mean current of the synapse.
    For a share of all weights magnitude, or else activity, is divided by its mean in the layer, so that layers compare.
    """
    magnitude = spiking.synapses.masked().abs()
    activity = rates[_source(spiking)].expand_as(magnitude)
    if not config.prune_threshold:
        magnitude = magnitude / magnitude.mean().clamp(min=1e-12)
    if not config.prune_threshold and config.prune_by == "activity":
        activity = activity / activity.mean().clamp(min=1e-12)
    score = {"magnitude": magnitude, "activity": activity, "both": magnitude * activity}[config.prune_by]
    return torch.where(spiking.synapses.weight_mask > 0, score, -1.0)


def _source(spiking: SpikingLayer) -> str:
    return INPUTS if spiking.name == "1" else str(int(spiking.name) - 1)


def _prune_neurons(net: Network, config: TrainConfig, share: float, rates: Rates) -> None:
    """Prune hidden neurons: all weights into them and out of them."""
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


def _neuron_scores(spiking: SpikingLayer, after: SpikingLayer, by: str, rates: Rates) -> Tensor:
    magnitude: Tensor = spiking.synapses.masked().norm(dim=1) * after.synapses.masked().norm(dim=0)
    activity = rates[spiking.name]
    return {"magnitude": magnitude, "activity": activity, "both": magnitude * activity}[by]
