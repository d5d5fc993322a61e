"""What a layer asks of the axes of its input: of time and batch, and of the sample's own."""

from __future__ import annotations

from dataclasses import dataclass

from spikingjelly.activation_based import layer
from torch import nn

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.frontend.convolutions import MAX_POOLS
from snn2rtl.frontend.spikingjelly import (
    BATCH_NORMS,
    DROPOUTS,
    FLATTENS,
    INTEGRATORS,
    LINEARS,
    NEURONS,
    RECURRENT,
    VOTES,
    unsupported,
)

RESHAPING = (*FLATTENS, nn.Unflatten)
_ALONG_1 = (
    nn.Conv1d, layer.Conv1d, nn.MaxPool1d, layer.MaxPool1d, nn.AvgPool1d, layer.AvgPool1d, nn.AdaptiveAvgPool1d,
    layer.AdaptiveAvgPool1d,
)  # fmt: skip
_ALONG_2 = (
    nn.Conv2d, layer.Conv2d, nn.MaxPool2d, layer.MaxPool2d, nn.AvgPool2d, layer.AvgPool2d, nn.AdaptiveAvgPool2d,
    layer.AdaptiveAvgPool2d, nn.BatchNorm2d, layer.BatchNorm2d, layer.ThresholdDependentBatchNorm2d,
)  # fmt: skip
_NORMS_1 = (nn.BatchNorm1d, layer.BatchNorm1d, layer.ThresholdDependentBatchNorm1d)
# Axes of a sample that a layer can take; any where a layer is in none of these.
_FEATURES: tuple[tuple[tuple[type, ...], tuple[int, ...]], ...] = (
    (LINEARS, (1,)), (_ALONG_1, (2,)), (_ALONG_2, (3,)), (_NORMS_1, (1, 2)), (VOTES, (1,)),
)  # fmt: skip
_ANY_LEAD = (*LINEARS, *DROPOUTS, nn.Identity, *RESHAPING)  # these work on the last axis or on every value alone
HAS_STATE = (*NEURONS, *RECURRENT, *INTEGRATORS)
SUPPORTED = (
    *LINEARS, *_ALONG_1, *_ALONG_2, *BATCH_NORMS, *DROPOUTS, *RESHAPING,
    *VOTES, nn.Identity, *HAS_STATE,
)  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """What is known of a class of layers.

    Attributes:
        has_state: whether a step depends on the steps before it.
        is_multi: whether it takes all steps in one call.
        has_lead: whether it wants certain axes before those of a sample.
        features: how many axes a sample may have; () for any.
        commutes: whether it does the same to the mean of several inputs as to each of them.
    """

    has_state: bool
    is_multi: bool
    has_lead: bool
    features: tuple[int, ...]
    commutes: bool


def layer_of(module: nn.Module) -> Layer:
    """Return what is known of a layer.

    Raises:
        UnsupportedModelError: nothing is; the message reads on from the layer's name.
    """
    kind = type(module)
    if kind not in SUPPORTED:
        raise UnsupportedModelError([unsupported(module)])
    has_state = kind in HAS_STATE
    return Layer(
        has_state=has_state,
        is_multi=kind in INTEGRATORS or getattr(module, "step_mode", "s") == "m",
        has_lead=kind not in _ANY_LEAD,
        features=next((counts for kinds, counts in _FEATURES if kind in kinds), ()),
        commutes=not has_state and kind not in MAX_POOLS,
    )
