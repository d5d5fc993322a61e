"""Tasks of images: networks of LIF neurons that take pixels as spikes or as constant currents."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from snn2rtl.config import option
from snn2rtl.encoders import Encoder
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import Integrator
from snn2rtl.rules import above, at_least, between
from snn2rtl.training.config import TrainConfig
from snn2rtl.training.task import Task

if TYPE_CHECKING:
    from torch import nn

    from snn2rtl.training.network import TrainableNetwork


@dataclass(frozen=True, kw_only=True)
class ImageConfig(TrainConfig):
    """A training run on images; TrainConfig has what every run has.

    encoder, time_steps and scale are the Encoder that the trained network is measured and saved with.
    """

    FROM_MODEL: ClassVar[Mapping[str, Any]] = {"batch_norm": False}
    tau: float = option(
        2.0, "membrane time constant in time steps; a power of two is exact in hardware", above(1), of_model=True
    )
    encoder: Literal["poisson", "direct"] = option(
        "poisson", "how a pixel enters: random spikes, or as a constant current", of_model=True
    )
    train_time_steps: int = option(0, "time steps of a sample in training, 0 for --time-steps", at_least(0))
    scale: float = option(0.7, "poisson: spike probability of a white pixel", above(0, 1))
    augment: float = option(
        0.0, "shift training images by up to so many pixels, turn them by up to 5 degrees a pixel", between(0, 4)
    )

    def sample_encoder(self) -> Encoder:
        """Return the encoder that the trained network is measured and saved with."""
        if self.encoder == "poisson":
            return Encoder.poisson(self.time_steps, self.scale)
        return Encoder(kind="direct", time_steps=self.time_steps)

    @property
    def smallest_share(self) -> int:
        """Samples of a batch that each process must have: two where batch norm takes their variance."""
        return 2 if self.batch_norm else 1

    @property
    def early_steps(self) -> int:
        """Time steps of the measurement after every epoch but the last, 0 for all."""
        return self.train_time_steps

    def conflicts(self) -> list[tuple[str, str, bool]]:
        """Return what must hold of several fields together."""
        return [
            *super().conflicts(),
            ("bits", "0 with batch_norm (fold it first: train without bits, then --init from that model)",
             not (self.bits and self.batch_norm)),
            ("tau", "a power of two where bits are given", not self.bits or math.frexp(self.tau)[0] == 0.5),
        ]  # fmt: skip


class ImageTask(Task):
    """A task whose samples are images; a class of its own says where they are from."""

    config: ClassVar[type[ImageConfig]]

    def build(self, config: ImageConfig) -> TrainableNetwork:
        """Return the untrained network."""
        from snn2rtl.training.build import image_network

        return image_network(config, self.inputs(config), self.classes)

    def load_weights(self, net: TrainableNetwork, config: ImageConfig, init: Path) -> None:
        """Give a network the numbers of a model file, whose batch norm is folded."""
        from snn2rtl.training.init import load_image_network

        load_image_network(net, config, init)

    def trains(self, network: SpikingNetwork) -> bool:
        """Return whether the network has no integrators."""
        return not any(isinstance(node, Integrator) for node in network.nodes)

    def model_config(self, path: Path) -> ImageConfig:
        """Return the configuration of a run with the network of a model file."""
        from snn2rtl.training.init import image_options

        return self.config(**image_options(path))

    def model(self, net: TrainableNetwork, name: str) -> nn.Module:
        """Return the network in SpikingJelly's layers."""
        from snn2rtl.training.export import to_spikingjelly

        return to_spikingjelly(net)

    def encoder(self, config: ImageConfig) -> Encoder:
        """Return what makes spikes of images."""
        return config.sample_encoder()
