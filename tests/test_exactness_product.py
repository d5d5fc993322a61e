"""Every layer beside every neuron, reset and step mode, as a Sequential and as a class: each step and neuron is exact.

All numbers are dyadic and SpikingJelly computes in float64, so that nothing is rounded; strict refuses what would be.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest
import torch
from run_steps import exact, run_neurons, spikes
from spikingjelly.activation_based import functional, layer, neuron
from torch import Tensor, nn

from snn2rtl.compiler import fold
from snn2rtl.errors import QuantizationError, UnsupportedModelError
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import Linear
from snn2rtl.frontend import from_module
from snn2rtl.int_net import reference
from snn2rtl.int_net.neurons import Score
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.passes.quantize import quantize_network

STEPS, SAMPLES, CLASSES = 4, 6, 4
OPTIONS = QuantizeOptions(
    bits=PerLayer(16), scale="layer", membrane_fraction=PerLayer(14), time_steps=STEPS, strict=True
)
FORMS = list(product(["Sequential", "class"], "sm"))
RESETS = {"hard": 0.0, "to a potential": 0.25, "soft": None}
NEURONS: dict[str, Callable[[float | None], nn.Module]] = {
    "IF": lambda reset: neuron.IFNode(0.75, reset),
    "LIF": lambda reset: neuron.LIFNode(4.0, False, 0.75, reset),
    "LIF decaying its input": lambda reset: neuron.LIFNode(2.0, True, 0.75, reset),
    "ParametricLIF": lambda reset: neuron.ParametricLIFNode(2.0, False, 0.75, reset),
    "ParametricLIF decaying its input": lambda reset: neuron.ParametricLIFNode(2.0, True, 0.75, reset),
}
INTEGRATORS: dict[str, Callable[[str], nn.Module]] = {
    "NonSpikingIF": neuron.NonSpikingIFNode,
    "NonSpikingLIF": lambda decode: neuron.NonSpikingLIFNode(2.0, decode),
}
DECODES = ("max-mem", "mean-mem", "last_mem")


def alone(*modules: nn.Module) -> nn.Module:
    """Return layers of torch, which take one step in a call."""
    return layer.SeqToANNContainer(*modules)


@dataclass(frozen=True)
class Part:
    """What stands between first neurons and the last ones: layers; what the last neurons stand in; what is behind."""

    layers: Callable[[], list[nn.Module]]
    shape: tuple[int, ...] = (2, 8)
    within: Callable[[nn.Module], nn.Module] = lambda neurons: neurons
    behind: Callable[[], list[nn.Module]] = list
    seed: int = 0
    is_for_spikes: bool = False


def linear(inputs: int, outputs: int = CLASSES) -> list[nn.Module]:
    return [layer.Flatten(), layer.Linear(inputs, outputs)]


IMAGE = (2, 4, 4)
WINDOWS = {"stride": 2, "padding": 2, "dilation": 2, "groups": 2}
PARTS = {
    "Linear": Part(lambda: linear(32)),
    "Linear of torch": Part(lambda: [layer.Flatten(), nn.Linear(32, CLASSES, bias=False)]),
    "Conv1d": Part(lambda: [layer.Conv1d(4, 4, 3, **WINDOWS), layer.Flatten()]),
    "Conv1d of torch": Part(lambda: [alone(nn.Conv1d(4, 3, 2, bias=False)), layer.Flatten()]),
    "Conv2d": Part(lambda: [layer.Conv2d(4, 4, 3, **WINDOWS), layer.Flatten()], IMAGE),
    "Conv2d of torch": Part(lambda: [alone(nn.Conv2d(4, 3, (2, 3), (2, 1), (0, 1)), nn.Flatten())], IMAGE),
    "MaxPool1d": Part(lambda: [layer.MaxPool1d(3, 2, padding=1), *linear(16)]),
    "MaxPool1d of torch": Part(lambda: [alone(nn.MaxPool1d(2, ceil_mode=True)), *linear(16)]),
    "MaxPool2d": Part(lambda: [layer.MaxPool2d(2, 1, dilation=2), *linear(16)], IMAGE),
    "MaxPool1d of currents": Part(lambda: [layer.Conv1d(4, 3, 3), layer.MaxPool1d(3, 2, padding=1), layer.Flatten()]),
    "MaxPool1d of currents of torch": Part(
        lambda: [alone(nn.Conv1d(4, 3, 3), nn.MaxPool1d(4, ceil_mode=True), nn.BatchNorm1d(3)), layer.Flatten()]
    ),
    "MaxPool2d of currents": Part(
        lambda: [layer.Conv2d(4, 3, 2), layer.BatchNorm2d(3), layer.MaxPool2d(2, 1, padding=1), layer.Flatten()], IMAGE
    ),
    "MaxPool2d of currents of torch": Part(
        lambda: [
            *linear(64, 32),
            alone(nn.Unflatten(1, IMAGE), nn.MaxPool2d(2, dilation=2, padding=1)),
            layer.Flatten(),
        ],
        IMAGE,
        seed=2,
    ),
    "AvgPool1d": Part(lambda: [layer.AvgPool1d(4, 2, padding=1), *linear(16)]),
    "AvgPool2d": Part(lambda: [layer.AvgPool2d(2), *linear(16)], IMAGE, seed=2),
    "AvgPool2d of torch": Part(lambda: [alone(nn.AvgPool2d(2, 1)), *linear(36)], IMAGE, seed=3),
    "AdaptiveAvgPool1d": Part(lambda: [layer.AdaptiveAvgPool1d(2), *linear(8)]),
    "AdaptiveAvgPool2d": Part(lambda: [layer.AdaptiveAvgPool2d((2, 1)), *linear(8)], IMAGE),
    "BatchNorm1d": Part(lambda: [*linear(32), layer.BatchNorm1d(CLASSES)]),
    "BatchNorm1d of torch": Part(lambda: [alone(nn.Conv1d(4, 3, 3), nn.BatchNorm1d(3)), layer.Flatten()]),
    "BatchNorm2d": Part(
        lambda: [layer.Conv2d(4, 3, 3, bias=False), layer.BatchNorm2d(3), layer.Flatten()], IMAGE, seed=1
    ),
    "BatchNorm2d of torch": Part(lambda: [alone(nn.BatchNorm2d(4), nn.Conv2d(4, 6, 2)), layer.Flatten()], IMAGE),
    "Dropout": Part(lambda: [layer.Dropout(), nn.Dropout(), *linear(32), nn.Identity()]),
    "Unflatten": Part(lambda: [layer.Flatten(), alone(nn.Unflatten(1, IMAGE), nn.Conv2d(2, 3, 3)), layer.Flatten()]),
    "VotingLayer": Part(lambda: linear(32, 2 * CLASSES), behind=lambda: [layer.VotingLayer(2)], is_for_spikes=True),
    "LinearRecurrentContainer": Part(
        lambda: linear(32),
        within=lambda neurons: layer.LinearRecurrentContainer(neurons, CLASSES, CLASSES),
        is_for_spikes=True,
    ),
    "ElementWiseRecurrentContainer": Part(
        lambda: linear(32),
        within=lambda neurons: layer.ElementWiseRecurrentContainer(neurons, operator.add),
        is_for_spikes=True,
    ),
}


class Net(nn.Module):
    """Layers with a forward() of all steps: a loop over time in step mode "s", all steps through each in "m"."""

    def __init__(self, parts: list[nn.Module], mode: str) -> None:
        super().__init__()
        self.parts, self.mode = nn.Sequential(*parts), mode

    def forward(self, x: Tensor) -> Tensor:
        if self.mode == "m":
            return self.parts(x)
        *first, last = self.parts
        if not isinstance(last, neuron.NonSpikingBaseNode):  # which takes all steps
            return torch.stack([self.parts(step) for step in x])
        return last(torch.stack([_through(first, step) for step in x]))


def _through(modules: list[nn.Module], x: Tensor) -> Tensor:
    for module in modules:
        x = module(x)
    return x


def net_of(part: Part, first: nn.Module, last: nn.Module, form: str, mode: str) -> nn.Module:
    """Return first neurons behind a convolution, the part and last neurons; weights are the same in all forms."""
    stem = (layer.Conv1d if len(part.shape) == 2 else layer.Conv2d)(part.shape[0], 4, 3, padding=1)
    modules = [stem, first, *part.layers(), part.within(last), *part.behind()]
    if mode == "s":  # where each layer takes one step, and needs no container for that
        unpacked = [list(one) if isinstance(one, layer.SeqToANNContainer) else [one] for one in modules]
        modules = [one for several in unpacked for one in several]
    net: nn.Module = nn.Sequential(*modules) if form == "Sequential" else Net(modules, mode)
    functional.set_step_mode(net, mode)
    exact(net, part.seed)
    for module in net.modules():
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):  # products of two weights have 16 bits, too
            module.weight.data = (module.weight.data * 8).round() / 8
    return net


def read(net: nn.Module, x: Tensor) -> SpikingNetwork:
    """Return the float network; a Sequential in step mode "s" takes one step, and two say all of a loop."""
    return from_module(net, example_input=x[0] if takes_a_step(net) else x[:2])


def takes_a_step(net: nn.Module) -> bool:
    return isinstance(net, nn.Sequential) and net[0].step_mode == "s"


def assert_exact(net: nn.Module, floats: SpikingNetwork, x: Tensor, resets: list[float | None]) -> float:
    """Hold each spike, membrane and count of the integer network against a module; return how often the last fire."""
    layered = fold(floats)
    integer, reports = quantize_network(layered, OPTIONS)
    assert [note for report in reports for note in report.approximations()] == []
    result = reference.run(integer, x.flatten(2).numpy().astype(np.uint8), record_membranes=True)
    out, neurons = run_neurons(net, x, in_steps=takes_a_step(net))
    wanted = list(neurons.values())
    for index, ((fired, membranes), reset) in enumerate(zip(wanted, resets, strict=False)):
        got, report = result.traces[layered.layers[index].name], reports[index]
        step = report.scale_min / 2**report.membrane_fraction
        assert np.array_equal(got.spikes, fired.numpy())
        assert np.array_equal(got.membranes * step + (reset or 0.0), membranes.numpy())
    if integer.integrates:
        step = reports[-1].scale_min / 2 ** reports[-1].membrane_fraction
        mean = STEPS if integer.output.neuron.score is Score.SUM else 1
        assert np.array_equal(result.counts * step / mean, out.numpy())
    else:
        assert np.array_equal(result.counts, out.sum(0).flatten(1).numpy() * integer.group)
    return wanted[-1][0].mean().item()


DELAYS = (1, 2, 3)
# where spikes enter a Linear: a convolution has no delays, and means are no spikes
DELAYED = ["Linear", "Linear of torch", "MaxPool1d", "MaxPool1d of torch", "MaxPool2d", "BatchNorm1d", "Dropout",
           "VotingLayer", "LinearRecurrentContainer", "ElementWiseRecurrentContainer"]  # fmt: skip
VALUES = [name for name in PARTS if "AvgPool" in name]
LAYERS = "must be Linear, Conv1d, Conv2d, MaxPool1d, .* or ParametricLIFNode, not {}"


def put_delay(net: nn.Module) -> layer.Delay:
    """Return a Delay of SpikingJelly put before the first Linear that stands in a Sequential."""
    parts = net if isinstance(net, nn.Sequential) else net.parts
    delay = layer.Delay(1, parts[0].step_mode)
    parts.insert(next(index for index, one in enumerate(parts) if isinstance(one, nn.Linear)), delay)
    return delay


def with_delay(floats: SpikingNetwork, steps: int) -> SpikingNetwork:
    """Return the network in which the inputs of the first linear layer wait."""
    first = next(node for node in floats.nodes if isinstance(node, Linear))
    late = replace(first, delay=np.full(first.weight.shape[1], steps))
    return replace(floats, nodes=tuple(late if node is first else node for node in floats.nodes))


@pytest.mark.parametrize("kind", NEURONS)
@pytest.mark.parametrize("name", PARTS)
def test_spiking_neurons(name, kind):
    """Delays are a part of the float network; as a module they are refused."""
    part, fired = PARTS[name], []
    x = spikes(STEPS, SAMPLES, *part.shape)
    for reset, (form, mode) in product(RESETS.values(), FORMS):
        net = net_of(part, NEURONS[kind](reset), NEURONS[kind](reset), form, mode)
        floats = read(net, x)
        fired.append(assert_exact(net, floats, x, [reset, reset]))
        delay = put_delay(net) if name in DELAYED else None
        for steps in DELAYS if delay else ():
            delay._delay_steps = steps
            delay.reset()  # reset_net() remembers what it found before
            assert_exact(net, with_delay(floats, steps), x, [reset, reset])
    assert 0.02 < np.mean(fired) < 0.98, "neurons must do something"


@pytest.mark.parametrize("kind", INTEGRATORS)
@pytest.mark.parametrize("name", [name for name, part in PARTS.items() if not part.is_for_spikes])
def test_integrators(name, kind):
    part = PARTS[name]
    x = spikes(STEPS, SAMPLES, *part.shape)
    for decode, (form, mode) in product(DECODES, FORMS):
        net = net_of(part, neuron.LIFNode(2.0, False, 0.75, None), INTEGRATORS[kind](decode), form, mode)
        if (form, mode) == ("Sequential", "s"):
            with pytest.raises(UnsupportedModelError, match="must get axes of time and batch in step mode 'm', not of"):
                read(net, x)
            continue
        assert_exact(net, read(net, x), x, [None])


@pytest.mark.parametrize("name", VALUES)
def test_means_are_not_delayed(name):
    part = PARTS[name]
    x = spikes(STEPS, SAMPLES, *part.shape)
    for form, mode in FORMS:
        floats = read(net_of(part, neuron.IFNode(), neuron.IFNode(), form, mode), x)
        with pytest.raises(QuantizationError, match="delays must be those of spikes, not of pixels or counts"):
            quantize_network(fold(with_delay(floats, 1)), OPTIONS)


@pytest.mark.parametrize("make", [
    lambda mode: layer.Delay(1, mode), lambda mode: layer.SynapseFilter(step_mode=mode),
    lambda mode: layer.ConvTranspose1d(4, 4, 3, padding=1, step_mode=mode),
])  # fmt: skip
def test_modules_that_are_refused(make):
    x = spikes(STEPS, SAMPLES, 2, 8)
    for form, mode in FORMS:
        part = Part(lambda mode=mode: [make(mode), *linear(32)])
        net = net_of(part, neuron.IFNode(), neuron.IFNode(), form, mode)
        with pytest.raises(UnsupportedModelError, match=LAYERS.format(type(make(mode)).__name__)):
            read(net, x)


def test_max_pools_of_currents_before_weights_are_refused():
    x = spikes(STEPS, SAMPLES, 2, 8)
    for form, mode in FORMS:
        part = Part(lambda: [layer.Conv1d(4, 4, 3, padding=1), layer.MaxPool1d(2), *linear(16)])
        with pytest.raises(UnsupportedModelError, match="MaxPool of currents must come right before spiking neurons"):
            fold(read(net_of(part, neuron.IFNode(), neuron.IFNode(), form, mode), x))


def test_integrators_before_other_neurons_are_refused():
    x = spikes(STEPS, SAMPLES, 8)
    for make in INTEGRATORS.values():
        parts = [nn.Linear(8, 5), make("max-mem"), nn.Linear(5, 3), neuron.IFNode(step_mode="m")]
        for net in (nn.Sequential(*parts), Net(parts, "m")):
            with pytest.raises(UnsupportedModelError, match="must come before the sum or mean over time, not after it"):
                from_module(net, example_input=x)
