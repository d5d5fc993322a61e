"""Read any network that can be traced: one step of it, and how samples enter it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import count

from torch import nn

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.frontend.axes import BATCH, TIME
from snn2rtl.frontend.functions import steps_of
from snn2rtl.frontend.layers import is_multi
from snn2rtl.frontend.modules import unwrapped
from snn2rtl.frontend.operations import RefusedCallError, Steps
from snn2rtl.frontend.trace import trace

Lead = tuple[str, ...]
Shape = tuple[int, ...]
_SINGLE: tuple[Lead, ...] = ((BATCH,), (TIME, BATCH), (BATCH, TIME))
_MULTI: tuple[Lead, ...] = ((TIME, BATCH), (BATCH, TIME), (BATCH,))


def read_steps(net: nn.Module, example: Shape) -> Steps:
    """Return one step of a network.

    Args:
        net: the network.
        example: shape of an input that it takes, (T, N, ...), (N, T, ...) or (N, ...). Which of these it is, the
            network itself says: by layers in step mode "m", by loops over an axis, by repeat().

    Raises:
        UnsupportedModelError: in none of them it has exact hardware here; the problem is that of the likeliest one.
    """
    shapes = {lead: _with_batch(example, lead) for lead in _SINGLE if len(example) > len(lead)}
    if not shapes:
        rule = "must have an axis of the batch and those of a sample"
        raise UnsupportedModelError([f"example_input: {rule}, not shape {example}"])
    return _likeliest(net, shapes)


def read_steps_of(net: nn.Module, sample: Shape, steps: int) -> Steps:
    """Return one step of a network that takes samples of a shape.

    Args:
        net: the network.
        sample: shape of a sample, without time and batch.
        steps: time steps of an input, where it has such an axis.

    Raises:
        UnsupportedModelError: as of read_steps().
    """
    sizes = {TIME: steps, BATCH: 1}
    return _likeliest(net, {lead: _with_batch((*(sizes[role] for role in lead), *sample), lead) for lead in _SINGLE})


def _likeliest(net: nn.Module, shapes: Mapping[Lead, Shape]) -> Steps:
    net = unwrapped(net)
    leads = _MULTI if any(map(is_multi, net.modules())) else _SINGLE
    problem: UnsupportedModelError | None = None
    for lead in leads:
        if lead not in shapes:
            continue
        shape = shapes[lead]
        try:
            return steps_of(trace(net, shape), lead, shape[lead.index(BATCH)])
        except UnsupportedModelError as error:
            if problem is None or _order(error) > _order(problem):
                problem = error
    assert problem is not None
    raise problem


def _order(error: UnsupportedModelError) -> int:
    return error.order if isinstance(error, RefusedCallError) else -1


def _with_batch(shape: Shape, lead: Lead) -> Shape:
    """Return a shape with a batch whose size tells its axis from all others, however they are joined or split."""
    size = next(n for n in count(11, 2) if _is_prime(n) and all(math.gcd(n, other) == 1 for other in shape))
    axis = lead.index(BATCH)
    return (*shape[:axis], size, *shape[axis + 1 :])


def _is_prime(number: int) -> bool:
    return all(number % divisor for divisor in range(2, math.isqrt(number) + 1))
