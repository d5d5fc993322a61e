"""Classes that hold Norse's cells, Lift, RecurrentSequential and encoders: each output of each step is Norse's own.

Everything is dyadic and computed in float64, so that nothing is rounded; strict refuses what integers would.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from norse.torch import (
    ConstantCurrentLIFEncoder,
    IAFCell,
    LICell,
    LIFBoxCell,
    LIFCell,
    LIFRefracCell,
    LIFRefracRecurrentCell,
    Lift,
    RegularizationCell,
    SequentialState,
)
from norse.torch.functional.iaf import IAFParameters
from norse.torch.functional.lif_box import LIFBoxParameters
from norse.torch.functional.lif_refrac import LIFRefracParameters
from norse.torch.module.leaky_integrator import LILinearCell
from norse.torch.module.sequential import RecurrentSequential
from test_frontend_norse import DT, dyadic, inverse, li, lif
from torch import nn

from snn2rtl.compiler import fold
from snn2rtl.errors import UnsupportedModelError
from snn2rtl.frontend import from_module
from snn2rtl.int_net import reference
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.passes.quantize import quantize_network

STEPS, SAMPLES = 6, 5
EXACT = QuantizeOptions(bits=PerLayer(10), scale="layer", membrane_fraction=PerLayer(20), time_steps=STEPS, strict=True)


def refractory(steps, **changes):
    return LIFRefracParameters(lif(0.75, membrane=1, **changes), torch.as_tensor(float(steps)))


class Cells(nn.Module):
    """A class as Norse's tutorials write them: cells, states passed by hand, outputs written into a tensor."""

    def __init__(self, cell, out=None):
        super().__init__()
        self.fc1, self.cell = nn.Linear(8, 6, bias=False), cell
        self.fc2 = nn.Linear(6, 4)
        self.out = out or LICell(li(), dt=DT)

    def forward(self, x):
        s1 = so = None
        voltages = torch.zeros(len(x), x.shape[1], 4)
        for ts in range(len(x)):
            z, s1 = self.cell(self.fc1(x[ts, :]), s1)
            z = torch.relu(z)
            v, so = self.out(self.fc2(z) if not isinstance(self.out, LILinearCell) else z, so)
            voltages[ts, :, :] = v
        return voltages


class Recurrent(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        self.first, self.fc, self.out = RecurrentSequential(*modules), nn.Linear(6, 4), LICell(li(), dt=DT)

    def forward(self, x):
        state = so = None
        outputs = []
        for step in x:
            z, state = self.first(step, state)
            v, so = self.out(self.fc(z), so)
            outputs.append(v)
        return torch.stack(outputs)


class Watched(Cells):
    def __init__(self):
        super().__init__(LIFCell(lif(0.75, membrane=1), dt=DT))
        self.watch = RegularizationCell()

    def forward(self, x):
        s1 = so = None
        outputs, terms = [], []
        for step in x:
            z, s1 = self.cell(self.fc1(step), s1)
            z, term = self.watch(z, s1)
            v, so = self.out(self.fc2(z), so)
            outputs.append(v)
            terms.append(term)
        return torch.stack(outputs)


def lifted():
    return nn.Sequential(
        Lift(nn.Linear(8, 6)), Lift(SequentialState(LIFBoxCell(LIFBoxParameters(tau_mem_inv=inverse(1)), dt=DT)))
    )


NETS = {
    "LIFCell": lambda: Cells(LIFCell(lif(0.75, membrane=1), dt=DT)),
    "IAFCell": lambda: Cells(IAFCell(IAFParameters(v_th=torch.tensor(1.25)), dt=DT)),
    "LIFRefracCell": lambda: Cells(LIFRefracCell(refractory(2), dt=DT)),
    "LIFRefracCell of one step": lambda: Cells(LIFRefracCell(refractory(0.5), dt=DT)),
    "LIFRefracRecurrentCell": lambda: Cells(LIFRefracRecurrentCell(6, 6, refractory(1), dt=DT)),
    "thresholds of each neuron": lambda: Cells(LIFCell(lif(torch.tensor([0.5, 1, 2, 0.5, 1, 2]), membrane=1), dt=DT)),
    "LILinearCell": lambda: Cells(LIFCell(lif(0.75, membrane=1), dt=DT), LILinearCell(6, 4, li(), dt=DT)),
    "RecurrentSequential": lambda: Recurrent(nn.Linear(6, 6), LIFCell(lif(1.0, membrane=1), dt=DT)),
    "RecurrentSequential of neurons": lambda: Recurrent(LIFCell(lif(1.0, membrane=1), dt=DT)),
    "RegularizationCell": Watched,
}


def golden(net, example):
    integer, reports = quantize_network(fold(from_module(net, example_input=example)), EXACT)
    assert [note for report in reports for note in report.approximations()] == []
    return integer, reports


@pytest.mark.parametrize("name", NETS)
def test_each_membrane_of_the_output_is_norses(name):
    net = dyadic(NETS[name](), 3)
    width = 6 if name.startswith("Recurrent") else 8
    x = (np.random.default_rng(2).random((STEPS, SAMPLES, width)) < 0.5).astype(np.uint8)
    integer, reports = golden(net, torch.zeros(STEPS, 2, width))
    result = reference.run(integer, x, record_membranes=True)
    with torch.no_grad():
        wanted = net.double()(torch.from_numpy(x).double()).numpy()
    step = reports[-1].scale_min / 2 ** reports[-1].membrane_fraction
    last = result.traces[integer.output.name]
    assert np.array_equal(last.membranes * step, wanted)
    assert 0.02 < result.in_order[0].spikes.mean() < 0.98, "neurons must do something"


def test_lift():
    net = dyadic(lifted(), 3)
    network = from_module(Taken(net), example_input=torch.zeros(STEPS, 2, 8))
    integer, _ = quantize_network(fold(network), EXACT)
    x = (np.random.default_rng(2).random((STEPS, SAMPLES, 8)) < 0.5).astype(np.uint8)
    with torch.no_grad():
        wanted = Taken(net.double())(torch.from_numpy(x).double()).numpy()
    assert np.array_equal(reference.run(integer, x).in_order[-1].spikes, wanted)
    assert 0.02 < wanted.mean() < 0.98


class Taken(nn.Module):
    """Without the state, which nobody reads."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x)[0]


def test_currents_that_neurons_encode():
    encoder = ConstantCurrentLIFEncoder(STEPS, lif(0.25, membrane=1), dt=DT)
    net = dyadic(nn.Sequential(encoder, Lift(nn.Linear(8, 4)), Lift(LIFCell(lif(0.5, membrane=1), dt=DT))), 3)
    network = from_module(net, example_input=torch.zeros(2, 8))
    assert (network.encoder.kind, network.encoder.time_steps) == ("direct", STEPS)
    integer, _ = quantize_network(fold(network), EXACT)
    x = np.random.default_rng(2).choice(np.array([0, 255], np.uint8), (SAMPLES, 8))  # others are no dyadic numbers
    with torch.no_grad():
        wanted, _ = net(torch.from_numpy(x).float() / 255)
    found = reference.run(integer, x).in_order
    assert np.array_equal(found[-1].spikes, wanted.numpy())
    assert 0.02 < found[0].spikes.mean() < 0.98


@pytest.mark.parametrize("modules", [[nn.Linear(6, 6)], [nn.Linear(6, 6), LICell()], [LIFCell(), LIFCell()]])
def test_other_feedback_is_refused(modules):
    with pytest.raises(UnsupportedModelError, match="must be one Linear and spiking neurons of one step"):
        from_module(Recurrent(*modules), example_input=torch.zeros(STEPS, 2, 6))


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (
            lambda out, t, v: out.__setitem__(t + 1, v),
            "must write the results of steps into a new tensor, along axis 0",
        ),
        (lambda out, t, v: out.__setitem__(0, v), "must write the results of steps into a new tensor, along axis 0"),
        (lambda out, t, v: out[t].__setitem__(slice(None), v), "must not change a tensor in place"),
    ],
)
def test_other_writes_are_refused(written, problem):
    class Net(Cells):
        def forward(self, x):
            out, s1 = torch.zeros(len(x) + 1, x.shape[1], 6), None
            for t in range(len(x)):
                z, s1 = self.cell(self.fc1(x[t]), s1)
                written(out, t, z)
            return out

    with pytest.raises(UnsupportedModelError) as caught:
        from_module(Net(LIFCell()), example_input=torch.zeros(STEPS, 2, 8))
    assert problem in caught.value.problems[0]


def test_scores_may_end_in_a_softmax():
    class Net(Cells):
        def forward(self, x):
            out, s1, so = torch.empty(len(x), x.shape[1], 4), None, None
            for t in range(len(x)):
                z, s1 = self.cell(self.fc1(x[t]), s1)
                out[t], so = self.out(self.fc2(z), so)
            best, _ = torch.max(out, 0)
            return torch.nn.functional.log_softmax(best, dim=1)

    network = from_module(Net(LIFCell()), example_input=torch.zeros(STEPS, 2, 8))
    assert network.nodes[-1].score == "max"


@pytest.mark.parametrize(
    "read",
    [
        lambda scores: torch.softmax(scores, 1) + scores,
        lambda scores: torch.softmax(scores, 1).flatten(1),
    ],
)
def test_other_softmaxes_are_refused(read):
    class Net(Cells):
        def forward(self, x):
            return read(torch.stack([self.fc2(self.fc1(step)) for step in x]).sum(0))

    with pytest.raises(UnsupportedModelError, match=r"softmax\(\) must be of the scores of a sample"):
        from_module(Net(LIFCell()), example_input=torch.zeros(STEPS, 2, 8))


def test_currents_are_not_rectified():
    class Net(Cells):
        def forward(self, x):
            return self.cell(torch.relu(self.fc1(x)))

    with pytest.raises(UnsupportedModelError, match="must take spikes, which it leaves as they are; in place"):
        from_module(Net(LIFCell()), example_input=torch.zeros(2, 8))


def test_a_state_that_is_not_passed_on_is_refused():
    class Net(Cells):
        def forward(self, x):
            return torch.stack([self.cell(self.fc1(step))[0] for step in x])

    with pytest.raises(UnsupportedModelError, match="state must be what it gave in the step before; in the first step"):
        from_module(Net(LIFCell()), example_input=torch.zeros(STEPS, 2, 8))
