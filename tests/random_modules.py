"""Random torch modules with a forward(): skips, sums, concatenations, gates, pools, recurrence, in both step modes."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from run_steps import exact
from spikingjelly.activation_based import functional, layer, neuron
from torch import Tensor, nn

Shape = tuple[int, ...]
MOST_VALUES = 72
CLASSES = 3


@dataclass
class Call:
    """One line of a forward(): what it makes of the results of others."""

    what: str
    inputs: tuple[int, ...]
    make: Callable[..., Tensor]
    shape: Shape
    spikes: bool
    sources: set[int] = field(default_factory=set)  # all that it is made of


class RandomNet(nn.Module):
    """A network of random calls; those that nobody reads are left out."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = np.random.default_rng(seed)
        self.mode = str(self.random.choice(["s", "m"]))
        self.parts = nn.ModuleList()
        shape = tuple([(6,), (2, 6), (2, 4, 4)][self.random.integers(3)])
        self.calls = [Call("input", (), lambda x: x, shape, True)]
        for _ in range(int(self.random.integers(2, 8))):
            self._one_more()
        self._classify()
        functional.set_step_mode(self, self.mode)
        exact(self, seed)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
                module.weight.data = (module.weight.data * 8).round() / 8
        self.double()

    @property
    def shape(self) -> Shape:
        """Shape of a sample."""
        return self.calls[0].shape

    def forward(self, x: Tensor) -> Tensor:
        return self._step(x) if self.mode == "m" else torch.stack([self._step(one) for one in x])

    def _step(self, x: Tensor) -> Tensor:
        read = self.calls[-1].sources
        made = {0: x}
        for index, call in enumerate(self.calls[1:], 1):
            if index in read or index == len(self.calls) - 1:
                made[index] = call.make(*(made[one] for one in call.inputs))
        return made[len(self.calls) - 1]

    def names(self) -> set[str]:
        """Return what kinds of calls the network has."""
        return {call.what for index, call in enumerate(self.calls) if index in self.calls[-1].sources}

    def _add(self, what: str, inputs: tuple[int, ...], make: Callable[..., Tensor], shape: Shape, spikes: bool) -> int:
        sources = {*inputs}.union(*(self.calls[one].sources for one in inputs))
        self.calls.append(Call(what, inputs, make, shape, spikes, sources))
        return len(self.calls) - 1

    def _part(self, module: nn.Module) -> nn.Module:
        self.parts.append(module)
        return module

    def _pick(self, fits: Callable[[Call], bool] = lambda call: True) -> int | None:
        """Return one of what fits, the last ones more often."""
        found = [index for index, call in enumerate(self.calls) if fits(call)]
        if not found:
            return None
        weight = 1.5 ** np.arange(len(found))
        return int(self.random.choice(found, p=weight / weight.sum()))

    def _one_more(self) -> None:
        kinds = [self._neurons, self._two_currents, self._join, self._residual, self._pool, self._pool, self._recurrent]
        kinds[self.random.integers(len(kinds))]()

    def _neuron(self) -> nn.Module:
        reset = [0.0, 0.25, None][self.random.integers(3)]
        makes: list[Callable[[], nn.Module]] = [
            lambda: neuron.IFNode(0.75, reset),
            lambda: neuron.LIFNode(2.0, True, 0.75, reset),
            lambda: neuron.LIFNode(4.0, False, 0.75, reset),
            lambda: neuron.ParametricLIFNode(2.0, False, 0.75, reset),
        ]
        return self._part(makes[self.random.integers(4)]())

    def _weights(self, source: int, out: int) -> tuple[int, Shape]:
        """Add a linear layer or convolution that keeps places, with a batch norm or without one."""
        shape = self.calls[source].shape
        if len(shape) == 1:
            modules = [layer.Linear(shape[0], out, bias=bool(self.random.integers(2)))]
            norm: nn.Module = layer.BatchNorm1d(out)
        else:
            conv, batch_norm = ((layer.Conv1d, layer.BatchNorm1d), (layer.Conv2d, layer.BatchNorm2d))[len(shape) - 2]
            modules = [conv(shape[0], out, 3, padding=1)]
            norm = batch_norm(out)
        modules += [norm] if self.random.random() < 0.4 else []
        for module in modules:
            made = (out, *shape[1:])
            source = self._add(type(module).__name__, (source,), self._part(module), made, False)
        return source, made

    def _fire(self, current: int) -> int:
        return self._add("neurons", (current,), self._neuron(), self.calls[current].shape, True)

    def _neurons(self) -> None:
        source = self._pick()
        self._fire(self._weights(source, int(self.random.integers(3, 5)))[0])

    def _two_currents(self) -> None:
        first = self._pick()
        places = self.calls[first].shape[1:]
        second = self._pick(lambda call: call.shape[1:] == places)
        out = int(self.random.integers(3, 5))
        one, shape = self._weights(first, out)
        other, _ = self._weights(second, out)
        self._fire(self._add("currents", (one, other), operator.add, shape, False))

    def _residual(self) -> None:
        """Add a block of SEW ResNet: two layers of neurons in a row, and a sum or a gate of their spikes."""
        first = self._pick()
        out = int(self.random.integers(3, 5))
        one = self._fire(self._weights(first, out)[0])
        other = self._fire(self._weights(one, out)[0])
        shape = self.calls[one].shape
        match self.random.integers(3):
            case 0:
                self._add("sum", (one, other), operator.add, shape, False)
            case 1:
                self._add("and", (one, other), operator.mul, shape, True)
            case _:
                self._add("iand", (one, other), lambda a, b: (1 - a) * b, shape, True)

    def _join(self) -> None:
        """Add a concatenation of spikes."""
        first = self._pick(lambda call: call.spikes)
        channels, *places = self.calls[first].shape
        second = self._pick(lambda call: call.spikes and list(call.shape[1:]) == places)
        channels += self.calls[second].shape[0]
        if channels * int(np.prod(places)) <= MOST_VALUES:
            self._add("cat", (first, second), self._cat, (channels, *places), True)

    def _cat(self, one: Tensor, other: Tensor) -> Tensor:
        return torch.cat((one, other), dim=2 if self.mode == "m" else 1)

    def _pool(self) -> None:
        source = self._pick(lambda call: call.spikes and len(call.shape) > 1 and min(call.shape[1:]) > 1)
        if source is None:
            return
        channels, *places = self.calls[source].shape
        halves = (channels, *(place // 2 for place in places))
        is_max = bool(self.random.integers(2))
        if len(places) == 1:
            pool = layer.MaxPool1d(2) if is_max else layer.AvgPool1d(2)
        else:
            pool = layer.MaxPool2d(2) if is_max else layer.AvgPool2d(2)
        self._add("max pool" if is_max else "average pool", (source,), self._part(pool), halves, is_max)

    def _recurrent(self) -> None:
        current, (out, *_) = self._weights(self._flat(self._pick()), int(self.random.integers(3, 5)))
        is_linear = bool(self.random.integers(2))
        node = self._neuron()
        del self.parts[-1]
        if is_linear:
            container = layer.LinearRecurrentContainer(node, out, out)
        else:
            container = layer.ElementWiseRecurrentContainer(node, operator.add)
        self._add("recurrent", (current,), self._part(container), (out,), True)

    def _flat(self, source: int) -> int:
        shape = self.calls[source].shape
        if len(shape) == 1:
            return source
        spikes = self.calls[source].spikes
        return self._add("flatten", (source,), self._part(layer.Flatten()), (int(np.prod(shape)),), spikes)

    def _classify(self) -> None:
        """Add an output that reads the last of what is there, and something else beside it."""
        last = self._flat(len(self.calls) - 1)
        other = self._flat(self._pick(lambda call: call.spikes))
        size = self.calls[last].shape[0] + self.calls[other].shape[0]
        both = self._add("cat", (last, other), self._cat, (size,), False)
        self._fire(self._weights(both, CLASSES)[0])
