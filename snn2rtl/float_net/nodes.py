"""The nodes of the float network, one frozen dataclass each; node_problems.py has what is wrong with one.

Shapes: ``in`` and ``out`` are neuron counts. Arrays are read-only, float64 where they are not delays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snn2rtl.fixed_point import IntArray

FloatArray = NDArray[np.float64]
SCORES = ("max", "last", "sum")
NamedReset = Literal["", "none", "late", "stepped"]  # of a Neuron; "" is the one that v_reset says
ResetKind = Literal["hard", "soft", "none", "late", "stepped"]
RESETS = get_args(NamedReset)
MAX_REFRACTORY = 255  # time steps, a counter of eight bits


def _frozen(value: ArrayLike) -> FloatArray:
    if isinstance(value, np.ndarray) and value.dtype == np.float64 and _is_frozen(value):
        return value  # frozen by another node already: passes share what they do not change
    return _locked(np.array(value, dtype=np.float64))


def _is_frozen(array: NDArray[Any]) -> bool:
    return array.flags.owndata and not array.flags.writeable


def _locked(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array


def _freeze(node: object, *keys: str) -> None:
    """Replace each of the node's sequences by a read-only array, a number of numpy by a float; None stays None."""
    for key in keys:
        value = getattr(node, key)
        if value is not None:
            object.__setattr__(node, key, _frozen(value) if np.ndim(value) else float(value))


@dataclass(frozen=True, eq=False, kw_only=True)
class Flatten:
    """``y = x`` with the axes after the batch made one."""

    name: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Dropout:
    """``y = x`` once the network is trained."""

    name: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Scale:
    """``y = gain * x``, of currents or spikes; gain is a number, or an array in the shape of x.

    Source: spikingjelly.activation_based.ann2snn.modules.VoltageScaler; ``x / 2`` in a forward(); NIR's Scale.
    """

    name: str
    gain: float | FloatArray

    def __post_init__(self) -> None:
        _freeze(self, "gain")


@dataclass(frozen=True, eq=False, kw_only=True)
class Linear:
    """``y = weight @ x + bias``; weight has shape (out, in), bias (out,).

    step, of shape (out,), is the value of one integer weight of each neuron where training chose it; None where the
    quantizer chooses.

    recurrent, of shape (out, out), makes the spikes s of the layer's own neurons, those of the step before, inputs too:
    ``y = weight @ x + recurrent @ s + bias``. Its weights have the same step. None where the layer is not recurrent.

    delay, of shape (in,), are whole time steps of 0..63 after which each input arrives: ``x[t, i]`` is a part of the y
    of step ``t + delay[i]``. None where no input waits.
    """

    name: str
    weight: FloatArray
    bias: FloatArray
    step: FloatArray | None = None
    recurrent: FloatArray | None = None
    delay: IntArray | None = None

    def __post_init__(self) -> None:
        _freeze(self, "weight", "bias", "step", "recurrent")
        if self.delay is not None:
            object.__setattr__(self, "delay", _locked(np.array(self.delay)))


@dataclass(frozen=True, eq=False, kw_only=True)
class Unflatten:
    """``y = x`` in the shape (channels, length) or (channels, height, width), the last axis the fastest."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution:
    """``y[o] = bias[o] + sum of weight[o, c, k] * x[c, p]`` over channels c of o's group and places k of the kernel.

    Along each axis ``p = stride * place + dilation * k - padding``; x is 0 outside. weight has shape
    (out, in / groups, length) or (out, in / groups, height, width), bias (out,). step, of shape (out,), is the value of
    one integer weight of each output channel where training chose it.

    Source: torch.nn.Conv1d, Conv2d.
    """

    name: str
    weight: FloatArray
    bias: FloatArray
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int = 1
    step: FloatArray | None = None

    def __post_init__(self) -> None:
        _freeze(self, "weight", "bias", "step")


@dataclass(frozen=True, eq=False, kw_only=True)
class AveragePool:
    """``y[c] = mean of x[c, stride * place + k - padding]`` over places k of the kernel; x is 0 outside.

    ceil_mode: the last window may reach beyond the padding. The mean is over the places of the padded input, or over
    those of the input alone without count_include_pad; divisor, where it is not 0, takes the place of their number.

    Source: torch.nn.AvgPool1d, AvgPool2d.
    """

    name: str
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...] = ()
    ceil_mode: bool = False
    count_include_pad: bool = True
    divisor: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class AdaptiveAveragePool:
    """An average pool whose windows make an output of a given size along each axis.

    Source: torch.nn.AdaptiveAvgPool1d, AdaptiveAvgPool2d.
    """

    name: str
    outputs: tuple[int, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class MaxPool:
    """``y[c] = greatest x[c, stride * place + dilation * k - padding]`` over places k of the kernel; x are spikes.

    Source: torch.nn.MaxPool1d, MaxPool2d.
    """

    name: str
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    ceil_mode: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Add:
    """``y = x_1 + x_2 + ...``, element by element: of currents, or of spikes as SEW ResNet's ADD."""

    name: str


@dataclass(frozen=True, eq=False, kw_only=True)
class And:
    """``y = x_1 * x_2`` of spikes, SEW ResNet's AND."""

    name: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Iand:
    """``y = (1 - x_1) * x_2`` of spikes, SEW ResNet's IAND."""

    name: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Concatenate:
    """Its inputs one after the other along the channels, or along the neurons where they lie in a row."""

    name: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Vote:
    """``y[c] = mean of x[size * c + k]`` over k below size, the last node: groups of outputs stand for classes.

    Source: spikingjelly.activation_based.layer.VotingLayer.
    """

    name: str
    size: int


@dataclass(frozen=True, eq=False, kw_only=True)
class BatchNorm:
    """``y = (x - mean) / sqrt(variance + epsilon) * gamma + beta``, all of shape (neurons,).

    After a convolution its numbers are those of the channels.
    """

    name: str
    mean: FloatArray
    variance: FloatArray
    epsilon: float
    gamma: FloatArray
    beta: FloatArray

    def __post_init__(self) -> None:
        _freeze(self, "mean", "variance", "gamma", "beta")


@dataclass(frozen=True, eq=False, kw_only=True)
class Neuron:
    """Integrate-and-fire neurons: SpikingJelly's IFNode, LIFNode and ParametricLIFNode, Norse's LIF, snnTorch's Leaky.

    charge: ``h = v + x`` where tau is None, else ``h = v - (v - v_rest) / tau + (x / tau if decay_input else x)``
    fire: ``s = h >= v_threshold``, or ``s = h > v_threshold`` where strict
    reset: ``v = v_reset if s else h``, or ``v = h - s * v_threshold`` where v_reset is None

    The rest potential ``v_rest``, also the membrane of a new sample, is v_reset, or 0 where v_reset is None.

    Where v_reset is None, reset may name another one; r is what fire makes of the membrane of the step before:

    "none": ``v = h``
    "late": ``h = v - v / tau - r * v_threshold + x; v = h``, the reset of a spike in the step after it
    "stepped": ``v = h - s * v_threshold``, and while r the neuron fires at ``2 * v_threshold``

    refractory, with a v_reset: so many steps after a spike the membrane stays v_reset and does not fire, whatever
    arrives; a synaptic current goes on.

    With a synapse_tau the input goes through a synaptic current c, which takes the place of x in the charge:
    ``c = c - c / synapse_tau + x``. With grow and adaptation_tau its threshold adapts: it fires on ``h + a`` instead of
    h, and then ``a = a - a / adaptation_tau - s * grow``. c and a are 0 at the start of a sample.

    v_threshold, tau, synapse_tau, grow and adaptation_tau are numbers, or arrays of shape (neurons,), one of each. A
    tau of infinity, in an array, is that of a neuron without a leak.

    Source: spikingjelly 2.0.0, activation_based/neuron (charge, fire, reset of BaseNode, IFNode, LIFNode); norse 1.1.0,
    functional/lif.py, lif_refrac.py; snntorch 1.0.0, _neurons/leaky.py (reset_mechanism, reset_delay), lapicque.py.
    """

    name: str
    tau: float | FloatArray | None
    v_threshold: float | FloatArray
    v_reset: float | None
    decay_input: bool = False
    synapse_tau: float | FloatArray | None = None
    strict: bool = False
    grow: float | FloatArray | None = None
    adaptation_tau: float | FloatArray | None = None
    reset: NamedReset = ""
    refractory: int = 0

    def __post_init__(self) -> None:
        _freeze(self, "v_threshold", "tau", "synapse_tau", "grow", "adaptation_tau")

    @property
    def reset_kind(self) -> ResetKind:
        """What reset names, or what v_reset says where it names nothing."""
        return self.reset or ("soft" if self.v_reset is None else "hard")


@dataclass(frozen=True, eq=False, kw_only=True)
class Integrator:
    """Neurons that never fire, the last layer of a network; the class is the argmax of a score of their membranes.

    charge: ``v = v - v / tau + (x / tau if decay_input else x)``, x through a current with a synapse_tau, as in Neuron
    score: the greatest v of a sample's steps ("max"), the "last" one, or their "sum"

    tau and synapse_tau are numbers, or arrays of shape (neurons,). The membrane is 0 at the start of a sample.
    """

    name: str
    tau: float | FloatArray | None
    score: str
    synapse_tau: float | FloatArray | None = None
    decay_input: bool = False

    def __post_init__(self) -> None:
        _freeze(self, "tau", "synapse_tau")


Node = (
    Flatten | Dropout | Scale | Linear | Unflatten | Convolution | AveragePool | AdaptiveAveragePool | MaxPool
    | BatchNorm | Neuron | Integrator | Add | And | Iand | Concatenate | Vote
)  # fmt: skip
NODE_TYPES: dict[str, type[Node]] = {cls.__name__: cls for cls in get_args(Node)}
JOINS = (Add, And, Iand, Concatenate)  # nodes of several inputs
OF_EACH_NEURON = ("v_threshold", "tau", "synapse_tau", "grow", "adaptation_tau")


def decay(tau: float | FloatArray | None) -> FloatArray:
    """Return the fraction of a state that a step takes, 1 / tau, or 0 without a tau, in the shape of tau.

    ParametricLIFNode multiplies with a float32: a tau that is one over a float32, rounded, gives that very number.
    """
    if tau is None:
        return np.zeros(())
    exact = 1 / np.asarray(tau, np.float64)
    single = exact.astype(np.float32).astype(np.float64)
    with np.errstate(divide="ignore"):
        return np.where(1 / single == tau, single, exact)
