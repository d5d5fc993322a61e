"""Neurons over all time steps at once, with surrogate gradients: LIF, behind a synaptic current, adaptive; integrators.

One autograd function for floats and integers: the time loop works in place on one step's arrays, which stay in the
cache, and the backward pass computes again what autograd would store.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Parameters(NamedTuple):
    """What a layer's neurons compute with, each of shape (neurons,) but recurrent, of shape (neurons, neurons).

    keep, keep_current and keep_adaptation are what a step leaves of a state: 1 - 1 / tau; a keep that is the same for
    all neurons may have shape (). adaptation_step is what a spike adds to the threshold.
    """

    fire_at: Tensor
    keep: Tensor
    bias: Tensor | None = None
    keep_current: Tensor | None = None
    keep_adaptation: Tensor | None = None
    adaptation_step: Tensor | None = None
    recurrent: Tensor | None = None


class Integers(NamedTuple):
    """How states of whole numbers are computed: their type, and which leaks are shifts.

    A shift leaks ``v - (v >>> k)``, other leaks are multipliers, ``(v * a) >>> f``. float64 is exact below 2**53 and
    several times slower than float32, which is exact below 2**24 where all leaks are shifts.
    """

    kind: torch.dtype = torch.float64
    membrane_shifts: bool = False
    current_shifts: bool = False
    adaptation_shifts: bool = False


def _leak(state: Tensor, keep: Tensor, shifts: bool | None) -> None:
    """Leak in place, in floats where shifts is None."""
    if shifts:
        state.sub_((state * (1 - keep)).floor_())
        return
    state.mul_(keep)
    if shifts is not None:
        state.floor_()


class _Trace(NamedTuple):
    """What happened, each of shape (T, N, neurons): charged membranes, spikes, currents, adaptations before a step."""

    charged: Tensor
    spikes: Tensor
    synaptic: Tensor | None
    adapted: Tensor | None


def _run(current: Tensor, n: Parameters, steps: int, integers: Integers | None, soft: bool) -> _Trace:
    shape, constant = (steps, *current.shape[-2:]), current.dim() == 2
    kind, *shifts = integers or (current.dtype, None, None, None)
    wanted = (True, True, n.keep_current is not None, n.adaptation_step is not None)
    trace = _Trace(*(current.new_empty(shape) if want else None for want in wanted))  # type: ignore[arg-type]
    recurrent = None if n.recurrent is None else n.recurrent.T
    n = Parameters(*(None if number is None else number.to(kind) for number in n))  # type: ignore[arg-type]
    membrane, synaptic, adaptation = (
        current.new_zeros(shape[1:], dtype=kind) if want else current for want in wanted[1:]
    )
    entering, raised, *spare = (torch.empty_like(membrane) for _ in range(4))
    fits = kind == current.dtype  # then a step's arrays are parts of the trace
    for t in range(steps):
        x = current if constant else current[t]
        if n.bias is not None:
            x = torch.add(x, n.bias, out=entering)
        if recurrent is not None and t:
            x = torch.add(x, trace.spikes[t - 1] @ recurrent, out=entering)
        if n.keep_current is not None:
            assert trace.synaptic is not None
            _leak(synaptic, n.keep_current, shifts[1])
            trace.synaptic[t] = x = synaptic.add_(x)
        if t:
            _leak(membrane, n.keep, shifts[0])
        charged, fired = (trace.charged[t], trace.spikes[t]) if fits else spare
        torch.add(membrane, x, out=charged)
        if n.adaptation_step is None:
            torch.ge(charged, n.fire_at, out=fired)
        else:
            assert trace.adapted is not None
            assert n.keep_adaptation is not None
            trace.adapted[t] = adaptation
            torch.ge(torch.add(charged, adaptation, out=raised), n.fire_at, out=fired)
            _leak(adaptation, n.keep_adaptation, shifts[2])
            adaptation.addcmul_(fired, n.adaptation_step, value=-1)
        # hard: v = h - h * s; soft: v = h - fire_at * s
        torch.addcmul(charged, n.fire_at if soft else charged, fired, value=-1, out=membrane)
        if not fits:
            trace.charged[t], trace.spikes[t] = charged, fired
    return trace


class _Sums:
    """Gradients of what each neuron has one of, added up over time in the shape of a step, over samples at the end."""

    NAMES = ("fire_at", "keep", "keep_current", "keep_adaptation", "adaptation_step")

    def __init__(self, one: Tensor, needed: dict[str, bool]) -> None:
        self.of = {name: torch.zeros_like(one) for name in self.NAMES if needed[name]}

    def add(self, name: str, a: Tensor, b: Tensor, sign: int = 1) -> None:
        """Add a product to a gradient that is needed."""
        if name in self.of:
            self.of[name].addcmul_(a, b, value=sign)


def _above(t: int, upstream: Tensor, grad: Tensor, n: Parameters, adaptation: Tensor) -> Tensor:
    """Return the gradient of a step's spikes: from what reads them, their own layer among it, and the adaptation."""
    above = upstream[t]
    if n.recurrent is not None and t + 1 < len(upstream):
        above = torch.addmm(above, grad[t + 1], n.recurrent)
    if n.adaptation_step is not None:
        above = torch.addcmul(above, adaptation, n.adaptation_step, value=-1)
    return above


def _after_reset(trace: _Trace, t: int, fire_at: Tensor, soft: bool) -> Tensor:
    charged = trace.charged[t]
    return torch.addcmul(charged, trace.spikes[t], fire_at if soft else charged, value=-1)


def _back(upstream: Tensor, trace: _Trace, n: Parameters, soft: bool, grad: Tensor, sums: _Sums) -> None:
    """Fill the gradient of the current, which is that of all steps or, for a constant one, their sum."""
    spikes, synaptic, adapted, constant = trace.spikes, trace.synaptic, trace.adapted, grad.dim() == 2
    # of the states after the step
    membrane, current, adaptation = (torch.zeros_like(spikes[0]) for _ in range(3))
    share, slope = torch.empty_like(membrane), torch.empty_like(membrane)
    inverse = 1 / n.fire_at
    for t in reversed(range(len(spikes))):
        above = _above(t, upstream, grad, n, adaptation)
        torch.mul(trace.charged[t], inverse, out=share)
        if adapted is not None:
            share.addcmul_(adapted[t], inverse)
            sums.add("adaptation_step", spikes[t], adaptation, -1)
            sums.add("keep_adaptation", adapted[t], adaptation)
        # ATan: ds/du = 1 / (1 + (pi * (u - 1))**2) with the share u = (h + a) / fire_at
        torch.sub(share, 1, out=slope).mul_(math.pi).square_().add_(1)
        torch.div(above, slope, out=slope)
        sums.add("fire_at", slope, share)
        if n.keep_adaptation is not None:
            adaptation.mul_(n.keep_adaptation).addcmul_(slope, inverse)
        if not soft:  # the spike of a reset is no path of the gradient: dv/dh = 1 - s, or 1 for a soft one
            membrane.addcmul_(membrane, spikes[t], value=-1)
        entering = grad[t] if not constant else membrane if synaptic is None else current
        charged = torch.addcmul(membrane, slope, inverse, out=entering if synaptic is None else membrane)
        if t and "keep" in sums.of:
            sums.add("keep", charged, _after_reset(trace, t - 1, n.fire_at, soft))
        if n.keep_current is not None:
            assert synaptic is not None
            torch.add(current, charged, out=entering)
            if t:
                sums.add("keep_current", entering, synaptic[t - 1])
            torch.mul(entering, n.keep_current, out=current)
        if constant:
            grad.add_(entering)
        torch.mul(charged, n.keep, out=membrane)


class _Fire(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, steps: int, integers: Integers | None, soft: bool, current: Tensor, *parameters: Tensor | None
    ) -> Tensor:
        trace = _run(current, Parameters(*parameters), steps, integers, soft)  # type: ignore[arg-type]
        ctx.save_for_backward(*trace, *parameters)
        ctx.constant, ctx.soft = current.dim() == 2, soft
        return trace.spikes

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        trace, n = _saved(ctx.saved_tensors)
        needed = dict(zip(Parameters._fields, ctx.needs_input_grad[4:], strict=True))
        sums = _Sums(trace.charged[0], needed)
        grad = torch.zeros_like(trace.charged[0]) if ctx.constant else torch.empty_like(trace.charged)
        _back(gradients[0], trace, n, ctx.soft, grad, sums)
        of: dict[str, Tensor] = {}
        if needed["bias"]:
            of["bias"] = grad.sum(0) if ctx.constant else grad.sum((0, 1))
        if needed["recurrent"]:
            of["recurrent"] = grad[1:].flatten(0, 1).T @ trace.spikes[:-1].flatten(0, 1)
        if needed["fire_at"]:
            sums.of["fire_at"].mul_(-1 / n.fire_at)
        of |= {name: total.sum(0) for name, total in sums.of.items()}
        return None, None, None, grad, *map(of.get, Parameters._fields)


def _saved(tensors: tuple[Tensor, ...]) -> tuple[_Trace, Parameters]:
    """Return what fire() keeps for the backward pass."""
    parts = len(_Trace._fields)
    return _Trace(*tensors[:parts]), Parameters(*tensors[parts:])


def fire(
    current: Tensor, parameters: Parameters, steps: int, integers: Integers | None = None, *, soft: bool = False
) -> Tensor:
    """Return the spikes of neurons that start at rest.

    input: ``i = current[t] + bias + recurrent @ s[t-1]``, and behind a synaptic current ``c = i = leak(c) + i``
    charge: ``h = leak(v) + i``; fire: ``s = h + a >= fire_at``; reset: ``v = 0 if s else h``, or soft
    ``v = h - fire_at * s``; adaptive: ``a = leak(a) - s * adaptation_step``, else a is 0.

    ``leak(v) = v * keep``, rounded to a whole number in integers, as the golden model does it.

    Gradients: SpikingJelly's ATan surrogate of ``(h + a) / fire_at - 1``, nothing through the reset, and straight
    through the roundings.

    Args:
        current: of the synapses, shape (T, N, neurons), or (N, neurons) for the same in every step, of neurons without
            recurrence.
        parameters: of the neurons.
        steps: time steps T.
        integers: how whole numbers are computed; floats without it.
        soft: whether a spike takes the threshold from the membrane rather than all of it.

    Returns:
        Shape (T, N, neurons), values 0 and 1.
    """
    spikes: Tensor = _Fire.apply(steps, integers, soft, current, *parameters)  # type: ignore[no-untyped-call]
    return spikes


def charged(spikes: Tensor) -> Tensor:
    """Return the membranes before reset, as shares of the threshold, of spikes that fire() made with gradients on."""
    trace, parameters = _saved(spikes.grad_fn.saved_tensors)  # type: ignore[union-attr]
    return trace.charged / parameters.fire_at


class _Integrate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, integers: Integers | None, current: Tensor, bias: Tensor, keep: Tensor) -> Tensor:
        kind, shifts, *_ = integers or (current.dtype, None)
        out = torch.empty_like(current, dtype=kind)
        membrane, precise = torch.zeros_like(out[0]), keep.to(kind)
        for t in range(len(current)):
            _leak(membrane, precise, shifts)
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


def integrate(current: Tensor, bias: Tensor, keep: Tensor, integers: Integers | None = None) -> Tensor:
    """Return the membranes of neurons that never fire: ``v = leak(v) + current[t] + bias``, from rest.

    Args:
        current: of the synapses, shape (T, N, neurons).
        bias: shape (neurons,).
        keep: what a step leaves of a membrane, shape (neurons,).
        integers: how whole numbers are computed; floats without it.
    """
    membranes: Tensor = _Integrate.apply(integers, current, bias, keep)  # type: ignore[no-untyped-call]
    return membranes
