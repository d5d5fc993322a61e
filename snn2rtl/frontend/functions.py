"""What the functions and methods that forward() calls do to the axes, and to the operations of a step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.frontend import views
from snn2rtl.frontend.calls import Call, Trace, calls_in
from snn2rtl.frontend.layers import layer_of
from snn2rtl.frontend.modules import tampered
from snn2rtl.frontend.operations import Steps, Value, Zero, is_zero, refuse
from snn2rtl.frontend.steps import Reader, joined


def steps_of(trace: Trace, lead: tuple[str, ...], batch: int) -> Steps:
    """Return one step of what a trace computes.

    Args:
        trace: calls over time and batch.
        lead: roles of the first axes of its input.
        batch: size of the batch, which divides no other axis.

    Raises:
        UnsupportedModelError: it mixes steps or samples, or calls what has no exact hardware here.
    """
    calls = _needed(trace)
    problems = dict.fromkeys(problem for call in calls for problem in _problems(call))
    if problems:
        raise UnsupportedModelError([*problems])
    reader = Reader(calls, trace.outputs, lead, batch)
    for call in calls:
        reader.values[call] = _HANDLERS[call.op](reader, call)
    return reader.result()


def _problems(call: Call) -> list[str]:
    if call.module is None:
        known = call.op in _HANDLERS
        rule = f"forward() must call layers, or functions such as {_NAMES}, not {call.op}()"
        return [] if known else [f"{call.subject}: {rule}"]
    problems = tampered(call.path, call.module, [*call.module.modules()][1:])
    try:
        layer_of(call.module)
    except UnsupportedModelError as error:
        problems += [f"{call.subject}: {problem}" for problem in error.problems]
    return problems


def _needed(trace: Trace) -> list[Call]:
    """Return the calls that the output needs, and those of other steps that only change the state of its layers."""
    kinds = {(call.op, call.path, call.where) for call in _reachable([*trace.outputs])}
    needed = _reachable([call for call in trace.calls if (call.op, call.path, call.where) in kinds])
    return [call for call in trace.calls if call in needed]


def _reachable(calls: list[Call]) -> set[Call]:
    found, todo = {*calls}, [*calls]
    while todo:
        call = todo.pop()
        new = {other for other in calls_in((call.args, call.kwargs)) if other not in found}
        found |= new
        todo += new
    return found


def _module(reader: Reader, call: Call) -> Value | tuple[Value, ...]:
    assert call.module is not None
    known = layer_of(call.module)
    if known.reshapes:
        return views.reshaped(reader, call)
    found = reader.layer(call)
    if known.score is None or isinstance(found, tuple):
        return found
    try:
        score = known.score(call.module)
    except UnsupportedModelError as error:
        refuse(call, error.problems[0])
    axes = reader.value(call, call.args[0]).axes
    return replace(found, axes=axes.without(0) if score else axes, score=score)


def _add(reader: Reader, call: Call) -> Any:
    left, right = call.args
    if call.kwargs:
        refuse(call, "add() must have no factor")
    for one, other in ((left, right), (right, left)):
        if _is_zero(reader, one):
            return reader.values[other] if isinstance(other, Call) else reader.partial(call, other)
    a, b = reader.partial(call, left), reader.partial(call, right)
    total = _accumulated(reader, call, a, b) or _accumulated(reader, call, b, a)
    if total:
        return total
    if a.count or b.count or a.score != b.score or a.score not in ("", "sum") or (a.score and a.factor != b.factor):
        refuse(call, "must add results of one step, or their sums over all steps")
    if a.factor != b.factor:
        a, b = reader.value(call, left), reader.value(call, right)
    return joined(reader, call, "add", [a, b])


def _accumulated(reader: Reader, call: Call, total: Value, new: Value) -> Value | None:
    """Return the sum of a step and all before it, or None where the values are not these."""
    before = total.count or 1
    same = (total.operation, total.factor, total.axes) == (new.operation, new.factor, new.axes)
    if not same or new.count or total.step != before - 1 or new.step != before:
        return None
    if before + 1 < reader.time_steps:
        return replace(new, count=before + 1)
    return replace(new, step=None, score="sum")


def _sub(reader: Reader, call: Call) -> Any:
    left, right = call.args[::-1] if call.op == "rsub" else call.args
    if isinstance(left, int | float) and left == 1 and not call.kwargs:
        x = reader.value(call, right)
        return replace(x, operation=reader.operation(call, "complement", (x,), x.axes.sample, x.step))
    return refuse(call, "must subtract spikes from 1 only, for AND and IAND")


def _mul(reader: Reader, call: Call) -> Any:
    left, right = call.args
    for one, other in ((left, right), (right, left)):
        factor = _number(one)
        if factor is not None:
            return _scaled(reader, call, other, factor)
    return joined(reader, call, "multiply", [reader.value(call, left), reader.value(call, right)])


def _div(reader: Reader, call: Call) -> Any:
    value, divisor = call.args[0], _number(call.args[1])
    if not divisor or call.kwargs:
        refuse(call, "must divide by a number")
    return _scaled(reader, call, value, 1 / divisor)


def _number(item: object) -> float | None:
    """Return a number that a module may keep as a tensor of no axes, as ann2snn's VoltageScaler does; else None."""
    if isinstance(item, Tensor) and item.ndim == 0:
        return float(item)
    return float(item) if isinstance(item, int | float) else None


def _scaled(reader: Reader, call: Call, item: object, factor: float) -> Value:
    if not factor > 0 or math.isinf(factor):
        refuse(call, f"must multiply by a number above 0, not {factor:.6g}")
    x = reader.partial(call, item)
    return replace(x, factor=x.factor * factor)


def _rectified(reader: Reader, call: Call) -> Any:
    x = reader.value(call, call.args[0])
    return replace(x, operation=reader.operation(call, "rectify", (x,), x.axes.sample, x.step))


def _softmax(reader: Reader, call: Call) -> Value:
    """Read softmax() of the scores at the end, which leaves the class as it is."""
    x = reader.partial(call, call.args[0])
    if call not in reader.outputs or not x.score or len(x.axes.sample) != 1:
        refuse(call, f"{call.op}() must be of the scores of a sample, right before forward() returns them")
    return x


def _zero(reader: Reader, call: Call) -> Zero:
    return Zero()


def _is_zero(reader: Reader, item: object) -> bool:
    return is_zero(reader.values[item] if isinstance(item, Call) else item)


def _input(reader: Reader, call: Call) -> Value:
    return reader.input(call)


def _functional(reader: Reader, call: Call) -> Any:
    """Read a function that does what a layer does."""
    cls, names = _FUNCTIONAL[call.op]
    given = {**dict(zip(names, call.args, strict=False)), **call.kwargs}
    given.pop("input")
    if given.pop("training", call.op == "dropout") or given.pop("return_indices", False):
        refuse(call, f"{call.op}() must be called as a trained network does, with training=self.training")
    given.pop("inplace", None)
    return reader.layer(replace(call, module=cls(**given).eval(), path="", args=call.args[:1], kwargs={}))


_AVERAGE = ["input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"]
_MAXIMUM = ["input", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices"]
# Functions with the layer that does the same, and the names of their parameters.
_FUNCTIONAL: dict[str, tuple[Callable[..., nn.Module], list[str]]] = {
    "max_pool1d": (nn.MaxPool1d, _MAXIMUM),
    "max_pool2d": (nn.MaxPool2d, _MAXIMUM),
    "avg_pool1d": (nn.AvgPool1d, _AVERAGE[:-1]),
    "avg_pool2d": (nn.AvgPool2d, _AVERAGE),
    "adaptive_avg_pool1d": (nn.AdaptiveAvgPool1d, ["input", "output_size"]),
    "adaptive_avg_pool2d": (nn.AdaptiveAvgPool2d, ["input", "output_size"]),
    "dropout": (nn.Dropout, ["input", "p", "training", "inplace"]),
}
_HANDLERS: dict[str, Callable[[Reader, Call], Any]] = {
    "input": _input,
    "module": _module,
    **dict.fromkeys(("add", "iadd", "radd"), _add),
    **dict.fromkeys(("sub", "rsub"), _sub),
    **dict.fromkeys(("mul", "rmul", "imul"), _mul),
    **dict.fromkeys(("div", "truediv", "itruediv"), _div),
    **dict.fromkeys(("zeros", "zeros_like", "new_zeros"), _zero),
    "relu": _rectified,
    **dict.fromkeys(("softmax", "log_softmax"), _softmax),
    **dict.fromkeys(_FUNCTIONAL, _functional),
    **views.HANDLERS,
}
_NAMES = "add, mul, cat, stack, flatten, view, mean, sum and the pools"
