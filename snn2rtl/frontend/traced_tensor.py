"""A tensor while a network is traced, and the line of the user's code that uses it."""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, fx

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.frontend.layers import is_library

_LIBRARIES = tuple(os.path.dirname(module.__file__ or "") + os.sep for module in (torch, sys.modules[__package__]))


class TracedTensor(fx.Proxy):
    """A tensor while the network is traced: it has a shape and no content."""

    tracer: Any

    @property
    def tensor(self) -> Any:
        """The tensor on the meta device, or several."""
        return self.node.meta["value"]

    def __getattr__(self, key: str) -> Any:
        found = getattr(self.tensor, key)  # an AttributeError is the user's
        if key == "device":
            return torch.device("cpu")
        if key == "data":
            return self
        if isinstance(self.tensor, tuple):  # values and indices of max()
            return self[next(index for index, part in enumerate(self.tensor) if part is found)]  # type: ignore[index]
        if isinstance(found, Tensor):
            return self.tracer.create_proxy("call_method", key, (self,), {})
        return fx.proxy.Attribute(self, key) if callable(found) else found

    def __iadd__(self, other: Any) -> Any:
        return self._changed(operator.iadd, other)

    def __isub__(self, other: Any) -> Any:
        return self._changed(operator.isub, other)

    def __imul__(self, other: Any) -> Any:
        return self._changed(operator.imul, other)

    def __itruediv__(self, other: Any) -> Any:
        return self._changed(operator.itruediv, other)

    def _changed(self, function: Callable[[Any, Any], Any], other: Any) -> Any:
        return self.tracer.create_proxy("call_function", function, (self, other), {})

    def __setitem__(self, key: object, value: object) -> None:
        """Write into the tensor: what uses it from now on uses that of the write."""
        self.node = self.tracer.create_proxy("call_function", written, (self, key, value), {}).node

    def __len__(self) -> int:
        return len(self.tensor)

    def __iter__(self) -> Iterator[Any]:
        return iter([self[index] for index in range(len(self))])  # type: ignore[index]

    def __bool__(self) -> bool:
        raise _decided("a condition")

    def __index__(self) -> int:
        raise _decided("an index")

    __int__ = __index__

    def __float__(self) -> float:
        raise _decided("a number")

    def item(self) -> float:
        """Refuse to say what is in the tensor."""
        raise _decided("item()")

    def tolist(self) -> list[float]:
        """Refuse to say what is in the tensor."""
        raise _decided("tolist()")

    def numpy(self) -> None:
        """Refuse to say what is in the tensor."""
        raise _decided("numpy()")

    @classmethod
    def __torch_function__(cls, method: Any, types: Any, args: Any = None, kwargs: Any = None) -> Any:
        mapped(lambda value: value.tracer.check(), (args, kwargs or {}))
        return super().__torch_function__(method, types, args, kwargs)


def written(x: Tensor, key: Any, value: Any) -> Tensor:
    """Return the tensor after ``x[key] = value``."""
    x = x.clone()
    x[key] = value
    return x


def _decided(what: str) -> UnsupportedModelError:
    rule = "forward() must not decide by values, for hardware is the same for all of them"
    return UnsupportedModelError([f"{where() or 'network'}: {rule}; it makes {what} of a tensor here"])


def mapped(function: Callable[[TracedTensor], Any], tree: Any) -> Any:
    """Return a tree of tuples, lists and dictionaries, traced values replaced, and tensors on the meta device."""
    if isinstance(tree, TracedTensor):
        return function(tree)
    if isinstance(tree, Tensor):
        return tree.to("meta")
    if isinstance(tree, list | tuple) and type(tree) in (list, tuple):
        return type(tree)(mapped(function, item) for item in tree)
    if isinstance(tree, Mapping):
        return {key: mapped(function, item) for key, item in tree.items()}
    return tree


def where() -> str:
    """Return the line of the user's code that runs now, or "" where only libraries run."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if _is_own(frame):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back if frame.f_code.co_name != "calls" else None
    return ""


def raised_at(error: BaseException) -> str:
    """Return the last line of the user's code on the way to an error."""
    place, step = "", error.__traceback__
    while step is not None:
        if _is_own(step.tb_frame):
            place = f"{step.tb_frame.f_code.co_filename}:{step.tb_lineno}"
        step = step.tb_next
    return place


def _is_own(frame: Any) -> bool:
    name = frame.f_globals.get("__name__", "")
    return not frame.f_code.co_filename.startswith((*_LIBRARIES, "<frozen")) and not is_library(name)
