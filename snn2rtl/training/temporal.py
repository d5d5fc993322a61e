"""Layers for temporal data: delays, recurrence, neurons with learned leaks, and integrators as readout."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from snn2rtl.float_net.nodes import FloatArray
from snn2rtl.passes.leaks import membrane_fraction
from snn2rtl.training.delay import Delay
from snn2rtl.training.network import THRESHOLD, Layer, Synapses, round_through
from snn2rtl.training.product import product
from snn2rtl.training.shd_config import LEAK_BITS
from snn2rtl.training.temporal_neuron import Numbers, Rounding, Roundings, fire, integrate

_ONE = 1 << LEAK_BITS


class Leak(nn.Module):
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

    def rounding(self) -> Rounding:
        """Return how integers leak: v - (v >>> k), which rounds up, where every tau is 2**k, else (v * a) >>> f."""
        powers = np.frexp(self.taken())[0] == 0.5
        return torch.ceil if powers.all() else torch.floor


class TemporalLayer(Layer):
    """Dropout of inputs where asked, their delays, synapses; subclasses have the neurons.

    fraction: log2 of the membrane steps of a weight step, where quantized; compile's own choice where it is negative.
    """

    paces: ClassVar[dict[str, float]] = {"membrane": 5, "synaptic": 5, "adaptation": 5, "grow": 5, "delay": 10}

    def __init__(
        self, name: str, synapses: Synapses, membrane: Leak, delay: Delay | None, *, dropout: float, fraction: int
    ) -> None:
        super().__init__(name, synapses)
        self.membrane, self.delay, self.dropout, self._fraction = membrane, delay, dropout, fraction

    @property
    def quantized(self) -> bool:
        """Whether the layer computes with integers."""
        return self.synapses.log_step is not None

    @property
    def fraction(self) -> int:
        """Log2 of the membrane steps of a weight step."""
        return self._fraction if self._fraction >= 0 else self._chosen_fraction()

    def _chosen_fraction(self) -> int:
        return membrane_fraction(self.membrane.tau())

    def _arriving(self, x: Tensor) -> Tensor:
        """Return the inputs, shape (T, N, inputs), as they come to the synapses."""
        if self.training and self.dropout:
            x = x * functional.dropout(torch.ones_like(x[0]), self.dropout)  # the same neurons in every step
        return x if self.delay is None else self.delay(x)

    def numbers(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return weights, bias and threshold; quantized, all in membrane steps."""
        synapses = self.synapses
        assert synapses.bias is not None
        if not self.quantized:
            return synapses.masked(), synapses.bias, torch.full_like(synapses.bias, THRESHOLD)
        weight, in_threshold = synapses.integers()
        unit = 2**self.fraction
        fire_at = in_threshold * unit
        return weight * unit, round_through(synapses.bias * (fire_at / THRESHOLD)), fire_at


class FiringLayer(TemporalLayer):
    """Neurons that fire: LIF, behind a synaptic current where synaptic is given, adaptive where adaptation is.

    grow: what a spike adds to the threshold at first, in thresholds. norm: whether what comes from the inputs is
    normalized, over samples and time steps, until fold().
    """

    def __init__(
        self,
        name: str,
        synapses: Synapses,
        membrane: Leak,
        delay: Delay | None,
        *,
        dropout: float,
        fraction: int,
        soft: bool,
        synaptic: Leak | None = None,
        adaptation: Leak | None = None,
        grow: float = 0.0,
        norm: bool = False,
    ) -> None:
        super().__init__(name, synapses, membrane, delay, dropout=dropout, fraction=fraction)
        self.soft, self.synaptic, self.adaptation = soft, synaptic, adaptation
        self.grow = None if adaptation is None else nn.Parameter(torch.full((len(synapses.weight),), grow))
        self.norm = self._norm(len(synapses.weight)) if norm else None

    @torch.no_grad()
    def _norm(self, neurons: int) -> nn.BatchNorm1d:
        """Return a norm after which membranes spread by a threshold, were a neuron's inputs of each step independent.

        A leak makes of inputs of variance 1 a state of variance 1 / (1 - keep**2). What a synaptic current adds is
        the same for many steps: 1 / (1 - keep). The bias is that of the synapses.
        """
        norm = nn.BatchNorm1d(neurons)
        norm.register_parameter("bias", None)
        norm.weight.copy_((1 - self.membrane() ** 2).sqrt() * THRESHOLD)
        if self.synaptic is not None:
            norm.weight.mul_(1 - self.synaptic())
        return norm

    @torch.no_grad()
    def fold(self) -> None:
        """Take the norm into weights and bias."""
        if self.norm is None:
            return
        synapses, (scale, shift) = self.synapses, self._affine()
        assert synapses.bias is not None
        synapses.weight[:, : synapses.inputs].mul_(scale[:, None])
        synapses.bias.add_(shift)
        self.norm = None

    def _affine(self) -> tuple[Tensor, Tensor]:
        """Return what the norm multiplies by and then adds, once it has learned, each of shape (neurons,)."""
        norm = self.norm
        assert norm is not None
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        return scale, -norm.running_mean * scale

    def _chosen_fraction(self) -> int:
        synaptic, adaptation = (None if leak is None else leak.tau() for leak in (self.synaptic, self.adaptation))
        return membrane_fraction(self.membrane.tau(), synaptic, adaptation_tau=adaptation)

    def forward(self, x: Tensor, steps: int, columns: Tensor | None = None) -> Tensor:
        """Return the spikes, shape (T, N, neurons); arguments as of Layer.forward()."""
        assert columns is None
        weight, bias, fire_at = self.numbers()
        inputs = self.synapses.inputs
        numbers = Numbers(
            bias,
            fire_at,
            self.membrane(),
            keep_current=None if self.synaptic is None else self.synaptic(),
            keep_adaptation=None if self.adaptation is None else self.adaptation(),
            grow=self.growth(fire_at),
            recurrent=weight[:, inputs:] if self.synapses.recurrent else None,
        )
        current = product(self._arriving(x), weight[:, :inputs])
        if self.norm is not None:
            current = self.norm(current.flatten(0, 1)).view_as(current)
        return fire(current, numbers, self._roundings() if self.quantized else None, self.soft)

    def growth(self, fire_at: Tensor) -> Tensor | None:
        """Return what a spike adds to the threshold, in membrane steps where quantized, shape (neurons,)."""
        if self.grow is None:
            return None
        with torch.no_grad():
            self.grow.clamp_(0)  # here rather than in the graph, where it would stop the gradient for good
        grow = self.grow * (fire_at / THRESHOLD)
        return round_through(grow) if self.quantized else grow

    def _roundings(self) -> Roundings:
        leaks = (self.membrane, self.synaptic, self.adaptation)
        return Roundings(*(torch.floor if leak is None else leak.rounding() for leak in leaks))


class ReadoutLayer(TemporalLayer):
    """Integrators: the class is the one of the greatest score, which is the greatest, last or summed membrane."""

    fires = False

    def __init__(
        self,
        name: str,
        synapses: Synapses,
        membrane: Leak,
        delay: Delay | None,
        *,
        dropout: float,
        fraction: int,
        score: str,
    ) -> None:
        super().__init__(name, synapses, membrane, delay, dropout=dropout, fraction=fraction)
        self.score = score

    def forward(self, x: Tensor, steps: int, columns: Tensor | None = None) -> Tensor:
        """Return the scores in thresholds, shape (N, neurons): the mean membrane in place of the sum."""
        assert columns is None
        weight, bias, fire_at = self.numbers()
        rounding = self.membrane.rounding() if self.quantized else None
        membranes = integrate(product(self._arriving(x), weight), bias, self.membrane(), rounding)
        if self.score == "sum":
            return membranes.sum(0) / (fire_at * len(membranes))
        return (membranes.amax(0) if self.score == "max" else membranes[-1]) / fire_at

    def scores(self, outputs: Tensor) -> Tensor:
        """Return what forward() returned."""
        return outputs


def draw_tau(low: float, high: float, neurons: int) -> Tensor:
    """Return time constants that are even by their logarithm, shape (neurons,)."""
    return torch.exp(torch.empty(neurons).uniform_(math.log(low), math.log(high)))
