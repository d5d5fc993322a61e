"""Norse's neurons and containers, with the states that their calls take and give.

What is read is the network in evaluation mode, from states that Norse starts with. Classes are known by their names,
so that Norse itself is never needed; modules of other classes, and other versions, may compute anything.

Source: norse 1.1.0, torch/module: lif, lif_box, lif_refrac, iaf, leaky_integrator, leaky_integrator_box, snn, encode,
sequential, lift, regularization. norse_neurons.py has what a step of the neurons computes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor, nn

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.nodes import Node
from snn2rtl.frontend import tensors
from snn2rtl.frontend.frameworks.base import FrontEnd, Layer, Place, listed, version_problems
from snn2rtl.frontend.frameworks.norse_neurons import Parameters, integrator, neuron

VERSION = "1.1"
THRESHOLDS = ("heaviside", "super", "triangle", "tanh", "circ", "heavi_erfc")  # all of them fire above 0


@dataclass(frozen=True)
class _Kind:
    """A class of Norse: the function of its step, "" where it cannot be another one, and what it has.

    weights: names of its tensors. has_current: a synaptic current. leaks: a membrane that does. waits: refractory
    steps. over_time: takes all steps in a call. in_arch: arch files may name it.
    """

    step: str
    weights: tuple[str, ...] = ()
    has_current: bool = True
    leaks: bool = True
    fires: bool = True
    waits: bool = False
    over_time: bool = False
    in_arch: bool = True

    @property
    def has_weights(self) -> bool:
        """Whether it has weights of its own."""
        return bool(self.weights)


_LIF, _LI, _RECURRENT = "lif_feed_forward_step", "li_feed_forward_step", "lif_step"
_WAITING, _WAITING_RECURRENT, _IAF = "lif_refrac_feed_forward_step", "lif_refrac_step", "iaf_feed_forward_step"
_BOTH = ("input_weights", "recurrent_weights")
KINDS = {
    "LIFCell": _Kind(_LIF),
    "LIF": _Kind(_LIF, over_time=True),
    "LIFRecurrentCell": _Kind(_RECURRENT, _BOTH),
    "LIFRecurrent": _Kind(_RECURRENT, _BOTH, over_time=True),
    "LIFBoxCell": _Kind("lif_box_feed_forward_step", has_current=False),
    "LICell": _Kind(_LI, fires=False),
    "LI": _Kind(_LI, fires=False, over_time=True),
    "LIBoxCell": _Kind("li_box_feed_forward_step", has_current=False, fires=False),
    "LILinearCell": _Kind("", _BOTH[:1], fires=False, in_arch=False),
    "LIFRefracCell": _Kind(_WAITING, waits=True, in_arch=False),
    "LIFRefracRecurrentCell": _Kind(_WAITING_RECURRENT, _BOTH, waits=True, in_arch=False),
    "LIFRefracRecurrent": _Kind(_WAITING_RECURRENT, _BOTH, waits=True, over_time=True, in_arch=False),
    "IAFCell": _Kind(_IAF, has_current=False, leaks=False, in_arch=False),
    "IAF": _Kind(_IAF, has_current=False, leaks=False, over_time=True, in_arch=False),
}
TENSORS = tuple(f"{key}{suffix}" for key in _BOTH for suffix in ("", "_orig", "_mask"))
_ADAPTIVE = "whose current acts a step late, and which no neuron here has together with an adaptation"
_EXPONENTIAL = "whose membrane grows exponentially"
_RANDOM = "which draws lots; let --encoder poisson do that, outside of the network"
_WHY = {  # classes that are not read, and what no hardware here is
    **dict.fromkeys(("LSNNCell", "LSNN", "LSNNRecurrentCell", "LSNNRecurrent"), _ADAPTIVE),
    **dict.fromkeys(("LIFAdExCell", "LIFAdExRecurrentCell", "LIFExCell", "LIFExRecurrentCell", "LIFEx"), _EXPONENTIAL),
    **dict.fromkeys(("PoissonEncoder", "PoissonEncoderStep", "SignedPoissonEncoder"), _RANDOM),
}  # fmt: skip


def defaults(kind: str) -> dict[str, float]:
    """Return the parameters that a kind has, with Norse's defaults."""
    traits = KINDS[kind]
    current = {"tau_syn_inv": 200.0} if traits.has_current else {}
    leak = {"tau_mem_inv": 100.0, "v_leak": 0.0} if traits.leaks else {}
    spikes = {"v_th": 1.0, "v_reset": 0.0} if traits.fires else {}
    return {"dt": 0.001, **current, **leak, **spikes}


def _nodes(place: Place) -> list[Node]:
    """Return the neurons of a module of Norse, with the linear layer before them that weights of its own bring.

    Raises:
        UnsupportedModelError: it is of another kind, or computes something that has no exact hardware here.
    """
    path, module = place.path, place.module
    kind = KINDS.get(type(module).__name__)
    if kind is None:
        raise UnsupportedModelError([f"layer '{path}': {_unread(module)}"])
    problems = [f"layer '{path}': {problem}" for problem in _module_problems(module, kind)]
    if problems:
        raise UnsupportedModelError(problems)
    given = module.p.lif if kind.waits else module.p
    names = [key for key in defaults(type(module).__name__) if key != "dt"]
    parameters = Parameters(
        dt=module.dt,
        is_subtracted=_is_subtracted(given),
        rho_reset=module.p.rho_reset if kind.waits else 0,
        **{key: getattr(given, key) for key in names},
    )
    found = {key: value for key in TENSORS if (value := getattr(module, key, None)) is not None}
    name = f"{path}.neuron" if kind.weights else path
    cell = neuron(name, parameters) if kind.fires else integrator(name, parameters)
    if not kind.weights:
        return [cell]
    return [tensors.recurrent(path, found) if kind.weights == _BOTH else tensors.weighted(path, found), cell]


def _unread(module: object) -> str:
    name = type(module).__name__
    subject = "neuron must be" if _is_neuron(module) else "must be SequentialState,"
    if name in CONTAINERS:
        return f"must be traced; give an example_input, for a {name} passes on what is not told here"
    why = f", {_WHY[name]}" if name in _WHY else ""
    return f"{subject} {listed(KINDS)} of Norse, not {name}{why}"


def _fed_back(place: Place) -> list[Node]:
    """Return the layer of a RecurrentSequential, which adds what its neurons gave in the step before to its input.

    Raises:
        UnsupportedModelError: it is anything else than neurons, or a linear layer and neurons.
    """
    path, module = place.path, place.module
    parts = [*module.module]
    cell = parts[-1] if parts else None
    kind = KINDS.get(type(cell).__name__) if _is_norse(cell) else None
    is_read = kind and kind.fires and not kind.weights and not kind.over_time
    before = [type(part) for part in parts[:-1]]
    if not is_read or before not in ([], [nn.Linear]) or module.output_modules not in (-1, len(before)):
        rule = "must be one Linear and spiking neurons of one step, whose spikes come back"
        raise UnsupportedModelError([f"layer '{path}': {rule}, not {', '.join(type(part).__name__ for part in parts)}"])
    neurons = _nodes(Place(f"{path}.module.{len(before)}", cell))
    if before:
        first = tensors.linear(path, tensors.held(parts[0]))
        return [replace(first, recurrent=first.weight), *neurons]
    assert place.shape is not None
    return [tensors.fed_back(path, np.eye(place.shape[0])), *neurons]


def _encoder(place: Place) -> list[Node]:
    """Return the neurons of a ConstantCurrentLIFEncoder, which take the same input in every step."""
    p = place.module.p
    values = Parameters(dt=place.module.dt, tau_mem_inv=p.tau_mem_inv, v_leak=p.v_leak, v_th=p.v_th, v_reset=p.v_reset)
    return [neuron(place.path, values)]


def _nothing(_: Place) -> list[Node]:
    return []


_STATES = {"state": 1}
_OTHERS = {
    "RecurrentSequential": Layer(_fed_back, features=(1,), has_state=True, commutes=False, states=_STATES),
    "ConstantCurrentLIFEncoder": Layer(
        _encoder, commutes=False, has_lead=False, repeats=lambda module: int(module.seq_length)
    ),
    "RegularizationCell": Layer(_nothing, has_lead=False, states={"s": 1}, watches=True),
}
CONTAINERS = ("SequentialState", "Lift")


def _module_problems(module: Any, kind: _Kind) -> list[str]:
    problems = version_problems("Norse", "norse", VERSION)
    step = getattr(getattr(module, "activation", None), "__name__", None if kind.step else "")
    if step != kind.step:
        problems.append(f"activation must be {kind.step}, not {step or 'another'}")
    given = module.p.lif if kind.waits else module.p
    if kind.fires and given.method not in THRESHOLDS:
        problems.append(f"method must be {', '.join(THRESHOLDS[:-1])} or {THRESHOLDS[-1]}, not {given.method!r}")
    reset = getattr(given, "reset_method", None)
    if reset is not None and reset.__name__ not in ("reset_value", "reset_subtract"):
        problems.append(f"reset_method must be reset_value or reset_subtract, not {reset.__name__}")
    return problems


def _is_subtracted(parameters: Any) -> bool:
    return getattr(getattr(parameters, "reset_method", None), "__name__", "") == "reset_subtract"


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


class Norse(FrontEnd):
    """Neurons by the names of their classes; SequentialState without a trace, Lift and RecurrentSequential in one."""

    name = "Norse"
    neurons = tuple(KINDS)
    packages = ("norse.torch.module.", "norse.torch.functional.", "norse.torch.utils.")

    def is_container(self, module: object) -> bool:
        """Return whether an object is Norse's SequentialState, which does what nn.Sequential does."""
        return _is_norse(module) and type(module).__name__ == "SequentialState"

    def is_open(self, module: object) -> bool:
        """Return whether a trace looks into a module of Norse."""
        return _is_norse(module) and type(module).__name__ in CONTAINERS

    def reads(self, module: object) -> bool:
        """Return whether an object is of a class of Norse's own, and no container."""
        return _is_norse(module) and not self.is_container(module)

    def is_neuron(self, module: object) -> bool:
        """Return whether an object is of a class of Norse's own, and no container."""
        return self.reads(module)

    def layer(self, module: object) -> Layer | None:
        """Return what is known of a layer that is traced."""
        name = type(module).__name__
        if not _is_norse(module) or (name not in KINDS and name not in _OTHERS):
            return None
        if name in _OTHERS:
            return _OTHERS[name]
        kind = KINDS[name]
        return Layer(
            _nodes,
            features=(1,) if kind.weights else (),
            has_state=True,
            is_multi=kind.over_time,
            commutes=False,
            states=_STATES,
        )

    def nodes(self, place: Place) -> list[Node]:
        """Return the nodes of a layer."""
        traced = None if place.shape is None else _OTHERS.get(type(place.module).__name__)
        return traced.read(place) if traced else _nodes(place)

    def result(self, module: nn.Module, x: Tensor) -> Any:
        """Return what a layer gives for a tensor on the meta device, with its state, of which only it knows more."""
        if self.layer(module) is None:
            return None
        made = _RESULTS.get(type(module).__name__, _result)(module, x)
        return made if type(module).__name__ == "ConstantCurrentLIFEncoder" else (made, x.new_empty(()))

    def refusal(self, module: object, rule: str) -> str:
        """Return what is wrong with a module of Norse that is not read."""
        return _unread(module) if _is_norse(module) and not self.is_container(module) else rule

    def problems(self, places: Sequence[Place]) -> list[str]:
        """Return where layers that take one step are among those that take all."""
        return _time_problems([(place.path, place.module) for place in places if self.reads(place.module)])


def _result(module: Any, x: Tensor) -> Tensor:
    return x.new_empty(*x.shape[:-1], module.hidden_size) if KINDS[type(module).__name__].weights else x


def _fed_back_result(module: Any, x: Tensor) -> Tensor:
    first = module.module[0]
    return x.new_empty(*x.shape[:-1], first.out_features) if type(first) is nn.Linear else x


_RESULTS: dict[str, Callable[[Any, Tensor], Tensor]] = {
    "RecurrentSequential": _fed_back_result,
    "ConstantCurrentLIFEncoder": lambda module, x: x.new_empty(module.seq_length, *x.shape),
    "RegularizationCell": lambda module, x: x,
}


def _is_norse(module: object) -> bool:
    return type(module).__module__.partition(".")[0] == "norse"


def _is_neuron(module: object) -> bool:
    return any(base.__name__ in ("SNN", "SNNCell", "SNNRecurrent", "SNNRecurrentCell") for base in type(module).__mro__)
