"""One layer that learns without labels: pair-based spike-timing-dependent plasticity between competing neurons.

An experiment (docs/results/shd_stdp.md); the hardware does not learn.

Sources: Song, Miller, Abbott, Competitive Hebbian learning through spike-timing-dependent synaptic plasticity, 2000
(traces of pairs); Diehl, Cook, Unsupervised learning of digit recognition, 2015 (competition, homeostasis, and that
a synapse is weakened whose input is rarely there when the neuron fires).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from snn2rtl.config import Config


@dataclass(frozen=True, kw_only=True)
class StdpConfig(Config):
    """How a layer learns.

    tau: membrane time constant in steps. trace_tau: of the traces that spikes leave. lr: of a batch. expected: how much
    more often than on average an input must have fired before the neuron to gain weight. depress: weight of pairs in
    which the input fires after the neuron.
    """

    neurons: int = 256
    tau: float = 2.0
    trace_tau: float = 3.0
    lr: float = 0.05
    expected: float = 4.0
    depress: float = 0.2
    homeostasis: float = 0.1
    seed: int = 0


class StdpLayer:
    """Leaky integrate-and-fire neurons with a hard reset.

    weight: shape (neurons, inputs), not negative; the sum of each neuron's is 1. threshold: shape (neurons,).
    """

    def __init__(self, config: StdpConfig, inputs: int) -> None:
        self.config = config
        generator = torch.Generator().manual_seed(config.seed)
        self.weight = _shares(torch.rand(config.neurons, inputs, generator=generator) ** 4)
        self.threshold = torch.full((config.neurons,), 1.0)

    def spikes(self, x: Tensor, *, compete: bool = False) -> Tensor:
        """Return the spikes of shape (T, N, neurons) for those of shape (T, N, inputs).

        charge: ``h = v * (1 - 1 / tau) + weight @ x``; fire: ``s = h >= threshold``; reset: ``v = 0 if s else h``.
        Where neurons compete, the one that is furthest above its threshold fires alone and resets all of the layer.
        """
        membrane = x.new_zeros(x.shape[1], len(self.weight))
        fired = []
        for current in x @ self.weight.T:
            membrane = membrane * (1 - 1 / self.config.tau) + current
            if compete:
                strength, winner = (membrane / self.threshold).max(1)
                fires = (strength >= 1).to(x.dtype)[:, None]
                fired.append(functional.one_hot(winner, len(self.weight)) * fires)
                membrane = membrane * (1 - fires)
            else:
                fired.append((membrane >= self.threshold).to(x.dtype))
                membrane = membrane * (1 - fired[-1])
        return torch.stack(fired)

    def learn(self, x: Tensor) -> None:
        """Change the weights by the pairs of a batch of spikes (T, N, inputs), and thresholds towards equal rates.

        With traces ``e[t] = e[t-1] * (1 - 1 / trace_tau) + spikes[t]``, a spike of neuron j changes its weights by
        the mean of ``e_input / mean(e_input) - expected``, and an input's spike by ``-depress * e_j`` of earlier ones.
        """
        config = self.config
        spikes = self.spikes(x, compete=True)
        before, after = _trace(x, config.trace_tau), _trace(spikes, config.trace_tau) - spikes
        pairs = spikes.flatten(0, 1).T @ before.flatten(0, 1) - config.depress * (
            after.flatten(0, 1).T @ x.flatten(0, 1)
        )
        count = spikes.sum((0, 1))
        usual = before.mean((0, 1)).clamp_min(1e-3)
        change = pairs / (count[:, None] + 1) / usual - config.expected
        self.weight = _shares((self.weight + config.lr / x.shape[2] * change).clamp_min(0) + 1e-9)
        excess = count / count.mean().clamp_min(1e-9) - 1
        self.threshold = self.threshold * torch.exp(config.homeostasis * excess.clamp(-0.5, 1))

    def balance(self, x: Tensor, rate: float, rounds: int = 12) -> None:
        """Set thresholds so that every neuron, without competition, fires in about this share of the steps of x."""
        low = torch.zeros_like(self.threshold)
        high = torch.full_like(low, self.config.tau)  # no membrane grows beyond it, for a step adds at most 1
        for _ in range(rounds):
            self.threshold = (low + high) / 2
            fires_more = self.spikes(x).mean((0, 1)) > rate
            low, high = torch.where(fires_more, self.threshold, low), torch.where(fires_more, high, self.threshold)


def _shares(weight: Tensor) -> Tensor:
    return weight / weight.sum(1, keepdim=True)


def _trace(spikes: Tensor, tau: float) -> Tensor:
    kept, trace = [], torch.zeros_like(spikes[0])
    for now in spikes:
        trace = trace * (1 - 1 / tau) + now
        kept.append(trace)
    return torch.stack(kept)
