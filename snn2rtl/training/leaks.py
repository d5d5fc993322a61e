"""Time constants of a layer's neurons: one that all share, or one of each neuron, which can be learned."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from snn2rtl.float_net.nodes import FloatArray
from snn2rtl.training.config import LEAK_BITS

_ONE = 1 << LEAK_BITS


class Leak(nn.Module):
    """What a step leaves of a state: ``1 - 1 / tau``."""

    def forward(self) -> Tensor:
        """Return what a step leaves of a state, shape () or (neurons,)."""
        raise NotImplementedError

    def tau(self) -> float | FloatArray:
        """Return the time constant in steps, one or of shape (neurons,)."""
        raise NotImplementedError

    def shifts(self) -> bool:
        """Return whether the integer leak is ``v - (v >>> k)``, as it is where every tau is 2**k."""
        return bool(np.all(np.frexp(self.tau())[0] == 0.5))


class SharedLeak(Leak):
    """One time constant of all neurons, exactly."""

    def __init__(self, tau: float) -> None:
        super().__init__()
        self._tau = tau

    def forward(self) -> Tensor:
        """Return what a step leaves of a state, shape (), on the CPU: a number to every device."""
        return torch.tensor(1 - 1 / self._tau, dtype=torch.float64)

    def tau(self) -> float:
        """Return the time constant in steps."""
        return self._tau


class NeuronLeaks(Leak):
    """A time constant of each neuron, learned or not, such that hardware leaks exactly as training does.

    What a step keeps of a state is a whole multiple of ``2**-bits`` below 1, or with shifts ``1 - 2**-k`` for a whole
    k: the nearest one, with the gradient of what it stands for.
    """

    logit: Tensor

    def __init__(self, tau: Tensor, *, shift: bool, learn: bool, bits: int = LEAK_BITS) -> None:
        super().__init__()
        self.shift, self.bits = shift, bits
        logit = torch.log(tau - 1)  # of 1 - 1 / tau
        if learn:
            self.logit = nn.Parameter(logit)
        else:
            self.register_buffer("logit", logit)

    def forward(self) -> Tensor:
        """Return what a step keeps of a state, shape (neurons,)."""
        keep = torch.sigmoid(self.logit)
        return self._nearest(keep).detach() + (keep - keep.detach())  # in this order nothing rounds

    def _nearest(self, keep: Tensor) -> Tensor:
        if self.shift:
            power = torch.log2(1 - keep).round().clamp(-LEAK_BITS, -1)
            return 1 - (_ONE * torch.exp2(power)).round() / _ONE  # exp2 is not exact everywhere
        one = 1 << self.bits
        return (keep * one).round().clamp(1, one - 1) / one

    @torch.no_grad()
    def taken(self) -> FloatArray:
        """Return the fraction of a state that a step takes, exactly, shape (neurons,)."""
        taken: FloatArray = 1 - self._nearest(torch.sigmoid(self.logit)).cpu().numpy().astype(np.float64)
        return taken

    def tau(self) -> FloatArray:
        """Return the time constants in steps, shape (neurons,)."""
        return 1 / self.taken()


def draw_tau(low: float, high: float, neurons: int) -> Tensor:
    """Return time constants that are even by their logarithm, shape (neurons,)."""
    return torch.exp(torch.empty(neurons).uniform_(math.log(low), math.log(high)))
