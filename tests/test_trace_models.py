"""SpikingJelly's own models, imported unmodified: one traced step, over time, and the integer network do the same."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from run_steps import agrees, spikes, without_torchvision
from spikingjelly.activation_based import functional, neuron, surrogate
from spikingjelly.activation_based.model import parametric_lif_net

from snn2rtl.compiler import compile_network
from snn2rtl.encoders import MAX_PIXEL
from snn2rtl.frontend import from_module
from snn2rtl.frontend.graph import read_steps
from snn2rtl.int_net import reference
from snn2rtl.options import PerLayer, QuantizeOptions

with without_torchvision():
    from spikingjelly.activation_based.examples import conv_fashion_mnist
    from spikingjelly.activation_based.model import sew_resnet, spiking_resnet, spiking_vgg

EXACT = QuantizeOptions(bits=PerLayer(12), scale="layer", membrane_fraction=PerLayer(8))
ATAN = {"surrogate_function": surrogate.ATan()}
SHAPES = {
    "MNISTNet": (1, 28, 28),
    "FashionMNISTNet": (1, 28, 28),
    "NMNISTNet": (2, 34, 34),
    "CIFAR10Net": (3, 32, 32),
    "CIFAR10DVSNet": (2, 128, 128),
    "DVSGestureNet": (2, 128, 128),
}


def is_exact(net, example, inputs=None) -> list[str]:
    """Assert that the integer network counts or scores what the network gives; return the kinds of its float nodes.

    Args:
        net: the network, with dyadic weights.
        example: what it takes; spikes of all steps where there are no inputs.
        inputs: pixels, for direct coding.
    """
    found = from_module(net, example_input=example)
    quantized, _ = compile_network(found, replace(EXACT, time_steps=len(example)))
    samples = example if inputs is None else torch.from_numpy(inputs)
    entering = samples.numpy().astype(np.uint8).reshape(*samples.shape[: 2 if inputs is None else 1], -1)
    counts = reference.run(quantized, entering).counts
    functional.reset_net(net)
    with torch.no_grad():
        wanted = net(samples.double() / (1 if inputs is None else MAX_PIXEL)).numpy()
    wanted = wanted if inputs is not None else wanted.sum(0)
    most = np.argmax(np.abs(counts))
    assert counts.ravel()[most], "nothing fires"
    step = wanted.ravel()[most] / counts.ravel()[most]
    assert step > 0
    assert np.allclose(counts * step, wanted, rtol=0, atol=1e-9)
    return [type(node).__name__ for node in found.nodes]


def kinds(steps) -> list[str]:
    return [type(op.module).__name__ if op.module else op.kind for op in steps.operations]


@pytest.mark.parametrize("mode", ["m", "s"])
@pytest.mark.parametrize("name", SHAPES)
def test_parametric_lif_nets(name, mode):
    net = getattr(parametric_lif_net, name)(2, neuron.LIFNode, **ATAN)
    functional.set_step_mode(net, mode)
    x = spikes(2, 2, *SHAPES[name])
    steps = agrees(net, x) if mode == "m" else agrees(net, x[0], x, layout="N")
    assert (steps.score, steps.time_steps) == ("", None)
    assert kinds(steps)[-1] == "VotingLayer"
    assert steps.operations[0].shape == SHAPES[name]
    if mode == "m" and SHAPES[name][1] < 100:
        assert is_exact(net, x)[-1] == "Vote"


def test_the_network_of_the_tutorial():
    net = conv_fashion_mnist.CSNN(T=4, channels=2)
    steps = agrees(net, torch.rand(3, 1, 28, 28, dtype=torch.float64).mul(255).round() / 256, layout="N")
    assert (steps.score, steps.time_steps) == ("sum", 4)
    assert kinds(steps).count("MaxPool2d") == 2
    images = np.random.default_rng(0).integers(0, 256, (3, 1, 28, 28)).astype(np.uint8)
    assert is_exact(net, torch.zeros(3, 1, 28, 28), images)[-1] == "Neuron"


def test_sew_resnet18():
    net = sew_resnet.sew_resnet18(cnf="ADD", spiking_neuron=neuron.IFNode, num_classes=5, **ATAN)
    functional.set_step_mode(net, "m")
    steps = read_steps(net, (2, 1, 3, 32, 32))
    assert sum(op.kind == "add" for op in steps.operations) == 8
    assert kinds(steps).count("IFNode") == sum(isinstance(module, neuron.IFNode) for module in net.modules())


@pytest.mark.parametrize(("cnf", "mode"), [("ADD", "m"), ("ADD", "s"), ("AND", "m"), ("IAND", "m")])
def test_sew_resnets(cnf, mode):
    """One block of each size in place of two: a quarter of the time."""
    net = sew_resnet.SEWResNet(sew_resnet.BasicBlock, [1] * 4, 5, cnf=cnf, spiking_neuron=neuron.IFNode, **ATAN)
    functional.set_step_mode(net, mode)
    x = spikes(2, 1, 3, 16, 16)
    steps = agrees(net, x) if mode == "m" else agrees(net, x[0], x, layout="N")
    joins = {"ADD": {"add"}, "AND": {"multiply"}, "IAND": {"multiply", "complement"}}[cnf]
    assert {"add", "multiply", "complement"} & {op.kind for op in steps.operations} == joins
    assert sum(op.kind in ("add", "multiply") for op in steps.operations) == 4
    assert "AdaptiveAvgPool2d" in kinds(steps)
    if mode == "m":
        nodes = is_exact(net, x)
        assert nodes.count({"ADD": "Add", "AND": "And", "IAND": "Iand"}[cnf]) == 4
        assert nodes[-1] == "Integrator"


def test_spiking_resnets():
    net = spiking_resnet.SpikingResNet(
        spiking_resnet.BasicBlock, [1] * 4, 5, spiking_neuron=neuron.IFNode, **ATAN
    )  # fmt: skip
    functional.set_step_mode(net, "m")
    x = spikes(2, 1, 3, 16, 16)
    assert sum(op.kind == "add" for op in agrees(net, x).operations) == 4
    assert is_exact(net, x).count("Add") == 4


@pytest.mark.parametrize("name", ["spiking_vgg11", "spiking_vgg11_bn", "spiking_vgg16_bn"])
def test_spiking_vgg(name):
    with torch.device("meta"):  # its linear layers have 100 million weights
        net = getattr(spiking_vgg, name)(spiking_neuron=neuron.IFNode, init_weights=False, **ATAN)
    functional.set_step_mode(net, "m")
    steps = read_steps(net, (2, 1, 3, 64, 64))
    assert steps.operations[steps.output].shape == (1000,)
    assert kinds(steps).count("MaxPool2d") == 5
    assert kinds(steps).count("IFNode") == sum(isinstance(module, neuron.IFNode) for module in net.modules())


def test_the_network_is_left_as_it_was():
    net = parametric_lif_net.MNISTNet(2, neuron.ParametricLIFNode)
    functional.set_step_mode(net, "m")
    net(spikes(2, 2, 1, 28, 28).float())
    net.train()
    before = {name: {**vars(module)} for name, module in net.named_modules()}
    state = {key: value.clone() for key, value in net.state_dict().items()}
    read_steps(net, (2, 2, 1, 28, 28))
    for name, module in net.named_modules():
        assert vars(module).keys() == before[name].keys()
        assert all(vars(module)[key] is value for key, value in before[name].items())
        assert module.training
    assert all(torch.equal(value, state[key]) for key, value in net.state_dict().items())
    assert net.conv_fc[2].v.shape == (2, 2, 28, 28)
