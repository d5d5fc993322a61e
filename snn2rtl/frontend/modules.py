"""Read a network from memory: an nn.Sequential of layers of PyTorch, SpikingJelly and Norse.

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
from snn2rtl.frontend import norse, spikingjelly
from snn2rtl.frontend.spikingjelly import CLASSES, NEURONS, WRAPPERS, Place

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
    if type(net) not in CLASSES and not norse.is_norse(net):
        kind = type(net).__name__
        advice = "give an example_input, so that its forward() is traced"
        raise UnsupportedModelError([f"network: must be an nn.Sequential, not {kind}; {advice}"])
    nodes: list[Node] = []
    problems: list[str] = []
    places = list(_modules(net))
    for place in places:
        problems += _general_problems(place)
        try:
            nodes += _nodes(place)
        except UnsupportedModelError as error:
            problems += error.problems
    problems += spikingjelly.step_mode_problems(places) + _shared_problems(places) + _mixed_problems(places)
    if problems:
        raise UnsupportedModelError(problems)
    return SpikingNetwork(name=name, nodes=tuple(nodes), encoder=encoder)


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
    todo = [Place("" if _is_container(net) else type(net).__name__, net)]
    for _ in range(MAX_MODULES):
        if not todo:
            return
        place = todo.pop()
        yield place
        if _is_container(place.module):
            inner = place.module if spikingjelly.is_multi(place.module) else place.container
            prefix = f"{place.path}." if place.path else ""
            children = place.module._modules.items()
            todo += [Place(prefix + key, child, inner) for key, child in reversed(children)]
    raise UnsupportedModelError([f"network: must have at most {MAX_MODULES} modules; does one contain itself?"])


def _is_container(module: object) -> bool:
    return type(module) in spikingjelly.CONTAINERS or norse.is_container(module)


def _nodes(place: Place) -> list[Node]:
    path, module, _ = place
    if norse.is_container(module):
        return []
    if norse.is_norse(module):
        return norse.nodes(path, module)
    found = spikingjelly.node(path, module)
    return [found] if found else []


def _general_problems(place: Place) -> list[str]:
    path, module, _ = place
    if type(module) not in CLASSES and not norse.is_norse(module):
        return []
    return tampered(path, module, [] if _is_container(module) else [*module._modules.values()])


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


def _mixed_problems(places: list[Place]) -> list[str]:
    """Return where neurons of Norse are among those of SpikingJelly, or their layers of one step among those of all."""
    ours = [place for place in places if norse.is_norse(place.module) and not norse.is_container(place.module)]
    first = next((place.path for place in places if type(place.module) in NEURONS), None)
    if first is not None:
        rule = f"neuron must be one of SpikingJelly like '{first}', not one of Norse"
        return [f"layer '{place.path}': {rule}" for place in ours]
    problems = norse.time_problems([(place.path, place.module) for place in ours])
    for path, _, container in ours:
        if container is not None:
            rule = f"must not be inside of {type(container).__name__}, which is SpikingJelly's"
            problems.append(f"layer '{path}': {rule}")
    return problems


def _shared_problems(places: list[Place]) -> list[str]:
    first: dict[int, str] = {}
    problems = []
    for path, module, _ in places:
        if type(module) in NEURONS and first.setdefault(id(module), path) != path:
            rule = f"neuron must have a membrane of its own, not share that of '{first[id(module)]}'"
            problems.append(f"layer '{path}': {rule}; use a node for each")
    return problems
