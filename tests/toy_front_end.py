"""A front end as anybody may add one: this file and a line in the table of frameworks, which the tests write.

The framework has one layer, neurons without a leak, and files of its own: a threshold and a matrix of weights as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import Linear, Neuron, Node
from snn2rtl.frontend.frameworks.base import FrontEnd, Layer, Place
from snn2rtl.options import ReadOptions


class Accumulate(nn.Module):
    """Neurons of the framework: a call is a step, and a neuron that reaches the threshold starts from 0 again."""

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold
        self.v: Any = 0.0

    def forward(self, x: Tensor) -> Tensor:
        v = self.v + x
        fired = v >= self.threshold
        self.v = torch.where(fired, 0.0, v)
        return fired.to(x.dtype)


def _read(place: Place) -> list[Node]:
    return [_neurons(place.path, place.module.threshold)]


def _neurons(name: str, threshold: float) -> Neuron:
    return Neuron(name=name, tau=None, v_threshold=threshold, v_reset=0.0, decay_input=False)


class Toy(FrontEnd):
    name = "Toy"
    neurons = ("Accumulate",)
    packages = ("toy_front_end",)
    layers: ClassVar[Mapping[type, Layer]] = {Accumulate: Layer(_read, has_state=True, commutes=False)}
    same_shape = (Accumulate,)

    def is_neuron(self, module: object) -> bool:
        return type(module) is Accumulate

    def reads_file(self, path: Path) -> bool:
        return path.suffix == ".toy"

    def load(self, path: Path, options: ReadOptions | None = None) -> SpikingNetwork:
        threshold, *rows = path.read_text().splitlines()
        weight = np.array([[float(value) for value in row.split()] for row in rows])
        nodes = (Linear(name="fc", weight=weight, bias=np.zeros(len(weight))), _neurons("toy", float(threshold)))
        return SpikingNetwork(name=path.stem, nodes=nodes)
