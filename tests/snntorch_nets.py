"""Small networks of snnTorch's neurons, in the ways that people write them, and what each neuron does in each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

INPUTS, HIDDEN, OUTPUTS = 8, 6, 4


def dyadic(net: nn.Module, seed: int) -> nn.Module:
    """Return the network with weights of a few bits, of which about one neuron in three fires.

    Layers of one shape get the same weights, so that networks are the same whatever the order of their modules.
    """
    for module in net.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            generator = torch.Generator().manual_seed(seed + 100 * module.weight.shape[0] + module.weight.shape[1])
            fan_in = module.weight[0].numel()
            drawn = (torch.randn(module.weight.shape, generator=generator) + 0.3) * 4 / fan_in**0.5
            module.weight.data = (drawn * 8).round() / 8
            if module.bias is not None:
                module.bias.data = torch.randint(-2, 4, module.bias.shape, generator=generator) / 8.0
    return net.eval()


def neurons_of(net: nn.Module) -> list[nn.Module]:
    return [module for module in net.modules() if type(module).__module__.startswith("snntorch._neurons")
            and hasattr(module, "threshold")]  # fmt: skip


class Loop(nn.Module):
    """All steps in one call, states passed by hand and recorded, as in snnTorch's tutorials."""

    def __init__(self, layers: Sequence[nn.Module], neurons: Sequence[nn.Module]) -> None:
        super().__init__()
        self.layers, self.neurons = nn.ModuleList(layers), nn.ModuleList(neurons)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        states = [_listed(neuron.reset_mem()) for neuron in self.neurons]
        spikes, membranes = [], []
        for step in x:
            made, states = one_step(self, step, states)
            spikes.append(made)
            membranes.append(states[-1][-1])
        return torch.stack(spikes), torch.stack(membranes)


class Step(Loop):
    """One step a call; the caller passes the states."""

    def forward(self, x: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        counts = [len(_listed(neuron.reset_mem())) for neuron in self.neurons]
        given = iter(states or (None,) * sum(counts))
        made, new = one_step(self, x, [[next(given) for _ in range(count)] for count in counts])
        return made, *(state for each in new for state in each)


class Hidden(Loop):
    """One step a call; neurons keep their states (init_hidden)."""

    def forward(self, x: Tensor) -> Tensor:
        for layer, neuron in zip(self.layers, self.neurons, strict=True):
            x = neuron(layer(x))
        return x


def one_step(net: Loop, x: Tensor, states: list[list[Tensor]]) -> tuple[Tensor, list[list[Tensor]]]:
    new = []
    for layer, neuron, state in zip(net.layers, net.neurons, states, strict=True):
        x, *after = neuron(layer(x), *state)
        recurs = hasattr(neuron, "recurrent")
        new.append([x, *after] if recurs else after)
    return x, new


def _listed(states: object) -> list[Tensor]:
    return list(states) if isinstance(states, tuple) else [states]


def two_layers(form: str, make: Callable[..., nn.Module]) -> nn.Module:
    """Return a network of two linear layers.

    Args:
        form: "loop", "step", "hidden" or "Sequential".
        make: a neuron of so many.
    """
    hidden = {"init_hidden": form in ("hidden", "Sequential")}
    layers = [nn.Linear(INPUTS, HIDDEN), nn.Linear(HIDDEN, OUTPUTS)]
    neurons = [make(HIDDEN, **hidden), make(OUTPUTS, **hidden)]
    if form == "Sequential":
        return nn.Sequential(layers[0], neurons[0], layers[1], neurons[1])
    return {"loop": Loop, "step": Step, "hidden": Hidden}[form](layers, neurons)


@torch.no_grad()
def run(net: nn.Module, x: Tensor, form: str) -> list[Tensor]:
    """Return the spikes of each neuron module in each step, (T, N, neurons)."""
    seen: dict[nn.Module, list[Tensor]] = {neuron: [] for neuron in neurons_of(net)}

    def note(neuron: nn.Module, _: object, out: object) -> None:
        seen[neuron].append((out[0] if isinstance(out, tuple) else out).flatten(1))

    for neuron in seen:
        neuron.reset_mem()
    hooks = [neuron.register_forward_hook(note) for neuron in seen]
    if form == "loop":
        net(x)
    elif form == "step":
        states: Sequence[Tensor] = ()
        for step in x:
            _, *states = net(step, *states)
    else:
        for step in x:
            net(step)
    for hook in hooks:
        hook.remove()
    return [torch.stack(steps) for steps in seen.values()]
