"""States that are passed by hand, and forward()s that return more than their output: snnTorch's way to write."""

import pytest
import snntorch as snn
import torch
from run_steps import agrees, spikes
from torch import nn

from snn2rtl.errors import UnsupportedModelError
from snn2rtl.frontend.graph import read_steps

STEPS, BATCH = 4, 3


class Parts(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(6, 5)
        self.lif1 = snn.Leaky(beta=0.75)
        self.fc2 = nn.Linear(5, 3)
        self.lif2 = snn.Synaptic(alpha=0.5, beta=0.875)

    def step(self, x, mem1, syn2, mem2):
        spk1, mem1 = self.lif1(self.fc1(x), mem1)
        spk2, syn2, mem2 = self.lif2(self.fc2(spk1), syn2, mem2)
        return spk1, mem1, spk2, syn2, mem2


class Loop(Parts):
    """The same input in all steps, as in snnTorch's tutorial 5, or new ones."""

    def __init__(self, is_static=True, returned=lambda spk1, mem1, spk2, syn2, mem2: (spk2, mem2)):
        super().__init__()
        self.is_static, self.returned = is_static, returned

    def forward(self, x):
        mem1 = self.lif1.reset_mem()
        syn2, mem2 = self.lif2.reset_mem()
        recorded = []
        for t in range(STEPS):
            made = self.step(x if self.is_static else x[t], mem1, syn2, mem2)
            _, mem1, _, syn2, mem2 = made
            recorded.append(self.returned(*made))
        return tuple(torch.stack(each) for each in zip(*recorded, strict=True))


def only(net):
    """Return the network without what it returns beside its first result."""

    class Only(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, *inputs):
            return self.net(*inputs)[0]

    return Only()


def test_a_loop_over_one_input():
    steps = agrees(only(Loop()), spikes(BATCH, 6), layout="N", dtype=torch.float32)
    assert steps.time_steps == STEPS
    assert [operation.name for operation in steps.operations] == ["input", "net.fc1", "net.lif1", "net.fc2", "net.lif2"]


def test_a_loop_over_the_steps_of_an_input():
    steps = agrees(only(Loop(is_static=False)), spikes(STEPS, BATCH, 6), dtype=torch.float32)
    assert steps.time_steps is None


@pytest.mark.parametrize(
    "returned",
    [
        lambda spk1, mem1, spk2, syn2, mem2: (spk2, mem2),
        lambda spk1, mem1, spk2, syn2, mem2: (mem1, syn2, spk2),
        lambda spk1, mem1, spk2, syn2, mem2: (mem1, spk1, mem2, spk2),
    ],
)
def test_the_output_is_what_nothing_else_is_made_of(returned):
    steps = read_steps(Loop(returned=returned), (BATCH, 6))
    assert steps.operations[steps.output].name == "lif2"
    assert not steps.is_membrane


def test_a_function_of_one_step():
    class Net(Parts):
        def forward(self, x, mem1, syn2, mem2):
            _, mem1, spk2, syn2, mem2 = self.step(x, mem1, syn2, mem2)
            return spk2, mem1, syn2, mem2

    steps = read_steps(Net(), (BATCH, 6))
    assert steps.time_steps is None
    assert [operation.name for operation in steps.operations] == ["input", "fc1", "lif1", "fc2", "lif2"]


def test_membranes_as_the_output():
    steps = read_steps(Loop(returned=lambda spk1, mem1, spk2, syn2, mem2: (mem1, mem2)), (BATCH, 6))
    assert steps.operations[steps.output].name == "lif2"
    assert steps.is_membrane


class OtherState(Loop):
    """state: which state the second layer gets in each step."""

    def __init__(self, state):
        super().__init__()
        self.state = state

    def forward(self, x):
        mem1, (syn2, mem2) = self.lif1.reset_mem(), self.lif2.reset_mem()
        spk2 = None
        for _ in range(STEPS):
            spk1, mem1 = self.lif1(self.fc1(x), mem1)
            spk2, syn2, mem2 = self.lif2(self.fc2(spk1), *self.state(mem1, syn2, mem2))
        return spk2


@pytest.mark.parametrize(
    ("state", "problem"),
    [
        (lambda mem1, syn2, mem2: (mem2, syn2), "layer 'lif2': syn must be what it gave in the step before"),
        (lambda mem1, syn2, mem2: (syn2, torch.ones(BATCH, 3)), "layer 'lif2': mem must be what it gave in the step"),
        (lambda mem1, syn2, mem2: (syn2, mem2, mem1), "layer 'lif2': must be called with one tensor and its states"),
    ],
)
def test_another_state_is_refused(state, problem):
    with pytest.raises(UnsupportedModelError) as caught:
        read_steps(OtherState(state), (BATCH, 6))
    assert caught.value.problems[0].startswith(problem)


def test_a_state_may_be_left_out_where_a_layer_keeps_it():
    steps = read_steps(OtherState(lambda mem1, syn2, mem2: ()), (BATCH, 6))
    assert steps.time_steps == STEPS


@pytest.mark.parametrize(
    ("used", "problem"),
    [
        (lambda net, spk, mem: net.fc2(mem), "layer 'fc2': must leave the states of 'lif1' to its own next step"),
        (lambda net, spk, mem: spk * mem, "must leave the states of 'lif1' to its own next step"),
        (lambda net, spk, mem: net.fc2((spk, mem)), "must run on an input"),
    ],
)
def test_membranes_go_nowhere(used, problem):
    class Net(Parts):
        def forward(self, x):
            spk, mem = self.lif1(self.fc1(x))
            return self.fc2(spk), used(self, spk, mem)

    with pytest.raises(UnsupportedModelError) as caught:
        read_steps(Net(), (BATCH, 6))
    assert problem in caught.value.problems[0]


def test_two_outputs_are_refused():
    class Net(Parts):
        def forward(self, x):
            spk, _ = self.lif1(self.fc1(x))
            return self.fc2(spk), self.lif2(spk)[0]

    with pytest.raises(UnsupportedModelError) as caught:
        read_steps(Net(), (BATCH, 6))
    rule = "must return one result beside states and what it is made of, for hardware has one output, not 2 results"
    assert caught.value.problems == (f"network: forward() {rule}",)
