"""Modules that would compute something else here are refused by name, all at once."""

import warnings

import pytest
import torch
from read_modules import neuron_of, problems_of
from spikingjelly.activation_based import layer, neuron, surrogate
from torch import nn
from torch.nn.utils import parametrizations

from snn2rtl.frontend.frameworks.spikingjelly_neurons import SURROGATES
from snn2rtl.frontend.modules import MAX_MODULES


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


SPIKING = (
    "Linear, Conv1d, Conv2d, MaxPool1d, MaxPool2d, AvgPool1d, AvgPool2d, AdaptiveAvgPool1d, AdaptiveAvgPool2d, "
    "Flatten, Unflatten, BatchNorm1d, BatchNorm2d, Dropout, VotingLayer, IFNode, LIFNode or ParametricLIFNode"
)


class IAF(nn.Module):
    __module__ = "sinabs.layers.iaf"


SNNTORCH = "Leaky, Lapicque, Synaptic, RLeaky or RSynaptic of snnTorch"
NORSE = (
    "LIFCell, LIF, LIFRecurrentCell, LIFRecurrent, LIFBoxCell, LICell, LI, LIBoxCell, LILinearCell, LIFRefracCell, "
    "LIFRefracRecurrentCell, LIFRefracRecurrent, IAFCell or IAF of Norse"
)
OWN = "; build it of these, in a class whose forward() an example_input lets trace"


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (neuron.IzhikevichNode(), "neuron must be IFNode, LIFNode or ParametricLIFNode, not IzhikevichNode"),
        (neuron.QIFNode(), "neuron must be IFNode, LIFNode or ParametricLIFNode, not QIFNode"),
        (
            neuron.NonSpikingIFNode("max-abs-mem"),
            "decode must be 'max-mem', 'mean-mem', 'last_mem' or None, not 'max-abs-mem'",
        ),
        (
            layer.ElementWiseRecurrentContainer(neuron.IFNode(), torch.add),
            f"must be {SPIKING}, not ElementWiseRecurrentContainer; give an example_input, for",
        ),
        (nn.AdaptiveAvgPool2d((None, 2)), "output_size must be fixed, not (None, 2)"),
        (nn.MaxPool2d(2, return_indices=True), "return_indices must be False, not True"),
        (OwnNeuron(), f"neuron must be IFNode, LIFNode or ParametricLIFNode, not OwnNeuron{OWN}"),
        (OwnLayer(), f"must be {SPIKING}, not OwnLayer{OWN}"),
        (
            IAF(),
            f"neuron must be IFNode, LIFNode or ParametricLIFNode of SpikingJelly, or {SNNTORCH}, or {NORSE}, "
            "not IAF of sinabs",
        ),
        (nn.MaxPool3d(1), f"must be {SPIKING}, not MaxPool3d"),
        (nn.BatchNorm3d(1), f"must be {SPIKING}, not BatchNorm3d"),
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
    net.add_module("pool", nn.MaxPool3d(1))
    net.add_module("fc1", nn.Linear(2, 2))
    net.add_module("lif2", neuron.IzhikevichNode())
    net.add_module("gone", None)
    net.add_module("fl", nn.Flatten(0))
    net.add_module("n", changed(neuron.LIFNode(surrogate_function=surrogate.PoissonPass()), tau=None))
    assert [problem.partition(":")[0] for problem in problems_of(net)] == [
        "layer 'pool'", "layer 'lif2'", "layer 'gone'", "layer 'fl'", "layer 'n'", "layer 'n'"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("net", "kind"), [(OwnLayer(), "OwnLayer"), (nn.ModuleList(), "ModuleList"), (nn.ReLU(), "ReLU")]
)
def test_the_network_must_be_a_sequential(net, kind):
    advice = "give an example_input, so that its forward() is traced"
    assert problems_of(net) == (f"network: must be an nn.Sequential, not {kind}; {advice}",)


def test_networks_that_contain_themselves_or_grow_without_end_are_refused():
    endless = nn.Sequential(nn.Linear(1, 1))
    endless._modules["again"] = endless
    doubling = nn.Sequential(nn.Linear(1, 1))
    for _ in range(40):
        doubling = nn.Sequential(doubling, doubling)
    expected = f"network: must have at most {MAX_MODULES} modules; does one contain itself?"
    assert problems_of(endless) == (expected,)
    assert problems_of(doubling) == (expected,)


def test_values_are_checked_by_the_float_network():
    fc = nn.Linear(2, 2)
    nn.init.constant_(fc.weight, float("nan"))
    assert problems_of(nn.Sequential(fc)) == ("layer '0': weight must be finite, not 4 NaN or infinite value(s)",)
    wrong = nn.Sequential(nn.Linear(2, 3), nn.Linear(4, 2))
    assert problems_of(wrong) == ("layer '1': must take 3 inputs from '0', not 4",)
