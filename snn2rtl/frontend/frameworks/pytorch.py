"""The layers of PyTorch, which the layers of the other frameworks stand among.

Source: torch.nn; torch.nn.utils.prune.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils import prune

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.nodes import Dropout, Flatten, Node
from snn2rtl.frontend import tensors
from snn2rtl.frontend.frameworks import convolutions
from snn2rtl.frontend.frameworks.base import FrontEnd, Layer, Place

# Modules that compute what the one module in them does, by the names of their classes, each with the name of that.
WRAPPERS = {
    "torch.nn.parallel.data_parallel.DataParallel": "module",
    "torch.nn.parallel.distributed.DistributedDataParallel": "module",
    "torch._dynamo.eval_frame.OptimizedModule": "_orig_mod",
}


def _linear(place: Place) -> list[Node]:
    return [tensors.linear(place.path, tensors.held(place.module))]


def _dropout(place: Place) -> list[Node]:
    return [Dropout(name=place.path)]


def _identity(_: Place) -> list[Node]:
    return []


def _flatten(place: Place) -> list[Node]:
    start, end = place.module.start_dim, place.module.end_dim
    # Axes before start_dim are samples like the batch, for every layer after it works on the last axis.
    if not (start >= 1 and end == -1):
        rule = "must keep the batch and join the rest (start_dim of at least 1, end_dim -1)"
        raise UnsupportedModelError([f"layer '{place.path}': {rule}, not start_dim {start}, end_dim {end}"])
    return [Flatten(name=place.path)]


def _batch_norm(place: Place) -> list[Node]:
    found = tensors.held(place.module)
    if not {"running_mean", "running_var"} <= found.keys():
        rule = (
            "must have running statistics (track_running_stats=True), for without them its output depends on the batch"
        )
        raise UnsupportedModelError([f"layer '{place.path}': {rule}"])
    return [tensors.batch_norm(place.path, found, float(place.module.eps))]


_DROPOUT = Layer(_dropout, has_lead=False)
LAYERS: dict[type[nn.Module], Layer] = {
    nn.Linear: Layer(_linear, features=(1,), has_lead=False),
    **convolutions.LAYERS,
    nn.BatchNorm1d: Layer(_batch_norm, features=(1, 2)),
    nn.BatchNorm2d: Layer(_batch_norm, features=(3,)),
    nn.Dropout: _DROPOUT,
    nn.Dropout1d: _DROPOUT,
    nn.Dropout2d: _DROPOUT,
    nn.Flatten: Layer(_flatten, has_lead=False, reshapes=True),
    nn.Identity: Layer(_identity, has_lead=False),
}


class PyTorch(FrontEnd):
    """Layers without a state."""

    name = "PyTorch"
    others = (
        "Linear", "Conv1d", "Conv2d", "MaxPool1d", "MaxPool2d", "AvgPool1d", "AvgPool2d", "AdaptiveAvgPool1d",
        "AdaptiveAvgPool2d", "Flatten", "Unflatten", "BatchNorm1d", "BatchNorm2d", "Dropout",
    )  # fmt: skip
    packages = ("torch.nn.",)
    containers = (nn.Sequential,)
    layers = LAYERS
    saved = ("torch.nn.",)
    parts = (
        prune.PruningContainer, prune.Identity, prune.RandomUnstructured, prune.L1Unstructured,
        prune.RandomStructured, prune.LnStructured, prune.CustomFromMask,
    )  # fmt: skip
    fresh = (nn.Linear, torch.nn.modules.conv._ConvNd, torch.nn.modules.batchnorm._BatchNorm)
    same_shape = (torch.nn.modules.batchnorm._BatchNorm, torch.nn.modules.dropout._DropoutNd, nn.Identity)
