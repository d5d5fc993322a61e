"""What a traced network must not do is refused with the line that does it."""

import inspect

import pytest
import torch
import torch.nn.functional as F
from spikingjelly.activation_based import encoding, functional, layer, neuron
from torch import nn

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.frontend.graph import read_steps


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc, self.lif, self.lif2, self.fc2 = nn.Linear(4, 4), neuron.LIFNode(), neuron.IFNode(), nn.Linear(4, 3)
        self.mem, self.count, self.conv, self.others = None, 0, nn.Conv2d(2, 3, 3), [neuron.IFNode()]
        self.encoder = encoding.PoissonEncoder()


CASES: list[tuple[type[nn.Module], str]] = []


def refused(rule: str):
    def register(cls: type[nn.Module]) -> type[nn.Module]:
        CASES.append((cls, rule))
        return cls

    return register


VALUES = "forward() must not decide by values, for hardware is the same for all of them; it makes "


@refused(VALUES + "a condition of a tensor here")
class Condition(Parts):
    def forward(self, x):
        if x.sum() > 0:  # here
            x = self.fc(x)
        return self.lif(x)


@refused(VALUES + "item() of a tensor here")
class Item(Parts):
    def forward(self, x):
        x = self.lif(self.fc(x))
        print(x.mean().item(), end="")  # here
        return x


@refused(VALUES + "a number of a tensor here")
class Number(Parts):
    def forward(self, x):
        return self.lif(self.fc(x) * float(x.max()))  # here


@refused(VALUES + "an index of a tensor here")
class Index(Parts):
    def forward(self, x):
        for _ in range(x.sum()):  # here
            x = self.lif(x)
        return x


NEXT = (
    "forward() must keep nothing for its next call, which a layer of SpikingJelly could not; it uses a value of "
    "the call before here"
)


@refused(NEXT)
class OwnMembrane(Parts):
    def forward(self, x):
        if self.mem is None:
            self.mem = torch.zeros_like(x)
        self.mem = self.mem * 0.5 + self.fc(x)  # here
        return self.lif(self.mem)


@refused(NEXT)
class Recurrent(Parts):
    def forward(self, x):
        if self.mem is not None:
            x = torch.cat([x, self.mem], 1)[:, :4]  # here
        self.mem = self.lif(self.fc(x))
        return self.mem


@refused(
    "forward() must call the same layers whenever it is called, for hardware is the same for all steps and samples"
)
class Counter(Parts):
    def forward(self, x):
        self.count += 1
        x = self.lif(self.fc(x))
        if self.count > 1:
            x = self.fc2(x)  # here
        return x


FUNCTIONS = (
    "forward() must call layers, or functions such as add, mul, cat, stack, flatten, view, mean, sum and the pools"
)


@refused(f"{FUNCTIONS}, not tanh()")
class Function(Parts):
    def forward(self, x):
        x = torch.tanh(x)  # here
        return self.lif(self.fc(x))


@refused(f"{FUNCTIONS}, not gt()")
class OwnNeuron(Parts):
    def forward(self, x):
        x = (self.fc(x) > 1.0).float()  # here
        return self.lif2(x)


@refused(f"{FUNCTIONS}, not rand_like()")
class Random(Parts):
    def forward(self, x):
        x = torch.rand_like(x)  # here
        return self.lif(self.fc(x))


@refused("forward() must not change a tensor in place, which has other uses; write x = x + y in place of x += y")
class InPlace(Parts):
    def forward(self, x):
        y = self.lif(self.fc(x)) + x
        z = y
        y += x  # here
        return self.lif2(y + z)


@refused("forward() must not change a tensor in place, which has other uses; write x = x + y in place of x += y")
class InPlaceOfAView(Parts):
    def forward(self, x):
        y = self.lif(self.fc(x))
        z = y.view(-1, 2, 2)
        z += 0  # here
        return self.lif2(y)


@refused("IFNode must be an attribute of a module or in an nn.ModuleList, not in a list")
class InAList(Parts):
    def forward(self, x):
        x = self.fc(x)
        for node in self.others:
            x = node(x)  # here
        return x


@refused("must take results of one step, not of steps 0, 1")
class OfTheStepBefore(Parts):
    def forward(self, x):
        out, h = [], 0.0
        for t in range(x.shape[0]):
            h = self.lif(self.fc(x[t]) + h)  # here
            out.append(h)
        return torch.stack(out)


@refused("must join the results of one layer in all steps, in their order")
class Backwards(Parts):
    def forward(self, x):
        out = [self.lif(self.fc(x[t])) for t in range(x.shape[0])]
        return torch.stack(out[::-1])  # here


@refused("must do in step 2 what it does in step 0, for hardware is the same in all steps")
class OneStepIsAnother(Parts):
    def forward(self, x):
        out = []
        for t in range(x.shape[0]):
            y = self.lif(self.fc(x[t]))
            out.append(y * y if t == 2 else y)  # here
        return torch.stack(out)


@refused("must sum up all 3 steps, not 2")
class TwoOfThree(Parts):
    def forward(self, x):
        y = [self.lif(self.fc(x_t)) for x_t in x]
        return y[0] + y[1]  # here


@refused("must return the last of 3 steps, not step 1")
class OneInTheMiddle(Parts):
    def forward(self, x):
        y = [self.lif(self.fc(x_t)) for x_t in x]  # here (layer)
        return y[1]


@refused("mean() must be over time or over the places of channels, with keepdim=False")
class OverTheBatch(Parts):
    def forward(self, x):
        x = self.lif(self.fc(x))
        return x - x.mean(0)  # here


@refused("must multiply by a number above 0, not -1")
class Negative(Parts):
    def forward(self, x):
        return self.lif(self.fc(x * -1))  # here


@refused("must subtract spikes from 1 only, for AND and IAND")
class Difference(Parts):
    def forward(self, x):
        y = self.lif(self.fc(x))
        return y - self.lif2(x)  # here


@refused("must come before the sum or mean over time, not after it")
class AfterTheMean(Parts):
    def forward(self, x):
        x = sum(self.lif(self.fc(x_t)) for x_t in x)
        return self.fc2(x)  # here (layer)


@refused("dropout() must be called as a trained network does, with training=self.training")
class AlwaysDropped(Parts):
    def forward(self, x):
        x = F.dropout(x, 0.5)  # here
        return self.lif(self.fc(x))


@refused("must take one step x[t], not a part of a tensor")
class Part(Parts):
    def forward(self, x):
        x = x[:, :2]  # here
        return self.lif(x)


@pytest.mark.parametrize(("cls", "rule"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_the_line_is_named(cls, rule):
    lines, first = inspect.getsourcelines(cls)
    number, line = next((first + index, line) for index, line in enumerate(lines) if "# here" in line)
    in_loop = "x_t" in "".join(lines) or "x[t]" in "".join(lines)
    with pytest.raises(UnsupportedModelError) as caught:
        read_steps(cls(), (3, 2, 4) if in_loop else (2, 4))
    place = f"{inspect.getsourcefile(cls)}:{number}"
    (problem,) = caught.value.problems
    if "(layer)" in line:
        assert problem.startswith("layer '")
        assert problem.endswith(f": {rule} ({place})")
    else:
        assert problem == f"{place}: {rule}"


def problems_of(net: nn.Module, *shape: int) -> tuple[str, ...]:
    with pytest.raises(UnsupportedModelError) as caught:
        read_steps(net, shape)
    return caught.value.problems


def test_a_forward_that_fails_is_told_with_its_line():
    class Net(Parts):
        def forward(self, x):
            return self.lif(self.fc2(self.fc2(x)))

    line = inspect.getsourcelines(Net)[1] + 2
    (problem,) = problems_of(Net(), 2, 4)
    assert problem.startswith(f"{__file__}:{line}: forward() must run on an input of shape (11, 4), not end in Runtime")


@pytest.mark.parametrize(
    ("returned", "what"),
    [(lambda x: (), "a tuple"), (lambda x: None, "None"), (lambda x: {"x": 3}, "a dict"), (lambda x: 3, "a int")],
)
def test_a_tensor_must_be_returned(returned, what):
    class Net(Parts):
        def forward(self, x):
            return returned(self.lif(self.fc(x)))

    assert problems_of(Net(), 2, 4) == (f"network: forward() must return a tensor, not {what}",)


def test_all_layers_that_are_not_supported_are_named():
    class Net(Parts):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.ReLU(), neuron.IzhikevichNode()

        def forward(self, x):
            return self.lif(torch.tanh(self.b(self.a(self.encoder(x)))))

    problems = problems_of(Net(), 2, 4)
    assert [problem.split(": ")[0] for problem in problems[:3]] == ["layer 'encoder'", "layer 'a'", "layer 'b'"]
    assert problems[2].endswith("neuron must be IFNode, LIFNode or ParametricLIFNode, not IzhikevichNode")
    assert problems[3].endswith("not tanh()")


def test_hooks_of_layers():
    net = Parts()
    net.forward = lambda x: net.lif(net.fc(x))
    net.fc.register_forward_hook(lambda *_: None)
    assert problems_of(net, 2, 4) == (
        "layer 'fc': must have no forward hooks, for they can change its output; remove them",
    )


def test_own_layers_and_neurons_are_not_traced_into():
    class OwnNode(neuron.LIFNode):
        def neuronal_charge(self, x):
            self.v = self.v + x.abs()

    class OwnLinear(nn.Linear):
        pass

    net = nn.Sequential(OwnLinear(4, 4), OwnNode())
    problems = problems_of(net, 2, 4)
    assert [problem.split(": ")[0] for problem in problems] == ["layer '0'", "layer '1'"]
    assert "not OwnLinear" in problems[0]
    assert "neuron must be IFNode, LIFNode or ParametricLIFNode, not OwnNode" in problems[1]


def lif(mode: str) -> nn.Module:
    return neuron.LIFNode(step_mode=mode)


@pytest.mark.parametrize(
    ("net", "shape", "rule"),
    [
        (
            layer.SeqToANNContainer(nn.Linear(4, 4), lif("s")),
            (3, 2, 4),
            "layer '1': must get an axis of the batch in step mode 's', not of time and batch",
        ),
        (
            nn.Sequential(nn.Linear(4, 4), lif("s"), nn.Linear(4, 4), lif("m")),
            (3, 2, 4),
            "layer '1': must get an axis of the batch in step mode 's', not of time and batch; use step mode 'm'",
        ),
        (
            nn.Sequential(layer.Conv2d(2, 2, 3), lif("s")),
            (3, 2, 2, 8, 8),
            "network: forward() must run on an input of shape (11, 2, 2, 8, 8), not end in RuntimeError: ",
        ),
        (
            nn.Sequential(nn.Conv2d(2, 2, 3), nn.Linear(6, 2), lif("s")),
            (3, 2, 8, 8),
            "layer '1': must take samples of 1 axes, not of shape (2, 6, 6)",
        ),
        (
            nn.Sequential(nn.Conv1d(2, 2, 3), nn.MaxPool2d(2), lif("s")),
            (3, 2, 8),
            "layer '1': must take samples of 3 axes, not of shape (2, 6)",
        ),
        (
            nn.Sequential(nn.Flatten(0), nn.Linear(8, 2)),
            (2, 4),
            "network: forward() must run on an input of shape (11, 4), not end in RuntimeError: ",
        ),
    ],
)
def test_axes_that_are_taken_for_others(net, shape, rule):
    (problem,) = problems_of(net, *shape)
    assert problem.startswith(rule)


def test_a_neuron_that_is_called_twice():
    class Net(Parts):
        def forward(self, x):
            return self.lif(self.fc(self.lif(self.fc(x))))

    (problem,) = problems_of(Net(), 2, 4)
    assert problem.startswith("layer 'lif': must be called once in every step, in their order; use a layer for each")


def test_a_neuron_before_the_loop():
    class Net(Parts):
        def forward(self, x):
            x = self.lif2(self.fc(x))
            return sum(self.lif(self.fc2(x)) for _ in range(4))

    (problem,) = problems_of(Net(), 2, 4)
    assert problem.startswith("layer 'lif2': must be called in each of 4 steps, not once (")


def test_channels_stay_in_their_order():
    class Net(Parts):
        def forward(self, x):
            return self.lif(self.conv(x).transpose(2, 3))

    class Last(Parts):
        def forward(self, x):
            return self.lif(self.conv(x.permute(0, 3, 1, 2)))

    for cls, shape in ((Net, (2, 2, 8, 8)), (Last, (2, 8, 8, 2))):
        (problem,) = problems_of(cls(), *shape)
        assert problem.endswith("must leave the axes of a sample in their order; only time and batch may change places")


def test_the_network_is_left_as_it_was_after_a_refusal():
    net = OwnMembrane()
    net.seen = [1]
    with pytest.raises(UnsupportedModelError):
        read_steps(net, (2, 4))
    assert net.mem is None
    assert net.seen == [1]
    assert net.training


def test_no_step_can_be_told_from_a_sample_without_one():
    functional.reset_net(Parts())
    (problem,) = problems_of(Parts(), 4)
    assert problem == "example_input: must have an axis of the batch and those of a sample, not shape (4,)"
