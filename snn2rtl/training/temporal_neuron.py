"""Neurons for temporal data over all time steps at once, with surrogate gradients: LIF, behind a current, adaptive.

One autograd function for floats and integers, as in neuron.py. Integers are whole numbers in float64, which is exact
below 2**53; what the backward pass needs of them is kept in float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

Rounding = Callable[..., Tensor]  # torch.floor or torch.ceil


class Numbers(NamedTuple):
    """What a layer's neurons compute with, each of shape (neurons,) but recurrent, of shape (neurons, neurons).

    keep, keep_current and keep_adaptation are what a step leaves of a state: 1 - 1 / tau.
    """

    bias: Tensor
    fire_at: Tensor
    keep: Tensor
    keep_current: Tensor | None = None
    keep_adaptation: Tensor | None = None
    grow: Tensor | None = None
    recurrent: Tensor | None = None


class Roundings(NamedTuple):
    """How the leaks of integers round."""

    membrane: Rounding = torch.floor
    current: Rounding = torch.floor
    adaptation: Rounding = torch.floor


def _leak(state: Tensor, keep: Tensor, rounding: Rounding | None) -> None:
    state.mul_(keep)
    if rounding:
        rounding(state, out=state)


class _Trace(NamedTuple):
    """What happened, each of shape (T, N, neurons): charged membranes, spikes, currents, adaptations before a step."""

    charged: Tensor
    spikes: Tensor
    synaptic: Tensor | None
    adapted: Tensor | None


def _run(current: Tensor, n: Numbers, roundings: Roundings | None, soft: bool) -> _Trace:
    kind = current.dtype if roundings is None else torch.float64
    how = roundings or (None, None, None)
    recurrent = None if n.recurrent is None else n.recurrent.T
    n = Numbers(*(None if number is None else number.to(kind) for number in n))  # type: ignore[arg-type]
    trace = _Trace(*(torch.empty_like(current) if wanted else None  # type: ignore[arg-type]
                     for wanted in (True, True, n.keep_current is not None, n.grow is not None)))  # fmt: skip
    membrane, synaptic, adaptation = (torch.zeros_like(current[0], dtype=kind) for _ in range(3))
    entering, felt, fired = (torch.empty_like(membrane) for _ in range(3))
    for t in range(len(current)):
        torch.add(current[t], n.bias, out=entering)
        if recurrent is not None and t:
            entering.add_(trace.spikes[t - 1] @ recurrent)
        if n.keep_current is not None:
            assert trace.synaptic is not None
            _leak(synaptic, n.keep_current, how[1])
            trace.synaptic[t] = synaptic.add_(entering)
        _leak(membrane, n.keep, how[0])
        trace.charged[t] = membrane.add_(entering if n.keep_current is None else synaptic)
        if n.grow is None:
            torch.ge(membrane, n.fire_at, out=fired)
        else:
            assert trace.adapted is not None
            assert n.keep_adaptation is not None
            trace.adapted[t] = adaptation
            torch.ge(torch.add(membrane, adaptation, out=felt), n.fire_at, out=fired)
            _leak(adaptation, n.keep_adaptation, how[2])
            adaptation.addcmul_(fired, n.grow, value=-1)
        trace.spikes[t] = fired
        # hard: v = h - h * s; soft: v = h - fire_at * s
        membrane.addcmul_(fired, n.fire_at if soft else membrane, value=-1)
    return trace


class _Sums:
    """Gradients of what each neuron has one of, added up over time in the shape of a step, over samples at the end."""

    def __init__(self, one: Tensor, numbers: Numbers, needed: tuple[bool, ...]) -> None:
        names = ("fire_at", "keep", "keep_current", "keep_adaptation", "grow")
        self.of = {name: torch.zeros_like(one) for name, need in zip(names, needed, strict=True)
                   if need and getattr(numbers, name) is not None}  # fmt: skip

    def add(self, name: str, a: Tensor, b: Tensor, sign: int = 1) -> None:
        """Add a product to a gradient that is needed."""
        if name in self.of:
            self.of[name].addcmul_(a, b, value=sign)

    def total(self, name: str) -> Tensor | None:
        """Return the gradient, shape (neurons,)."""
        return self.of[name].sum(0) if name in self.of else None


def _through_spike(above: Tensor, share: Tensor, out: Tensor) -> None:
    # ATan: ds/du = 1 / (1 + (pi * (u - 1))**2) with the share u = (h + a) / fire_at
    torch.sub(share, 1, out=out).mul_(math.pi).square_().add_(1)
    torch.div(above, out, out=out)


def _left(trace: _Trace, t: int, fire_at: Tensor, soft: bool) -> Tensor:
    """Return the membranes after the reset of a step."""
    charged = trace.charged[t]
    return torch.addcmul(charged, trace.spikes[t], fire_at if soft else charged, value=-1)


def _back(upstream: Tensor, trace: _Trace, n: Numbers, soft: bool, sums: _Sums) -> Tensor:
    """Return the gradient of the current, shape (T, N, neurons)."""
    charged, spikes, synaptic, adapted = trace
    grad = torch.empty_like(charged)
    # of the membrane after the step, of the current after it, of the adaptation after it
    membrane, after, tired = (torch.zeros_like(charged[0]) for _ in range(3))
    share, slope = torch.empty_like(membrane), torch.empty_like(membrane)
    inverse = 1 / n.fire_at
    for t in reversed(range(len(charged))):
        above = upstream[t]
        if n.recurrent is not None and t + 1 < len(charged):
            above = torch.addmm(above, grad[t + 1], n.recurrent)
        torch.mul(charged[t], inverse, out=share)
        if n.grow is not None:
            assert adapted is not None
            assert n.keep_adaptation is not None
            share.addcmul_(adapted[t], inverse)
            sums.add("grow", spikes[t], tired, -1)
            sums.add("keep_adaptation", adapted[t], tired)
            above = torch.addcmul(above, tired, n.grow, value=-1)
        _through_spike(above, share, slope)
        sums.add("fire_at", slope, share)
        slope.mul_(inverse)
        if n.keep_adaptation is not None:
            tired.mul_(n.keep_adaptation).add_(slope)
        if not soft:  # the spike of a reset is no path of the gradient: dv/dh = 1 - s, or 1 for a soft one
            membrane.addcmul_(membrane, spikes[t], value=-1)
        membrane.add_(slope)
        if t and "keep" in sums.of:
            sums.add("keep", membrane, _left(trace, t - 1, n.fire_at, soft))
        if n.keep_current is None:
            grad[t] = membrane
        else:
            assert synaptic is not None
            grad[t] = after.add_(membrane)
            if t:
                sums.add("keep_current", after, synaptic[t - 1])
            after.mul_(n.keep_current)
        membrane.mul_(n.keep)
    return grad


class _Fire(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, roundings: Roundings | None, soft: bool, current: Tensor, *numbers: Tensor | None) -> Tensor:
        given = Numbers(*numbers)  # type: ignore[arg-type]
        trace = _run(current, given, roundings, soft)
        ctx.save_for_backward(trace.charged, given.fire_at, *trace[1:], *given)
        ctx.soft = soft
        return trace.spikes

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        charged, fire_at, spikes, synaptic, adapted, *numbers = ctx.saved_tensors
        n = Numbers(*numbers)
        sums = _Sums(charged[0], n, ctx.needs_input_grad[4:9])
        grad = _back(gradients[0], _Trace(charged, spikes, synaptic, adapted), n, ctx.soft, sums)
        of_fire_at = sums.total("fire_at")
        if of_fire_at is not None:
            of_fire_at = -of_fire_at / fire_at
        of_recurrent = None
        if n.recurrent is not None:
            of_recurrent = grad[1:].flatten(0, 1).T @ spikes[:-1].flatten(0, 1)
        rest = (sums.total(name) for name in ("keep", "keep_current", "keep_adaptation", "grow"))
        return None, None, grad, grad.sum((0, 1)), of_fire_at, *rest, of_recurrent


def fire(current: Tensor, numbers: Numbers, roundings: Roundings | None = None, soft: bool = False) -> Tensor:
    """Return the spikes of neurons that start at rest.

    input: ``i = current[t] + bias + recurrent @ s[t-1]``, and behind a synaptic current ``c = i = leak(c) + i``
    charge: ``h = leak(v) + i``; fire: ``s = h + a >= fire_at``; reset: ``v = 0 if s else h``, or soft
    ``v = h - fire_at * s``; adaptive: ``a = leak(a) - s * grow``, else a is 0.

    ``leak(v) = v * keep``, rounded to a whole number in integers, as the golden model does it.

    Gradients: SpikingJelly's ATan surrogate of ``(h + a) / fire_at - 1``, nothing through the reset, and straight
    through the roundings.

    Args:
        current: of the synapses, shape (T, N, neurons).
        numbers: of the neurons.
        roundings: of integers; floats without it.
        soft: whether a spike takes the threshold from the membrane rather than all of it.

    Returns:
        Shape (T, N, neurons), values 0 and 1.
    """
    spikes: Tensor = _Fire.apply(roundings, soft, current, *numbers)  # type: ignore[no-untyped-call]
    return spikes


class _Integrate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rounding: Rounding | None, current: Tensor, bias: Tensor, keep: Tensor) -> Tensor:
        kind = current.dtype if rounding is None else torch.float64
        out = torch.empty_like(current, dtype=kind)
        membrane, precise = torch.zeros_like(out[0]), keep.to(kind)
        for t in range(len(current)):
            _leak(membrane, precise, rounding)
            membrane.add_(current[t]).add_(bias)
            out[t] = membrane
        ctx.save_for_backward(out, keep)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        out, keep = ctx.saved_tensors
        upstream = gradients[0].to(keep.dtype)
        grad = torch.empty_like(upstream)
        membrane, of_keep = torch.zeros_like(grad[0]), torch.zeros_like(grad[0])
        for t in reversed(range(len(out))):
            grad[t] = membrane.mul_(keep).add_(upstream[t])
            if t:
                of_keep.addcmul_(membrane, out[t - 1].to(keep.dtype))
        return None, grad, grad.sum((0, 1)), of_keep.sum(0)


def integrate(current: Tensor, bias: Tensor, keep: Tensor, rounding: Rounding | None = None) -> Tensor:
    """Return the membranes of neurons that never fire: ``v = leak(v) + current[t] + bias``, from rest.

    Args:
        current: of the synapses, shape (T, N, neurons).
        bias: shape (neurons,).
        keep: what a step leaves of a membrane, shape (neurons,).
        rounding: of integers, which come as float64; floats without it.
    """
    membranes: Tensor = _Integrate.apply(rounding, current, bias, keep)  # type: ignore[no-untyped-call]
    return membranes
