"""Delays of a layer's inputs, which can be learned though they are whole time steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_REACH = 2  # time steps to either side over which the gradient of a delay looks


def shifted(x: Tensor, steps: Tensor) -> Tensor:
    """Return x of shape (T, N, inputs), each input so many steps later, or earlier where they are negative."""
    out = torch.zeros_like(x)
    for column, step in enumerate(steps.tolist()):  # several times faster than indexing with all of them
        late, early = min(max(0, step), len(x)), min(max(0, -step), len(x))
        out[late : len(x) - early, :, column] = x[early : len(x) - late, :, column]
    return out


class _Delayed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, delay: Tensor) -> Tensor:
        steps = delay.round().long()
        late = shifted(x, steps)
        ctx.save_for_backward(late, steps)
        return late

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        (upstream,) = gradients
        late, steps = ctx.saved_tensors
        of_x = shifted(upstream, -steps) if ctx.needs_input_grad[0] else None
        of_delay = None
        if ctx.needs_input_grad[1]:
            # the loss changes by (loss with the input later - loss with it earlier) / (2 * reach)
            later = (upstream[_REACH:] * late[:-_REACH]).sum((0, 1))
            earlier = (upstream[:-_REACH] * late[_REACH:]).sum((0, 1))
            of_delay = (later - earlier) / (2 * _REACH)
        return of_x, of_delay


class Delay(nn.Module):
    """A delay of each input, 0 to most time steps, drawn evenly at first; learned or not. Used rounded, always."""

    steps: Tensor

    def __init__(self, inputs: int, most: int, learn: bool) -> None:
        super().__init__()
        self.most = most
        drawn = torch.empty(inputs).uniform_(0, most)
        if learn:
            self.steps = nn.Parameter(drawn)
        else:
            self.register_buffer("steps", drawn)

    def forward(self, x: Tensor) -> Tensor:
        """Return x of shape (T, N, inputs), each input later; what comes after the last step is lost."""
        with torch.no_grad():
            self.steps.clamp_(0, self.most)  # here rather than in the graph, where it would stop the gradient for good
        late: Tensor = _Delayed.apply(x, self.steps)  # type: ignore[no-untyped-call]
        return late

    def whole(self) -> Tensor:
        """Return the delays in time steps, shape (inputs,), int64."""
        return self.steps.detach().clamp(0, self.most).round().long()
