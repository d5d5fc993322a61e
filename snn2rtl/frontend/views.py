"""What views of a traced tensor, and sums over time, do to its axes and to the operations of a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from torch import nn

from snn2rtl.frontend import axes as along
from snn2rtl.frontend.axes import BATCH, FEATURE, TIME, Axes
from snn2rtl.frontend.calls import Call
from snn2rtl.frontend.operations import Value, Written, is_zero, refuse
from snn2rtl.frontend.steps import Reader, joined


def _stack(reader: Reader, call: Call) -> Value:
    items, axis = _bound(call, ("items", "dim"), dim=0)
    if isinstance(items, Call):  # what a NonSpikingIFNode gives for each step
        return reader.value(call, items)
    values = [reader.value(call, item) for item in items]
    if axis != 0 or any(TIME in value.axes.roles for value in values):
        refuse(call, f"must stack the steps of a loop along axis 0, not along {axis}")
    return _sequence(reader, call, values)


def _sequence(reader: Reader, call: Call, values: Sequence[Value]) -> Value:
    """Return all steps of a loop as one value."""
    first = values[0]
    is_same = all((value.operation, value.axes) == (first.operation, first.axes) for value in values)
    steps = [value.step for value in values]
    if is_same and not any(step is not None for step in steps):
        _repeat(reader, call, len(values))
    elif not is_same or steps != [*range(reader.time_steps or len(steps))]:
        refuse(call, "must join the results of one layer in all steps, in their order")
    axes = first.axes if TIME in first.axes.roles else Axes((TIME, *first.axes.roles), (1, *first.axes.sizes))
    return replace(first, axes=Axes(axes.roles, (len(values), *axes.sizes[1:])), step=None)


def _repeat(reader: Reader, call: Call, steps: int) -> None:
    reader.take_steps(call, steps)
    reader.repeated = True


def _cat(reader: Reader, call: Call) -> Value:
    items, axis = _bound(call, ("items", "dim", "axis"), dim=0)[:2]
    values = [reader.value(call, item) for item in items]
    roles = values[0].axes.roles
    if len({value.axes.roles for value in values}) == 1 and roles[axis] == TIME and values[0].step is not None:
        return _sequence(reader, call, values)
    if roles[axis] != FEATURE or FEATURE in roles[: axis % len(roles)]:
        refuse(call, f"must join channels, the first axis of a sample, not axis {axis}")
    return joined(reader, call, "concatenate", values)


def _repeated(reader: Reader, call: Call) -> Value:
    """Read repeat() and expand(), which give every step the same input."""
    x = reader.value(call, call.args[0])
    added = len(call.shape) - len(x.axes.roles)
    before = (1,) * added + x.axes.sizes
    if x.step is None and added <= 1 and call.shape[1:] == before[1:] and x.axes.lead in ((BATCH,), (TIME, BATCH)):
        roles = (TIME,) * added + x.axes.roles
        if roles[0] == TIME and before[0] == 1:
            _repeat(reader, call, call.shape[0])
            return replace(x, axes=Axes(roles, call.shape))
    if call.shape == x.axes.sizes:
        return x
    return refuse(call, f"must repeat an input over time, along a new first axis, not make {call.shape} of {before}")


def _reduced(reader: Reader, call: Call) -> Value:
    """Read mean(), sum() and amax(): over time a score, over all places of a channel an average pool."""
    x = reader.partial(call, call.args[0])
    dims, keep = _bound(call, ("x", "dim", "keepdim"), dim=None, keepdim=False)[1:]
    axes = [dims] if isinstance(dims, int) else [*(dims or ())]
    axes = sorted(axis % len(x.axes.roles) for axis in axes)
    roles = [x.axes.roles[axis] for axis in axes]
    if keep or not axes or not set(roles) <= {TIME, FEATURE}:
        refuse(call, f"{call.op}() must be over time or over the places of channels, with keepdim=False")
    places = [axis for axis, role in zip(axes, roles, strict=True) if role == FEATURE]
    if places:
        x = _pooled(reader, call, x, places)
    return _over_time(reader, call, x) if TIME in roles else x


def _over_time(reader: Reader, call: Call, x: Value) -> Value:
    if x.score or x.count or x.step is not None:
        refuse(call, f"{call.op}() over time must be the only one")
    axis = x.axes.roles.index(TIME)
    steps = x.axes.sizes[axis]
    if call.op == "mean":
        reader.take_steps(call, steps)
    score = "max" if call.op in ("amax", "max") else "sum"
    return replace(x, axes=x.axes.without(axis), score=score, factor=x.factor / (steps if call.op == "mean" else 1))


def _pooled(reader: Reader, call: Call, x: Value, places: Sequence[int]) -> Value:
    sample = x.axes.sample
    count = len(x.axes.lead)
    if call.op != "mean" or places != [*range(count + 1, len(x.axes.roles))] or len(sample) not in (2, 3):
        refuse(call, f"{call.op}() must be a mean over all places of a channel, axes 1 and up of a sample {sample}")
    pool = nn.AvgPool1d(sample[1]) if len(sample) == 2 else nn.AvgPool2d((sample[1], sample[2]))
    shape = (sample[0], *(1 for _ in sample[1:]))
    number = reader.operation(replace(call, module=pool, path=""), "layer", (x,), shape, x.step)
    number = reader.operation(call, "reshape", (replace(x, operation=number),), sample[:1], x.step)
    return replace(x, operation=number, axes=Axes(x.axes.roles[: count + 1], x.axes.sizes[: count + 1]))


def reshaped(reader: Reader, call: Call) -> Value:
    """Read view(), flatten() and the like, and the layers that do the same."""
    x = reader.partial(call, call.args[0])
    axes = along.reshaped(x.axes, call.shape, reader.batch)
    if axes is None:
        refuse(call, f"must keep time and batch apart from the features, not make {call.shape} of {x.axes.sizes}")
    if axes.sample == x.axes.sample:
        return replace(x, axes=axes)
    if not axes.is_plain or not axes.sample:
        refuse(call, f"must keep time and batch before the features, not make {call.shape} of {x.axes.sizes}")
    return replace(x, axes=axes, operation=reader.operation(call, "reshape", (x,), axes.sample, x.step))


def _unsqueezed(reader: Reader, call: Call) -> Value:
    x, axis = _bound(call, ("x", "dim"))
    value = reader.partial(call, x)
    if axis % len(call.shape) == 0 and TIME not in value.axes.roles:
        return replace(value, axes=Axes((TIME, *value.axes.roles), call.shape))
    return reshaped(reader, call)


def _permuted(reader: Reader, call: Call) -> Value:
    x = reader.value(call, call.args[0])
    count = len(x.axes.roles)
    dims = call.args[1:] if call.op != "permute" or isinstance(call.args[1], int) else call.args[1]
    order = [axis % count for axis in dims]
    if call.op == "transpose":
        first, second = order
        order = [{first: second, second: first}.get(axis, axis) for axis in range(count)]
    features = [axis for axis in order if x.axes.roles[axis] == FEATURE]
    if features != sorted(features):
        refuse(call, "must leave the axes of a sample in their order; only time and batch may change places")
    return replace(x, axes=x.axes.permuted(order))


def _item(reader: Reader, call: Call) -> Any:
    """Read x[t], select() and unsqueezing by None: one step of a sequence."""
    if call.op == "select":
        x, axis, index = _bound(call, ("x", "dim", "index"))
    else:
        x, key = call.args
        parts = reader.values.get(x) if isinstance(x, Call) else None
        if isinstance(parts, tuple) and isinstance(key, int):
            return parts[key]
        if isinstance(x, Call) and x.op == "max":
            return reader.values[x] if key == 0 else None  # the values; where they are is nothing that a network takes
        if key is None:
            return _unsqueezed(reader, replace(call, args=(x, 0)))
        keys = list(key) if isinstance(key, tuple) else [key]
        while len(keys) > 1 and keys[-1] in (slice(None), Ellipsis):
            keys.pop()
        axis = len(keys) - 1
        index = keys[-1]
        if any(other != slice(None) for other in keys[:-1]) or not isinstance(index, int):
            refuse(call, "must take one step x[t], not a part of a tensor")
    value = reader.value(call, x)
    if value.axes.roles[axis] != TIME:
        refuse(call, f"must take one step, not a part of the {value.axes.roles[axis]} axis")
    steps = value.axes.sizes[axis]
    reader.take_steps(call, steps)
    return replace(value, axes=value.axes.without(axis), step=index % steps)


def _written(reader: Reader, call: Call) -> Value | Written:
    """Read x[t] = ... of zeros, for each step in its turn: all of them are what stack() makes of the steps."""
    x, key, item = call.args
    first, *rest = key if isinstance(key, tuple) else (key,)
    before = reader.values.get(x)
    values = before.values if isinstance(before, Written) else ()
    is_step = first == len(values) and all(other in (slice(None), Ellipsis) for other in rest)
    if (not is_zero(before) and not isinstance(before, Written)) or not is_step:
        refuse(call, "must write the results of steps into a new tensor, along axis 0, each step in its turn")
    values = (*values, reader.value(call, item))
    if values[-1].axes.sizes != call.shape[1:]:
        refuse(call, f"must write all of a step, of shape {call.shape[1:]}, not of {values[-1].axes.sizes}")
    return _sequence(reader, call, values) if len(values) == call.shape[0] else Written(values)


def _bound(call: Call, names: tuple[str, ...], **defaults: Any) -> list[Any]:
    """Return the arguments of a call by the names of its parameters."""
    given = {**defaults, **dict(zip(names, call.args, strict=False)), **call.kwargs}
    extra = given.keys() - {*names}
    if extra or len(call.args) > len(names):
        refuse(call, f"{call.op}() must be called with {', '.join(names)} only")
    return [given.get(name) for name in names]


def _same(reader: Reader, call: Call) -> Value:
    return reader.partial(call, call.args[0])


HANDLERS: dict[str, Callable[[Reader, Call], Any]] = {
    "stack": _stack,
    **dict.fromkeys(("cat", "concat", "concatenate"), _cat),
    **dict.fromkeys(("repeat", "expand", "expand_as"), _repeated),
    **dict.fromkeys(("mean", "sum", "amax", "max"), _reduced),
    **dict.fromkeys(("flatten", "unflatten", "view", "reshape", "squeeze"), reshaped),
    "unsqueeze": _unsqueezed,
    **dict.fromkeys(("permute", "transpose", "swapaxes"), _permuted),
    **dict.fromkeys(("getitem", "select"), _item),
    "empty": lambda reader, call: Written(()),
    "written": _written,
}
