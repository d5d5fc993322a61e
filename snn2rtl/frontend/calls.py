"""The calls that forward() made, and what two traces, or one, tell about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from torch import nn

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.frontend.layers import is_fresh


@dataclass(frozen=True, eq=False)
class Call:
    """A call that forward() made.

    Attributes:
        order: how many calls forward() made before.
        op: "input", "module", or the name of a function or method, such as "add", "cat" or "flatten".
        args: what it was called with; results of other calls are those Calls.
        kwargs: what it was called with by name.
        shape: of the result, or of the first one of several; () where that is no tensor.
        parts: how many results there are, where they come as a tuple; else 0.
        module: the layer, where op is "module".
        path: the name of the layer in the network.
        where: the line of code that made it, as "file:line", or "" where that is in a library.
    """

    order: int
    op: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    shape: tuple[int, ...]
    module: nn.Module | None = None
    path: str = ""
    where: str = ""
    parts: int = 0

    @property
    def subject(self) -> str:
        """What an error about it begins with."""
        return f"layer '{self.path}'" if self.path else self.where or "network"


@dataclass(frozen=True, eq=False)
class Trace:
    """All calls that forward() made, in their order, and those whose results it returned."""

    calls: tuple[Call, ...]
    outputs: tuple[Call, ...]


_NEW = ("zeros", "empty", "zeros_like", "new_zeros")
_CHANGING = ("iadd", "isub", "imul", "itruediv", "written")


def calls_in(tree: Any) -> list[Call]:
    """Return the calls in a tree of tuples, lists and dictionaries."""
    if isinstance(tree, Call):
        return [tree]
    items = tree.values() if isinstance(tree, Mapping) else tree if isinstance(tree, list | tuple) else []
    return [call for item in items for call in calls_in(item)]


def check_same(first: Trace, second: Trace) -> None:
    """Refuse a network whose second call is not like the first one."""
    for before, after in zip_longest(map(_outline, first.calls), map(_outline, second.calls)):
        if before != after:
            place = (after or before)[-1] or "network"
            rule = "must call the same layers whenever it is called, for hardware is the same for all steps and samples"
            raise UnsupportedModelError([f"{place}: forward() {rule}"])


def _outline(call: Call) -> tuple[Any, ...]:
    taken = tuple(other.order for other in calls_in((call.args, call.kwargs)))
    return call.op, call.path, call.shape, taken, call.where


def check_in_place(calls: list[Call], kept: set[int]) -> None:
    """Refuse ``x += y`` where x is seen under another name, too: what that sees would not be traced.

    Args:
        calls: all that were traced.
        kept: identities of the tensors that modules hold.
    """
    for index, call in enumerate(calls):
        if not (call.op in _CHANGING or (call.op.endswith("_") and call.module is None)):
            continue
        changed = call.args[0]
        if isinstance(changed, Call):
            others = calls[index + 1 :] if call.op != "written" else [one for one in calls if one is not call]
            seen = not _is_new(changed) or any(changed in calls_in((other.args, other.kwargs)) for other in others)
        else:
            seen = id(changed) in kept
        if seen:
            rule = "must not change a tensor in place, which has other uses"
            raise UnsupportedModelError([f"{call.subject}: forward() {rule}; write x = x + y in place of x += y"])


def _is_new(call: Call) -> bool:
    """Return whether the result of a call is a tensor that nothing else sees: neither a view nor a state."""
    if call.module is not None:
        return is_fresh(call.module)
    return call.op in ("add", "mul", "sub", "truediv", "iadd", "cat", "stack", *_NEW, "written")
