"""Read the torch modules that work along axes: convolutions, pools, and what gives a sample its shape.

Source: torch.nn.Conv1d, Conv2d, AvgPool1d, AvgPool2d, AdaptiveAvgPool1d, AdaptiveAvgPool2d, MaxPool1d, MaxPool2d,
Unflatten; spikingjelly 2.0.0 has subclasses of all but the last.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.nodes import AdaptiveAveragePool, AveragePool, Convolution, MaxPool, Node, Unflatten
from snn2rtl.frontend import tensors
from snn2rtl.frontend.frameworks.base import Layer, Place


def _convolution(place: Place) -> list[Node]:
    path, module = place.path, place.module
    if module.padding_mode != "zeros":
        _refuse(path, f"padding_mode must be 'zeros', not {module.padding_mode!r}")
    padding = module.padding
    if isinstance(padding, str):  # "valid", or "same", which needs as much on both sides
        ends = module._reversed_padding_repeated_twice
        before, after = tuple(ends[-2::-2]), tuple(ends[-1::-2])
        if before != after:
            _refuse(path, f"padding must be equal at both ends, not {padding!r} with an even kernel")
        padding = before
    weight, bias, step = tensors.convolution(path, tensors.held(module))
    return [
        Convolution(
            name=path,
            weight=weight,
            bias=bias,
            stride=tuple(module.stride),
            padding=tuple(padding),
            dilation=tuple(module.dilation),
            groups=module.groups,
            step=step,
        )
    ]


def _average_pool(place: Place) -> list[Node]:
    module = place.module
    axes = 1 if isinstance(module, nn.AvgPool1d) else 2
    return [
        AveragePool(
            name=place.path,
            kernel=_each(module.kernel_size, axes),
            stride=_each(module.stride, axes),
            padding=_each(module.padding, axes),
            ceil_mode=module.ceil_mode,
            count_include_pad=module.count_include_pad,
            divisor=getattr(module, "divisor_override", None) or 0,
        )
    ]


def _adaptive_pool(place: Place) -> list[Node]:
    module = place.module
    outputs = _each(module.output_size, 1 if isinstance(module, nn.AdaptiveAvgPool1d) else 2)
    if None in outputs:
        _refuse(place.path, f"output_size must be fixed, not {module.output_size}")
    return [AdaptiveAveragePool(name=place.path, outputs=outputs)]


def _max_pool(place: Place) -> list[Node]:
    module = place.module
    if module.return_indices:
        _refuse(place.path, "return_indices must be False, not True")
    axes = 1 if isinstance(module, nn.MaxPool1d) else 2
    return [
        MaxPool(
            name=place.path,
            kernel=_each(module.kernel_size, axes),
            stride=_each(module.stride, axes),
            padding=_each(module.padding, axes),
            dilation=_each(module.dilation, axes),
            ceil_mode=module.ceil_mode,
        )
    ]


def _each(value: Any, axes: int) -> tuple[Any, ...]:
    """Return what an option is along each axis."""
    return tuple(value) if isinstance(value, tuple | list) else (value,) * axes


def _unflatten(place: Place) -> list[Node]:
    # nn.Unflatten(-1, ...) and (1, ...) of a batch of rows; with time steps in front the last axis is the one
    module = place.module
    if module.dim not in (-1, 1, 2):
        _refuse(place.path, f"dim must be the last one (-1), not {module.dim}")
    return [Unflatten(name=place.path, shape=tuple(module.unflattened_size))]


def _refuse(path: str, rule: str) -> None:
    raise UnsupportedModelError([f"layer '{path}': {rule}"])


LAYERS: dict[type[nn.Module], Layer] = {
    nn.Conv1d: Layer(_convolution, features=(2,)),
    nn.Conv2d: Layer(_convolution, features=(3,)),
    nn.AvgPool1d: Layer(_average_pool, features=(2,)),
    nn.AvgPool2d: Layer(_average_pool, features=(3,)),
    nn.AdaptiveAvgPool1d: Layer(_adaptive_pool, features=(2,)),
    nn.AdaptiveAvgPool2d: Layer(_adaptive_pool, features=(3,)),
    nn.MaxPool1d: Layer(_max_pool, features=(2,), commutes=False),
    nn.MaxPool2d: Layer(_max_pool, features=(3,), commutes=False),
    nn.Unflatten: Layer(_unflatten, has_lead=False, reshapes=True),
}
