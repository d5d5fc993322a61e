"""How often the golden model met the end of a width, or of a sample; reference.py counts it, and commands say it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from snn2rtl.fixed_point import IntArray, signed_range
from snn2rtl.int_net.network import FixedPointNetwork


class Limits:
    """The least and the greatest value of a width, and how many values were clipped to them so far."""

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high
        self.clipped = 0

    def clip(self, values: IntArray) -> IntArray:
        """Return the values, clipped in place."""
        outside = int(np.count_nonzero(values < self.low)) + int(np.count_nonzero(values > self.high))
        if outside:
            self.clipped += outside
            np.clip(values, self.low, self.high, out=values)
        return values


def readout_limits(network: FixedPointNetwork) -> Limits:
    """Return the limits of a spike count, or of the score of an integrator."""
    neuron = network.output.neuron
    if not neuron.spikes:
        return Limits(*signed_range(neuron.score_bits))
    return Limits(0, (1 << network.count_bits) - 1)


@dataclass(frozen=True)
class Saturations:
    """What a run clipped and lost; runs of other samples of a network add up.

    samples, steps: how many samples ran, and of how many time steps. membranes: charged membranes that were clipped, by
    the layers that have any. readout: spike counts that were clipped, or additions to the sums of integrators.
    lost_spikes: delayed ones that would arrive after the last step of their sample, by the layers whose inputs have
    any; a float network loses them too.
    """

    samples: int = 0
    steps: int = 0
    membranes: Mapping[str, int] = field(default_factory=dict)
    readout: int = 0
    lost_spikes: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Saturations) -> Saturations:
        """Return both."""
        return Saturations(
            samples=self.samples + other.samples,
            steps=max(self.steps, other.steps),
            membranes=dict(Counter(self.membranes) + Counter(other.membranes)),
            readout=self.readout + other.readout,
            lost_spikes=dict(Counter(self.lost_spikes) + Counter(other.lost_spikes)),
        )

    def clipped(self, network: FixedPointNetwork) -> list[str]:
        """Return one sentence for everything that a width was too small for."""
        updates = self.samples * self.steps
        said = [
            f"layer '{layer.name}': {self.membranes[layer.name]} of {updates * layer.num_neurons} membranes saturate "
            f"at {layer.neuron.membrane_bits} bits, over all time steps"
            for layer in network.populations
            if layer.name in self.membranes
        ]
        if self.readout:
            what, total = ("sums of membranes", updates) if network.integrates else ("spike counts", self.samples)
            said.append(
                f"readout: {self.readout} of {total * network.num_classes} {what} saturate at "
                f"{network.readout_bits} bits; samples of {self.steps} time steps are too long for it"
            )
        return said

    def lost(self) -> list[str]:
        """Return one sentence for every layer whose inputs have lost spikes."""
        return [
            f"layer '{name}': {count} delayed spikes would arrive after the last time step of their sample and are lost"
            for name, count in self.lost_spikes.items()
        ]
