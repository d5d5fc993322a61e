"""Leaky integrators, which never fire: the last population of a network, whose score is read."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from snn2rtl.checks import check
from snn2rtl.fixed_point import IntArray
from snn2rtl.int_net.neurons.base import Saturate, Spikes, State, Threshold, charged, check_width, never
from snn2rtl.int_net.neurons.leaks import MAX_MEMBRANE_BITS, Leak, check_leak, gain_bits, leak


class Score(enum.Enum):
    """What the readout makes of the membranes of a sample."""

    MAX = "max"
    LAST = "last"
    SUM = "sum"  # the mean times the number of steps


@dataclass(frozen=True, eq=False, kw_only=True)
class Integrator:
    """Leaky integrators that never fire, the last layer of a network; a sample's score is read from their membranes.

    charge: ``v = saturate(leak(v) + i, membrane_bits)``
    score: the greatest v of the sample's steps, the last one, or ``score = saturate(score + v, score_bits)``
    """

    neurons: int
    leak: Leak
    membrane_bits: int
    score: Score
    score_bits: int

    spikes: ClassVar[Literal[False]] = False
    num_states: ClassVar[int] = 1
    current_leak: ClassVar[Leak | None] = None
    second_leak: ClassVar[Leak | None] = None
    step_bits: ClassVar[tuple[int, ...]] = ()

    def __post_init__(self) -> None:
        _check_integrator(self)

    def __len__(self) -> int:
        return self.neurons

    @property
    def threshold(self) -> Threshold:
        """Out of reach."""
        return never(self.neurons)

    @property
    def adders(self) -> int:
        """What a score that is not the last membrane takes."""
        return int(self.score is not Score.LAST)

    def step(self, state: State, current: IntArray, saturate: Saturate) -> tuple[State, Spikes]:
        """Return state and spikes, of which there are none; arguments as of LifNeuron.step()."""
        membrane = charged(state[0], current, self.leak, saturate)
        return (membrane,), np.zeros(membrane.shape, bool)


@dataclass(frozen=True, eq=False, kw_only=True)
class CubaIntegrator:
    """Integrators behind a synaptic current, Norse's LICell.

    current: ``j = leak(c, synapse_leak) + i``
    charge: ``v = saturate(leak(v) + j, membrane_bits)``
    score is that of Integrator, and ``c = j``. v and c are 0 at the start of a sample.

    Source: norse 1.1.0, functional/leaky_integrator.py li_feed_forward_step.
    """

    neurons: int
    leak: Leak
    membrane_bits: int
    score: Score
    score_bits: int
    synapse_leak: Leak

    spikes: ClassVar[Literal[False]] = False
    num_states: ClassVar[int] = 2
    step_bits: ClassVar[tuple[int, ...]] = ()

    def __post_init__(self) -> None:
        _check_integrator(self)
        gain_bits("synapse_leak", self.synapse_leak, self.neurons)

    def __len__(self) -> int:
        return self.neurons

    @property
    def current_leak(self) -> Leak:
        """The synaptic current's."""
        return self.synapse_leak

    @property
    def second_leak(self) -> Leak:
        """The synaptic current's."""
        return self.synapse_leak

    @property
    def threshold(self) -> Threshold:
        """Out of reach."""
        return never(self.neurons)

    @property
    def adders(self) -> int:
        """Membrane and current, and what a score that is not the last membrane takes."""
        return 1 + int(self.score is not Score.LAST)

    def step(self, state: State, current: IntArray, saturate: Saturate) -> tuple[State, Spikes]:
        """Return state (membrane, synaptic current) and spikes, of which there are none."""
        synaptic = leak(state[1], self.synapse_leak) + current
        membrane = charged(state[0], synaptic, self.leak, saturate)
        return (membrane, synaptic), np.zeros(membrane.shape, bool)


def _check_integrator(neuron: Integrator | CubaIntegrator) -> None:
    check_width("membrane", neuron.membrane_bits)
    check(neuron.neurons > 0, f"neuron: an integrator must have at least one neuron, not {neuron.neurons}")
    check_leak("leak", neuron.leak, neuron.neurons)
    least = neuron.membrane_bits
    most = MAX_MEMBRANE_BITS if neuron.score is Score.SUM else least
    check(least <= neuron.score_bits <= most,
          f"neuron: score_bits of {neuron.score.value} must be {least}..{most}, not {neuron.score_bits}")  # fmt: skip
