"""The network that is trained: a chain of layers, all time steps at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn

from snn2rtl.training.layers import TrainableLayer

INPUTS = "inputs"  # what comes to the first layer, among names of layers


class Output(NamedTuple):
    """What a batch gives.

    scores: what the class is the argmax of, shape (N, classes): spikes of each neuron of the last layer over all time
        steps, or what integrators say.
    spikes: of each layer that makes some, by name, shape (T, N, neurons).
    """

    scores: Tensor
    spikes: dict[str, Tensor]


class TrainableNetwork(nn.Module):
    """A chain of layers."""

    def __init__(self, layers: Sequence[TrainableLayer]) -> None:
        super().__init__()
        self.chain = nn.ModuleList(layers)

    def forward(self, x: Tensor, steps: int, columns: Tensor | None = None) -> Output:
        """Run from rest on spikes (T, N, inputs) or pixels (N, inputs); columns as in TrainableLayer.forward()."""
        spikes = {}
        for layer in self.layers:
            x = layer(x, steps, columns)
            columns = None
            if layer.fires:
                spikes[layer.name] = x
        return Output(self.layers[-1].scores(x), spikes)

    def quantize(self, bits: int) -> None:
        """Quantize every layer from now on, without norms."""
        self.fold()
        for layer in self.layers:
            layer.synapses.quantize(bits)

    def fold(self) -> None:
        """Take norms into the weights, where layers can."""
        for layer in self.layers:
            layer.fold()

    @property
    def quantized(self) -> bool:
        """Whether the weights are quantized."""
        return self.layers[0].synapses.log_step is not None

    @property
    def layers(self) -> tuple[TrainableLayer, ...]:
        """The layers, first to last."""
        return tuple(self.chain)  # type: ignore[arg-type]

    def sources(self) -> dict[str, str]:
        """Return the name of what comes to the inputs of each layer: another layer's, or INPUTS."""
        names = [layer.name for layer in self.layers]
        return dict(zip(names, [INPUTS, *names], strict=False))

    def weight_steps(self) -> list[nn.Parameter]:
        """Return the parameters of quantizing, none where it is not quantized."""
        return [layer.synapses.log_step for layer in self.layers if layer.synapses.log_step is not None]

    def by_lr_scale(self) -> dict[float, list[nn.Parameter]]:
        """Return all parameters but those of quantizing, by their learning rate over that of weights."""
        steps = {id(step) for step in self.weight_steps()}
        groups: dict[float, list[nn.Parameter]] = {1.0: []}
        for layer in self.layers:
            for name, parameter in layer.named_parameters():
                if id(parameter) not in steps:
                    groups.setdefault(layer.lr_scales.get(name.partition(".")[0], 1.0), []).append(parameter)
        return groups
