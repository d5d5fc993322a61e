"""What is read of snnTorch, and what is refused by which sentence; test_snntorch_exact.py has what it computes."""

import numpy as np
import pytest
import snntorch as snn
import torch
from snntorch import surrogate
from torch import nn

import snn2rtl
from snn2rtl.errors import ModelFileError, UnsupportedModelError
from snn2rtl.float_net.network import to_dict
from snn2rtl.float_net.nodes import Integrator, Linear, Neuron, Scale
from snn2rtl.frontend import from_module, load


def chain(neuron, inputs=3, outputs=2):
    return nn.Sequential(nn.Linear(inputs, outputs), neuron)


def read(neuron):
    return from_module(chain(neuron)).nodes


def test_a_neuron_and_its_parameters():
    _, neuron = read(snn.Leaky(beta=0.75, threshold=0.5))
    assert isinstance(neuron, Neuron)
    assert (neuron.tau, neuron.v_threshold, neuron.strict, neuron.decay_input) == (4.0, 0.5, True, False)


@pytest.mark.parametrize(
    ("neuron", "reset", "v_reset", "refractory"),
    [
        (snn.Leaky(beta=0.5), "late", None, 0),
        (snn.Leaky(beta=0.5, reset_delay=False), "stepped", None, 0),
        (snn.Leaky(beta=0.5, reset_mechanism="zero"), "", 0.0, 0),
        (snn.Leaky(beta=0.5, reset_mechanism="zero", reset_delay=False), "", 0.0, 0),
        (snn.Leaky(beta=0.5, reset_mechanism="none"), "none", None, 0),
        (snn.Lapicque(R=2, C=2), "late", None, 0),
        (snn.Lapicque(R=2, C=2, reset_mechanism="zero"), "", 0.0, 1),
        (snn.Synaptic(alpha=0.5, beta=0.5, reset_mechanism="zero"), "", 0.0, 1),
        (snn.Synaptic(alpha=0.5, beta=0.5, reset_mechanism="zero", reset_delay=False), "", 0.0, 0),
    ],
)
def test_resets(neuron, reset, v_reset, refractory):
    found = next(node for node in read(neuron) if isinstance(node, Neuron))
    assert (found.reset, found.v_reset, found.refractory) == (reset, v_reset, refractory)


def test_betas_of_each_neuron_and_out_of_range():
    _, neuron = read(snn.Leaky(beta=torch.tensor([0.5, 1.5]), threshold=torch.tensor([1.0, 2.0])))
    assert neuron.tau.tolist() == [2.0, np.inf]
    assert neuron.v_threshold.tolist() == [1.0, 2.0]


def test_lapicque_scales_its_input():
    _, scale, neuron = read(snn.Lapicque(R=4, C=1, time_step=2))
    assert isinstance(scale, Scale)
    assert (scale.gain, neuron.tau) == (2.0, 2.0)


def test_graded_spikes_are_scaled():
    net = nn.Sequential(
        nn.Linear(3, 2), snn.Leaky(beta=0.5, init_hidden=True, graded_spikes_factor=0.5),
        nn.Linear(2, 2), snn.Leaky(beta=0.5),
    )  # fmt: skip
    assert [type(node) for node in from_module(net).nodes] == [Linear, Neuron, Scale, Linear, Neuron]


def test_recurrent_weights():
    neuron = snn.RLeaky(beta=0.5, V=torch.tensor([0.5, 0.25]), all_to_all=False)
    first, back, _ = read(neuron)
    assert isinstance(first, Linear)
    assert back.recurrent.tolist() == [[0.5, 0], [0, 0.25]]
    assert back.weight.tolist() == [[1, 0], [0, 1]]


def test_membranes_without_a_reset_are_integrators():
    class Net(nn.Module):
        def __init__(self, reset):
            super().__init__()
            self.fc, self.lif = nn.Linear(3, 2), snn.Leaky(beta=0.5, reset_mechanism=reset)

        def forward(self, x):
            mem = self.lif.reset_mem()
            recorded = []
            for step in x:
                _, mem = self.lif(self.fc(step), mem)
                recorded.append(mem)
            return torch.stack(recorded)

    network = from_module(Net("none"), example_input=torch.zeros(4, 2, 3))
    last = network.nodes[-1]
    assert isinstance(last, Integrator)
    assert (last.tau, last.score) == (2.0, "max")
    with pytest.raises(UnsupportedModelError) as caught:
        from_module(Net("subtract"), example_input=torch.zeros(4, 2, 3))
    rule = "must return spikes; the membrane of neurons is a score where no spike resets it (reset_mechanism='none')"
    assert caught.value.problems == (f"layer 'lif': {rule}",)


def own_gradient(x):
    return (x >= 0).float()


def changed(neuron):
    neuron.reset_mechanism = "zero"
    return neuron


@pytest.mark.parametrize(
    ("neuron", "problem"),
    [
        (snn.Alpha(alpha=0.9, beta=0.8), "neuron must be Leaky, Lapicque, Synaptic, RLeaky or RSynaptic of snnTorch, "
                                         "not Alpha"),
        (snn.Leaky(beta=0.5, inhibition=True), "inhibition must be False, for it lets one neuron of a layer fire at "
                                               "most"),
        (snn.Leaky(beta=0.5, state_quant=round), "state_quant must be False; the states are those of the integer "
                                                 "network"),
        (snn.Leaky(beta=0.5, spike_grad=own_gradient), "spike_grad must be one of snntorch.surrogate, not "
                                                       "own_gradient"),
        (changed(snn.Leaky(beta=0.5)), "reset_mechanism must be given to the constructor, not set to 'zero' later: "
                                       "steps ignore it"),
        (snn.RSynaptic(alpha=0.5, beta=0.5, linear_features=2, reset_delay=False),
         "reset_delay must be True, for RSynaptic's own forward() fails without"),
        (snn.Leaky(beta=0.5, threshold=-1.0), "threshold must be above 0"),
        (snn.Leaky(beta=float("nan")), "beta must be finite"),
        (snn.RLeaky(beta=0.5, conv2d_channels=2, kernel_size=3), "recurrent must be linear or one to one, not Conv2d"),
        (snn.RLeaky(beta=0.5, V=0.5, all_to_all=False), "V must be of each neuron, or give an example_input, which "
                                                        "tells how many there are"),
        (snn.Leaky(beta=0.5, graded_spikes_factor=0.0), "graded_spikes_factor must be above 0, not 0"),
        (snn.Lapicque(R=1, C=1, time_step=2), "time_step must be above 0 and at most R * C, not 2 of 1"),
    ],
)  # fmt: skip
def test_what_has_no_exact_hardware_is_refused_by_name(neuron, problem):
    with pytest.raises(UnsupportedModelError) as caught:
        read(neuron)
    assert f"layer '1': {problem}" in caught.value.problems


@pytest.mark.parametrize("gradient", [surrogate.fast_sigmoid(), surrogate.atan(), surrogate.SSO(), None])
def test_surrogates(gradient):
    assert len(read(snn.Leaky(beta=0.5, spike_grad=gradient))) == 2
    assert len(read(snn.Leaky(beta=0.5, spike_grad=gradient, surrogate_disable=True))) == 2


def test_a_neuron_in_the_middle_of_a_chain_gives_its_spikes_alone():
    net = nn.Sequential(nn.Linear(3, 2), snn.Leaky(beta=0.5), nn.Linear(2, 2), snn.Leaky(beta=0.5))
    with pytest.raises(UnsupportedModelError) as caught:
        from_module(net)
    rule = "must have init_hidden=True and output=False, for the layer behind it takes its spikes alone"
    assert caught.value.problems == (f"layer '1': {rule}",)


def test_another_version_is_refused(monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0.9.4")
    with pytest.raises(UnsupportedModelError, match=r"snnTorch must be 1\.0, whose steps are known here, not 0\.9\.4"):
        read(snn.Leaky(beta=0.5))


def test_a_saved_network_is_the_same(tmp_path):
    net = nn.Sequential(
        nn.Linear(3, 2), snn.Synaptic(alpha=0.5, beta=torch.tensor([0.5, 0.75]), init_hidden=True),
        nn.Linear(2, 2), snn.RLeaky(beta=0.5, threshold=torch.tensor([1.0, 2.0]), linear_features=2),
    )  # fmt: skip
    snn2rtl.save(net, tmp_path / "net.pt", example_input=torch.zeros(4, 3))
    want, got = from_module(net, example_input=torch.zeros(4, 3)), load(tmp_path / "net.pt")
    assert to_dict(want).keys() == to_dict(got).keys()
    assert [repr(node) for node in want.nodes] == [repr(node) for node in got.nodes]


def test_a_pickled_network_is_not_run(tmp_path):
    torch.save(chain(snn.Leaky(beta=0.5, surrogate_disable=True)), tmp_path / "net.pt")  # others cannot be pickled
    with pytest.raises(ModelFileError, match=r"write it with snn2rtl\.save"):
        load(tmp_path / "net.pt")
