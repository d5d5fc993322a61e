"""Encoders: how a sample (values of 0..255) becomes the input of T time steps. Integers only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from snn2rtl.errors import DataError, OptionError

PIXEL_BITS = 8
MAX_PIXEL = (1 << PIXEL_BITS) - 1
RATE_BITS = 16
MAX_RATE = (1 << RATE_BITS) // 255  # a white pixel then spikes in every step but one of 2**16

XORSHIFT_START = 0x0139408DCBBF7A44  # first state of every sample, Marsaglia's; snn_poisson.v begins with it too
XORSHIFT_WORDS = 4  # of RATE_BITS each in a state
_STATE_BITS = XORSHIFT_WORDS * RATE_BITS

Noise = Literal["philox", "xorshift"]
Kind = Literal["poisson", "direct", "values"]


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """How samples enter the network.

    poisson: input i spikes in a step with probability ``pixel[i] * rate / 2**16``. Its noise is that of NumPy's philox
    generator, and the hardware takes spikes, or of a xorshift generator that is built in hardware, which takes pixels.
    direct: the pixel itself is the input of every step, a constant current ``pixel / 255``; it makes no spikes.
    values: samples have steps of their own, with new values in each of them, currents ``value / 255``; time_steps is 0.
    """

    kind: Kind
    time_steps: int = 0
    rate: int = 0
    noise: Noise = "philox"

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise OptionError(f"encoder: kind must be poisson, direct or values, not {self.kind!r}")
        if self.has_steps and self.time_steps != 0:
            raise OptionError(f"encoder: time_steps must be left out where kind is values, not {self.time_steps!r}")
        if not self.has_steps and (not isinstance(self.time_steps, int) or self.time_steps < 1):
            raise OptionError(f"encoder: time_steps must be a positive integer, not {self.time_steps!r}")
        if not isinstance(self.rate, int) or not 0 <= self.rate <= MAX_RATE:
            raise OptionError(f"encoder: rate must be an integer of 0..{MAX_RATE}, not {self.rate!r}")
        if self.noise not in ("philox", "xorshift"):
            raise OptionError(f"encoder: noise must be philox or xorshift, not {self.noise!r}")
        if self.noise != "philox" and self.kind != "poisson":
            raise OptionError(f"encoder: noise must be left out where kind is {self.kind}, not {self.noise!r}")

    @classmethod
    def poisson(cls, time_steps: int, scale: float) -> Encoder:
        """Return the Poisson encoder in which a pixel of 255 spikes with probability ``scale``."""
        return cls(kind="poisson", time_steps=time_steps, rate=round(scale * 2**RATE_BITS / 255))

    @property
    def input_max(self) -> int:
        """Greatest value of an input of the network: 1 for spikes, 255 for pixels and values."""
        return 1 if self.kind == "poisson" else MAX_PIXEL

    @property
    def takes_pixels(self) -> bool:
        """Whether the network takes pixels or values themselves, and not spikes that were made of them beforehand."""
        return self.kind != "poisson" or self.noise == "xorshift"

    @property
    def has_steps(self) -> bool:
        """Whether samples come with steps of their own, shape (T, N, inputs), and not as pixels, shape (N, inputs)."""
        return self.kind == "values"

    @property
    def scale(self) -> float:
        """Spike probability of a pixel of 255."""
        return self.rate * 255 / (1 << RATE_BITS)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for a file; noise is left out where it is philox, which older files do not name."""
        return {key: value for key, value in asdict(self).items() if (key, value) != ("noise", "philox")}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Encoder:
        """Return the encoder that to_dict() described."""
        return cls(**data)

    def encode(self, pixels: NDArray[np.uint8], seed: int = 0, first: int = 0) -> NDArray[np.uint8]:
        """Return the input spikes of samples.

        A pixel spikes where its noise of 16 bits is below ``pixel * rate``. That of philox is NumPy's raw stream, fixed
        for ever: sample n starts at counter ``n * ceil(T * inputs / 16)`` of the generator whose key is the seed, so
        that a sample's spikes do not depend on the batch that it comes in. That of xorshift begins anew with every
        sample: pixel k of the K that are not black takes word ``4 * t * (K // 4 + 1) + k`` of it in step t.

        Args:
            pixels: shape (N, inputs), 0..255.
            seed: chooses the random spikes of philox.
            first: number of the first sample, where the batch is a part of a longer one.

        Returns:
            Shape (T, N, inputs), values 0 and 1.

        Raises:
            DataError: the encoder makes no spikes.
        """
        if self.kind != "poisson":
            raise DataError(f"encoder: must be poisson to make spikes, not {self.kind}")
        bounds = pixels.astype(np.uint16) * np.uint16(self.rate)
        if self.noise == "xorshift":
            return self._spikes_of_xorshift(bounds)
        samples, inputs = pixels.shape
        size = self.time_steps * inputs
        blocks = -(-size // 16)
        raw = np.random.Philox(counter=first * blocks, key=seed).random_raw(samples * blocks * 4)
        noise = raw.astype("<u8", copy=False).view("<u2").reshape(samples, blocks * 16)[:, :size]
        noise = noise.reshape(samples, self.time_steps, inputs).transpose(1, 0, 2)
        spikes: NDArray[np.bool_] = noise < bounds
        return spikes.view(np.uint8)

    def encoded(self, inputs: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return what the first layer takes: spikes of pixels that are encoded in hardware, else the inputs."""
        return self.encode(inputs) if self.noise == "xorshift" else inputs

    def _spikes_of_xorshift(self, bounds: NDArray[np.uint16]) -> NDArray[np.uint8]:
        samples, inputs = bounds.shape
        used = bounds != 0
        places = np.flatnonzero(used)
        states = used.sum(axis=1) // XORSHIFT_WORDS + 1  # of a step
        noise = xorshift_noise(self.time_steps * (inputs // XORSHIFT_WORDS + 1))
        word = (used.cumsum(axis=1) - 1).reshape(-1)[places]
        stride = XORSHIFT_WORDS * states.repeat(used.sum(axis=1))
        spikes = np.zeros((self.time_steps, samples * inputs), np.uint8)
        for step in spikes:
            step[places] = noise[word] < bounds.reshape(-1)[places]
            word += stride
        return spikes.reshape(self.time_steps, samples, inputs)


@lru_cache(maxsize=4)
def xorshift_noise(states: int) -> NDArray[np.uint16]:
    """Return the words of so many states of a xorshift generator (64 bits; 13, 7, 17), the lowest word of each first.

    Source: G. Marsaglia, Xorshift RNGs, Journal of Statistical Software 8 (14), 2003; RTL: snn_poisson.v.
    """
    sequence = np.empty(states, "<u8")
    state, mask = XORSHIFT_START, (1 << _STATE_BITS) - 1
    for number in range(states):
        sequence[number] = state
        state ^= state << 13 & mask
        state ^= state >> 7
        state ^= state << 17 & mask
    words: NDArray[np.uint16] = sequence.view("<u2")
    words.setflags(write=False)
    return words
