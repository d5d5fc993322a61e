"""The trained network is SpikingJelly's in floats and the golden model's in integers, spike by spike."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from networks import lif as integer_lif
from spikingjelly.activation_based import functional, neuron, surrogate
from torch import Tensor
from training_runs import MNIST, dyadic, samples, small, train

from snn2rtl import frontend
from snn2rtl.compiler import compile_network, fold
from snn2rtl.int_net import reference
from snn2rtl.int_net.chain import layers_of
from snn2rtl.int_net.neurons import LifNeuron, NoLeak, ShiftLeak
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.passes.quantize import quantize_network
from snn2rtl.training import layers, trainer
from snn2rtl.training.export import to_spikingjelly
from snn2rtl.training.images import Batch, evaluation_inputs, training_inputs
from snn2rtl.training.network import TrainableNetwork
from snn2rtl.training.neuron import Integers, Parameters, fire
from snn2rtl.training.run import Run

STEPS, BATCH, NEURONS = 7, 5, 11

# neurons


def currents(constant: bool, seed: int) -> Tensor:
    shape = (BATCH, NEURONS) if constant else (STEPS, BATCH, NEURONS)
    random = torch.Generator().manual_seed(seed)
    return (torch.randn(shape, generator=random, dtype=torch.float64) + 0.3).requires_grad_()


def lif(current: Tensor, fire_at: Tensor, steps: int, tau: float, *, soft: bool = False) -> Tensor:
    return fire(current, Parameters(fire_at, torch.tensor(1 - 1 / tau, dtype=torch.float64)), steps, soft=soft)


@pytest.mark.parametrize("tau", [2.0, 3.0, 1.25])
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("soft", [False, True])
def test_float_neurons_are_those_of_spikingjelly(soft: bool, constant: bool, tau: float) -> None:
    options = {"surrogate_function": surrogate.ATan(alpha=2.0), "detach_reset": True, "step_mode": "m"}
    node = neuron.LIFNode(tau=tau, decay_input=False, v_reset=None if soft else 0.0, **options)
    upstream = torch.randn(STEPS, BATCH, NEURONS, dtype=torch.float64)
    ours, theirs = currents(constant, 1), currents(constant, 1)
    spikes = lif(ours, torch.ones(NEURONS, dtype=torch.float64), STEPS, tau, soft=soft)
    expected = node(theirs.expand(STEPS, -1, -1) if constant else theirs)
    assert torch.equal(spikes, expected)
    assert 0 < spikes.mean() < 1
    spikes.backward(upstream)
    expected.backward(upstream)
    assert ours.grad is not None
    assert torch.allclose(ours.grad, theirs.grad, rtol=1e-12, atol=1e-14)


def test_a_threshold_scales_currents_and_gets_their_gradient() -> None:
    """Spikes depend on ``current / fire_at`` alone, and so does the gradient."""
    fire_at = (torch.rand(NEURONS, dtype=torch.float64) + 0.5).requires_grad_()
    again = fire_at.detach().clone().requires_grad_()
    upstream = torch.randn(STEPS, BATCH, NEURONS, dtype=torch.float64)
    ours, theirs = currents(False, 2), currents(False, 2)
    lif(ours, fire_at, STEPS, 2.0).backward(upstream)
    lif(theirs / again, torch.ones(NEURONS, dtype=torch.float64), STEPS, 2.0).backward(upstream)
    assert fire_at.grad is not None
    assert torch.allclose(fire_at.grad, again.grad, rtol=1e-9)
    assert torch.allclose(ours.grad, theirs.grad, rtol=1e-9)


@pytest.mark.parametrize("tau", [1.0, 2.0, 4.0, 16.0, math.inf])
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("soft", [False, True])
def test_integer_neurons_are_those_of_the_golden_model(soft: bool, constant: bool, tau: float) -> None:
    random = np.random.default_rng(3)
    shape = (BATCH, NEURONS) if constant else (40, BATCH, NEURONS)
    current = random.integers(-9, 9, shape)
    fire_at = random.integers(1, 8, NEURONS)
    leak = NoLeak() if math.isinf(tau) else ShiftLeak(int(math.log2(tau)))
    node: LifNeuron = integer_lif(fire_at, fire_at if soft else 0, leak)
    membrane, expected, negative, ties = np.zeros((BATCH, NEURONS), int), [], 0, 0
    for t in range(40):
        (membrane,), fired = node.step((membrane,), current if constant else current[t], None)
        expected.append(fired)
        negative += int((membrane < 0).sum())
        ties += int((membrane == fire_at - 1).sum())
    floats = torch.tensor(current).float(), torch.tensor(fire_at).float()
    for kind in (torch.float32, torch.float64):
        integers = Integers(kind, membrane_shifts=not math.isinf(tau))
        spikes = fire(floats[0], Parameters(floats[1], torch.tensor(1 - 1 / tau)), 40, integers, soft=soft)
        assert np.array_equal(spikes.numpy(), np.array(expected))
    assert negative > 0
    assert 0 < spikes.mean() < 1
    assert ties > 0 or constant


# float networks


def spikingjelly_spikes(net: TrainableNetwork, x: Tensor) -> dict[str, Tensor]:
    """Return the spikes of every layer of the exported network, run by SpikingJelly."""
    exported = to_spikingjelly(net)
    functional.reset_net(exported)
    spikes = {}
    for name, part in exported.named_children():
        x = part(x)
        if name.startswith("lif"):
            spikes[name.removeprefix("lif")] = x
    return spikes


def equal_spikes(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(
    "options", [{}, {"reset": "soft"}, {"dropout": 0.5}, {"hidden": (9, 8), "tau": 4.0}, {"hidden": ()}]
)
@pytest.mark.parametrize("bias", [False, True])
def test_a_float_network_is_that_of_spikingjelly(options: dict[str, Any], bias: bool) -> None:
    net = dyadic(MNIST.build(small(**options)), bias=bias).eval()
    x = (torch.rand(4, 6, 784) < 0.1).float()
    output = net(x, 4)
    assert equal_spikes(output.spikes, spikingjelly_spikes(net, x))
    assert torch.equal(output.scores, list(output.spikes.values())[-1].sum(0))
    assert all(0 < spikes.mean() < 1 for spikes in output.spikes.values())


def test_batch_norm_is_that_of_spikingjelly() -> None:
    net = dyadic(MNIST.build(small(batch_norm=True, dropout=0.3)))
    for spiking in net.layers:  # dyadic statistics, too: 1 / sqrt(variance + epsilon) is 1/2
        assert spiking.norm
        neurons = len(spiking.synapses.weight)
        spiking.norm.running_mean = torch.randint(-8, 9, (neurons,)) / 8
        spiking.norm.running_var = torch.full((neurons,), 4.0) - spiking.norm.eps
        spiking.norm.weight.data = torch.randint(1, 5, (neurons,)) / 2
        spiking.norm.bias.data = torch.randint(-4, 5, (neurons,)) / 4
    net.eval()
    x = (torch.rand(4, 6, 784) < 0.1).float()
    assert equal_spikes(net(x, 4).spikes, spikingjelly_spikes(net, x))


def test_pixels_are_a_constant_current() -> None:
    net = dyadic(MNIST.build(small(encoder="direct"))).eval()
    pixels = torch.randint(0, 2, (6, 784), dtype=torch.uint8) * 255
    x = (pixels / 255).expand(5, -1, -1)
    assert equal_spikes(net(pixels.float(), 5).spikes, spikingjelly_spikes(net, x))


@pytest.mark.parametrize("quantized", [False, True])
@pytest.mark.parametrize("encoder", ["poisson", "direct"])
def test_inputs_that_are_left_out_change_nothing(encoder: str, quantized: bool) -> None:
    net = dyadic(MNIST.build(small(encoder=encoder))).eval()
    if quantized:
        net.quantize(4)
    images = torch.where(torch.arange(784) % 3 == 0, 255, 0).to(torch.uint8).expand(6, -1).contiguous()
    inputs = training_inputs(images, small(encoder=encoder).sample_encoder(), 4)
    assert inputs.columns is not None
    assert inputs.columns.tolist() == list(range(0, 784, 3))
    everything = torch.zeros(*inputs.x.shape[:-1], 784)
    everything[..., inputs.columns] = inputs.x
    assert equal_spikes(net(*arguments(inputs)).spikes, net(everything, 4).spikes)


def arguments(inputs: Batch) -> tuple[Tensor, int, Tensor | None]:
    return inputs.x, inputs.steps, inputs.columns


def test_every_batch_starts_from_rest() -> None:
    net = dyadic(MNIST.build(small()))
    x = (torch.rand(4, 6, 784) < 0.1).float()
    assert equal_spikes(net(x, 4).spikes, net(x, 4).spikes)


def test_a_dropped_neuron_is_silent_for_the_whole_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    net = dyadic(MNIST.build(small(hidden=(40,), dropout=0.5)), bias=False).train()
    net.layers[0].synapses.weight.data.fill_(1)  # every hidden neuron spikes in every step
    product, inputs = layers.product, []

    def watched(x: Tensor, weight: Tensor) -> Tensor:
        inputs.append(x)
        return product(x, weight)

    monkeypatch.setattr(layers, "product", watched)
    net((torch.rand(4, 6, 784) < 0.5).float(), 4)
    heard = inputs[1]
    assert set(heard.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(heard, heard[:1].expand(4, -1, -1))
    assert not torch.equal(heard[:, :1].expand(-1, 6, -1), heard)


# quantized networks


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("encoder", ["poisson", "direct"])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("reset", ["hard", "soft"])
def test_a_quantized_network_is_the_integer_network(
    data: Path, tmp_path: Path, reset: Any, encoder: Any, bits: int, bias: bool
) -> None:
    config = small(reset=reset, encoder=encoder, bits=bits, epochs=1, hidden=(24, 12), time_steps=6, dropout=0.2)
    init = {}
    if bias:
        init = {"init": tmp_path / "init.pt"}
        frontend.save(to_spikingjelly(dyadic(MNIST.build(config))), init["init"])
    train(data, tmp_path / "run", config, **init)
    net = Run.load(tmp_path / "run" / trainer.CHECKPOINT).net.eval()
    saved, options = frontend.load(tmp_path / "run" / trainer.MODEL), QuantizeOptions(bits=PerLayer(bits))
    integer, reports = quantize_network(fold(saved), options)
    notes = [note for report in reports for note in report.approximations()]
    assert [note for note in notes if "the leak floors the membrane" not in note] == []  # training floors, too
    for spiking, layer in zip(net.layers, layers_of(integer), strict=True):
        weight, in_threshold = (part.detach().numpy() for part in spiking.synapses.integers())
        assert np.array_equal(layer.weight, weight)
        assert np.array_equal(layer.neuron.fire_at, in_threshold * spiking.input_max * 2**spiking.fraction)
        assert layer.bias.any() == bias
    images = samples().images
    inputs = evaluation_inputs(images, config.sample_encoder())
    spikes = {name: part.detach().numpy() for name, part in net(*arguments(inputs)).spikes.items()}
    golden = images.numpy() if encoder == "direct" else inputs.x.numpy().astype(np.uint8)
    result = reference.run(integer, golden)
    for ours, trace in zip(spikes.values(), result.in_order, strict=True):
        assert np.array_equal(ours, trace.spikes)
    assert (spikes["3"].sum(0) == reference.run(compile_network(saved, options)[0], golden).counts).all()
    assert spikes["1"].any() or bits == 1  # of 0 and -1 no current is positive but by a bias
