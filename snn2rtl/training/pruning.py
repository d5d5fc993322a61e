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
    scores = [_weight_scores(spiking, config.prune_by, rates) for spiking in net.layers]
    bound: float | Tensor = config.prune_threshold
    if config.sparsity:
        everything = torch.cat([score.flatten() for score in scores])
        pruned = round(config.sparsity * share * everything.numel())
        bound = everything.kthvalue(pruned + 1).values  # pruned ones score 0, and so count
    for spiking, score in zip(net.layers, scores, strict=True):
        spiking.synapses.weight_mask.mul_(score >= bound)


def _weight_scores(spiking: SpikingLayer, by: str, rates: Rates) -> Tensor:
    """Return the importance of each weight, 0 where it is pruned already.

    magnitude: |w|, as a share of the layer's mean, so that layers compare. activity: how often the input spikes. both:
    their product, which is the mean current of the synapse.
    """
    weight = spiking.synapses.masked().abs()
    magnitude = weight / weight.mean().clamp(min=1e-12)
    activity = rates[_source(spiking)].clamp(min=1e-6).expand_as(weight) * spiking.synapses.weight_mask
    return {"magnitude": magnitude, "activity": activity, "both": magnitude * activity}[by]


def _source(spiking: SpikingLayer) -> str:
    return INPUTS if spiking.name == "1" else str(int(spiking.name) - 1)


def _prune_neurons(net: Network, config: TrainConfig, share: float, rates: Rates) -> None:
    """Prune hidden neurons: all weights into them and out of them."""
    for spiking, after in zip(net.layers, net.layers[1:], strict=False):
        into, out = spiking.synapses.weight_mask, after.synapses.weight_mask
        alive = into.any(1)
        score = _neuron_scores(spiking, after, config.prune_by, rates) * alive
        stay = max(config.min_neurons, round(len(score) * (1 - config.neuron_sparsity * share)))
        if config.prune_threshold:
            stay = max(config.min_neurons, int((rates[spiking.name] >= config.prune_threshold).sum()))
            score = rates[spiking.name] * alive
        if stay < len(score):
            gone = torch.argsort(score)[: len(score) - stay]
            into[gone] = 0
            out[:, gone] = 0


def _neuron_scores(spiking: SpikingLayer, after: SpikingLayer, by: str, rates: Rates) -> Tensor:
    magnitude: Tensor = spiking.synapses.masked().norm(dim=1) * after.synapses.masked().norm(dim=0)
    activity = rates[spiking.name]
    return {"magnitude": magnitude, "activity": activity, "both": magnitude * activity}[by]
