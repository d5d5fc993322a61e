"""Spikes as the events that cross a layer's streams; snn2rtl.rtl.beats has the format."""

from __future__ import annotations

import numpy as np
from cocotb_streams import Beat

from snn2rtl.hextext import from_bits
from snn2rtl.reference import Spikes
from snn2rtl.rtl import beats


def events(spikes: Spikes, addr_width: int) -> list[Beat]:
    """Return the events (address, step end, sample end) of spikes of shape (T, N, places)."""
    words = from_bits(beats.event_words(spikes, addr_width))
    mask = (1 << addr_width) - 1
    return [(int(word) & mask, int(word) >> addr_width & 1, int(word) >> addr_width + 1) for word in words]


def random_spikes(rng: np.random.Generator, steps: int, samples: int, places: int) -> Spikes:
    """Return spikes of which every fourth step is silent and every fourth one full."""
    density = rng.choice([0.0, 0.1, 0.5, 1.0], (steps, samples, 1))
    return (rng.random((steps, samples, places)) < density).astype(np.uint8)
