"""What compile tells the user: formats, errors and costs, as values that print as a table or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from snn2rtl.errors import told_apart
from snn2rtl.fixed_point import signed_range
from snn2rtl.int_net.saturations import Saturations

BitsFrom = Literal["asked", "training", "default"]
StepsFrom = Literal["asked", "encoder", "samples", "default"]


@dataclass(frozen=True)
class LeakReport:
    """The fraction of a state that a step should keep and that it keeps, of the neuron in which they differ most."""

    asked: float
    got: float


@dataclass(frozen=True, kw_only=True)
class LayerReport:
    """What quantizing did to one layer.

    bits_from: who chose weight_bits; training did by its weight steps, where nobody asked for a width. dropped_steps:
    neurons with weights whose step is not the one that training chose.
    Weight errors are in weight steps (of scale), the others in membrane steps, of scale / input_max /
    2**membrane_fraction; input_max is 255 where pixels enter, else 1. weights are those of inputs and recurrent ones.
    leak_* is the fraction of the membrane that a step keeps, of the neuron in which they differ most; synapse_leak and
    adaptation_leak are those of synaptic currents and adaptations. membrane_low and _high are what a sample of
    time_steps steps can charge a membrane to; may_saturate says that a longer one can pass membrane_bits. time_steps is
    the longest of what was asked for, what the encoder makes and what the calibration samples have; steps_from says
    which. Integrators have a score of score_bits; score_low and _high are what such a sample can bring it to.
    """

    name: str
    inputs: int
    neurons: int
    weights: int
    weight_bits: int
    bits_from: BitsFrom
    dropped_steps: int = 0
    scale_min: float
    scale_max: float
    nonzero_weights: int
    rounded_to_zero: int
    saturated_weights: int
    weight_error: float
    bias_error: float
    threshold_error: float = 0.0
    reset_error: float = 0.0
    grow_error: float = 0.0
    leak_asked: float
    leak_got: float
    input_max: int
    membrane_fraction: int
    membrane_bits: int
    membrane_low: int
    membrane_high: int
    leak_floors: bool
    may_saturate: bool
    silent_neurons: int
    time_steps: int
    steps_from: StepsFrom = "default"
    synapse_leak: LeakReport | None = None
    adaptation_leak: LeakReport | None = None
    adaptation_floors: bool = False
    score: str | None = None
    score_bits: int = 0
    score_low: int = 0
    score_high: int = 0

    def approximations(self) -> list[str]:
        """Return one sentence for every number that is not what the float network has."""
        where = f"layer '{self.name}'"
        total = self.weights
        notes = []
        if self.dropped_steps:
            notes.append(
                f"{where}: the weight_step of training is not taken for {self.dropped_steps} of {self.neurons} "
                f"neurons; their weights are no multiples of it that fit {self.weight_bits} bits, or all neurons need "
                "one step"
            )
        if self.saturated_weights:
            notes.append(f"{where}: {self.saturated_weights} of {total} weights saturate at {self.weight_bits} bits")
        if self.weight_error or self.rounded_to_zero:
            notes.append(
                f"{where}: weights are rounded by up to {self.weight_error:.3g} steps, "
                f"{self.rounded_to_zero} of {total} to zero"
            )
        for what in ("bias", "threshold", "reset", "grow"):
            error = getattr(self, f"{what}_error")
            if error:
                notes.append(f"{where}: {what} is rounded by up to {error:.3g} membrane steps")
        leaks = {"membrane": LeakReport(self.leak_asked, self.leak_got)}
        leaks |= {"synaptic current": self.synapse_leak} if self.synapse_leak else {}
        leaks |= {"adaptation": self.adaptation_leak} if self.adaptation_leak else {}
        for what, leak in leaks.items():
            if leak.got != leak.asked:
                got, asked = told_apart(leak.got, leak.asked)
                notes.append(f"{where}: a step keeps {got} of the {what}, not {asked}")
        for what, floors in (("membrane", self.leak_floors), ("adaptation", self.adaptation_floors)):
            if floors:
                steps = self.input_max << self.membrane_fraction
                notes.append(f"{where}: the leak floors the {what} to steps of 1/{steps} weight step")
        low, high = signed_range(self.membrane_bits)
        if self.membrane_low < low or self.membrane_high > high:
            notes.append(
                f"{where}: the membrane saturates at {self.membrane_bits} bits; "
                f"{self.time_steps} steps can charge it to {self.membrane_low}..{self.membrane_high}"
            )
        low, high = signed_range(max(1, self.score_bits))
        if self.score and (self.score_low < low or self.score_high > high):
            notes.append(
                f"{where}: the score saturates at {self.score_bits} bits; "
                f"{self.time_steps} steps can bring it to {self.score_low}..{self.score_high}"
            )
        return notes


def findings(reports: Sequence[LayerReport], accuracy: Accuracy | None) -> dict[str, Any]:
    """Return what quantizing cost as plain values for JSON."""
    return {
        "report": [{**asdict(report), "approximations": report.approximations()} for report in reports],
        "accuracy": asdict(accuracy) if accuracy else None,
    }


@dataclass(frozen=True)
class Accuracy:
    """Accuracy on calibration data of the float network and of the integer network, and how often both say the same.

    saturations: what the integer network clipped and lost.
    """

    samples: int
    before: float | None
    after: float
    agreement: float | None
    saturations: Saturations
