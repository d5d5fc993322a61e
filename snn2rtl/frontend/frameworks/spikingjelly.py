"""SpikingJelly's layers, and what containers and step modes make of them.

Source: spikingjelly 2.0.0, activation_based: neuron, layer, base (MemoryModule).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from spikingjelly.activation_based import base, layer, neuron
from torch import Tensor, nn

from snn2rtl.float_net.nodes import Node, Vote
from snn2rtl.frontend.frameworks import pytorch
from snn2rtl.frontend.frameworks.base import FrontEnd, Layer, Place, listed
from snn2rtl.frontend.frameworks.spikingjelly_neurons import (
    INTEGRATORS,
    NEURON_NAMES,
    NEURONS,
    SURROGATES,
    fed_back,
    read_integrator,
    read_neurons,
    recurrent,
    score_of,
)


def _vote(place: Place) -> list[Node]:
    return [Vote(name=place.path, size=place.module.voting_size)]


_NEURON = Layer(read_neurons, has_state=True, commutes=False)
_INTEGRATOR = Layer(read_integrator, has_state=True, is_multi=True, commutes=False, score=score_of)
_BATCH_NORM_1D, _BATCH_NORM_2D = (pytorch.LAYERS[kind] for kind in (nn.BatchNorm1d, nn.BatchNorm2d))
_NON_SPIKING = getattr(neuron, "NonSpikingBaseNode", ())  # SpikingJelly 0.0.0.0.14 has none


class SpikingJelly(FrontEnd):
    """Neurons and layers that take one step or all; what it derives of PyTorch's layers computes the same."""

    name = "SpikingJelly"
    neurons = NEURON_NAMES
    others = ("VotingLayer",)
    packages = tuple(  # its models are code as a user would write it
        f"spikingjelly.activation_based.{part}"
        for part in ("base", "encoding", "functional", "layer", "neuron", "surrogate")
    )
    containers = (layer.MultiStepContainer, layer.SeqToANNContainer, layer.StepModeContainer)
    layers: ClassVar[Mapping[type, Layer]] = {
        **{
            getattr(layer, kind.__name__): pytorch.LAYERS[kind]
            for kind in (
                nn.Linear, nn.Conv1d, nn.Conv2d, nn.AvgPool1d, nn.AvgPool2d, nn.AdaptiveAvgPool1d,
                nn.AdaptiveAvgPool2d, nn.MaxPool1d, nn.MaxPool2d, nn.BatchNorm1d, nn.BatchNorm2d, nn.Dropout,
                nn.Dropout2d, nn.Flatten,
            )
        },
        layer.ThresholdDependentBatchNorm1d: _BATCH_NORM_1D,
        layer.ThresholdDependentBatchNorm2d: _BATCH_NORM_2D,
        layer.VotingLayer: Layer(_vote, features=(1,)),
        **dict.fromkeys(NEURONS, _NEURON),
        **dict.fromkeys(INTEGRATORS, _INTEGRATOR),
    }  # fmt: skip
    traced: ClassVar[Mapping[type, Layer]] = {
        layer.LinearRecurrentContainer: Layer(recurrent, has_state=True, commutes=False),
        layer.ElementWiseRecurrentContainer: Layer(fed_back, has_state=True, commutes=False),
    }
    saved = ("spikingjelly.",)
    parts = SURROGATES
    fresh = NEURONS
    same_shape = (neuron.BaseNode, layer.Dropout, layer.ElementWiseRecurrentContainer)

    def has_steps(self, container: nn.Module) -> bool:
        """Return whether a container takes all steps, as a layer in step mode "m" does."""
        return _takes_steps(container)

    def is_neuron(self, module: object) -> bool:
        """Return whether a module is neurons that fire."""
        return type(module) in NEURONS

    def problems(self, places: Sequence[Place]) -> list[str]:
        """Return where steps would be taken for samples, or two layers share their membranes."""
        return _step_mode_problems(places) + _shared_problems(places)

    def refusal(self, module: object, rule: str) -> str:
        """Return what is wrong with a module that is not read."""
        kind = type(module)
        if isinstance(module, neuron.BaseNode) or kind.__module__.startswith(neuron.__name__):
            return f"neuron must be {listed(NEURON_NAMES)}, not {kind.__name__}"
        needs_shape = f"{rule}; give an example_input, for {kind.__name__} is read where shapes are known"
        return needs_shape if kind in self.traced else rule

    def is_multi(self, module: object) -> bool:
        """Return whether a module is in step mode "m"."""
        return getattr(module, "step_mode", "s") == "m"

    def is_leaf(self, module: nn.Module) -> bool:
        """Return whether a module has a state of SpikingJelly's."""
        return isinstance(module, base.MemoryModule)

    def result(self, module: nn.Module, x: Tensor) -> Any:
        """Return what a layer gives for a tensor on the meta device."""
        if isinstance(module, layer.LinearRecurrentContainer):
            return x.new_empty(*x.shape[:-1], module.sub_module_out_features)
        if isinstance(module, _NON_SPIKING):
            return [x[0]] * len(x) if module.decode is None else x[0]
        return super().result(module, x)

    def saved_name(self, name: str) -> str:
        """Return the name of a class in SpikingJelly before 2.0.0, which had one module for all neurons."""
        return re.sub(r"^(spikingjelly\.activation_based\.\w+)\.\w+\.(\w+)$", r"\1.\2", name)


def _step_mode_problems(places: Sequence[Place]) -> list[str]:
    """Return where time steps would be taken for samples.

    A layer in a container must be single-step, and a neuron there must see the steps one by one. Outside of
    containers, neurons must be multi-step where anything else is.
    """
    problems = []
    multi = {place.path for place in places if place.container is None and _takes_steps(place.module)}
    for path, module, container, _ in places:
        if container is None:
            if multi and type(module) in NEURONS and not _takes_steps(module):
                advice = "call functional.set_step_mode(net, 'm')"
                problems.append(f"layer '{path}': step_mode must be 'm' like that of '{min(multi)}', not 's'; {advice}")
            continue
        inside = f"inside of {type(container).__name__}"
        if _takes_steps(module):
            problems.append(f"layer '{path}': step_mode must be 's' {inside}, not 'm'")
        elif type(module) in NEURONS and _merges_steps(container):
            problems.append(f"layer '{path}': neuron must not be {inside}, which takes time steps for samples")
    return problems


def _takes_steps(module: object) -> bool:
    """Return whether a layer takes all time steps in one call."""
    kind = type(module)
    if kind in (layer.MultiStepContainer, layer.SeqToANNContainer, *INTEGRATORS):
        return True
    return kind in (*SpikingJelly.layers, *SpikingJelly.containers) and getattr(module, "_step_mode", "s") == "m"


def _merges_steps(container: nn.Module) -> bool:
    if type(container) is layer.StepModeContainer:
        return not container.stateful
    return type(container) is layer.SeqToANNContainer


def _shared_problems(places: Sequence[Place]) -> list[str]:
    first: dict[int, str] = {}
    problems = []
    for path, module, *_ in places:
        if type(module) in NEURONS and first.setdefault(id(module), path) != path:
            rule = f"neuron must have a membrane of its own, not share that of '{first[id(module)]}'"
            problems.append(f"layer '{path}': {rule}; use a node for each")
    return problems
