"""The product of inputs and weights, where training spends its time: in bfloat16 where the processor has it.

Spikes, pixels and integer weights of up to 8 bits are exact in bfloat16 and sums are kept in float32, so quantized
training computes what integers do. Float weights are rounded to 8 bits of mantissa here, as in any mixed-precision
training, and gradients too; evaluation outside of fast_products() rounds nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

_matmul: Any = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]


@contextmanager
def fast_products() -> Iterator[None]:
    """Multiply in bfloat16 and add in float32, on processors that can."""
    before = _matmul.fp32_precision
    _matmul.fp32_precision = "bf16"
    try:
        yield
    finally:
        _matmul.fp32_precision = before


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.fast = _matmul.fp32_precision == "bf16" and not x.is_cuda
        current: Tensor = x.flatten(0, -2) @ weight.T
        return current.view(*x.shape[:-1], len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor]:
        x, weight = ctx.saved_tensors
        upstream, x = gradients[0].flatten(0, -2), x.flatten(0, -2)
        # twice as fast as letting the library round float32 to bfloat16
        kind = torch.bfloat16 if ctx.fast else x.dtype
        of_weight = (upstream.to(kind).T @ x.to(kind)).to(weight.dtype)
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = (upstream @ weight).view(*gradients[0].shape[:-1], weight.shape[1])
        return of_x, of_weight


def product(x: Tensor, weight: Tensor) -> Tensor:
    """Return ``x @ weight.T`` for x of shape (..., inputs) and weight of shape (neurons, inputs)."""
    current: Tensor = _Product.apply(x, weight)  # type: ignore[no-untyped-call]
    return current
