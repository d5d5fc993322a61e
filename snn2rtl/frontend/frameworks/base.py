"""What a framework is to the front end: which of its layers are read, as what, and how they are traced."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from torch import Tensor, nn

from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import Node
from snn2rtl.options import ReadOptions


class Place(NamedTuple):
    """A module in a network.

    path: its name there. container: the container of all time steps, if any, that it stands in. shape: of the samples
    that it gives, where that is known.
    """

    path: str
    module: Any
    container: nn.Module | None = None
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Layer:
    """What is known of a class of layers.

    Attributes:
        read: makes its nodes, in a row; none where nothing is left once a network is trained. It raises
            UnsupportedModelError for a layer without exact hardware here.
        features: how many axes a sample may have; () for any.
        has_lead: whether it wants certain axes before those of a sample, and does not work on the last axis, or on
            every value, alone.
        has_state: whether a step depends on the steps before it.
        is_multi: whether it takes all steps in one call.
        commutes: whether it does the same to the mean of several inputs as to each of them.
        reshapes: whether it only changes the axes of a sample.
        score: says what it makes of all steps, "" where it gives each of them; None of layers that always do.
        states: parameters of its forward() beside the input, and which one of its results each of them takes from the
            step before; result 0 is what goes on to other layers. A layer without any gives one tensor.
        keeps_states: whether it goes on from the step before where it is not given its states.
        membrane: which one of its results is the membrane after a step; 0 for none.
        watches: whether it takes the states of other layers in their place, and gives back its input.
        repeats: says in how many steps it takes its one input, where it makes all steps of it.
    """

    read: Callable[[Place], list[Node]]
    features: tuple[int, ...] = ()
    has_lead: bool = True
    has_state: bool = False
    is_multi: bool = False
    commutes: bool = True
    reshapes: bool = False
    score: Callable[[Any], str] | None = None
    states: Mapping[str, int] = field(default_factory=dict)
    keeps_states: bool = False
    membrane: int = 0
    watches: bool = False
    repeats: Callable[[Any], int] | None = None


def listed(names: Iterable[str]) -> str:
    """Return names as a sentence lists them: a, b or c."""
    *some, last = names
    return f"{', '.join(some)} or {last}" if some else last


def version_problems(name: str, package: str, known: str) -> list[str]:
    """Return what is wrong with the version of a framework whose steps are known by the names of its classes alone."""
    try:
        installed = metadata.version(package)
    except metadata.PackageNotFoundError:
        installed = "one that is not installed as a package"
    right = installed.split(".")[:2] == known.split(".")
    return [] if right else [f"{name} must be {known}, whose steps are known here, not {installed}"]


class FrontEnd:
    """A framework whose networks are read: a file beside this one, and a line in the table of the package.

    Classes are matched exactly, for a subclass may compute anything. What is read is a network in evaluation mode.

    Attributes:
        name: what errors call the framework.
        neurons: names of its neurons that are read.
        others: names of its other layers that are read.
        packages: beginnings of names of Python modules whose layers a trace does not look into.
        containers: classes that only call what is in them, one after the other.
        layers: what is known of its layers, by their class.
        traced: of those that are read where shapes are known only.
        saved: beginnings of names of classes in files of torch.save(), of which nothing runs; none are read without.
        parts: what such files hold beside containers and layers: surrogate functions, prunings.
        fresh: layers whose results are neither views of what they take nor a state of theirs.
        same_shape: layers, and those made of them, that give what they take in its shape once a network is trained.
        asks: whether its files leave open what ReadOptions say.
    """

    name: ClassVar[str]
    neurons: ClassVar[tuple[str, ...]] = ()
    others: ClassVar[tuple[str, ...]] = ()
    packages: ClassVar[tuple[str, ...]] = ()
    containers: ClassVar[tuple[type, ...]] = ()
    layers: ClassVar[Mapping[type, Layer]] = {}
    traced: ClassVar[Mapping[type, Layer]] = {}
    saved: ClassVar[tuple[str, ...]] = ()
    parts: ClassVar[tuple[type, ...]] = ()
    fresh: ClassVar[tuple[type, ...]] = ()
    same_shape: ClassVar[tuple[type, ...]] = ()
    asks: ClassVar[bool] = False

    def is_container(self, module: object) -> bool:
        """Return whether a module only calls what is in it, one after the other."""
        return type(module) in self.containers

    def has_steps(self, container: nn.Module) -> bool:
        """Return whether a container takes all time steps and gives what is in it one, or all as samples."""
        return False

    def reads(self, module: object) -> bool:
        """Return whether a module is a layer of the framework; nodes() may still refuse it."""
        return type(module) in self.layers

    def nodes(self, place: Place) -> list[Node]:
        """Return the nodes of a layer, in a row.

        Raises:
            UnsupportedModelError: it has no exact hardware here.
        """
        known = self.layer(place.module)
        assert known is not None
        return known.read(place)

    def is_neuron(self, module: object) -> bool:
        """Return whether a module is neurons, which must not stand among those of another framework."""
        return False

    def problems(self, places: Sequence[Place]) -> list[str]:
        """Return what is wrong with the layers of a chain together."""
        return []

    def refusal(self, module: object, rule: str) -> str:
        """Return what is wrong with a module that nobody reads, by default the rule, which lists all that is read."""
        return rule

    def layer(self, module: object) -> Layer | None:
        """Return what is known of a layer that is traced."""
        return self.layers.get(type(module)) or self.traced.get(type(module))

    def is_multi(self, module: object) -> bool:
        """Return whether this module was told to take all steps in one call."""
        return False

    def is_leaf(self, module: nn.Module) -> bool:
        """Return whether a trace does not look into a module, wherever its class is defined."""
        return False

    def is_open(self, module: object) -> bool:
        """Return whether a trace looks into a module of the framework, as if it were the user's."""
        return False

    def result(self, module: nn.Module, x: Tensor) -> Any:
        """Return what a layer gives for a tensor on the meta device, or None where it is to be called."""
        return x if isinstance(module, self.same_shape) else None

    def saved_name(self, name: str) -> str:
        """Return the name of a class in a file without what differs between versions of the framework."""
        return name

    def reads_file(self, path: Path) -> bool:
        """Return whether this is a file of the framework's own, which load() takes; there may be none at the path."""
        return False

    def load(self, path: Path, options: ReadOptions | None = None) -> SpikingNetwork:
        """Return the network in a file for which reads_file() holds; options say what one leaves open.

        Raises:
            OptionError: the options leave something open that the file needs.
            ModelFileError: it is corrupt.
            UnsupportedModelError: something in the network has no exact hardware here.
        """
        raise NotImplementedError
