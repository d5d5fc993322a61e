"""Read a network from memory: a container, such as nn.Sequential, of layers of PyTorch and of other frameworks.

What is read is the network in evaluation mode.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import nn
from torch.nn.utils import prune

from snn2rtl.encoders import Encoder
from snn2rtl.errors import UnsupportedModelError
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import Node
from snn2rtl.frontend.frameworks import FRONT_ENDS
from snn2rtl.frontend.frameworks.base import FrontEnd, Place
from snn2rtl.frontend.frameworks.pytorch import WRAPPERS
from snn2rtl.frontend.layers import front_end_of, is_container, nodes

MAX_MODULES = 10_000


def from_module(net: nn.Module, *, name: str = "network", encoder: Encoder | None = None) -> SpikingNetwork:
    """Return the network that the module computes in evaluation mode.

    Layers get the names that PyTorch gives them, as in ``net.named_modules()``. A linear layer or a
    convolution with a buffer ``weight_step`` of shape (out,) says what an integer weight of each neuron or channel is
    worth, as quantization-aware training leaves it.

    Args:
        net: an nn.Sequential or Norse's SequentialState, nested or not, of layers that take one time step or all.
        name: the name of the network.
        encoder: how samples become its input, where that is known.

    Raises:
        UnsupportedModelError: something in it has no exact hardware here; all of it is named.
    """
    net = unwrapped(net)
    if front_end_of(net) is None:
        kind = type(net).__name__
        advice = "give an example_input, so that its forward() is traced"
        raise UnsupportedModelError([f"network: must be an nn.Sequential, not {kind}; {advice}"])
    found: list[Node] = []
    problems: list[str] = []
    places = list(_modules(net))
    for place in places:
        problems += _general_problems(place)
        try:
            found += [] if is_container(place.module) else nodes(place)
        except UnsupportedModelError as error:
            problems += error.problems
    problems += _problems_together(places)
    if problems:
        raise UnsupportedModelError(problems)
    return SpikingNetwork(name=name, nodes=tuple(found), encoder=encoder)


def unwrapped(net: nn.Module) -> nn.Module:
    """Return the module that wrappers (DataParallel, torch.compile) call."""
    for _ in range(MAX_MODULES if isinstance(net, nn.Module) else 0):  # a file may hold anything else
        kind = type(net)
        inner = net._modules.get(WRAPPERS.get(f"{kind.__module__}.{kind.__qualname__}", ""))
        if not isinstance(inner, nn.Module):
            break
        net = inner
    return net


def _modules(net: nn.Module) -> Iterator[Place]:
    """Yield the containers and the layers in the order of the forward pass."""
    todo = [Place("" if is_container(net) else type(net).__name__, net)]
    for _ in range(MAX_MODULES):
        if not todo:
            return
        place = todo.pop()
        yield place
        owner = front_end_of(place.module)
        if owner and owner.is_container(place.module):
            inner = place.module if owner.has_steps(place.module) else place.container
            prefix = f"{place.path}." if place.path else ""
            children = place.module._modules.items()
            todo += [Place(prefix + key, child, inner) for key, child in reversed(children)]
    raise UnsupportedModelError([f"network: must have at most {MAX_MODULES} modules; does one contain itself?"])


def _general_problems(place: Place) -> list[str]:
    path, module = place.path, place.module
    if front_end_of(module) is None:
        return []
    return tampered(path, module, [] if is_container(module) else [*module._modules.values()])


def tampered(path: str, module: nn.Module, inside: Sequence[nn.Module | None]) -> list[str]:
    """Return what would make a module compute something else than its class says.

    Args:
        path: the module's name in the network, "" for the network itself.
        module: a module of any class.
        inside: modules that are a part of it, such as a neuron's surrogate function.
    """
    where = f"layer '{path}'" if path else "network"
    problems = []
    for part in (module, *(part for part in inside if part is not None)):
        hooks = [*part._forward_pre_hooks.values(), *part._forward_hooks.values()]
        if not all(isinstance(hook, prune.BasePruningMethod) for hook in hooks):
            problems.append(f"{where}: must have no forward hooks, for they can change its output; remove them")
        own = [key for key in vars(part) if callable(getattr(type(part), key, None))]
        problems += [f"{where}: must have the {key}() of its class, not one of its own" for key in own]
    return problems


def _problems_together(places: list[Place]) -> list[str]:
    """Return what is wrong with layers together, and where neurons of one framework are among those of another."""
    neurons = {name: [place for place in places if one.is_neuron(place.module)] for name, one in FRONT_ENDS.items()}
    first = next((name for name, found in neurons.items() if found), None)
    problems = []
    for name, one in FRONT_ENDS.items():
        if first in (None, name) or not neurons[name]:
            problems += one.problems(places) + _inside_problems(neurons[name], one)
            continue
        assert first is not None
        rule = f"neuron must be one of {first} like '{neurons[first][0].path}', not one of {name}"
        problems += [f"layer '{place.path}': {rule}" for place in neurons[name]]
    return problems


def _inside_problems(neurons: list[Place], front_end: FrontEnd) -> list[str]:
    problems = []
    for path, _, container, _ in neurons:
        owner = front_end if container is None else front_end_of(container)
        if owner is not front_end and owner is not None:
            rule = f"must not be inside of {type(container).__name__}, which is {owner.name}'s"
            problems.append(f"layer '{path}': {rule}")
    return problems
