"""Spikes as the events that cross a layer's streams; snn2rtl.rtl.beats has the format."""

from __future__ import annotations

import numpy as np
from cocotb_streams import Beat

from snn2rtl.fixed_point import IntArray
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.reference import Inputs, Spikes
from snn2rtl.rtl import beats
from snn2rtl.rtl.hextext import from_bits


def events(spikes: Spikes, addr_width: int) -> list[Beat]:
    """Return the events (address, step end, sample end) of spikes of shape (T, N, places)."""
    words = from_bits(beats.event_words(spikes, addr_width))
    mask = (1 << addr_width) - 1
    return [(int(word) & mask, int(word) >> addr_width & 1, int(word) >> addr_width + 1) for word in words]


def tagged_events(values: IntArray, addr_width: int) -> list[Beat]:
    """Return the events (address, tag, step end, sample end) of tags of shape (T, N, places); 0 is no event."""
    tags = iter(values.transpose(1, 0, 2)[values.transpose(1, 0, 2) != 0].tolist())
    spikes = (values != 0).astype(np.uint8)
    return [(addr, 0 if end else next(tags), end, last) for addr, end, last in events(spikes, addr_width)]


def random_tags(rng: np.random.Generator, spikes: Spikes, tag_width: int) -> IntArray:
    """Return a tag that is not 0 for each spike, and 0 elsewhere."""
    tags: IntArray = spikes * rng.integers(1, 1 << tag_width, spikes.shape)
    return tags


def random_inputs(rng: np.random.Generator, network: FixedPointNetwork, steps: int, samples: int) -> Inputs:
    """Return spikes or, where the network takes them, pixels or values, of which many are black and some white."""
    if not network.takes_pixels:
        return random_spikes(rng, steps, samples, network.num_inputs)
    shape = (1 if network.makes_steps else steps, samples, network.num_inputs)
    values = rng.choice([1, 255, rng.integers(256)], shape).astype(np.uint8) * random_spikes(rng, *shape)
    return values[0] if network.makes_steps else values


def random_spikes(rng: np.random.Generator, steps: int, samples: int, places: int) -> Spikes:
    """Return spikes of which every fourth step is silent and every fourth one full."""
    density = rng.choice([0.0, 0.1, 0.5, 1.0], (steps, samples, 1))
    return (rng.random((steps, samples, places)) < density).astype(np.uint8)
