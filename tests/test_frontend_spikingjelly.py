import numpy as np
import pytest
import torch
from read_modules import neuron_of, problems_of
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn
from torch.nn.utils import prune

from snn2rtl.encoders import Encoder
from snn2rtl.float_net.nodes import BatchNorm, Dropout, Flatten, Linear, Neuron
from snn2rtl.frontend import from_module


def double(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().double().numpy()


def test_every_layer_is_read_with_its_path_and_its_exact_values():
    torch.manual_seed(0)
    batch_norm = nn.BatchNorm1d(4, eps=2.0**-10)
    batch_norm(torch.rand(8, 4))
    nn.init.uniform_(batch_norm.weight)
    nn.init.uniform_(batch_norm.bias)
    net = nn.Sequential()
    net.add_module("flat", nn.Flatten())
    net.add_module("fc1", nn.Linear(6, 4))
    net.add_module("body", nn.Sequential(batch_norm, neuron.IFNode(), nn.Sequential(nn.Dropout(0.3), nn.Identity())))
    net.add_module("fc2", nn.Linear(4, 2, bias=False))
    net.add_module("lif2", neuron.LIFNode(tau=4.0))
    encoder = Encoder.poisson(10, 0.5)

    network = from_module(net, name="n", encoder=encoder)

    assert (network.name, network.encoder) == ("n", encoder)
    flat, fc1, norm, spikes, dropout, fc2, lif2 = network.nodes
    assert [node.name for node in network.nodes] == ["flat", "fc1", "body.0", "body.1", "body.2.0", "fc2", "lif2"]
    assert isinstance(flat, Flatten)
    assert isinstance(dropout, Dropout)
    assert isinstance(spikes, Neuron)
    assert isinstance(lif2, Neuron)
    assert isinstance(fc1, Linear)
    assert np.array_equal(fc1.weight, double(net.fc1.weight))
    assert np.array_equal(fc1.bias, double(net.fc1.bias))
    assert isinstance(fc2, Linear)
    assert np.array_equal(fc2.weight, double(net.fc2.weight))
    assert np.array_equal(fc2.bias, [0.0, 0.0])
    assert isinstance(norm, BatchNorm)
    assert np.array_equal(norm.mean, double(batch_norm.running_mean))
    assert np.array_equal(norm.variance, double(batch_norm.running_var))
    assert np.array_equal(norm.gamma, double(batch_norm.weight))
    assert np.array_equal(norm.beta, double(batch_norm.bias))
    assert norm.epsilon == 2.0**-10


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (neuron.IFNode(), (None, 1.0, 0.0, False)),
        (neuron.IFNode(v_threshold=0.5, v_reset=None), (None, 0.5, None, False)),
        (neuron.IFNode(v_threshold=2.0, v_reset=-0.25), (None, 2.0, -0.25, False)),
        (neuron.LIFNode(), (2.0, 1.0, 0.0, True)),
        (neuron.LIFNode(tau=1.5, decay_input=False, v_threshold=0.1, v_reset=None), (1.5, 0.1, None, False)),
        (neuron.LIFNode(detach_reset=True, store_v_seq=True), (2.0, 1.0, 0.0, True)),
        (neuron.ParametricLIFNode(), (2.0, 1.0, 0.0, True)),
        (neuron.ParametricLIFNode(decay_input=False, v_reset=0.5), (2.0, 1.0, 0.5, False)),
    ],
)
def test_neurons(node, expected):
    found = neuron_of(node)
    assert (found.tau, found.v_threshold, found.v_reset, found.decay_input) == expected


@pytest.mark.parametrize("w", [0.0, 0.1, 1.0, 2.3456, 7.0])
def test_parametric_tau_is_the_one_that_spikingjelly_computes_with(w):
    node = neuron.ParametricLIFNode(decay_input=False)
    nn.init.constant_(node.w, w)
    node.v = torch.tensor([-1.0])
    node(torch.zeros(1))
    # v = -1 + sigmoid(w) is exact in float32 where sigmoid(w) >= 1/2
    assert np.float32(1 / neuron_of(node).tau) == np.float32(node.v.item() + 1)


@pytest.mark.parametrize("w", [-float("inf"), -120.0, float("nan")])
def test_a_parametric_tau_must_be_finite(w):
    node = neuron.ParametricLIFNode()
    nn.init.constant_(node.w, w)
    (problem,) = problems_of(nn.Sequential(nn.Linear(1, 1), node))
    assert problem.startswith("layer '1': 1/tau = sigmoid(w) must be above 0, not ")


def test_training_mode_and_leftover_state_change_nothing():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout(), neuron.LIFNode(), layer.Dropout(0.9))
    with torch.no_grad():
        net.train()(torch.rand(3, 2))
    network = from_module(net)
    before = network.nodes[1].mean.copy()
    net(torch.rand(3, 2))
    assert np.array_equal(network.nodes[1].mean, before), "the network is a copy"
    assert [type(node) for node in network.nodes] == [Linear, BatchNorm, Dropout, Neuron, Dropout]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_float_dtype_is_exact(dtype):
    fc = nn.Linear(3, 2).to(dtype)
    assert np.array_equal(from_module(nn.Sequential(fc)).nodes[0].weight, double(fc.weight))


def test_batch_norm_that_is_not_affine():
    node = from_module(nn.Sequential(nn.Linear(1, 2), nn.BatchNorm1d(2, affine=False))).nodes[1]
    assert np.array_equal(node.gamma, [1.0, 1.0])
    assert np.array_equal(node.beta, [0.0, 0.0])


def test_pruned_weights_are_those_of_the_next_forward_pass():
    fc = nn.Linear(4, 4)
    prune.random_unstructured(fc, "weight", 0.5)
    prune.l1_unstructured(fc, "weight", 0.25)  # two of them make a PruningContainer
    prune.l1_unstructured(fc, "bias", 0.5)
    with torch.no_grad():
        fc.weight_orig.mul_(3)  # as an optimizer would: fc.weight is now out of date
    node = from_module(nn.Sequential(fc)).nodes[0]
    fc(torch.zeros(1, 4))
    assert np.array_equal(node.weight, double(fc.weight))
    assert np.array_equal(node.bias, double(fc.bias))
    assert np.count_nonzero(node.weight) == 6


def multi(module: nn.Module) -> nn.Module:
    functional.set_step_mode(module, "m")
    return module


def step_mode_nets() -> dict[str, nn.Module]:
    def fc() -> nn.Module:
        return nn.Linear(3, 3)

    def lif() -> nn.Module:
        return neuron.LIFNode()

    return {
        "single": nn.Sequential(layer.Flatten(), layer.Linear(3, 3), layer.BatchNorm1d(3), lif()),
        "multi": multi(nn.Sequential(layer.Flatten(), layer.Linear(3, 3), layer.BatchNorm1d(3), lif())),
        "plain layers in multi": nn.Sequential(fc(), multi(lif())),
        "seq to ann": nn.Sequential(layer.SeqToANNContainer(nn.Flatten(), fc(), nn.BatchNorm1d(3)), multi(lif())),
        "step by step": nn.Sequential(layer.MultiStepContainer(fc(), nn.Sequential(lif())), fc(), multi(lif())),
        "step by step at the root": layer.MultiStepContainer(fc(), lif()),
        "step mode container": nn.Sequential(layer.StepModeContainer(False, "m", fc()), multi(lif())),
        "stateful step mode container": nn.Sequential(layer.StepModeContainer(True, "m", fc(), lif()), multi(lif())),
        "single-step step mode container": nn.Sequential(layer.StepModeContainer(True, "s", fc(), lif()), lif()),
    }


@pytest.mark.parametrize("key", step_mode_nets())
def test_single_step_and_multi_step_networks(key):
    net = step_mode_nets()[key].eval()
    network = from_module(net)
    paths = {path for path, module in net.named_modules() if isinstance(module, (nn.Linear, neuron.LIFNode))}
    assert paths == {node.name for node in network.nodes if isinstance(node, (Linear, Neuron))}


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        (
            nn.Sequential(multi(layer.Linear(2, 2)), neuron.IFNode()),
            "layer '1': step_mode must be 'm' like that of '0', not 's'; call functional.set_step_mode(net, 'm')",
        ),
        (
            nn.Sequential(layer.SeqToANNContainer(nn.Linear(2, 2), neuron.IFNode())),
            "layer '0.1': neuron must not be inside of SeqToANNContainer, which takes time steps for samples",
        ),
        (
            layer.StepModeContainer(False, "m", nn.Linear(2, 2), nn.Sequential(neuron.IFNode())),
            "layer '1.0': neuron must not be inside of StepModeContainer, which takes time steps for samples",
        ),
        (
            layer.MultiStepContainer(nn.Linear(2, 2), nn.Sequential(multi(neuron.IFNode()))),
            "layer '1.0': step_mode must be 's' inside of MultiStepContainer, not 'm'",
        ),
        (
            layer.MultiStepContainer(layer.SeqToANNContainer(nn.Linear(2, 2))),
            "layer '0': step_mode must be 's' inside of MultiStepContainer, not 'm'",
        ),
    ],
)
def test_time_steps_are_never_taken_for_samples(net, expected):
    assert problems_of(net) == (expected,)


def test_a_neuron_cannot_be_used_twice_but_a_stateless_layer_can():
    lif, fc, drop = neuron.LIFNode(), nn.Linear(2, 2), nn.Dropout()
    network = from_module(nn.Sequential(fc, drop, neuron.IFNode(), fc, drop))
    assert np.array_equal(network.nodes[0].weight, network.nodes[3].weight)
    rule = "neuron must have a membrane of its own, not share that of '1'"
    assert problems_of(nn.Sequential(fc, lif, fc, lif)) == (f"layer '3': {rule}; use a node for each",)


def test_a_single_layer_is_a_network():
    assert [node.name for node in from_module(nn.Linear(2, 2)).nodes] == ["Linear"]


@pytest.mark.parametrize("name", ["wire", "a b", "ß", "-"])
def test_names_stay_as_they_are(name):
    net = nn.Sequential()
    net.add_module(name, nn.Linear(1, 1))
    assert from_module(net, name="../x").nodes[0].name == name
    assert from_module(net, name="../x").name == "../x"


@pytest.mark.parametrize("kind", [nn.Linear, layer.Linear])
def test_a_buffer_says_what_an_integer_weight_is_worth(kind):
    fc = kind(2, 3)
    fc.register_buffer("weight_step", torch.tensor([0.1, 0.2, 0.4]))
    (node,) = from_module(nn.Sequential(fc)).nodes
    assert np.array_equal(node.step, double(fc.weight_step))
    fc.weight_step = torch.ones(2)
    assert problems_of(nn.Sequential(fc)) == ("layer '0': step must have shape (3,), not (2,)",)
    fc.weight_step = torch.ones(3, dtype=torch.int32)
    (problem,) = problems_of(nn.Sequential(fc))
    assert problem.startswith("layer '0': weight_step must be a dense tensor of floats, not torch.int32")
