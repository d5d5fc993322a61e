"""What a training run on MNIST is asked to do. No torch here, so that the command line can read the defaults."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from snn2rtl.config import option
from snn2rtl.encoders import Encoder
from snn2rtl.rules import above, at_least, between
from snn2rtl.training.config import TrainConfig


@dataclass(frozen=True, kw_only=True)
class MnistConfig(TrainConfig):
    """A training run on MNIST; TrainConfig has what every run has.

    encoder, time_steps and scale are the Encoder that the trained network is measured and saved with.
    """

    TASK: ClassVar[str] = "mnist"
    HELD_OUT: ClassVar[str] = "hold_out"
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
    hold_out: int = option(0, "training images kept for validation, in place of the test images", between(0, 30_000))

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
