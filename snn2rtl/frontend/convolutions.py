"""Read the torch modules that work along axes: convolutions, average pools, and what gives a sample its shape.

Source: torch.nn.Conv1d, Conv2d, AvgPool1d, AvgPool2d, Unflatten; spikingjelly 2.0.0 has subclasses of the first four.
"""

from __future__ import annotations

from typing import Any

from spikingjelly.activation_based import layer
from torch import nn

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.nodes import AveragePool, Convolution, Unflatten
from snn2rtl.frontend import tensors

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, layer.Conv1d, layer.Conv2d)
POOLS = (nn.AvgPool1d, nn.AvgPool2d, layer.AvgPool1d, layer.AvgPool2d)
UNFLATTENS = (nn.Unflatten,)
CLASSES = (*CONVOLUTIONS, *POOLS, *UNFLATTENS)


def read(path: str, module: Any, found: tensors.Tensors) -> Convolution | AveragePool | Unflatten:
    """Return the node of a module of CLASSES.

    Raises:
        UnsupportedModelError: it computes something else than its node.
    """
    if type(module) in CONVOLUTIONS:
        return _convolution(path, module, found)
    return _pool(path, module) if type(module) in POOLS else _unflatten(path, module)


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


def _pool(path: str, module: Any) -> AveragePool:
    axes = 1 if isinstance(module, nn.AvgPool1d) else 2
    kernel, stride, padding = (
        value if isinstance(value, tuple) else (value,) * axes
        for value in (module.kernel_size, module.stride, module.padding)
    )
    if any(padding):
        _refuse(path, f"padding must be 0, not {module.padding}; pad the convolution before it")
    if module.ceil_mode:
        _refuse(path, "ceil_mode must be False, for places at the border would have weights of their own, not True")
    if getattr(module, "divisor_override", None) is not None:
        _refuse(path, f"divisor_override must be None, not {module.divisor_override}")
    return AveragePool(name=path, kernel=kernel, stride=stride)


def _unflatten(path: str, module: nn.Unflatten) -> Unflatten:
    # nn.Unflatten(-1, ...) and (1, ...) of a batch of rows; with time steps in front the last axis is the one
    if module.dim not in (-1, 1, 2):
        _refuse(path, f"dim must be the last one (-1), not {module.dim}")
    return Unflatten(name=path, shape=tuple(module.unflattened_size))


def _refuse(path: str, rule: str) -> None:
    raise UnsupportedModelError([f"layer '{path}': {rule}"])
