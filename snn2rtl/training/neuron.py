"""Leaky integrate-and-fire over all time steps at once, with surrogate gradients.

One autograd function for float and integer membranes: the time loop works in place on one step's arrays, which stay in
the cache, and the backward pass recomputes the spikes rather than storing what autograd would.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor


class _Lif(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, current: Tensor, fire_at: Tensor, steps: int, keep: float, integer: bool, soft: bool
    ) -> Tensor:
        constant = current.dim() == 2  # the same current in every step
        charged = current.new_empty(steps, *current.shape[-2:])
        spikes = torch.empty_like(charged)
        membrane = torch.zeros_like(charged[0])
        for t in range(steps):
            if integer and t:
                membrane.sub_(torch.floor(membrane * (1 - keep)))
            elif t:
                membrane.mul_(keep)
            torch.add(membrane, current if constant else current[t], out=charged[t])
            torch.ge(charged[t], fire_at, out=spikes[t])
            # hard: v = h - h * s; soft: v = h - fire_at * s
            torch.addcmul(charged[t], fire_at if soft else charged[t], spikes[t], value=-1, out=membrane)
        ctx.save_for_backward(charged, fire_at)
        ctx.keep, ctx.constant, ctx.soft = keep, constant, soft
        return spikes

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, None, None, None, None]:
        (upstream,) = gradients
        charged, fire_at = ctx.saved_tensors
        steps = len(charged)
        one = charged[0]
        grad = torch.zeros_like(one) if ctx.constant else torch.empty_like(charged)
        needs_threshold = ctx.needs_input_grad[1]
        of_threshold = torch.zeros_like(one)
        scaled, slope, carry = torch.empty_like(one), torch.empty_like(one), torch.zeros_like(one)
        inverse = 1 / fire_at
        for t in reversed(range(steps)):
            # ATan: ds/du = 1 / (1 + (pi * (u - 1))**2) with u = h / fire_at
            torch.mul(charged[t], inverse, out=scaled)
            torch.sub(scaled, 1, out=slope).mul_(math.pi).square_().add_(1)
            torch.div(upstream[t], slope, out=slope)
            if needs_threshold:
                of_threshold.addcmul_(slope, scaled)
            # the spike of a reset is no path of the gradient: dv/dh = 1 - s, or 1 for a soft one
            if not ctx.soft:
                torch.lt(charged[t], fire_at, out=scaled)  # into floats: several times faster than into booleans
                carry.mul_(scaled)
            carry.addcmul_(slope, inverse)
            if ctx.constant:
                grad.add_(carry)
            else:
                grad[t] = carry
            carry.mul_(ctx.keep)
        threshold_grad = -(of_threshold * inverse).sum(0) if needs_threshold else None
        return grad, threshold_grad, None, None, None, None


def lif(current: Tensor, fire_at: Tensor, steps: int, tau: float, integer: bool = False, soft: bool = False) -> Tensor:
    """Return the spikes of LIF neurons that start at rest.

    charge: ``h = v * (1 - 1 / tau) + i``, or with integers ``h = v - floor(v / tau) + i`` (tau a power of two or
    infinite), as the golden model does it; fire: ``s = h >= fire_at``; reset: ``v = 0 if s else h``, or soft
    ``v = h - fire_at * s``.

    Gradients: SpikingJelly's ATan surrogate of ``h / fire_at - 1``, nothing through the reset, and straight through the
    floor.

    Args:
        current: shape (T, N, neurons), or (N, neurons) for the same current in every step.
        fire_at: thresholds, shape (neurons,).
        steps: time steps T.
        tau: membrane time constant.
        integer: whether membranes and currents are whole numbers; exact while they stay below 2**24.
        soft: whether a spike takes the threshold from the membrane rather than all of it.

    Returns:
        Shape (T, N, neurons), values 0 and 1.
    """
    spikes: Tensor = _Lif.apply(current, fire_at, steps, 1 - 1 / tau, integer, soft)  # type: ignore[no-untyped-call]
    return spikes


def charged(spikes: Tensor) -> Tensor:
    """Return the membranes before reset, as shares of the threshold, of spikes that lif() made with gradients on."""
    membrane, fire_at, *_ = spikes.grad_fn.saved_tensors  # type: ignore[union-attr]
    shares: Tensor = membrane / fire_at
    return shares
