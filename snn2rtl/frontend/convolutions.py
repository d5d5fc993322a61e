"""Read the torch modules that work along axes: convolutions, pools, and what gives a sample its shape.

Source: torch.nn.Conv1d, Conv2d, AvgPool1d, AvgPool2d, AdaptiveAvgPool1d, AdaptiveAvgPool2d, MaxPool1d, MaxPool2d,
Unflatten; spikingjelly 2.0.0 has subclasses of all but the last.
"""

from __future__ import annotations

from typing import Any

from spikingjelly.activation_based import layer
from torch import nn

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.nodes import AdaptiveAveragePool, AveragePool, Convolution, MaxPool, Unflatten
from snn2rtl.frontend import tensors

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, layer.Conv1d, layer.Conv2d)
AVERAGE_POOLS = (nn.AvgPool1d, nn.AvgPool2d, layer.AvgPool1d, layer.AvgPool2d)
ADAPTIVE_POOLS = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, layer.AdaptiveAvgPool1d, layer.AdaptiveAvgPool2d)
MAX_POOLS = (nn.MaxPool1d, nn.MaxPool2d, layer.MaxPool1d, layer.MaxPool2d)
UNFLATTENS = (nn.Unflatten,)
CLASSES = (*CONVOLUTIONS, *AVERAGE_POOLS, *ADAPTIVE_POOLS, *MAX_POOLS, *UNFLATTENS)
Read = Convolution | AveragePool | AdaptiveAveragePool | MaxPool | Unflatten


def read(path: str, module: Any, found: tensors.Tensors) -> Read:
    """Return the node of a module of CLASSES.

    Raises:
        UnsupportedModelError: it computes something else than its node.
    """
    kind = type(module)
    if kind in CONVOLUTIONS:
        return _convolution(path, module, found)
    if kind in AVERAGE_POOLS:
        return _average_pool(path, module)
    if kind in ADAPTIVE_POOLS:
        return _adaptive_pool(path, module)
    return _max_pool(path, module) if kind in MAX_POOLS else _unflatten(path, module)


def _convolution(path: str, module: Any, found: tensors.Tensors) -> Convolution:
    if module.padding_mode != "zeros":
        _refuse(path, f"padding_mode must be 'zeros', not {module.padding_mode!r}")
    padding = module.padding
    if isinstance(padding, str):  # "valid", or "same", which needs as much on both sides
        ends = module._reversed_padding_repeated_twice
        before, after = tuple(ends[-2::-2]), tuple(ends[-1::-2])
        if before != after:
            _refuse(path, f"padding must be equal at both ends, not {padding!r} with an even kernel")
        padding = before
    weight, bias, step = tensors.convolution(path, found)
    return Convolution(
        name=path,
        weight=weight,
        bias=bias,
        stride=tuple(module.stride),
        padding=tuple(padding),
        dilation=tuple(module.dilation),
        groups=module.groups,
        step=step,
    )


def _average_pool(path: str, module: Any) -> AveragePool:
    axes = 1 if isinstance(module, nn.AvgPool1d) else 2
    return AveragePool(
        name=path,
        kernel=_each(module.kernel_size, axes),
        stride=_each(module.stride, axes),
        padding=_each(module.padding, axes),
        ceil_mode=module.ceil_mode,
        count_include_pad=module.count_include_pad,
        divisor=getattr(module, "divisor_override", None) or 0,
    )


def _adaptive_pool(path: str, module: Any) -> AdaptiveAveragePool:
    outputs = _each(module.output_size, 1 if isinstance(module, nn.AdaptiveAvgPool1d) else 2)
    if None in outputs:
        _refuse(path, f"output_size must be fixed, not {module.output_size}")
    return AdaptiveAveragePool(name=path, outputs=outputs)


def _max_pool(path: str, module: Any) -> MaxPool:
    if module.return_indices:
        _refuse(path, "return_indices must be False, not True")
    axes = 1 if isinstance(module, nn.MaxPool1d) else 2
    return MaxPool(
        name=path,
        kernel=_each(module.kernel_size, axes),
        stride=_each(module.stride, axes),
        padding=_each(module.padding, axes),
        dilation=_each(module.dilation, axes),
        ceil_mode=module.ceil_mode,
    )


def _each(value: Any, axes: int) -> tuple[Any, ...]:
    """Return what an option is along each axis."""
    return tuple(value) if isinstance(value, tuple | list) else (value,) * axes


def _unflatten(path: str, module: nn.Unflatten) -> Unflatten:
    # nn.Unflatten(-1, ...) and (1, ...) of a batch of rows; with time steps in front the last axis is the one
    if module.dim not in (-1, 1, 2):
        _refuse(path, f"dim must be the last one (-1), not {module.dim}")
    return Unflatten(name=path, shape=tuple(module.unflattened_size))


def _refuse(path: str, rule: str) -> None:
    raise UnsupportedModelError([f"layer '{path}': {rule}"])
