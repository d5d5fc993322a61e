"""Norse's neurons, from modules or from their parameters alone.

What is read is the network in evaluation mode, from states that Norse starts with. Classes are known by their names,
so that Norse itself is never needed; modules of other classes, and other versions, may compute anything.

A step of Norse's LIF, with ``a = dt * tau_mem_inv`` and ``b = dt * tau_syn_inv``, is that of a Neuron that decays its
input through a synaptic current, with ``tau = 1 / a`` and ``synapse_tau = 1 / b``, and fires only above its threshold::

    j = i + x;  v = v + a * (v_leak - v + j);  i = j - b * j;  z = v > v_th;  v = v_reset where z

Source: norse 1.1.0, torch/module (lif, lif_box, leaky_integrator, leaky_integrator_box, snn) and torch/functional.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from numbers import Real
from reprlib import repr as short
from typing import Any

import numpy as np
import torch

from snn2rtl.errors import UnsupportedModelError, told_apart
from snn2rtl.float_net.nodes import FloatArray, Integrator, Neuron, Node
from snn2rtl.frontend import tensors
from snn2rtl.frontend.frameworks.base import FrontEnd, Place, listed

VERSION = "1.1"
THRESHOLDS = ("heaviside", "super", "triangle", "tanh", "circ", "heavi_erfc")  # all of them fire above 0


@dataclass(frozen=True)
class _Kind:
    """A class of Norse: the function of its step, and whether that has weights, a current and spikes; many steps."""

    step: str
    has_weights: bool = False
    has_current: bool = True
    fires: bool = True
    over_time: bool = False


_LIF, _RECURRENT = "lif_feed_forward_step", "lif_step"
KINDS = {
    "LIFCell": _Kind(_LIF),
    "LIF": _Kind(_LIF, over_time=True),
    "LIFRecurrentCell": _Kind(_RECURRENT, has_weights=True),
    "LIFRecurrent": _Kind(_RECURRENT, has_weights=True, over_time=True),
    "LIFBoxCell": _Kind("lif_box_feed_forward_step", has_current=False),
    "LICell": _Kind("li_feed_forward_step", fires=False),
    "LI": _Kind("li_feed_forward_step", fires=False, over_time=True),
    "LIBoxCell": _Kind("li_box_feed_forward_step", has_current=False, fires=False),
}
TENSORS = tuple(f"{key}_weights{suffix}" for key in ("input", "recurrent") for suffix in ("", "_orig", "_mask"))


def defaults(kind: str) -> dict[str, float]:
    """Return the parameters that a kind has, with Norse's defaults."""
    traits = KINDS[kind]
    current = {"tau_syn_inv": 200.0} if traits.has_current else {}
    spikes = {"v_th": 1.0, "v_reset": 0.0} if traits.fires else {}
    return {"dt": 0.001, **current, "tau_mem_inv": 100.0, "v_leak": 0.0, **spikes}


@dataclass(frozen=True, eq=False, kw_only=True)
class Parameters:
    """What Norse's parameters hold, tensors or numbers; those that a kind does not have are left out."""

    dt: Any
    tau_mem_inv: Any
    tau_syn_inv: Any = None
    v_leak: Any = 0.0
    v_th: Any = 1.0
    v_reset: Any = 0.0
    is_subtracted: bool = False


def _nodes(path: str, module: Any) -> list[Node]:
    """Return the neurons of a module of Norse, with the linear layer before them that a recurrent one brings.

    Raises:
        UnsupportedModelError: it is of another kind, or computes something that has no exact hardware here.
    """
    kind = KINDS.get(type(module).__name__)
    if kind is None:
        subject = "neuron must be" if _is_neuron(module) else "must be SequentialState,"
        raise UnsupportedModelError(
            [f"layer '{path}': {subject} {listed(KINDS)} of Norse, not {type(module).__name__}"]
        )
    problems = [f"layer '{path}': {problem}" for problem in _module_problems(module, kind)]
    if problems:
        raise UnsupportedModelError(problems)
    given = {key: getattr(module.p, key) for key in defaults(type(module).__name__) if key != "dt"}
    parameters = Parameters(dt=module.dt, is_subtracted=_is_subtracted(module), **given)
    if not kind.fires:
        return [integrator(path, parameters)]
    if not kind.has_weights:
        return [neuron(path, parameters)]
    found = {key: value for key in TENSORS if (value := getattr(module, key, None)) is not None}
    return [tensors.recurrent(path, found), neuron(f"{path}.neuron", parameters)]


def neuron(name: str, values: Parameters) -> Neuron:
    """Return the spiking neurons of these parameters.

    Raises:
        UnsupportedModelError: they have no exact hardware here; every problem is named.
    """
    checked = _Checked(name)
    taus = checked.taus(values)
    leak, threshold, reset = (checked.number(key, getattr(values, key)) for key in ("v_leak", "v_th", "v_reset"))
    if values.is_subtracted and leak != 0:
        checked.problems.append(f"v_leak must be 0 where a spike subtracts the threshold, not {leak}")
    elif not values.is_subtracted and reset != leak:
        checked.problems.append(
            f"v_reset must be {leak} like v_leak, for a membrane resets to where it rests, not {reset}"
        )
    checked.close()
    v_reset = None if values.is_subtracted else reset
    return Neuron(name=name, v_threshold=threshold, v_reset=v_reset, strict=True, decay_input=True, **taus)


def integrator(name: str, values: Parameters, score: str = "max") -> Integrator:
    """Return the leaky integrators of these parameters.

    Raises:
        UnsupportedModelError: they have no exact hardware here; every problem is named.
    """
    checked = _Checked(name)
    taus = checked.taus(values)
    if (leak := checked.number("v_leak", values.v_leak)) != 0:
        checked.problems.append(f"v_leak must be 0, at which scores begin, not {leak}")
    checked.close()
    return Integrator(name=name, score=score, decay_input=True, **taus)


class _Checked:
    """Reads the parameters of one layer; close() raises what is wrong with them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[str] = []

    def taus(self, values: Parameters) -> dict[str, Any]:
        """Return tau and, where there is a current, synapse_tau."""
        keys = {"tau": "tau_mem_inv"} | ({} if values.tau_syn_inv is None else {"synapse_tau": "tau_syn_inv"})
        return {ours: self._tau(key, values.dt, getattr(values, key)) for ours, key in keys.items()}

    def _tau(self, key: str, dt: Any, inverse: Any) -> float | FloatArray:
        if not _is_number(dt) or not (_is_number(inverse) or isinstance(inverse, torch.Tensor)):
            self.problems.append(f"dt and {key} must be numbers, not {short(dt)} and {short(inverse)}")
            return 1.0
        # the product is rounded as Norse rounds it
        taken = torch.as_tensor(dt * inverse).detach().to("cpu", torch.float64).numpy()
        if not (taken.size and np.all(taken > 0) and np.all(taken <= 1)):
            self.problems.append(f"dt * {key} must be above 0 and at most 1, not {_shown(taken)}")
            return 1.0
        return float(1 / taken.flat[0]) if np.all(taken == taken.flat[0]) else np.asarray(1 / taken)

    def number(self, key: str, value: Any) -> float:
        """Return what all neurons have."""
        if not (_is_number(value) or isinstance(value, torch.Tensor)):
            self.problems.append(f"{key} must be a number, not {short(value)}")
            return 0.0
        each = torch.as_tensor(value).detach().to("cpu", torch.float64).numpy()
        if not each.size or np.any(each != each.flat[0]):
            self.problems.append(f"{key} must be one number for all neurons, not {_shown(each)}")
            return 0.0
        return float(each.flat[0])

    def close(self) -> None:
        if self.problems:
            raise UnsupportedModelError([f"layer '{self.name}': {problem}" for problem in self.problems])


def _module_problems(module: Any, kind: _Kind) -> list[str]:
    problems = []
    installed = _version()
    if installed.split(".")[:2] != VERSION.split("."):
        problems.append(f"Norse must be {VERSION}, whose steps are known here, not {installed}")
    if getattr(module.activation, "__name__", None) != kind.step:
        problems.append(f"activation must be {kind.step}, not {getattr(module.activation, '__name__', 'another')}")
    if kind.fires and module.p.method not in THRESHOLDS:
        problems.append(f"method must be {', '.join(THRESHOLDS[:-1])} or {THRESHOLDS[-1]}, not {module.p.method!r}")
    reset = getattr(module.p, "reset_method", None)
    if reset is not None and reset.__name__ not in ("reset_value", "reset_subtract"):
        problems.append(f"reset_method must be reset_value or reset_subtract, not {reset.__name__}")
    return problems


def _version() -> str:
    try:
        return metadata.version("norse")
    except metadata.PackageNotFoundError:
        return "one that is not installed as a package"


def _is_subtracted(module: Any) -> bool:
    return getattr(getattr(module.p, "reset_method", None), "__name__", "") == "reset_subtract"


def _time_problems(modules: Sequence[tuple[str, object]]) -> list[str]:
    """Return where layers that take one step are among those that take all, given modules with their paths."""
    kinds = [(path, KINDS[name]) for path, module in modules if (name := type(module).__name__) in KINDS]
    if not kinds:
        return []
    (first, like), *others = kinds
    rule = "all steps of time" if like.over_time else "one step of time"
    return [
        f"layer '{path}': must take {rule} like '{first}'" for path, kind in others if kind.over_time != like.over_time
    ]


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _shown(values: FloatArray) -> str:
    least, greatest = values.min(initial=np.inf), values.max(initial=-np.inf)
    one, other, _ = told_apart(least, greatest, 1.0)  # what is above 1 does not look like it
    return one if one == other else f"{one}..{other}"


class Norse(FrontEnd):
    """Neurons by the names of their classes, in SequentialState; the states that their calls pass on are not traced."""

    name = "Norse"
    neurons = tuple(KINDS)
    packages = ("norse.",)

    def is_container(self, module: object) -> bool:
        """Return whether an object is Norse's SequentialState, which does what nn.Sequential does."""
        return _is_norse(module) and type(module).__name__ == "SequentialState"

    def reads(self, module: object) -> bool:
        """Return whether an object is of a class of Norse's own, and no container."""
        return _is_norse(module) and not self.is_container(module)

    def is_neuron(self, module: object) -> bool:
        """Return whether an object is of a class of Norse's own, and no container."""
        return self.reads(module)

    def nodes(self, place: Place) -> list[Node]:
        """Return the neurons of a module, with the linear layer before them that a recurrent one brings."""
        return _nodes(place.path, place.module)

    def problems(self, places: Sequence[Place]) -> list[str]:
        """Return where layers that take one step are among those that take all."""
        return _time_problems([(place.path, place.module) for place in places if self.reads(place.module)])


def _is_norse(module: object) -> bool:
    return type(module).__module__.partition(".")[0] == "norse"


def _is_neuron(module: object) -> bool:
    return any(base.__name__ in ("SNN", "SNNCell", "SNNRecurrent", "SNNRecurrentCell") for base in type(module).__mro__)
