"""Weights with a mask of those that are not pruned, quantized or not."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from snn2rtl.fixed_point import signed_range
from snn2rtl.passes.scale import choose_scale

THRESHOLD = 1.0


class Synapses(nn.Module):
    """Weights with a mask of those that are not pruned, and a step where they are quantized.

    float: ``i = (weight * mask) @ x + bias``. Quantized, in membrane steps of ``step / 2**shift``:
    ``i = (W @ x) << shift + B`` with ``W = clip(round(weight / step)) * mask`` and ``step = THRESHOLD / n`` for a whole
    n, so that the threshold is a whole number of steps; gradients go straight through every rounding.

    Where the layer is recurrent, its own neurons' spikes of the step before are inputs too, behind the others: weight
    has shape (neurons, inputs + neurons). one_step: whether all neurons have one step, for their scores are compared.
    """

    weight_mask: Tensor

    def __init__(self, weight: Tensor, bias: Tensor | None, *, recurrent: bool = False, one_step: bool = False) -> None:
        super().__init__()
        self.inputs = weight.shape[1] - (len(weight) if recurrent else 0)
        self.one_step = one_step
        self.weight = nn.Parameter(weight)
        self.bias = None if bias is None else nn.Parameter(bias)
        self.register_buffer("weight_mask", torch.ones_like(weight))
        self.log_step: nn.Parameter | None = None  # a logarithm: Adam changes it by shares of the step
        self.bits = 0

    def masked(self) -> Tensor:
        """Return the float weights, zero where they are pruned."""
        return self.weight * self.weight_mask

    @torch.no_grad()
    def quantize(self, bits: int) -> None:
        """Quantize to integers of so many bits from now on, with the steps that fit today's weights best."""
        weight = self.masked().double().cpu().numpy()
        step = torch.from_numpy(choose_scale(weight, THRESHOLD, bits, per_neuron=not self.one_step))
        self.bits = bits
        self.log_step = nn.Parameter(step[: self._steps].log().to(self.weight))

    def expect_steps(self, bits: int) -> None:
        """Quantize to integers of so many bits from now on, with steps that a checkpoint will bring."""
        self.bits = bits
        self.log_step = nn.Parameter(torch.zeros(self._steps))

    @property
    def recurrent(self) -> bool:
        """Whether the layer's own neurons are among the inputs."""
        return self.inputs < self.weight.shape[1]

    @property
    def _steps(self) -> int:
        return 1 if self.one_step else len(self.weight)

    def integers(self) -> tuple[Tensor, Tensor]:
        """Return the integer weights, shape (neurons, inputs), and the threshold in their steps, shape (neurons,)."""
        assert self.log_step is not None
        step = torch.exp(_scale_gradient(self.log_step, (self.weight.shape[1] << self.bits) ** -0.5))
        in_threshold = round_through((THRESHOLD / step).clamp(1, 2**12))
        low, high = signed_range(self.bits)
        weight = round_through((self.weight * (in_threshold / THRESHOLD)[:, None]).clamp(low, high))
        return weight * self.weight_mask, in_threshold.expand(len(weight))


def round_through(x: Tensor) -> Tensor:
    """Return the nearest whole numbers, ties to even, with the gradient of x."""
    return x + (torch.round(x) - x).detach()


def _scale_gradient(x: Tensor, factor: float) -> Tensor:
    # Esser et al., Learned Step Size Quantization, section 2.2: steps move as fast as weights
    return x * factor + (x - x * factor).detach()
