"""What a network does in one time step: operations and their results, as forward() is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

from torch import Tensor, nn

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.frontend.axes import Axes
from snn2rtl.frontend.calls import Call

Kind = Literal[
    "input", "layer", "reshape", "add", "multiply", "complement", "scale", "rectify", "concatenate"
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Operation:
    """What happens to a sample in every step.

    Attributes:
        kind: "input", "layer", "reshape", "add", "multiply", "complement" (1 - x), "scale", "rectify" (relu)
            or "concatenate" (of channels).
        inputs: the operations whose results it takes, by their number.
        shape: of its result, without time and batch.
        module: the layer, where it is one.
        name: the layer's name in the network; of other operations a name of its own.
        where: the line of code that made it, or "".
        factor: by which "scale" multiplies.
    """

    kind: Kind
    inputs: tuple[int, ...]
    shape: tuple[int, ...]
    module: nn.Module | None = None
    name: str = ""
    where: str = ""
    factor: float = 1.0


@dataclass(frozen=True, eq=False)
class Steps:
    """One step of a network.

    Attributes:
        operations: each comes after those that it takes; the first one is the input.
        output: number of the one whose result forward() returns.
        score: what it makes of its results over time: "sum" (or mean), "max", "last", or "" where it gives each step.
        time_steps: how many steps a sample has, where its input is the same in all of them; else None.
        is_membrane: whether forward() returns the membrane of that operation's neurons in place of their spikes.
    """

    operations: tuple[Operation, ...]
    output: int
    score: str
    time_steps: int | None
    is_membrane: bool = False


@dataclass(frozen=True)
class Value:
    """A result of a call: that of an operation, in one step of a loop or in all.

    Attributes:
        operation: its number.
        part: which one of its results, where it has several; those beside the first are states for its next step.
        axes: time, batch and features.
        factor: a number above 0 by which it is multiplied; 1 for what a layer takes.
        step: which one of a loop, or None.
        count: how many steps are summed up so far, or 0.
        score: what was made of all steps, as in Steps.
    """

    operation: int
    axes: Axes
    factor: float = 1.0
    step: int | None = None
    count: int = 0
    score: str = ""
    part: int = 0


class RefusedCallError(UnsupportedModelError):
    """A call has no exact hardware here; order is the number of calls before it."""

    def __init__(self, call: Call, rule: str) -> None:
        at = f" ({call.where})" if call.path and call.where else ""
        super().__init__([f"{call.subject}: {rule}{at}"])
        self.order = call.order


def refuse(call: Call, rule: str) -> NoReturn:
    """Raise the error about a call."""
    raise RefusedCallError(call, rule)


class Zero:
    """A tensor of zeros, with which a sum over time begins, and the state of a layer."""


@dataclass(frozen=True)
class Written:
    """A tensor into which the results of the first steps were written, of all before it is read."""

    values: tuple[Value, ...]


def is_zero(value: object) -> bool:
    """Return whether a value is a tensor of zeros, or the number."""
    if isinstance(value, Tensor):
        return not bool(value.any())
    return isinstance(value, Zero) or (isinstance(value, int | float) and value == 0)


def before(operations: Sequence[Operation], number: int) -> set[int]:
    """Return the operations that one depends on, by their numbers."""
    found: set[int] = set()
    todo = [number]
    while todo:
        new = [other for other in operations[todo.pop()].inputs if other not in found]
        found.update(new)
        todo += new
    return found
