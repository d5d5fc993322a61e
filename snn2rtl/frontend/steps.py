"""One time step of one sample, gathered from the calls of forward() over time and batch.

A network may take all steps at once (layers in step mode "m", SeqToANNContainer), step by step (a loop over the first
axis, multi_step_forward), the same input in every step (repeat(), or a loop), or one step a call. All of these become
the same list of operations. In a loop, the k-th call of a layer with a state is that of step k, and every step must do
what the first one does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from reprlib import repr as short
from typing import Any

from torch import nn

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.frontend.axes import BATCH, MERGED, TIME, Axes
from snn2rtl.frontend.calls import Call
from snn2rtl.frontend.frameworks.base import Layer
from snn2rtl.frontend.layers import layer_of
from snn2rtl.frontend.operations import Kind, Operation, Steps, Value, before, is_zero, refuse


@dataclass
class Reader:
    """Gathers the operations of a step; operation() gives the same number for what happens again in a later step."""

    calls: Sequence[Call]
    outputs: Sequence[Call]
    lead: tuple[str, ...]
    batch: int
    operations: list[Operation] = field(default_factory=list)
    values: dict[Call, Any] = field(default_factory=dict)
    time_steps: int = 0  # of a loop, or of an input that is repeated; 0 where none is known
    repeated: bool = False

    def __post_init__(self) -> None:
        self._known: dict[tuple[Any, ...], int] = {}
        self._names: Counter[str] = Counter()
        self._made: Counter[nn.Module] = Counter()
        self._alone: list[Call] = []
        stateful = [call.module for call in self.calls if call.module is not None and layer_of(call.module).has_state]
        self._total = Counter(stateful)
        for call in self.calls:
            total = self._total.get(call.module, 1) if call.module is not None else 1
            if total > 1:
                self.take_steps(call, total)

    def take_steps(self, call: Call, steps: int) -> None:
        """Note how many steps a loop or a repetition has."""
        if self.time_steps not in (0, steps):
            refuse(call, f"must be called in each of {self.time_steps} steps, not {steps} times")
        self.time_steps = steps

    def operation(
        self,
        call: Call,
        kind: Kind,
        taken: Sequence[Value],
        shape: tuple[int, ...],
        step: int | None,
        factor: float = 1.0,
    ) -> int:
        """Return the number of an operation, which the first step adds and the others find again."""
        for value in taken:
            if value.part:
                refuse(call, f"must leave the states of '{self.operations[value.operation].name}' to its own next step")
        inputs = tuple(value.operation for value in taken)
        key = (kind, call.path or repr(call.module), inputs, shape, factor)
        if key not in self._known:
            if step:
                refuse(call, f"must do in step {step} what it does in step 0, for hardware is the same in all steps")
            name = call.path or call.op
            self._names[name] += 1
            name = name if self._names[name] == 1 else f"{name}_{self._names[name]}"
            self._known[key] = len(self.operations)
            module = call.module if kind == "layer" else None
            self.operations.append(Operation(kind, inputs, shape, module, name, call.where, factor))
        return self._known[key]

    def value(self, call: Call, item: object) -> Value:
        """Return an argument of a call that must be a tensor in the middle of the network, scaled there."""
        value = self.partial(call, item)
        if value.score or value.count:
            refuse(call, "must come before the sum or mean over time, not after it")
        if value.factor != 1:
            by_itself = replace(call, path="", op="scale", module=None)
            shape = value.axes.sample
            number = self.operation(by_itself, "scale", (value,), shape, value.step, value.factor)
            return replace(value, operation=number, factor=1.0)
        return value

    def partial(self, call: Call, item: object) -> Value:
        """Return an argument of a call that must be a tensor, summed or scaled or not, or a state of a layer."""
        found = self.values.get(item) if isinstance(item, Call) else None
        if isinstance(found, tuple):
            name = self.operations[found[0].operation].name
            refuse(call, f"must take one of the {len(found)} results of '{name}', of which the first are its spikes")
        if not isinstance(found, Value):
            refuse(call, f"must take results of layers, not {short(item)}")
        return found

    def input(self, call: Call) -> Value:
        """Return the input, whose first axes are those that were told."""
        axes = Axes(self.lead, call.shape[: len(self.lead)]).with_sample(call.shape)
        return Value(self.operation(call, "input", (), axes.sample, None), axes)

    def layer(self, call: Call) -> Value | tuple[Value, ...]:
        """Return the result of a layer, or all of those that it gives."""
        assert call.module is not None
        kind = layer_of(call.module)
        if kind.commutes:
            x = self.partial(call, call.args[0])
            is_mean = x.score == "sum" and self.time_steps and abs(x.factor * self.time_steps - 1) < 1e-9
            x = x if is_mean else self.value(call, call.args[0])
        else:
            x = self.value(call, call.args[0])
        if kind.repeats:
            return self._encoded(call, x, kind.repeats(call.module))
        _check_axes(call, kind, x)
        step = self._step(call, x) if kind.has_state else x.step
        # a layer may give the steps one by one, or only what it makes of them
        axes = x.axes.with_sample(call.shape) if len(call.shape) == len(x.axes.roles) else x.axes
        number = self.operation(call, "layer", (x,), axes.sample, step)
        made = replace(x, operation=number, axes=axes, step=step)
        self._check_states(call, kind, made)
        return tuple(replace(made, part=part) for part in range(call.parts)) if kind.states and call.parts else made

    def _check_states(self, call: Call, kind: Layer, made: Value) -> None:
        """Refuse a layer that is called with anything else than its states of the step before."""
        if kind.watches:
            return
        given = {**dict(zip(kind.states, call.args[1:], strict=False)), **call.kwargs}
        if len(call.args) - 1 > len(kind.states) or not given.keys() <= kind.states.keys():
            also = f" and its states ({', '.join(kind.states)})" if kind.states else ""
            refuse(call, f"must be called with one tensor{also}")
        for name, part in kind.states.items():
            state = given.get(name)
            last = self.values.get(state) if isinstance(state, Call) else state
            if not made.step or last is None:
                fresh = not made.step or kind.keeps_states
                if not (fresh and (last is None or is_zero(last))):
                    refuse(call, f"{name} must be what it gave in the step before; in the first step none, or zeros")
            elif last != replace(made, part=part, step=made.step - 1):
                refuse(call, f"{name} must be what it gave in the step before")

    def _encoded(self, call: Call, x: Value, steps: int) -> Value:
        """Return what neurons give that take the same input in every step."""
        if x.axes.lead != (BATCH,) or x.step is not None:
            refuse(call, f"must get an axis of the batch, not of {_listed(x.axes.lead)}, for it makes the steps")
        self.take_steps(call, steps)
        self.repeated = True
        axes = Axes((TIME, *x.axes.roles), call.shape)
        return replace(x, operation=self.operation(call, "layer", (x,), axes.sample, None), axes=axes)

    def _step(self, call: Call, x: Value) -> int | None:
        """Return the step of a call of a layer with a state."""
        module = call.module
        assert module is not None
        made, total = self._made[module], self._total[module]
        self._made[module] += 1
        if TIME in x.axes.lead and total > 1:
            refuse(call, f"must take all steps in one call, not be called {total} times")
        if TIME in x.axes.lead:
            return None
        if total == 1 and x.step is None:
            self._alone.append(call)
            return None
        if x.step not in (None, made):
            refuse(call, "must be called once in every step, in their order; use a layer for each place")
        return made

    def result(self) -> Steps:
        """Return the network whose forward() returns what the outputs give: its output, states, spikes on the way."""
        call, found = self._output()
        score = found.score
        if found.count:
            refuse(call, f"must sum up all {self.time_steps} steps, not {found.count}")
        if found.step is not None:
            if found.step != self.time_steps - 1:
                refuse(call, f"must return the last of {self.time_steps} steps, not step {found.step}")
            score = "last"
        is_static = self.repeated or bool(self.time_steps and TIME not in self.lead)
        if is_static and self._alone:
            refuse(self._alone[0], f"must be called in each of {self.time_steps} steps, not once")
        steps = self.time_steps if is_static else None
        return Steps(tuple(self.operations), found.operation, score, steps, is_membrane=bool(found.part))

    def _output(self) -> tuple[Call, Value]:
        """Return the result that no other one is made of, the spikes of a layer rather than its states."""
        each = {value: call for call in self.outputs for value in self._values(call)}  # spikes may also be a state
        inner = {number for value in each for number in before(self.operations, value.operation)}
        last = [value for value in each if value.operation not in inner]
        found = [value for value in last if not value.part]
        found = found or [value for value in last if value.part == _membrane(self.operations[value.operation])]
        if len(found) != 1:
            what = f"{len(found)} results" if found else "states of its layers"
            rule = "must return one result beside states and what it is made of, for hardware has one output"
            raise UnsupportedModelError([f"network: forward() {rule}, not {what}"])
        return each[found[0]], found[0]

    def _values(self, call: Call) -> Sequence[Value]:
        """Return what a call gives, one or several."""
        found = self.values[call]
        return found if isinstance(found, tuple) else [self.partial(call, call)]


def _membrane(operation: Operation) -> int:
    """Return which one of an operation's results is the membrane of its neurons, -1 where none is."""
    return (layer_of(operation.module).membrane or -1) if operation.module else -1


def _check_axes(call: Call, kind: Layer, x: Value) -> None:
    """Refuse a layer that would take one axis for another."""
    lead = x.axes.lead
    if not x.axes.is_plain:
        refuse(call, "must get time and batch before the features of a sample")
    if kind.is_multi and kind.has_lead and lead != (TIME, BATCH):
        refuse(call, f"must get axes of time and batch in step mode 'm', not of {_listed(lead)}; use step mode 's'")
    if not kind.is_multi and kind.has_state and lead != (BATCH,):
        refuse(call, f"must get an axis of the batch in step mode 's', not of {_listed(lead)}; use step mode 'm'")
    if not kind.is_multi and kind.has_lead and not kind.has_state and lead not in ((BATCH,), (MERGED,)):
        refuse(call, f"must get an axis of the batch in step mode 's', not of {_listed(lead)}; use step mode 'm'")
    if kind.features and len(x.axes.sample) not in kind.features:
        counts = " or ".join(map(str, kind.features))
        refuse(call, f"must take samples of {counts} axes, not of shape {x.axes.sample}")


def joined(reader: Reader, call: Call, kind: Kind, values: Sequence[Value]) -> Value:
    """Return an operation on several results of one step; one that is the same in all steps goes with any."""
    steps = {value.step for value in values if value.step is not None}
    if len(steps) > 1:
        refuse(call, f"must take results of one step, not of steps {', '.join(map(str, sorted(steps)))}")
    first = max(values, key=lambda value: len(value.axes.lead))
    for value in values:
        if value.axes.lead not in (first.axes.lead, first.axes.lead[1:]) or not value.axes.is_plain:
            refuse(call, "must take results over the same axes of time and batch")
        if kind != "concatenate" and value.axes.sample != first.axes.sample:
            refuse(call, f"must take samples of one shape, not of {first.axes.sample} and {value.axes.sample}")
    axes = first.axes.with_sample(call.shape)
    step = next(iter(steps), None)
    return replace(first, operation=reader.operation(call, kind, values, axes.sample, step), axes=axes, step=step)


def _listed(lead: tuple[str, ...]) -> str:
    return " and ".join(lead)
