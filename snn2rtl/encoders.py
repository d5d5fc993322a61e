"""Encoders: how a sample (pixels of 0..255) becomes the input spikes of T time steps. Integers only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from snn2rtl.errors import DataError, OptionError

PIXEL_BITS = 8
MAX_PIXEL = (1 << PIXEL_BITS) - 1
RATE_BITS = 16
MAX_RATE = (1 << RATE_BITS) // 255  # a white pixel then spikes in every step but one of 2**16


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """How samples enter the network.

    poisson: input i spikes in a step with probability ``pixel[i] * rate / 2**16``.
    direct: the pixel itself is the input of every step, a constant current ``pixel / 255``; it makes no spikes.
    """

    kind: Literal["poisson", "direct"]
    time_steps: int
    rate: int = 0

    def __post_init__(self) -> None:
        if self.kind not in ("poisson", "direct"):
            raise OptionError(f"encoder: kind must be poisson or direct, not {self.kind!r}")
        if not isinstance(self.time_steps, int) or self.time_steps < 1:
            raise OptionError(f"encoder: time_steps must be a positive integer, not {self.time_steps!r}")
        if not isinstance(self.rate, int) or not 0 <= self.rate <= MAX_RATE:
            raise OptionError(f"encoder: rate must be an integer of 0..{MAX_RATE}, not {self.rate!r}")

    @classmethod
    def poisson(cls, time_steps: int, scale: float) -> Encoder:
        """Return the Poisson encoder in which a pixel of 255 spikes with probability ``scale``."""
        return cls(kind="poisson", time_steps=time_steps, rate=round(scale * 2**RATE_BITS / 255))

    @property
    def input_max(self) -> int:
        """Greatest value of an input of the network: 1 for spikes, 255 for pixels."""
        return MAX_PIXEL if self.kind == "direct" else 1

    @property
    def scale(self) -> float:
        """Spike probability of a pixel of 255."""
        return self.rate * 255 / (1 << RATE_BITS)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for a file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Encoder:
        """Return the encoder that to_dict() described."""
        return cls(**data)

    def encode(self, pixels: NDArray[np.uint8], seed: int = 0, first: int = 0) -> NDArray[np.uint8]:
        """Return the input spikes of samples.

        The random numbers are the raw output of NumPy's Philox generator, whose stream is fixed for ever, cut into
        16-bit words: sample n starts at counter ``n * ceil(T * inputs / 16)`` of the generator whose key is the seed,
        so a sample's spikes do not depend on the batch that it comes in.

        Args:
            pixels: shape (N, inputs), 0..255.
            seed: chooses the random spikes.
            first: number of the first sample, where the batch is a part of a longer one.

        Returns:
            Shape (T, N, inputs), values 0 and 1.

        Raises:
            DataError: the encoder makes no spikes.
        """
        if self.kind != "poisson":
            raise DataError(f"encoder: must be poisson to make spikes, not {self.kind}")
        samples, inputs = pixels.shape
        size = self.time_steps * inputs
        blocks = -(-size // 16)
        raw = np.random.Philox(counter=first * blocks, key=seed).random_raw(samples * blocks * 4)
        noise = raw.astype("<u8", copy=False).view("<u2").reshape(samples, blocks * 16)[:, :size]
        noise = noise.reshape(samples, self.time_steps, inputs).transpose(1, 0, 2)
        spikes: NDArray[np.bool_] = noise < pixels.astype(np.uint32) * np.uint32(self.rate)
        return spikes.view(np.uint8)
