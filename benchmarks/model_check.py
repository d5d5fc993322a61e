"""The integer network of a network of others beside its own forward(): dyadic weights, samples, every spike."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from common import IMAGES, ROOT
from model_zoo import Model
from norse.torch.module.lif import LIFCell
from numpy.typing import NDArray
from spikingjelly.activation_based import functional, neuron
from torch import Tensor, nn

from snn2rtl.compiler import to_layers
from snn2rtl.encoders import MAX_PIXEL
from snn2rtl.float_net.layered import FloatLayer
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.int_net import reference
from snn2rtl.int_net.network import FixedPointNetwork

sys.path.insert(0, str(ROOT / "tests"))
from run_steps import exact

Samples = NDArray[np.uint8]


def dyadic(net: nn.Module, bits: int) -> nn.Module:
    """Return the network with weights, factors and time constants of which float64 rounds nothing."""
    for name, buffer in net.named_buffers():
        if name.endswith("scale"):  # of ann2snn
            buffer.copy_(2.0 ** buffer.log2().round())
    for module in net.modules():
        if isinstance(module, neuron.LIFNode):
            module.tau = 2.0 ** max(1, round(math.log2(module.tau)))
    net = exact(net)
    for parameter in net.parameters():
        parameter.data = (parameter.data * 2**bits).round() / 2**bits
    return net


def samples(model: Model) -> Samples:
    """Return random samples and digits: spikes (T, N, ...), or images (N, ...)."""
    random = np.random.default_rng(0)
    digits = _digits(model.shape)[: model.batch]
    images = np.concatenate([random.integers(0, 256, digits.shape, dtype=np.uint8), digits])
    if model.takes_images:
        return images
    return (random.random((model.steps, *images.shape)) * MAX_PIXEL < images).astype(np.uint8)


def _digits(shape: tuple[int, ...]) -> Samples:
    """Return test images of MNIST in another size, in every channel; for an input of one axis the middle of a row."""
    images = np.load(IMAGES)["images"].reshape(-1, 28, 28)
    if len(shape) == 1:
        first = max(0, 14 - shape[0] // 2)
        return np.ascontiguousarray(images[:, 14, first : first + shape[0]])
    channels, *size = shape
    rows, columns = (np.arange(length) * 28 // length for length in size)
    return np.repeat(images[:, None, rows[:, None], columns], channels, axis=1)


def example(model: Model, inputs: Samples) -> Tensor:
    """Return what the network takes in one call."""
    values = torch.from_numpy(inputs).double()
    if model.by_step:
        return values[0]
    return values.transpose(0, 1) if model.is_batch_first else values


def compare(model: Model, net: nn.Module, source: SpikingNetwork, network: FixedPointNetwork, inputs: Samples) -> int:
    """Assert that every layer makes the same spikes in the network and in integers; return how many.

    Raises:
        AssertionError: one does not, or makes none.
    """
    result = reference.run(network, inputs.reshape(*inputs.shape[: 1 if model.takes_images else 2], -1))
    with recorded(net) as spikes, torch.no_grad():
        wanted = forward(model, net, inputs)
    modules = {one.name: one.neuron.name for one in to_layers(source).nodes if isinstance(one, FloatLayer)}
    total = 0
    for name, trace in result.traces.items():
        if modules.get(name) in spikes:
            calls = spikes[modules[name]]
            made = np.stack(calls) if len(calls) > 1 else calls[0]
            assert np.array_equal(made.reshape(trace.spikes.shape), trace.spikes), f"{model.name}: {name} differs"
            assert trace.spikes.any(), f"{model.name}: {name} never fires"
            total += int(trace.spikes.sum())
    scores = wanted.numpy().reshape(-1, *result.counts.shape).sum(axis=0)
    _assert_proportional(scores, result.counts, model.name)
    return total


def _assert_proportional(scores: NDArray[Any], counts: NDArray[Any], name: str) -> None:
    """Compare scores in another unit; a mean over time is as good as a sum."""
    largest = np.unravel_index(np.argmax(np.abs(scores)), scores.shape)
    assert scores[largest], f"{name}: no output"
    step = counts[largest] / scores[largest]
    assert step > 0, f"{name}: scores have another sign"
    assert np.allclose(scores * step, counts, rtol=0, atol=1e-6), f"{name}: scores differ"


def forward(model: Model, net: nn.Module, inputs: Samples) -> Tensor:
    """Run the network's own code on samples."""
    values = torch.from_numpy(inputs).double()
    if model.takes_images:
        return torch.as_tensor(net(values / MAX_PIXEL))
    if model.is_norse:
        outputs, state = [], None
        for value in values:
            output, state = net(value, state)
            outputs.append(output)
        return torch.stack(outputs).amax(dim=0)  # the score of Norse's integrators
    functional.reset_net(net)
    if model.by_step:
        return torch.stack([net(value) for value in values])
    return torch.as_tensor(net(example(model, inputs)))


@contextmanager
def recorded(net: nn.Module) -> Iterator[dict[str, list[NDArray[Any]]]]:
    """Record what every neuron gives, call by call."""
    found: dict[str, list[NDArray[Any]]] = {}

    def keep(name: str) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            spikes = output[0] if isinstance(output, tuple) else output
            found.setdefault(name, []).append(spikes.numpy().astype(np.uint8))

        return hook

    spiking = (neuron.BaseNode, LIFCell)
    hooks = [one.register_forward_hook(keep(name)) for name, one in net.named_modules() if isinstance(one, spiking)]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()
