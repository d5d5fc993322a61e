"""Which front end knows a layer or a file, and what it knows of it, as the table of frameworks says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.nodes import Node
from snn2rtl.frontend.frameworks import FRONT_ENDS
from snn2rtl.frontend.frameworks.base import FrontEnd, Layer, Place, listed

UNREAD = ("sinabs", "rockpool", "lava", "bindsnet")  # other frameworks, of which errors say what to use


def front_end_of(module: object) -> FrontEnd | None:
    """Return the front end of a container, or of a layer of a chain; None of all that is none."""
    return next((one for one in FRONT_ENDS.values() if one.is_container(module) or one.reads(module)), None)


def front_end_of_file(path: Path) -> FrontEnd | None:
    """Return the front end whose own file this is; None of files of PyTorch, and where there is none."""
    return next((one for one in FRONT_ENDS.values() if one.reads_file(path)), None)


def is_container(module: object) -> bool:
    """Return whether a module only calls what is in it, one after the other."""
    return any(one.is_container(module) for one in FRONT_ENDS.values())


def nodes(place: Place) -> list[Node]:
    """Return the nodes of a layer, in a row; where its shape is known, of one that was traced.

    Raises:
        UnsupportedModelError: it has no exact hardware here.
    """
    for one in FRONT_ENDS.values():
        if one.reads(place.module) if place.shape is None else one.layer(place.module):
            return one.nodes(place)
    raise UnsupportedModelError([f"layer '{place.path}': {unsupported(place.module)}"])


def layer_of(module: nn.Module) -> Layer:
    """Return what is known of a layer that is traced.

    Raises:
        UnsupportedModelError: nothing is; the message reads on from the layer's name.
    """
    known = next((known for one in FRONT_ENDS.values() if (known := one.layer(module))), None)
    if known is None:
        raise UnsupportedModelError([unsupported(module)])
    return replace(known, is_multi=known.is_multi or is_multi(module))


def is_known(module: nn.Module) -> bool:
    """Return whether anything is known of a layer that is traced."""
    return any(one.layer(module) for one in FRONT_ENDS.values())


def is_multi(module: nn.Module) -> bool:
    """Return whether a module, of the user's too, was told to take all steps in one call."""
    return any(one.is_multi(module) for one in FRONT_ENDS.values())


def is_leaf(module: nn.Module) -> bool:
    """Return whether a trace takes a module for a layer: code of a library, that is no container."""
    if any(one.is_leaf(module) for one in FRONT_ENDS.values()):
        return True
    if any(one.is_open(module) for one in FRONT_ENDS.values()):
        return False
    if type(module).forward is nn.Module.forward:  # the instance may have one of its own
        return False
    defined = getattr(type(module).forward, "__module__", None) or ""  # of torch.fx's GraphModules None
    return is_library(defined) and not isinstance(module, nn.Sequential)


def is_library(name: str) -> bool:
    """Return whether a module of Python is one of layers, whose lines no error names."""
    return any(name.startswith(one.packages) for one in FRONT_ENDS.values())


def is_fresh(module: nn.Module) -> bool:
    """Return whether the result of a layer is neither a view of what it takes nor a state of its own."""
    return any(isinstance(module, one.fresh) for one in FRONT_ENDS.values())


def result(module: nn.Module, x: Tensor) -> Any:
    """Return what a layer gives for a tensor on the meta device, or None where it is to be called."""
    found = (one.result(module, x) for one in FRONT_ENDS.values())
    return next((value for value in found if value is not None), None)


def unsupported(module: object) -> str:
    """Return what is wrong with a layer that is not read; the sentence reads on from its name."""
    kind = type(module)
    package = kind.__module__.partition(".")[0]
    names = [name for one in FRONT_ENDS.values() if one.layers for name in (*one.others, *one.neurons)]
    everything = rule = f"must be {listed(names)}, not {kind.__name__}"
    for one in FRONT_ENDS.values():
        rule = one.refusal(module, rule)
    if package in UNREAD and rule == everything:
        each = [f"{listed(one.neurons)} of {one.name}" for one in FRONT_ENDS.values() if one.neurons]
        return f"neuron must be {', or '.join(each)}, not {kind.__name__} of {package}"
    if not isinstance(module, nn.Module) or kind.__module__.startswith(("torch.", *_packages())):
        return rule
    return f"{rule}; build it of these, in a class whose forward() an example_input lets trace"


def _packages() -> tuple[str, ...]:
    """Return how the names of all modules of Python begin that belong to a framework."""
    return tuple({f"{name.partition('.')[0]}." for one in FRONT_ENDS.values() for name in one.packages})


def with_neurons() -> str:
    """Return the frameworks whose neurons are read, as advice names them."""
    return listed(f"{one.name}'s" for one in FRONT_ENDS.values() if one.neurons)
