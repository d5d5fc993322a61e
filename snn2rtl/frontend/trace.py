"""Trace the forward() of any module: which layers and functions it calls, with what, and where in its code.

torch.fx does the tracing, with the layers of all frameworks as its leaves. Beyond that, a traced value
knows its shape, so that forward() may ask for it, count time steps in a loop and split or join axes. What depends on
values, or on what an earlier call left behind, is refused with the line that asks for it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.overrides import TorchFunctionMode

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.frontend import layers
from snn2rtl.frontend.calls import Call, Trace, calls_in, check_in_place, check_same
from snn2rtl.frontend.traced_tensor import TracedTensor, mapped, raised_at, where

_MAKERS = (torch.zeros, torch.empty)
_SAME_VALUE = ("contiguous", "clone", "detach", "float", "double", "cpu", "cuda", "to", "requires_grad_")


def trace(net: nn.Module, shape: tuple[int, ...]) -> Trace:
    """Return what forward() calls for an input of a shape.

    The network is traced in evaluation mode, twice, and left as it was: what a first call leaves behind for a second
    one is state that no layer holds.

    Raises:
        UnsupportedModelError: forward() fails, decides by values, keeps state of its own, or returns no tensor.
    """
    with _left_as_it_was(net):
        net.eval()
        first = _Tracer().calls(net, shape)
        first.is_over = True
        second = _Tracer().calls(net, shape)
    found = second.result()
    check_same(first.result(), found)
    return found


@contextmanager
def _left_as_it_was(net: nn.Module) -> Iterator[None]:
    """Undo all that happens to the attributes of the modules."""
    kept = [
        (module, dict(vars(module)), {key: copy(value) for key, value in vars(module).items() if _is_mutable(value)})
        for module in net.modules()
    ]
    try:
        yield
    finally:
        for module, attributes, contents in kept:
            vars(module).clear()
            vars(module).update(attributes)
            for key, content in contents.items():
                attributes[key].clear()
                attributes[key].extend(content) if type(content) is list else attributes[key].update(content)


def _is_mutable(value: object) -> bool:
    return type(value) in (dict, list, set)


class _Tracer(fx.Tracer):
    """Records calls, and computes the shape of every result on the meta device."""

    is_over = False

    def calls(self, net: nn.Module, shape: tuple[int, ...]) -> _Tracer:
        """Trace the network; result() has what it returned."""
        self.shape = shape
        try:
            with _New(self):
                self.graph = self.trace(_Root(net))
        except UnsupportedModelError:
            raise
        except Exception as error:  # forward() is the user's
            reason = f"{type(error).__name__}: {error}".partition("\n")[0]
            place = raised_at(error) or "network"
            raise UnsupportedModelError(
                [f"{place}: forward() must run on an input of shape {shape}, not end in {reason}"]
            ) from error
        return self

    def check(self) -> None:
        """Raise where a value of a call that is over is used."""
        if self.is_over:
            rule = "forward() must keep nothing for its next call, which a layer of SpikingJelly could not"
            raise UnsupportedModelError([f"{where() or 'network'}: {rule}; it uses a value of the call before here"])

    def is_leaf_module(self, module: nn.Module, path: str) -> bool:
        """Return whether a module is a layer: code of a library, that is no container."""
        return layers.is_leaf(module)

    def path_of_module(self, module: nn.Module) -> str:
        """Return the module's name in the user's network."""
        try:
            return super().path_of_module(module).removeprefix("net").removeprefix(".")
        except NameError:
            rule = f"{type(module).__name__} must be an attribute of a module or in an nn.ModuleList, not in a list"
            raise UnsupportedModelError([f"{where() or 'network'}: {rule}"]) from None

    def call_module(self, module: nn.Module, forward: Any, args: Any, kwargs: Any) -> Any:
        """Record the call of a layer; run any other module, and a layer on the meta device."""
        if not _values((args, kwargs)):
            return forward(*args, **kwargs)
        return super().call_module(module, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        """Return an attribute of a module as it is, parameters too."""
        return attr_val

    def create_arg(self, a: Any) -> Any:
        """Keep tensors as they are, so that the network is not changed."""
        return a if isinstance(a, Tensor) else super().create_arg(a)

    def proxy(self, node: fx.Node) -> fx.Proxy:
        """Return the value of a node."""
        return TracedTensor(node, self)

    def create_proxy(self, kind: str, target: Any, args: Any, kwargs: Any, *more: Any, **named: Any) -> Any:
        """Return what a call gives: a traced value, or a number or a shape, which are known."""
        self.check()
        mapped(lambda value: value.tracer.check(), (args, kwargs))
        if kind == "call_method" and target in _SAME_VALUE and _is_float(args, kwargs):
            return args[0]
        result = self._result(kind, target, args, kwargs)
        if not any(isinstance(value, Tensor) for value in (result if isinstance(result, list | tuple) else [result])):
            return result
        proxy = super().create_proxy(kind, target, args, kwargs, *more, **named)
        proxy.node.meta.update(value=result, where=where())
        parts = range(len(result)) if type(result) is tuple else ()
        return tuple(proxy[index] for index in parts) if parts else proxy  # type: ignore[index]

    def _result(self, kind: str, target: Any, args: Any, kwargs: Any) -> Any:
        args, kwargs = mapped(lambda value: value.tensor, (args, kwargs))
        match kind:
            case "placeholder":
                return torch.empty(self.shape, device="meta")
            case "call_module":
                return self._called(self.root.get_submodule(f"net.{target}" if target else "net"), args, kwargs)
            case "call_method":
                return getattr(args[0], target)(*args[1:], **kwargs)
            case _ if target in _MAKERS:
                return target(*args, device="meta")
            case _:
                return target(*args, **kwargs)

    def _called(self, module: nn.Module, args: Any, kwargs: Any) -> Any:
        """Return what a layer gives; one that is not read may fail on a tensor without content."""
        try:
            return layer_result(module, *args, **kwargs)
        except Exception as error:
            if layers.is_known(module):
                raise
            path = self.path_of_module(module)
            raise UnsupportedModelError([f"layer '{path}': {layers.unsupported(module)}"]) from error

    def result(self) -> Trace:
        """Return the calls."""
        calls: dict[fx.Node, Call] = {}
        for node in self.graph.nodes:
            if node.op == "output":
                break
            calls[node] = self._call(node, calls)
        returned = next(iter(reversed(self.graph.nodes))).args[0]
        outputs = calls_in(_with_calls(returned, calls))
        if not outputs:
            raise UnsupportedModelError([f"network: forward() must return a tensor, not {_kind(returned)}"])
        held = {id(value) for module in self.root.modules() for value in _tensors(module)}
        check_in_place([*calls.values()], held)
        return Trace((*calls.values(),), (*outputs,))

    def _call(self, node: fx.Node, calls: dict[fx.Node, Call]) -> Call:
        args, kwargs = _with_calls((node.args, node.kwargs), calls)
        value = node.meta["value"]
        parts = len(value) if isinstance(value, list | tuple) else 0
        first = value[0] if parts else value
        shape = tuple(first.shape) if isinstance(first, Tensor) else ()
        if node.op == "call_module":
            path = str(node.target)
            module = self.root.get_submodule(f"net.{path}" if path else "net")
            return Call(len(calls), "module", args, kwargs, shape, module, path, node.meta["where"], parts)
        op = node.target if isinstance(node.target, str) else node.target.__name__
        op = "input" if node.op == "placeholder" else op.strip("_") if op.startswith("__") else op
        return Call(len(calls), op, args, kwargs, shape, where=node.meta["where"], parts=parts)


def _with_calls(tree: Any, calls: dict[fx.Node, Call]) -> Any:
    """Return a tree of tuples, lists and dictionaries with calls for the nodes of torch.fx."""
    return fx.node.map_aggregate(tree, lambda item: calls.get(item, item))  # type: ignore


class _New(TorchFunctionMode):
    """Lets forward() make tensors that are traced, for it may write into them."""

    def __init__(self, tracer: _Tracer) -> None:
        super().__init__()
        self.tracer = tracer

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function not in _MAKERS or kwargs.get("device") == "meta" or not where():
            return function(*args, **kwargs)
        sizes = args or kwargs["size"]
        sizes = sizes[0] if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes
        return self.tracer.create_proxy("call_function", function, (tuple(sizes),), {})


class _Root(nn.Module):
    """Calls the network with one input, whatever else its forward() could take.

    What it must be given besides are states, as a function for one step takes them: none, as before the first step.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Any) -> Any:
        parameters = inspect.signature(self.net.forward).parameters.values()
        required = [one for one in parameters if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD]
        return self.net(x, *[None for _ in required[1:]])


def layer_result(module: nn.Module, x: Tensor, *more: Any, **named: Any) -> Any:
    """Return what a layer gives for a tensor on the meta device, without a trace in the layer."""
    found = layers.result(module, x)
    if found is not None:
        return found
    tensors = [*module.named_parameters(), *module.named_buffers()]
    on_meta = {key: torch.empty_like(value, dtype=x.dtype, device="meta") for key, value in tensors}
    return torch.func.functional_call(module, on_meta, (x, *more), named)


def _values(tree: Any) -> list[TracedTensor]:
    found: list[TracedTensor] = []
    mapped(found.append, tree)
    return found


def _is_float(args: Any, kwargs: Any) -> bool:
    """Return whether a conversion leaves the values as they are."""
    dtypes = [value for value in (*args[1:], *kwargs.values()) if isinstance(value, torch.dtype)]
    return all(dtype in (torch.float32, torch.float64) for dtype in dtypes)


def _kind(returned: Any) -> str:
    if isinstance(returned, fx.Node):
        return f"the {len(returned.meta['value'])} of {returned.name}"
    if returned is None:
        return "None"
    if isinstance(returned, Tensor):
        return "a tensor that no layer made of its input, such as a membrane that a neuron keeps"
    kind = next((kind for kind in (tuple, list, dict) if isinstance(returned, kind)), type(returned))
    return f"a {kind.__name__}"


def _tensors(module: nn.Module) -> list[object]:
    return [*module._parameters.values(), *module._buffers.values(), *vars(module).values()]
