"""From named torch tensors to the nodes that hold weights: what a module and a state_dict have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.nodes import BatchNorm, FloatArray, Linear

Tensors = Mapping[str, torch.Tensor]
_HELD = (
    "weight", "weight_orig", "weight_mask", "weight_step", "bias", "bias_orig", "bias_mask", "running_mean",
    "running_var", "w",
)  # fmt: skip
_WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def held(module: object) -> Tensors:
    """Return the tensors that a layer holds."""
    return {key: value for key in _HELD if (value := getattr(module, key, None)) is not None}


def linear(name: str, tensors: Tensors) -> Linear:
    """Return the linear layer of ``weight`` and, if any, ``bias``, ``weight_step``, ``recurrent``, ``delay``.

    Raises:
        UnsupportedModelError: a tensor is missing or cannot be read.
    """
    arrays = _arrays(name, tensors, required=("weight",), optional=("bias", "weight_step", "recurrent", "delay"))
    weight = arrays["weight"]
    return Linear(
        name=name,
        weight=weight,
        bias=arrays.get("bias", np.zeros(weight.shape[:1])),
        step=arrays.get("weight_step"),
        recurrent=arrays.get("recurrent"),
        delay=arrays.get("delay"),
    )


def optional(name: str, tensors: Tensors, key: str) -> FloatArray | None:
    """Return the values of a tensor, or None where there is no such.

    Raises:
        UnsupportedModelError: it cannot be read.
    """
    return _arrays(name, tensors, required=(), optional=(key,)).get(key)


def recurrent(name: str, tensors: Tensors) -> Linear:
    """Return the linear layer of the ``input_weights`` and ``recurrent_weights`` of a cell of Norse.

    Raises:
        UnsupportedModelError: a tensor is missing or cannot be read.
    """
    arrays = _arrays(name, tensors, required=("input_weights", "recurrent_weights"))
    weight = arrays["input_weights"]
    bias = np.zeros(weight.shape[:1])
    return Linear(name=name, weight=weight, bias=bias, recurrent=arrays["recurrent_weights"])


def fed_back(name: str, weight: FloatArray, bias: FloatArray | None = None) -> Linear:
    """Return the layer that passes its input on, and adds what its neurons' spikes of the step before weigh."""
    neurons = len(weight)
    bias = np.zeros(neurons) if bias is None else bias
    return Linear(name=name, weight=np.eye(neurons), bias=bias, recurrent=weight)


def weighted(name: str, tensors: Tensors) -> Linear:
    """Return the linear layer of the ``input_weights`` alone of a cell of Norse.

    Raises:
        UnsupportedModelError: the tensor is missing or cannot be read.
    """
    weight = _arrays(name, tensors, required=("input_weights",))["input_weights"]
    return Linear(name=name, weight=weight, bias=np.zeros(weight.shape[:1]))


def convolution(name: str, tensors: Tensors) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Return ``weight``, ``bias``, zero where there is none, and ``weight_step``, None where there is none.

    Raises:
        UnsupportedModelError: a tensor is missing or cannot be read.
    """
    arrays = _arrays(name, tensors, required=("weight",), optional=("bias", "weight_step"))
    return arrays["weight"], arrays.get("bias", np.zeros(arrays["weight"].shape[:1])), arrays.get("weight_step")


def batch_norm(name: str, tensors: Tensors, epsilon: float) -> BatchNorm:
    """Return the batch norm of the running statistics and, where it is affine, ``weight`` and ``bias``.

    Raises:
        UnsupportedModelError: a tensor is missing or cannot be read.
    """
    arrays = _arrays(name, tensors, required=("running_mean", "running_var"), optional=("weight", "bias"))
    mean = arrays["running_mean"]
    return BatchNorm(
        name=name,
        mean=mean,
        variance=arrays["running_var"],
        epsilon=epsilon,
        gamma=arrays.get("weight", np.ones(mean.shape)),
        beta=arrays.get("bias", np.zeros(mean.shape)),
    )


def parametric_tau(name: str, tensors: Tensors) -> float:
    """Return ``1 / sigmoid(w)``, the sigmoid in w's own precision, as ParametricLIFNode computes it.

    Raises:
        UnsupportedModelError: w is missing or not one number, or the sigmoid is 0.
    """
    w = _arrays(name, tensors, required=("w",))["w"]
    if w.size != 1:
        raise UnsupportedModelError([f"layer '{name}': w must be one number, not of shape {w.shape}"])
    reciprocal = tensors["w"].detach().cpu().sigmoid().item()
    if not (math.isfinite(reciprocal) and reciprocal > 0):
        raise UnsupportedModelError([f"layer '{name}': 1/tau = sigmoid(w) must be above 0, not {reciprocal}"])
    return 1 / reciprocal


def number(value: object) -> float | None:
    """Return a number as it is, whatever holds it: Python, NumPy, or a tensor of one element; None if it is none."""
    if isinstance(value, torch.Tensor | np.ndarray) and math.prod(value.shape) == 1:
        value = value.item()
    return float(value) if isinstance(value, Real) and not isinstance(value, bool) else None


def to_array(tensor: object, whole: bool = False) -> NDArray[Any]:
    """Return the tensor's values, exactly: float64, or int64 where they are whole numbers.

    Raises:
        TypeError: it is no dense tensor of floats, or of integers; the message reads on from the tensor's name.
    """
    kind = "integers" if whole else "floats"
    if not isinstance(tensor, torch.Tensor):
        raise TypeError(f"must be a tensor, not {type(tensor).__name__}")
    right = tensor.dtype in _WHOLE if whole else tensor.dtype.is_floating_point
    if tensor.layout != torch.strided or tensor.is_meta or not right:
        raise TypeError(f"must be a dense tensor of {kind}, not {tensor.dtype}, {tensor.layout}, {tensor.device}")
    if tensor.untyped_storage().nbytes() < tensor.numel() * tensor.element_size():
        # A few bytes in a file could ask for any amount of memory.
        raise TypeError(f"must hold all its {tensor.numel()} elements, not repeat some; call contiguous()")
    array: NDArray[Any] = np.empty(tensor.shape, np.int64 if whole else np.float64)
    torch.from_numpy(array).copy_(tensor.detach())
    array.setflags(write=False)  # nodes take it as it is
    return array


def _arrays(
    name: str, tensors: Tensors, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> dict[str, NDArray[Any]]:
    arrays, problems = {}, []
    for key in required + optional:
        try:
            array = _effective(tensors, key)
        except TypeError as error:
            problems.append(f"layer '{name}': {key} {error}")
            continue
        if array is not None:
            arrays[key] = array
        elif key in required:
            problems.append(f"layer '{name}': must have a tensor '{key}', which is missing")
    if problems:
        raise UnsupportedModelError(problems)
    return arrays


def _effective(tensors: Tensors, key: str) -> NDArray[Any] | None:
    """Return what the forward pass uses.

    ``torch.nn.utils.prune`` keeps ``key_orig`` and ``key_mask`` and sets ``key`` to their product before each forward
    pass, so that ``key`` itself may be older than ``key_orig``.
    """
    original, mask = tensors.get(f"{key}_orig"), tensors.get(f"{key}_mask")
    if original is None or mask is None:
        return to_array(tensors[key], whole=key == "delay") if key in tensors else None
    values, kept = to_array(original), to_array(mask)
    if values.shape != kept.shape:
        raise TypeError(f"must have the shape of its mask, {kept.shape}, not {values.shape}")
    effective: FloatArray = values * kept
    return effective
