"""What a training run on spoken digits (SHD) is asked to do. No torch here: the command line reads the defaults."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from snn2rtl.config import option
from snn2rtl.data.events import MOST, UNITS, Binning
from snn2rtl.delays import MAX_DELAY
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.rules import Each, above, at_least, below, between
from snn2rtl.training.config import LEAK_BITS, Schedule, TrainConfig


@dataclass(frozen=True, kw_only=True)
class ShdConfig(TrainConfig):
    """A training run on spoken digits; TrainConfig has what every run has.

    Time constants are drawn evenly by their logarithm. batch_norm is of hidden neurons, without recurrence, and folded
    where quantizing begins; a run that starts from a model file, or quantized, has none.
    """

    TASK: ClassVar[str] = "shd"
    HELD_OUT: ClassVar[str] = "held_speakers"
    hidden: tuple[int, ...] = (128, 128)
    dropout: float = 0.2
    batch_norm: bool = True
    epochs: int = 40
    schedule: Schedule = "one-cycle"
    label_smoothing: float = 0.1
    neuron: Literal["lif", "current", "adaptive"] = option(
        "current", "hidden neurons: plain, behind a synaptic current, or adaptive", of_model=True
    )
    tau_min: float = option(4.0, "least membrane time constant in time steps", above(1), of_model=True)
    tau_max: float = option(24.0, "greatest membrane time constant", at_least("tau_min"), of_model=True)
    synapse_tau_min: float = option(1.5, "least time constant of synaptic currents", above(1), of_model=True)
    synapse_tau_max: float = option(
        6.0, "greatest time constant of synaptic currents", at_least("synapse_tau_min"), of_model=True
    )
    adaptation_tau_min: float = option(6.0, "least time constant of adaptations", above(1), of_model=True)
    adaptation_tau_max: float = option(
        40.0, "greatest time constant of adaptations", at_least("adaptation_tau_min"), of_model=True
    )
    readout_tau: float = option(20.0, "time constant of the output neurons", above(1), of_model=True)
    learn_tau: bool = option(True, "train all time constants")
    leak: Literal["multiplier", "shift"] = option(
        "multiplier", "what leaks in hardware: a multiplier, or a shift, which allows powers of two as time constants"
    )
    leak_bits: int = option(
        LEAK_BITS,
        "width of the multiplier; its time constants are whole multiples of a power of two",
        between(2, LEAK_BITS),
    )
    membrane_fraction: int = option(
        -1,
        "bits of the membrane below a weight step, -1 for compile's choice, which else must be told",
        between(-1, 12),
    )
    grow: float = option(0.3, "adaptive: what a spike adds to the threshold, in thresholds", at_least(0), of_model=True)
    recurrent: bool = option(
        False, "hidden neurons have their own layer's spikes of the step before as inputs", of_model=True
    )
    delays: int = option(
        0, "longest delay of a layer's input in time steps, 0 for none", between(0, MAX_DELAY), of_model=True
    )
    learn_delays: bool = option(True, "train the delays")
    readout: Literal["max", "last", "sum"] = option(
        "sum", "score of a class: greatest, last or summed membrane", of_model=True
    )
    step_ms: float = option(10.0, "a time step in milliseconds", above(0))
    channels: int = option(140, "channels that the 700 units are pooled to", between(1, UNITS), of_model=True)
    levels: tuple[int, ...] = option(
        (1,),
        "an input of each channel for each, which spikes where at least so many events come in a step",
        Each(between(1, MOST), least=1),
    )
    shift_channels: int = option(4, "move training samples by up to so many channels", below("channels"))
    shift_steps: int = option(3, "move training samples by up to so many time steps", below("time_steps"))
    stretch: float = option(0.15, "make training samples shorter or longer by up to this share", below(1))
    stretch_channels: float = option(
        0.15, "spread or narrow the channels of training samples by up to this share", below(1)
    )
    drop_spikes: float = option(0.0, "share of the input spikes of training samples that is left out", below(1))
    held_speakers: tuple[int, ...] = option(
        (), "speakers of the training file kept for validation, in place of the test file"
    )

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
