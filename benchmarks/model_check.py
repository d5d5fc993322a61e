"""The integer network of a network of others beside its own forward(): dyadic weights, samples, every spike."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from common import IMAGES, ROOT
from numpy.typing import NDArray
from spikingjelly.activation_based import functional, neuron
from torch import Tensor, nn
from zoo_model import Model

from snn2rtl.compiler import to_layers
from snn2rtl.encoders import MAX_PIXEL
from snn2rtl.float_net.layered import FloatLayer
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import Neuron
from snn2rtl.int_net import reference
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.neurons import Score

sys.path.insert(0, str(ROOT / "tests"))
from run_steps import exact

Samples = NDArray[np.uint8]


_NORSE = {"tau_syn_inv": torch.tensor(512.0), "tau_mem_inv": torch.tensor(256.0)}  # with a dt of 2**-10


def dyadic(net: nn.Module, bits: int) -> nn.Module:
    """Return the network with weights, factors and time constants of which nothing is rounded."""
    for name, buffer in net.named_buffers():
        if name.endswith("scale"):  # of ann2snn
            buffer.copy_(2.0 ** buffer.log2().round())
    for module in net.modules():
        if isinstance(module, neuron.LIFNode):
            module.tau = 2.0 ** max(1, round(math.log2(module.tau)))
        if type(module).__module__.startswith("norse.") and hasattr(module, "p"):
            module.p, module.dt = _with_dyadic_taus(module.p), 2.0**-10
    net = exact(net)
    for parameter in net.parameters():
        parameter.data = (parameter.data * 2**bits).round() / 2**bits
    return net


def _with_dyadic_taus(parameters: Any) -> Any:
    """Return parameters of Norse with time constants of which float64 rounds nothing."""
    if hasattr(parameters, "lif"):
        return parameters._replace(lif=_with_dyadic_taus(parameters.lif))
    return parameters._replace(**{key: value for key, value in _NORSE.items() if hasattr(parameters, key)})


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
    values = torch.from_numpy(inputs).to(model.dtype)
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
    layers = [one for one in to_layers(source).nodes if isinstance(one, FloatLayer)]
    modules = {one.name: one.neuron.name for one in layers if isinstance(one.neuron, Neuron)}
    total = 0
    for name, trace in result.traces.items():
        module = modules.get(name, "").removesuffix(".neuron")  # of a layer with weights of its own
        if module in spikes:
            calls = spikes[module]
            made = np.stack(calls) if len(calls) > 1 else calls[0]
            assert np.array_equal(made.reshape(trace.spikes.shape), trace.spikes), f"{model.name}: {name} differs"
            assert trace.spikes.any(), f"{model.name}: {name} never fires"
            total += int(trace.spikes.sum())
    each = wanted.numpy().reshape(-1, *result.counts.shape)
    scores = each.max(axis=0) if network.integrates and network.output.neuron.score is Score.MAX else each.sum(axis=0)
    counts = result.counts
    if model.is_log:
        scores, counts = (one - one.max(axis=1, keepdims=True) for one in (scores, counts))
    _assert_proportional(scores, counts, model.name, 1e-5 if model.is_log else 1e-12)
    return total


def _assert_proportional(scores: NDArray[Any], counts: NDArray[Any], name: str, error: float) -> None:
    """Compare scores in another unit, up to an error relative to the largest; a mean over time is as good as a sum."""
    largest = np.unravel_index(np.argmax(np.abs(scores)), scores.shape)
    assert scores[largest], f"{name}: no output"
    step = counts[largest] / scores[largest]
    assert step > 0, f"{name}: scores have another sign"
    assert np.allclose(scores * step, counts, rtol=0, atol=error * np.abs(counts).max()), f"{name}: scores differ"


def forward(model: Model, net: nn.Module, inputs: Samples) -> Tensor:
    """Run the network's own code on samples; return what it gives in all steps, or of them."""
    values = torch.from_numpy(inputs).to(model.dtype)
    functional.reset_net(net)
    for module in net.modules():
        if type(module).__module__.startswith("snntorch."):
            module.reset_mem()
    if model.takes_images:
        return _first(net(values / MAX_PIXEL))
    if not model.by_step:
        return _first(net(example(model, inputs)))
    outputs: list[Tensor] = []
    states: Any = (None,) * (len(inspect.signature(net.forward).parameters) - 1)
    for value in values:
        if model.gives_states:
            output, *states = net(value, *states)
        else:
            output = _first(net(value))
        outputs.append(output)
    return torch.stack(outputs)


def _first(output: Any) -> Tensor:
    """Return an output without the states beside it."""
    return torch.as_tensor(output[0] if isinstance(output, tuple) else output)


@contextmanager
def recorded(net: nn.Module) -> Iterator[dict[str, list[NDArray[Any]]]]:
    """Record what every neuron gives, call by call."""
    found: dict[str, list[NDArray[Any]]] = {}

    def keep(name: str) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            spikes = output[0] if isinstance(output, tuple) else output
            found.setdefault(name, []).append(spikes.numpy().astype(np.uint8))

        return hook

    hooks = [one.register_forward_hook(keep(name)) for name, one in net.named_modules() if _spikes(one)]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _spikes(module: nn.Module) -> bool:
    if isinstance(module, neuron.BaseNode):
        return True
    package, name = type(module).__module__, type(module).__name__
    if package.startswith("norse."):
        return ("LIF" in name or "IAF" in name) and hasattr(module, "state_fallback")
    return package.startswith("snntorch._neurons.")
