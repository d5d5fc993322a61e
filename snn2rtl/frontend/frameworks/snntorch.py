"""snnTorch's neurons, with their states inside of them (init_hidden) or passed by hand.

What is read is the network in evaluation mode, from membranes and currents of zero. Classes are known by their names,
so that snnTorch itself is never needed; modules of other classes, and other versions, may compute anything.

A step of Leaky, with ``r`` whether the membrane of the step before is above the threshold::

    mem = beta * mem + x - r * threshold                    reset "subtract"
    mem = beta * (1 - r) * mem + x                          reset "zero" of Leaky: a hard reset
    mem = (1 - r) * (beta * mem + x)                        reset "zero" of all others: a hard reset, held for a step
    spk = mem > threshold

With reset_delay=False the membrane is reset in the step in which it fires, ``mem - (spk - r) * threshold``.

Source: snntorch 1.0.0, _neurons: neurons, leaky, lapicque, synaptic, rleaky, rsynaptic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.nodes import FloatArray, Neuron, Node, Scale
from snn2rtl.frontend import tensors
from snn2rtl.frontend.frameworks.base import FrontEnd, Layer, Place, listed, version_problems

VERSION = "1.0"
RESETS = ("subtract", "zero", "none")  # by reset_mechanism_val
_STATE_FUNCTIONS = ("_base_sub", "_base_zero", "_base_int")


@dataclass(frozen=True)
class _Kind:
    """A class of snnTorch.

    Attributes:
        states: what forward() takes beside the input, each with the number of the result that it was.
        recurrent: whether its spikes come back through weights.
        zeroes_before: whether reset "zero" takes the membrane before a step charges it, rather than after.
    """

    states: Mapping[str, int]
    recurrent: bool = False
    zeroes_before: bool = False


KINDS = {
    "Leaky": _Kind({"mem": 1}, zeroes_before=True),
    "Lapicque": _Kind({"mem": 1}),
    "Synaptic": _Kind({"syn": 1, "mem": 2}),
    "RLeaky": _Kind({"spk": 0, "mem": 1}, recurrent=True),
    "RSynaptic": _Kind({"spk": 0, "syn": 1, "mem": 2}, recurrent=True),
}


class SnnTorch(FrontEnd):
    """Neurons by the names of their classes."""

    name = "snnTorch"
    neurons = tuple(KINDS)
    packages = ("snntorch.",)

    def reads(self, module: object) -> bool:
        """Return whether an object is one of snnTorch's neurons or layers, those that are refused too."""
        return type(module).__module__.startswith(self.packages)

    def is_neuron(self, module: object) -> bool:
        """Return whether an object is one of snnTorch's neurons."""
        return self.reads(module)

    def layer(self, module: object) -> Layer | None:
        """Return what is known of a neuron that is traced."""
        kind = KINDS.get(type(module).__name__) if self.reads(module) else None
        if kind is None:
            return None
        states = kind.states if _gives_states(module) else {}
        membrane = len(_results(module)) - 1
        return Layer(_nodes, has_state=True, commutes=False, states=states, keeps_states=True, membrane=membrane)

    def nodes(self, place: Place) -> list[Node]:
        """Return the nodes of a neuron."""
        return _nodes(place)

    def result(self, module: nn.Module, x: Tensor) -> Any:
        """Return what a neuron gives for a tensor on the meta device."""
        if self.layer(module) is None:
            return None
        return (x,) * len(_results(module)) if _gives_states(module) else x

    def problems(self, places: Sequence[Place]) -> list[str]:
        """Return which neurons of a chain give their states to the layer behind them."""
        behind = [place for place in places if not isinstance(place.module, nn.Sequential)][:-1]
        rule = "must have init_hidden=True and output=False, for the layer behind it takes its spikes alone"
        return [f"layer '{place.path}': {rule}" for place in behind
                if self.layer(place.module) and _gives_states(place.module)]  # fmt: skip

    def refusal(self, module: object, rule: str) -> str:
        """Return what is wrong with a module of snnTorch that is not read."""
        if not self.reads(module):
            return rule
        return f"neuron must be {listed(KINDS)} of snnTorch, not {type(module).__name__}"


def _gives_states(module: Any) -> bool:
    return bool(module.output or not module.init_hidden)


def _results(module: Any) -> tuple[str, ...]:
    """Return the names of what a neuron gives where it gives its states."""
    return ("spk", *(state for state in KINDS[type(module).__name__].states if state != "spk"))


def _nodes(place: Place) -> list[Node]:
    """Return the neurons of a module, with what scales, or feeds back, before and behind them.

    Raises:
        UnsupportedModelError: it has no exact hardware here; every problem is named.
    """
    module = place.module
    if type(module).__name__ not in KINDS:
        raise UnsupportedModelError([f"layer '{place.path}': {SnnTorch().refusal(module, '')}"])
    reader = _Reader(place)
    problems = reader.problems + _module_problems(module)
    if problems:
        raise UnsupportedModelError([f"layer '{place.path}': {problem}" for problem in problems])
    return reader.nodes


class _Reader:
    """Reads the parameters of one module; problems has what is wrong with them, nodes what they make."""

    def __init__(self, place: Place) -> None:
        self.path, self.module, self.shape = place.path, place.module, place.shape
        self.problems: list[str] = []
        self.kind = KINDS[type(self.module).__name__]
        before, keep = self._charge()
        back = self._recurrent() if self.kind.recurrent else []
        self.nodes: list[Node] = [*before, *back, self._neuron(keep, f"{self.path}.neuron" if back else self.path)]
        graded = self._number("graded_spikes_factor")
        if not graded > 0:
            self.problems.append(f"graded_spikes_factor must be above 0, not {graded:.6g}")
        elif graded != 1:
            self.nodes.append(Scale(name=f"{self.path}.graded_spikes", gain=graded))

    def _charge(self) -> tuple[list[Node], FloatArray]:
        """Return what scales the input, and the fraction of the membrane that a step keeps."""
        if type(self.module).__name__ != "Lapicque":
            return [], np.clip(self._each("beta"), 0.0, 1.0)
        resistance, capacity, step = (getattr(self.module, key).detach() for key in ("R", "C", "time_step"))
        if resistance.numel() != 1 or capacity.numel() != 1:
            self.problems.append("R and C must be one number for all neurons; give beta for each of them")
            return [], np.zeros(())
        gain = float(resistance) * float(1 / (resistance * capacity)) * float(step)
        keep = np.asarray(float(1 - step / (resistance * capacity)))
        if not (gain > 0 and 0 <= keep <= 1):
            rule = "time_step must be above 0 and at most R * C"
            self.problems.append(f"{rule}, not {float(step):.6g} of {float(resistance * capacity):.6g}")
            return [], np.zeros(())
        return [] if gain == 1 else [Scale(name=f"{self.path}.input", gain=gain)], keep

    def _neuron(self, keep: FloatArray, name: str) -> Neuron:
        module = self.module
        mechanism = RESETS[int(module.reset_mechanism_val)]
        late = getattr(module, "reset_delay", True)
        reset: dict[str, Any] = {"v_reset": None}
        if mechanism == "zero":
            reset = {"v_reset": 0.0, "refractory": int(late and not self.kind.zeroes_before)}
        elif mechanism == "subtract":
            reset["reset"] = "late" if late else "stepped"
        else:
            reset["reset"] = "none"
        alpha = np.clip(self._each("alpha"), 0.0, 1.0) if "syn" in self.kind.states else None
        return Neuron(
            name=name,
            tau=_tau(keep),
            v_threshold=_plain(self._each("threshold")),
            synapse_tau=None if alpha is None else _synapse_tau(alpha),
            strict=True,
            **reset,
        )

    def _recurrent(self) -> list[Node]:
        """Return the layer through which spikes of the step before come back."""
        back = self.module.recurrent
        if type(back) is nn.Linear:
            found = tensors.linear(f"{self.path}.recurrent", tensors.held(back))
            weight, bias = found.weight, found.bias
        elif type(back).__name__ == "RecurrentOneToOne":
            factor = self._each("V", back.V)
            neurons = self.shape[0] if self.shape else factor.size
            if factor.ndim == 0 and self.shape is None:
                self.problems.append(
                    "V must be of each neuron, or give an example_input, which tells how many there are"
                )
            weight, bias = np.eye(neurons) * factor, np.zeros(neurons)
        else:
            self.problems.append(f"recurrent must be linear or one to one, not {type(back).__name__}")
            return []
        if self.shape is not None and self.shape != bias.shape:
            self.problems.append(f"must take samples of shape {bias.shape}, as its recurrent layer, not {self.shape}")
        return [tensors.fed_back(self.path, weight, bias)]

    def _each(self, key: str, value: Any = None) -> FloatArray:
        """Return a parameter: a number where all neurons share it, or of shape (neurons,)."""
        found = torch.as_tensor(getattr(self.module, key) if value is None else value)
        values: FloatArray = found.detach().to("cpu", torch.float64).numpy()
        if not values.size or not np.isfinite(values).all():
            self.problems.append(f"{key} must be finite")
            return np.ones(())
        if np.all(values == values.flat[0]):
            return np.asarray(values.flat[0])
        if self.shape is None:
            if values.ndim != 1:
                self.problems.append(f"{key} must have shape (neurons,), not {values.shape}")
            return values.reshape(-1)
        try:
            return np.broadcast_to(values, (1, *self.shape)).reshape(-1)
        except ValueError:
            self.problems.append(f"{key} must have a value of each neuron {self.shape}, not shape {values.shape}")
            return np.ones(())

    def _number(self, key: str) -> float:
        values = self._each(key, getattr(self.module, key, 1.0))
        if values.ndim:
            self.problems.append(f"{key} must be one number for all neurons")
        return float(values.flat[0])


def _tau(keep: FloatArray) -> float | FloatArray | None:
    """Return tau of a membrane of which a step keeps a fraction; None where all keep all."""
    return None if np.all(keep == 1) else _synapse_tau(keep)


def _synapse_tau(keep: FloatArray) -> float | FloatArray:
    with np.errstate(divide="ignore"):
        return _plain(1 / (1 - keep))


def _plain(values: FloatArray) -> float | FloatArray:
    return values if values.ndim else float(values)


def _module_problems(module: Any) -> list[str]:
    problems = version_problems("snnTorch", "snntorch", VERSION)
    if module.inhibition:
        problems.append("inhibition must be False, for it lets one neuron of a layer fire at most")
    if module.state_quant:
        problems.append("state_quant must be False; the states are those of the integer network")
    gradient = module.spike_grad
    if gradient.__module__ != "snntorch.surrogate" and gradient.__name__ != "_surrogate_bypass":
        problems.append(f"spike_grad must be one of snntorch.surrogate, not {gradient.__qualname__}")
    mechanism = RESETS[int(module.reset_mechanism_val)]
    if module.state_function.__name__ != _STATE_FUNCTIONS[int(module.reset_mechanism_val)]:
        problems.append(
            f"reset_mechanism must be given to the constructor, not set to {mechanism!r} later: steps ignore it"
        )
    if type(module).__name__ == "RSynaptic" and not module.reset_delay:
        problems.append("reset_delay must be True, for RSynaptic's own forward() fails without")
    if not (torch.as_tensor(module.threshold) > 0).all():
        problems.append("threshold must be above 0")
    return problems
