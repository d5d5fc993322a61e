"""What a training run on MNIST is asked to do. No torch here, so that the command line can read the defaults."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from snn2rtl.encoders import Encoder
from snn2rtl.training.config import Rule, TrainConfig

ENCODERS = ("poisson", "direct")


@dataclass(frozen=True, kw_only=True)
class MnistConfig(TrainConfig):
    """A training run on MNIST; TrainConfig has what every run has.

    Network. tau: membrane time constant of every layer; a power of two leaks exactly in hardware.

    Samples. encoder, time_steps, scale: the Encoder that the trained network is measured and saved with.
    train_time_steps: time steps of a sample in training, 0 for time_steps; fewer are faster. augment: largest random
    shift of an image in pixels; it is also turned by up to 5 degrees a pixel. hold_out: training images that are kept
    for validation; the test images are then never looked at.

    Raises:
        OptionError: a value is out of its range; every problem is named.
    """

    TASK: ClassVar[str] = "mnist"
    HELD_OUT: ClassVar[str] = "hold_out"
    tau: float = 2.0
    encoder: Literal["poisson", "direct"] = "poisson"
    train_time_steps: int = 0
    scale: float = 0.7
    augment: float = 0.0
    hold_out: int = 0

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

    def rules(self) -> list[Rule]:
        """Return what must hold of each option."""
        return [
            ("tau", "above 1", 1 < self.tau < math.inf),
            ("encoder", " or ".join(ENCODERS), self.encoder in ENCODERS),
            ("train_time_steps", "at least 0", self.train_time_steps >= 0),
            ("scale", "above 0 and at most 1", 0 < self.scale <= 1),
            ("augment", "0 to 4 pixels", 0 <= self.augment <= 4),
            ("hold_out", "0 to 30000", 0 <= self.hold_out <= 30_000),
            *super().rules(),
            ("bits", "0 with batch_norm (fold it first: train without bits, then --init from that model)",
             not (self.bits and self.batch_norm)),
            ("tau", "a power of two where bits are given", not self.bits or math.frexp(self.tau)[0] == 0.5),
        ]  # fmt: skip
