"""What a training run on spoken digits (SHD) is asked to do. No torch here: the command line reads the defaults."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from snn2rtl.data.events import MOST, UNITS, Binning
from snn2rtl.delays import MAX_DELAY
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.training.config import LEAK_BITS, Rule, TrainConfig

NEURONS = ("lif", "current", "adaptive")
LEAKS = ("multiplier", "shift")
READOUTS = ("max", "last", "sum")


@dataclass(frozen=True, kw_only=True)
class ShdConfig(TrainConfig):
    """A training run on spoken digits; TrainConfig has what every run has.

    Network. neuron: of the hidden layers: lif, behind a synaptic current (current), or adaptive. Time constants, in
    time steps, are drawn evenly by their logarithm: tau_min to tau_max of membranes, synapse_tau_min to synapse_tau_max
    of currents, adaptation_tau_min to adaptation_tau_max of adaptations; readout_tau is that of every output neuron at
    first. learn_tau: train them all. leak: what hardware has for them, a multiplier of leak_bits or a shift, which
    takes powers of two. membrane_fraction: bits of the membrane below a weight step, where quantized, -1 for as many as
    compile gives it; any other number has to be told to compile, too.
    grow: what a spike adds to the threshold of an adaptive neuron at first, in thresholds. recurrent: hidden layers
    have their own spikes of the step before as inputs. batch_norm is of hidden neurons, without recurrence, and folded
    where quantizing begins; a run that starts from a model file, or quantized, has none. delays: longest delay of an
    input of a layer in time steps, 0 for none; learn_delays: train them, or leave them as they were drawn. readout:
    what the score of an output neuron is made of its membrane: its greatest value, the last one, or the sum.

    Samples. step_ms: a time step in milliseconds. channels: of the 700 units pooled. levels: a channel has an input
    for each, which spikes where at least so many events come in a step; one that comes several times is heard at as
    many times, where there are delays. shift_channels, shift_steps, stretch, stretch_channels: a training sample is
    moved by up to so many channels and steps at random, made shorter or longer by up to this share, and its channels
    spread or narrowed by up to this share, as another voice would. drop_spikes: share of its input spikes that is left
    out. held_speakers: speakers of the training file that measure the run; the test file is then never looked at.

    Raises:
        OptionError: a value is out of its range; every problem is named.
    """

    TASK: ClassVar[str] = "shd"
    HELD_OUT: ClassVar[str] = "held_speakers"
    hidden: tuple[int, ...] = (128, 128)
    dropout: float = 0.2
    batch_norm: bool = True
    epochs: int = 40
    schedule: Literal["step", "cosine", "one-cycle"] = "one-cycle"
    label_smoothing: float = 0.1
    neuron: Literal["lif", "current", "adaptive"] = "current"
    tau_min: float = 4.0
    tau_max: float = 24.0
    synapse_tau_min: float = 1.5
    synapse_tau_max: float = 6.0
    adaptation_tau_min: float = 6.0
    adaptation_tau_max: float = 40.0
    readout_tau: float = 20.0
    learn_tau: bool = True
    leak: Literal["multiplier", "shift"] = "multiplier"
    leak_bits: int = LEAK_BITS
    membrane_fraction: int = -1
    grow: float = 0.3
    recurrent: bool = False
    delays: int = 0
    learn_delays: bool = True
    readout: Literal["max", "last", "sum"] = "sum"
    step_ms: float = 10.0
    channels: int = 140
    levels: tuple[int, ...] = (1,)
    shift_channels: int = 4
    shift_steps: int = 3
    stretch: float = 0.15
    stretch_channels: float = 0.15
    drop_spikes: float = 0.0
    held_speakers: tuple[int, ...] = ()

    def binning(self) -> Binning:
        """Return how recordings become input spikes."""
        return Binning(step_ms=self.step_ms, time_steps=self.time_steps, channels=self.channels, levels=self.levels)

    @property
    def smallest_share(self) -> int:
        """Samples of a batch that each process must have: batch norm takes the variance over their time steps, too."""
        return 2 if self.batch_norm and self.time_steps == 1 else 1

    def quantizing(self) -> QuantizeOptions:
        """Return how the trained network becomes the integer network that quantization-aware training ran."""
        return replace(super().quantizing(), membrane_fraction=PerLayer(self.membrane_fraction))

    def rules(self) -> list[Rule]:
        """Return what must hold of each option."""
        return [
            ("neuron", _one_of(NEURONS), self.neuron in NEURONS),
            *self._tau_rules(),
            ("leak", _one_of(LEAKS), self.leak in LEAKS),
            ("leak_bits", f"2 to {LEAK_BITS}", 2 <= self.leak_bits <= LEAK_BITS),
            ("membrane_fraction", "-1 to 12", -1 <= self.membrane_fraction <= 12),
            ("grow", "0 or more", 0 <= self.grow < math.inf),
            ("delays", f"0 to {MAX_DELAY}", 0 <= self.delays <= MAX_DELAY),
            ("readout", _one_of(READOUTS), self.readout in READOUTS),
            ("step_ms", "above 0", 0 < self.step_ms < math.inf),
            ("channels", f"1 to {UNITS}", 1 <= self.channels <= UNITS),
            ("levels", f"1 to {MOST}", len(self.levels) > 0 and all(1 <= level <= MOST for level in self.levels)),
            ("shift_channels", "at least 0 and below channels", 0 <= self.shift_channels < self.channels),
            ("shift_steps", "at least 0 and below time_steps", 0 <= self.shift_steps < max(1, self.time_steps)),
            ("stretch", "0 or more and below 1", 0 <= self.stretch < 1),
            ("stretch_channels", "0 or more and below 1", 0 <= self.stretch_channels < 1),
            ("drop_spikes", "0 or more and below 1", 0 <= self.drop_spikes < 1),
            *super().rules(),
        ]

    def _tau_rules(self) -> list[Rule]:
        rules = [("readout_tau", "above 1", 1 < self.readout_tau < math.inf)]
        for name in ("tau", "synapse_tau", "adaptation_tau"):
            low, high = getattr(self, f"{name}_min"), getattr(self, f"{name}_max")
            rules.append((f"{name}_min", "above 1", 1 < low < math.inf))
            rules.append((f"{name}_max", f"at least {name}_min, {low:g}", low <= high < math.inf))
        return rules


def _one_of(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
