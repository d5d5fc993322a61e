"""What a user can ask of compile; the command line mirrors these fields one to one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Generic, Literal, TypeVar, get_args

from snn2rtl.errors import OptionError
from snn2rtl.float_net.nodes import ResetKind
from snn2rtl.int_net.neurons import MAX_MEMBRANE_BITS
from snn2rtl.int_net.population import MAX_WEIGHT_BITS

T = TypeVar("T", int, str)
DEFAULT_BITS = 8
DEFAULT_LANES = 16
MAX_LANES = 1024


@dataclass(frozen=True)
class PerLayer(Generic[T]):
    """A value for all layers, and other values for layers by name: ``8`` or ``8,fc1=4``."""

    default: T
    named: Mapping[str, T] = field(default_factory=lambda: MappingProxyType({}))

    def __getitem__(self, layer: str) -> T:
        return self.named.get(layer, self.default)

    def check_names(self, option: str, layers: Sequence[str]) -> None:
        """Raise OptionError where a layer is named that the network does not have."""
        unknown = [name for name in self.named if name not in layers]
        if unknown:
            raise OptionError(f"--{option}: layers must be among {', '.join(layers)}, not {', '.join(unknown)}")


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What a model file in the units of physics leaves open; NIR's do (docs/nir.md).

    dt: seconds of a time step, None where nothing is said. reset: what a spike does to the membrane, to v_reset (hard)
    or by the threshold (soft), or what snnTorch does: by the threshold one step later (late) or without reset_delay
    (stepped), nothing (none). integrate: what neurons without a leak add in a step, their input times dt (time) or
    as it is (step). Empty texts say nothing.
    """

    dt: float | None = None
    reset: ResetKind | Literal[""] = ""
    integrate: Literal["", "time", "step"] = ""

    def __post_init__(self) -> None:
        if self.dt is not None and not 0 < self.dt < math.inf:
            raise OptionError(f"--dt: must be above 0 seconds, not {self.dt}")
        for name, choices in (("reset", get_args(ResetKind)), ("integrate", ("time", "step"))):
            if getattr(self, name):
                _check_choice(name, getattr(self, name), choices)

    def refuse_all(self) -> None:
        """Raise OptionError where anything was said, for there is no file of NIR to say it of."""
        said = {"dt": self.dt, "reset": self.reset, "integrate": self.integrate}
        problems = [f"--{name}: must be left out where the model is no file of NIR, not {value}"
                    for name, value in said.items() if value not in (None, "")]  # fmt: skip
        if problems:
            raise OptionError("\n".join(problems))


@dataclass(frozen=True, kw_only=True)
class QuantizeOptions:
    """How the float network becomes an integer network.

    bits: weight width, 0 for the least that holds training's weights, or 8 where training chose no weight step. scale:
    one scale for a layer's weights, or one for each neuron's. leak: a power of two by shift, a multiplier of leak_bits,
    or auto: shift where it is exact, multiplier elsewhere. membrane_bits: width at which the membrane saturates, 0 for
    one that time_steps steps cannot fill. membrane_fraction: fraction bits of the membrane below the weights' least
    significant bit, -1 for what passes/leaks.py finds enough. time_steps: length of a sample, 0 for the encoder's, or
    100 without one. readout: what the class is read from where the last layer integrates, empty for what the model
    says.
    """

    bits: PerLayer[int] = PerLayer(0)
    scale: Literal["neuron", "layer"] = "neuron"
    leak: Literal["auto", "shift", "multiplier"] = "auto"
    leak_bits: int = 8
    membrane_bits: PerLayer[int] = PerLayer(0)
    membrane_fraction: PerLayer[int] = PerLayer(-1)
    time_steps: int = 0
    strict: bool = False
    readout: Literal["", "max", "last", "sum"] = ""

    def __post_init__(self) -> None:
        for bits in (self.bits.default, *self.bits.named.values()):
            if bits:  # 0 asks for nothing
                _check_range("bits", PerLayer(bits), 1, MAX_WEIGHT_BITS)
        _check_range("membrane-bits", self.membrane_bits, 0, MAX_MEMBRANE_BITS)
        _check_range("membrane-fraction", self.membrane_fraction, -1, 24)
        _check_range("leak-bits", PerLayer(self.leak_bits), 1, 15)
        _check_range("time-steps", PerLayer(self.time_steps), 0, 1 << 16)
        _check_choice("scale", self.scale, ("neuron", "layer"))
        _check_choice("leak", self.leak, ("auto", "shift", "multiplier"))
        if self.readout:
            _check_choice("readout", self.readout, ("max", "last", "sum"))


@dataclass(frozen=True, kw_only=True)
class RtlOptions:
    """How the integer network becomes hardware.

    lanes: neurons that a layer updates in one cycle, 0 for 16 or what the targets need. layout: how weights are stored,
    auto for the cheapest or what the targets need. output: what the output stream carries, the class of a sample, its
    class and counts, or every output spike. beat_pixels: pixels of a beat of the input stream of a directly coded
    network, 0 for 8.
    """

    lanes: PerLayer[int] = PerLayer(0)
    layout: PerLayer[str] = PerLayer("auto")
    output: Literal["class", "counts", "spikes"] = "class"
    beat_pixels: int = 0

    def __post_init__(self) -> None:
        _check_range("lanes", self.lanes, 0, MAX_LANES)
        _check_range("beat-pixels", PerLayer(self.beat_pixels), 0, 8)
        _check_choice("output", self.output, ("class", "counts", "spikes"))

    def lanes_of(self, layer: str, neurons: int) -> int:
        """Return the lanes of a layer of so many neurons."""
        return min(self.lanes[layer] or DEFAULT_LANES, neurons)


@dataclass(frozen=True, kw_only=True)
class Targets:
    """What the hardware must reach: cycles of a sample and block memories, at most; None for any."""

    cycles: int | None = None
    bram: int | None = None

    def __post_init__(self) -> None:
        for option, value in (("cycles", self.cycles), ("bram", self.bram)):
            if value is not None:
                _check_range(f"target-{option}", PerLayer(value), 1, 1 << 48)


def _check_range(option: str, value: PerLayer[int], low: int, high: int) -> None:
    for number in (value.default, *value.named.values()):
        if not low <= number <= high:
            raise OptionError(f"--{option}: must be {low}..{high}, not {number}")


def _check_choice(option: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise OptionError(f"--{option}: must be {', '.join(choices[:-1])} or {choices[-1]}, not {value}")
