"""A network of others, for benchmarks/models.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn


@dataclass(frozen=True)
class Model:
    """A network of others.

    origin: where it is from. build: makes it. shape: of a sample in a step. framework: whose neurons it has. by_step:
    its forward() takes one step, not all. gives_states: what a step returns beside its output are states, which the
    next step takes; else the neurons keep them. is_batch_first: it takes samples before steps. takes_images: it repeats
    an image itself, for direct coding. batch: samples that are compared; steps: of a sample, where it does not choose
    them. is_single: it computes in float32 whatever it is given, as snnTorch does. is_log: it ends in a log_softmax,
    of which the differences are those of the scores. weight_bits: of fractions, few where two layers of weights become
    one.
    """

    name: str
    origin: str
    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    framework: Literal["SpikingJelly", "Norse", "snnTorch"] = "SpikingJelly"
    by_step: bool = False
    gives_states: bool = False
    is_batch_first: bool = False
    takes_images: bool = False
    batch: int = 4
    steps: int = 3
    is_single: bool = False
    is_log: bool = False
    weight_bits: int = 6

    @property
    def dtype(self) -> torch.dtype:
        """In which nothing is rounded."""
        return torch.float32 if self.is_single or self.framework == "snnTorch" else torch.float64
