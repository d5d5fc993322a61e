"""Read any network that can be traced: one step of it, and how samples enter it."""

from __future__ import annotations

import math
from itertools import count

import torch
from torch import nn

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.frontend.axes import BATCH, TIME
from snn2rtl.frontend.functions import steps_of
from snn2rtl.frontend.modules import unwrapped
from snn2rtl.frontend.steps import RefusedCallError, Steps
from snn2rtl.frontend.trace import trace

Lead = tuple[str, ...]
_SINGLE: tuple[Lead, ...] = ((BATCH,), (TIME, BATCH), (BATCH, TIME))
_MULTI: tuple[Lead, ...] = ((TIME, BATCH), (BATCH, TIME), (BATCH,))


def read_steps(net: nn.Module, example: torch.Tensor) -> Steps:
    """Return one step of a network, of which an example is an input of shape (T, N, ...), (N, T, ...) or (N, ...).

    Which of these it is, the network itself says: by layers in step mode "m", by loops over an axis, by repeat().

    Raises:
        UnsupportedModelError: under none of them it has exact hardware here; the problem is that of the one that goes
            furthest.
    """
    net = unwrapped(net)
    leads = _MULTI if any(getattr(module, "step_mode", "s") == "m" for module in net.modules()) else _SINGLE
    problem: UnsupportedModelError | None = None
    for lead in leads:
        if example.dim() <= len(lead):
            continue
        batch = _batch(tuple(example.shape))
        shape = list(example.shape)
        shape[lead.index(BATCH)] = batch
        try:
            return steps_of(trace(net, tuple(shape)), lead, batch)
        except UnsupportedModelError as error:
            if problem is None or _order(error) > _order(problem):
                problem = error
    raise problem or UnsupportedModelError(["example_input: must have an axis of the batch and those of a sample"])


def _order(error: UnsupportedModelError) -> int:
    return error.order if isinstance(error, RefusedCallError) else -1


def _batch(shape: tuple[int, ...]) -> int:
    """Return a size that tells the axis of the batch from all others, however they are joined or split."""
    return next(n for n in count(11, 2) if all(math.gcd(n, size) == 1 for size in shape) and _is_prime(n))


def _is_prime(number: int) -> bool:
    return all(number % divisor for divisor in range(2, math.isqrt(number) + 1))
