"""One step of a network, run by itself over time, and the network itself: both must give the same.

Weights are whole multiples of a power of two and everything is computed in float64, so that no order of additions
matters.
"""

import copy
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from spikingjelly.activation_based import functional, layer, neuron
from torch import Tensor, nn

from snn2rtl.frontend.graph import read_steps
from snn2rtl.frontend.operations import Operation, Steps


def exact(net: nn.Module, seed: int = 0) -> nn.Module:
    """Return the network in float64 with dyadic weights of which about one neuron in three fires."""
    generator = torch.Generator().manual_seed(seed)
    net = net.double().eval()
    for name, tensor in net.named_parameters():
        if name.endswith("weight") and tensor.dim() > 1:
            fan_in = tensor[0].numel()
            drawn = (torch.randn(tensor.shape, generator=generator, dtype=torch.float64) + 0.3) * 5 / fan_in**0.5
            tensor.data = (drawn * 64).round() / 64
        elif name.endswith("bias"):
            tensor.data = torch.randint(-8, 16, tensor.shape, generator=generator) / 64.0
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean = torch.randint(-8, 8, module.running_mean.shape, generator=generator) / 32.0
            module.running_var = 4.0 ** torch.randint(-1, 2, module.running_var.shape, generator=generator)
            module.eps = 0.0
    return net.double()


def spikes(*shape: int, seed: int = 0) -> Tensor:
    return (torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < 0.5).double()


def run(steps: Steps, inputs: Tensor) -> Tensor:
    """Return the output in each step, shape (T, N, ...), for inputs of shape (T, N, ...)."""
    layers = [copy.deepcopy(operation.module) for operation in steps.operations]
    for module in layers:
        if module is not None:
            functional.reset_net(module)
            if hasattr(module, "step_mode") and not isinstance(module, ONLY_MULTI):
                functional.set_step_mode(module, "s")
    membranes: dict[int, Tensor] = {}
    outputs = []
    for x in inputs:
        results: list[Tensor] = []
        for number, operation in enumerate(steps.operations):
            taken = [results[index] for index in operation.inputs]
            results.append(one(operation, layers[number], taken or [x], membranes, number))
            assert tuple(results[-1].shape[1:]) == operation.shape, operation.name
        outputs.append(results[steps.output])
    return torch.stack(outputs)


NORMS = (layer.ThresholdDependentBatchNorm1d, layer.ThresholdDependentBatchNorm2d)
NON_SPIKING = (neuron.NonSpikingIFNode, neuron.NonSpikingLIFNode)
ONLY_MULTI = (*NORMS, *NON_SPIKING)


def one(operation: Operation, module: nn.Module | None, taken: list[Tensor], membranes: dict, number: int) -> Tensor:
    x = taken[0]
    if isinstance(module, NON_SPIKING):
        module.v = membranes.get(number, torch.zeros_like(x))
        module.neuronal_charge(x)
        membranes[number] = module.v
        return module.v
    results = {
        "input": lambda: x,
        "layer": lambda: module(x[None])[0] if isinstance(module, NORMS) else first(module(x)),
        "reshape": lambda: x.reshape(len(x), *operation.shape),
        "add": lambda: taken[0] + taken[1],
        "multiply": lambda: taken[0] * taken[1],
        "complement": lambda: 1 - x,
        "scale": lambda: operation.factor * x,
        "concatenate": lambda: torch.cat(taken, 1),
    }
    return results[operation.kind]()


def first(result: Tensor | tuple[Tensor, ...]) -> Tensor:
    """Return what goes on to other layers, without the states that a neuron of snnTorch gives beside it."""
    return result[0] if isinstance(result, tuple) else result


@torch.no_grad()
def run_neurons(net: nn.Module, x: Tensor, *, in_steps: bool) -> tuple[Tensor, dict[str, tuple[Tensor, Tensor]]]:
    """Return what a network gives, and spikes and membranes of its neurons by name, (T, N, neurons).

    Args:
        net: the network.
        x: of all steps.
        in_steps: whether it takes one step in each call.
    """
    nodes = {name: module for name, module in net.named_modules() if isinstance(module, neuron.BaseNode)}
    seen: dict[nn.Module, list[tuple[Tensor, Tensor]]] = {}

    def note(node: nn.Module, _: object, out: Tensor) -> None:
        made = (out, node.v_seq) if node.step_mode == "m" else (out[None], node.v[None].clone())
        seen.setdefault(node, []).append(made)

    for node in nodes.values():
        node.store_v_seq = True
    hooks = [node.register_forward_hook(note) for node in nodes.values() if not isinstance(node, NON_SPIKING)]
    functional.reset_net(net)
    out = torch.stack([net(step) for step in x]) if in_steps else net(x)
    for hook in hooks:
        hook.remove()
    return out, {
        name: tuple(torch.cat(one).flatten(2) for one in zip(*seen[node], strict=True))
        for name, node in nodes.items()
        if node in seen
    }


def scored(outputs: Tensor, score: str) -> Tensor:
    return {"": outputs, "sum": outputs.sum(0), "max": outputs.amax(0), "last": outputs[-1]}[score]


def agrees(
    net: nn.Module,
    example: Tensor,
    inputs: Tensor | None = None,
    *,
    layout: str = "TN",
    dtype: torch.dtype = torch.float64,
) -> Steps:
    """Assert that one step, run over time, gives what the network gives; return it.

    Args:
        net: the network.
        example: what it takes.
        inputs: the same as one step after the other, (T, N, ...); by default the example, or its steps.
        layout: "TN", "NT", or "N" for one step in each call.
        dtype: of the computation; snnTorch's spikes are always float32.
    """
    net, example = exact(net).to(dtype), example.to(dtype)
    steps = read_steps(net, tuple(example.shape))
    functional.reset_net(net)
    with torch.no_grad():
        if inputs is None:
            inputs = {"TN": example, "NT": example.transpose(0, 1)}.get(layout)
        if inputs is None:
            inputs = example.expand(steps.time_steps or 3, *example.shape)
        is_alone = layout == "N" and steps.time_steps is None
        wanted = torch.stack([net(x) for x in inputs]) if is_alone else net(example)
        found = scored(run(steps, inputs), steps.score)
    if wanted.shape != found.shape:
        wanted = wanted.transpose(0, 1)
    if steps.score == "sum":  # or the mean
        ratio = found.sum() / wanted.sum()
        assert ratio > 0
        wanted = wanted * ratio
    assert torch.allclose(found, wanted, rtol=1e-12, atol=1e-12)
    assert found.abs().max() > 0, "nothing fires"
    return steps


@contextmanager
def without_torchvision() -> Iterator[None]:
    """Let SpikingJelly's models import the one name of torchvision that they ask for."""
    names = ("torchvision", "torchvision.models", "torchvision.models.utils")
    kept = {name: sys.modules.get(name) for name in names}
    stubs = {name: types.ModuleType(name) for name in names}
    stubs["torchvision.models.utils"].load_state_dict_from_url = None
    sys.modules.update(stubs)
    try:
        yield
    finally:
        for name, module in kept.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
