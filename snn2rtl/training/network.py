"""What every trained network is made of: layers of masked, quantizable synapses, all time steps at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from snn2rtl.fixed_point import signed_range
from snn2rtl.passes.scale import choose_scale

THRESHOLD = 1.0


class Output(NamedTuple):
    """What a batch gives.

    scores: what the class is the argmax of, shape (N, classes): spikes of each neuron of the last layer over all time
        steps, or what integrators say.
    spikes: of each layer that makes some, by name, shape (T, N, neurons).
    """

    scores: Tensor
    spikes: dict[str, Tensor]


class Synapses(nn.Module):
    """Weights with a mask of those that are not pruned, and a step where they are quantized.

    float: ``i = (weight * mask) @ x + bias``. Quantized, in membrane steps of ``step / 2**shift``:
    ``i = (W @ x) << shift + B`` with ``W = clip(round(weight / step)) * mask`` and ``step = THRESHOLD / n`` for a whole
    n, so that the threshold is a whole number of steps; gradients go straight through every rounding.

    Where the layer is recurrent, its own neurons' spikes of the step before are inputs too, behind the others: weight
    has shape (neurons, inputs + neurons). one_step: whether all neurons have one step, for their scores are compared.
    """

    weight_mask: Tensor

    def __init__(self, weight: Tensor, bias: Tensor | None, *, recurrent: bool = False, one_step: bool = False) -> None:
        super().__init__()
        self.inputs = weight.shape[1] - (len(weight) if recurrent else 0)
        self.one_step = one_step
        self.weight = nn.Parameter(weight)
        self.bias = None if bias is None else nn.Parameter(bias)
        self.register_buffer("weight_mask", torch.ones_like(weight))
        self.log_step: nn.Parameter | None = None  # a logarithm: Adam changes it by shares of the step
        self.bits = 0

    def masked(self) -> Tensor:
        """Return the float weights, zero where they are pruned."""
        return self.weight * self.weight_mask

    @torch.no_grad()
    def quantize(self, bits: int) -> None:
        """Quantize to integers of so many bits from now on, with the steps that fit today's weights best."""
        weight = self.masked().double().cpu().numpy()
        step = torch.from_numpy(choose_scale(weight, THRESHOLD, bits, per_neuron=not self.one_step))
        self.bits = bits
        self.log_step = nn.Parameter(step[: self._steps].log().to(self.weight))

    def expect_steps(self, bits: int) -> None:
        """Quantize to integers of so many bits from now on, with steps that a checkpoint will bring."""
        self.bits = bits
        self.log_step = nn.Parameter(torch.zeros(self._steps))

    @property
    def recurrent(self) -> bool:
        """Whether the layer's own neurons are among the inputs."""
        return self.inputs < self.weight.shape[1]

    @property
    def _steps(self) -> int:
        return 1 if self.one_step else len(self.weight)

    def integers(self) -> tuple[Tensor, Tensor]:
        """Return the integer weights, shape (neurons, inputs), and the threshold in their steps, shape (neurons,)."""
        assert self.log_step is not None
        step = torch.exp(_scale_gradient(self.log_step, (self.weight.shape[1] << self.bits) ** -0.5))
        in_threshold = round_through((THRESHOLD / step).clamp(1, 2**12))
        low, high = signed_range(self.bits)
        weight = round_through((self.weight * (in_threshold / THRESHOLD)[:, None]).clamp(low, high))
        return weight * self.weight_mask, in_threshold.expand(len(weight))


def round_through(x: Tensor) -> Tensor:
    """Return the nearest whole numbers, ties to even, with the gradient of x."""
    return x + (torch.round(x) - x).detach()


def _scale_gradient(x: Tensor, factor: float) -> Tensor:
    # Esser et al., Learned Step Size Quantization, section 2.2: steps move as fast as weights
    return x * factor + (x - x * factor).detach()


class Layer(nn.Module):
    """A layer: synapses and neurons. Subclasses say how inputs become outputs.

    norm: of what the synapses give, where there is one. fires: whether the outputs are spikes. paces: how many times
    faster than weights a parameter of this name learns.
    """

    fires = True
    paces: ClassVar[dict[str, float]] = {}

    def __init__(self, name: str, synapses: Synapses) -> None:
        super().__init__()
        self.name, self.synapses = name, synapses
        self.norm: nn.BatchNorm1d | None = None

    def fold(self) -> None:
        """Take a norm into the weights where the layer can; it computes the same as it did in evaluation."""

    def forward(self, x: Tensor, steps: int, columns: Tensor | None = None) -> Tensor:
        """Return the outputs, shape (T, N, neurons).

        Args:
            x: spikes (T, N, inputs) or whole-numbered pixels (N, inputs).
            steps: time steps T.
            columns: the inputs that x holds, where it leaves out silent ones.
        """
        raise NotImplementedError

    def scores(self, outputs: Tensor) -> Tensor:
        """Return what the class is the argmax of where this is the last layer: here how often each neuron spiked."""
        return outputs.sum(0)


class Network(nn.Module):
    """A chain of layers."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__()
        self.chain = nn.ModuleList(layers)

    def forward(self, x: Tensor, steps: int, columns: Tensor | None = None) -> Output:
        """Run from rest on spikes (T, N, inputs) or pixels (N, inputs); columns as in Layer.forward()."""
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
    def layers(self) -> tuple[Layer, ...]:
        """The layers, first to last."""
        return tuple(self.chain)  # type: ignore[arg-type]

    def weight_steps(self) -> list[nn.Parameter]:
        """Return the parameters of quantizing, none where it is not quantized."""
        return [layer.synapses.log_step for layer in self.layers if layer.synapses.log_step is not None]

    def by_pace(self) -> dict[float, list[nn.Parameter]]:
        """Return all parameters but those of quantizing, by how many times faster than weights they learn."""
        steps = {id(step) for step in self.weight_steps()}
        groups: dict[float, list[nn.Parameter]] = {1.0: []}
        for layer in self.layers:
            for name, parameter in layer.named_parameters():
                if id(parameter) not in steps:
                    groups.setdefault(layer.paces.get(name.partition(".")[0], 1.0), []).append(parameter)
        return groups
