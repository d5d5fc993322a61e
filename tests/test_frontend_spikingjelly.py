import warnings

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import nn
from torch.nn.utils import parametrizations, prune

from snn2rtl.encoders import Encoder
from snn2rtl.errors import UnsupportedModelError
from snn2rtl.frontend import from_module
from snn2rtl.frontend.spikingjelly import MAX_MODULES, SURROGATES
from snn2rtl.spiking import BatchNorm, Dropout, Flatten, Linear, Neuron


def problems_of(net: nn.Module) -> tuple[str, ...]:
    with pytest.raises(UnsupportedModelError) as caught:
        from_module(net)
    return caught.value.problems


def neuron_of(node: nn.Module) -> Neuron:
    found = from_module(nn.Sequential(nn.Linear(1, 1), node)).nodes[1]
    assert isinstance(found, Neuron)
    return found


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


def surrogate_classes() -> list[type[nn.Module]]:
    found = [value for value in vars(surrogate).values() if isinstance(value, type)]
    base = surrogate.SurrogateFunctionBase
    return [cls for cls in found if issubclass(cls, base) and cls is not base]


@pytest.mark.parametrize("cls", surrogate_classes(), ids=lambda cls: cls.__name__)
def test_surrogates_are_accepted_if_and_only_if_they_fire_at_zero_and_above(cls):
    x = torch.tensor([0.0, -0.0, 2.0**-140, -(2.0**-140), 0.5, 1.0])  # within 0..1, as PoissonPass needs
    fires = cls not in (surrogate.PoissonPass, surrogate.MultiLevelSpikeCount)
    assert (cls in SURROGATES) == fires
    if fires:
        more = torch.cat([x, -x, 7 * x])
        assert torch.equal(cls()(more), (more >= 0).float())
        assert neuron_of(neuron.IFNode(surrogate_function=cls())).v_threshold == 1.0


def changed(node: nn.Module, **attributes: object) -> nn.Module:
    for key, value in attributes.items():
        setattr(node, key, value)
    return node


class OwnNeuron(neuron.LIFNode):
    pass


class OwnLayer(nn.Module):
    pass


SPIKING = "Linear, Flatten, BatchNorm1d, Dropout, IFNode, LIFNode or ParametricLIFNode"
OWN = "; build it as nn.Sequential of these"


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (neuron.IzhikevichNode(), "neuron must be IFNode, LIFNode or ParametricLIFNode, not IzhikevichNode"),
        (neuron.NonSpikingLIFNode(), "neuron must be IFNode, LIFNode or ParametricLIFNode, not NonSpikingLIFNode"),
        (OwnNeuron(), f"neuron must be IFNode, LIFNode or ParametricLIFNode, not OwnNeuron{OWN}"),
        (OwnLayer(), f"must be {SPIKING}, not OwnLayer{OWN}"),
        (nn.Conv2d(1, 1, 1), f"must be {SPIKING}, not Conv2d"),
        (nn.BatchNorm2d(1), f"must be {SPIKING}, not BatchNorm2d"),
        (layer.TLastSeqToANNContainer(nn.Linear(1, 1)), f"must be {SPIKING}, not TLastSeqToANNContainer"),
        (nn.ModuleList([nn.Linear(1, 1)]), f"must be {SPIKING}, not ModuleList"),
        (surrogate.Sigmoid(), f"must be {SPIKING}, not Sigmoid"),
        (parametrizations.weight_norm(nn.Linear(1, 1)), f"must be {SPIKING}, not ParametrizedLinear"),
        (
            nn.BatchNorm1d(1, track_running_stats=False),
            "must have running statistics (track_running_stats=True), for without them its output depends on the batch",
        ),
        (
            nn.Flatten(0),
            "must keep the batch and join the rest (start_dim of at least 1, end_dim -1), not start_dim 0, end_dim -1",
        ),
        (
            layer.Flatten(1, 2),
            "must keep the batch and join the rest (start_dim of at least 1, end_dim -1), not start_dim 1, end_dim 2",
        ),
        (
            nn.Linear(1, 1, device="meta"),
            "weight must be a dense tensor of floats, not torch.float32, torch.strided, meta",
        ),
        (
            changed(nn.Linear(1, 1), weight=nn.Parameter(torch.ones(1, 1, dtype=torch.int32), requires_grad=False)),
            "weight must be a dense tensor of floats, not torch.int32, torch.strided, cpu",
        ),
        (
            changed(nn.Linear(1, 1), weight=nn.Parameter(torch.ones(1).expand(9, 1))),
            "weight must hold all its 9 elements, not repeat some; call contiguous()",
        ),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_is_not_supported_is_refused_by_name(module, expected):
    problems = problems_of(nn.Sequential(nn.Linear(1, 1), nn.Sequential(module)))
    assert problems[0].startswith(f"layer '1.0': {expected}")


def with_reset_value(node: neuron.BaseNode, value: object) -> nn.Module:
    node.set_reset_value("v", value)
    return node


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (changed(neuron.IFNode(), v_threshold=torch.ones(3)), "v_threshold must be a number, not tensor([1., 1., 1.])"),
        (changed(neuron.IFNode(), v_reset="soft"), "v_reset must be a number or None, not 'soft'"),
        (changed(neuron.LIFNode(), tau=None), "tau must be a number, not None"),
        (changed(neuron.LIFNode(), tau=0.5), "tau must be at least 1, not 0.5"),
        (
            changed(neuron.LIFNode(), v_reset=-0.5),
            "membrane must start a sample at -0.5, its rest potential, not at 0.0",
        ),
        (
            with_reset_value(neuron.IFNode(v_reset=None), 0.5),
            "membrane must start a sample at 0.0, its rest potential, not at 0.5",
        ),
        (
            neuron.IFNode(surrogate_function=surrogate.Sigmoid(spiking=False)),
            "surrogate_function must be spiking, not spiking=False; call set_spiking_mode(True)",
        ),
        (
            neuron.IFNode(surrogate_function=surrogate.PoissonPass()),
            "surrogate_function must fire at x >= 0, as Sigmoid or ATan, not PoissonPass",
        ),
        (
            changed(neuron.IFNode(), surrogate_function=None),
            "surrogate_function must fire at x >= 0, as Sigmoid or ATan, not NoneType",
        ),
        (
            neuron.IFNode(surrogate_function=torch.sigmoid),
            "surrogate_function must fire at x >= 0, as Sigmoid or ATan, not builtin_function_or_method",
        ),
        (
            changed(neuron.LIFNode(), _neuron_precision=(torch.float16, "fp32", "fp32")),
            "neuron precision must be the default, not (torch.float16, 'fp32', 'fp32')",
        ),
    ],
)
def test_neurons_that_would_compute_something_else(node, expected):
    assert problems_of(nn.Sequential(nn.Linear(1, 1), node)) == (f"layer '1': {expected}",)


def test_hooks_and_replaced_methods_are_refused():
    hooked, own = nn.Linear(1, 1), nn.Linear(1, 1)
    gradient = neuron.IFNode(surrogate_function=surrogate.ATan())  # the default one is shared by all nodes
    hooked.register_forward_hook(lambda *_: None)
    own.forward = lambda x: x
    gradient.surrogate_function.register_forward_pre_hook(lambda *_: None)
    net = nn.Sequential(hooked, own, gradient)
    net.register_forward_pre_hook(lambda *_: None)
    rule = "must have no forward hooks, for they can change its output; remove them"
    assert problems_of(net) == (
        f"network: {rule}",
        f"layer '0': {rule}",
        "layer '1': must have the forward() of its class, not one of its own",
        f"layer '2': {rule}",
    )


def test_hooks_of_the_old_weight_norm_are_refused():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fc = nn.utils.weight_norm(nn.Linear(1, 1))
    assert "must have no forward hooks" in problems_of(nn.Sequential(fc))[0]


def test_all_problems_are_named_at_once():
    net = nn.Sequential()
    net.add_module("conv", nn.Conv1d(1, 1, 1))
    net.add_module("fc1", nn.Linear(2, 2))
    net.add_module("lif2", neuron.IzhikevichNode())
    net.add_module("gone", None)
    net.add_module("fl", nn.Flatten(0))
    net.add_module("n", changed(neuron.LIFNode(surrogate_function=surrogate.PoissonPass()), tau=None))
    assert [problem.partition(":")[0] for problem in problems_of(net)] == [
        "layer 'conv'", "layer 'lif2'", "layer 'gone'", "layer 'fl'", "layer 'n'", "layer 'n'"
    ]  # fmt: skip


def test_a_neuron_cannot_be_used_twice_but_a_stateless_layer_can():
    lif, fc, drop = neuron.LIFNode(), nn.Linear(2, 2), nn.Dropout()
    network = from_module(nn.Sequential(fc, drop, neuron.IFNode(), fc, drop))
    assert np.array_equal(network.nodes[0].weight, network.nodes[3].weight)
    rule = "neuron must have a membrane of its own, not share that of '1'"
    assert problems_of(nn.Sequential(fc, lif, fc, lif)) == (f"layer '3': {rule}; use a node for each",)


@pytest.mark.parametrize(
    ("net", "kind"), [(OwnLayer(), "OwnLayer"), (nn.ModuleList(), "ModuleList"), (nn.ReLU(), "ReLU")]
)
def test_the_network_must_be_a_sequential(net, kind):
    assert problems_of(net) == (f"network: must be an nn.Sequential, not {kind}; build it as nn.Sequential",)


def test_a_single_layer_is_a_network():
    assert [node.name for node in from_module(nn.Linear(2, 2)).nodes] == ["Linear"]


def test_networks_that_contain_themselves_or_grow_without_end_are_refused():
    endless = nn.Sequential(nn.Linear(1, 1))
    endless._modules["again"] = endless
    doubling = nn.Sequential(nn.Linear(1, 1))
    for _ in range(40):
        doubling = nn.Sequential(doubling, doubling)
    expected = f"network: must have at most {MAX_MODULES} modules; does one contain itself?"
    assert problems_of(endless) == (expected,)
    assert problems_of(doubling) == (expected,)


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


def test_values_are_checked_by_the_float_network():
    fc = nn.Linear(2, 2)
    nn.init.constant_(fc.weight, float("nan"))
    assert problems_of(nn.Sequential(fc)) == ("layer '0': weight must be finite, not 4 NaN or infinite value(s)",)
    wrong = nn.Sequential(nn.Linear(2, 3), nn.Linear(4, 2))
    assert problems_of(wrong) == ("layer '1': must take 3 inputs from '0', not 4",)


@pytest.mark.parametrize("name", ["wire", "a b", "ß", "-"])
def test_names_stay_as_they_are(name):
    net = nn.Sequential()
    net.add_module(name, nn.Linear(1, 1))
    assert from_module(net, name="../x").nodes[0].name == name
    assert from_module(net, name="../x").name == "../x"
