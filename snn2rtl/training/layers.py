"""Layers of the trained network: delays, synapses, norms, and neurons that fire or integrate."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from snn2rtl.passes.leaks import membrane_fraction
from snn2rtl.training.delay import Delay
from snn2rtl.training.leaks import Leak
from snn2rtl.training.neuron import Integers, Parameters, fire, integrate
from snn2rtl.training.product import product
from snn2rtl.training.synapses import THRESHOLD, Synapses, round_through


class TrainableLayer(nn.Module):
    """Dropout of inputs where asked, their delays, synapses, a norm of what they give; subclasses have the neurons.

    fires: whether the outputs are spikes. lr_scales: learning rates of parameters by name, over that of weights.

    Args:
        name: of the layer.
        synapses: from the inputs.
        membrane: how membranes leak.
        delay: of the inputs.
        dropout: probability that an input is silent for a sample, in training.
        input_max: greatest value of an input, 1 or that of a pixel.
        fraction: log2 of the membrane steps of a weight step, where quantized; compile's own choice if negative.
        integers: the type of quantized states, which must hold each of them exactly.
    """

    fires = True
    lr_scales: ClassVar[dict[str, float]] = {
        "membrane": 5,
        "synaptic": 5,
        "adaptation": 5,
        "adaptation_step": 5,
        "delay": 10,
    }

    def __init__(
        self,
        name: str,
        synapses: Synapses,
        membrane: Leak,
        delay: Delay | None = None,
        *,
        dropout: float = 0.0,
        input_max: int = 1,
        fraction: int = -1,
        integers: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        self.name, self.synapses, self.membrane, self.delay = name, synapses, membrane, delay
        self.dropout, self.input_max, self._fraction, self._integers = dropout, input_max, fraction, integers
        self.norm: nn.BatchNorm1d | None = None

    def forward(self, x: Tensor, steps: int, columns: Tensor | None = None) -> Tensor:
        """Return the outputs: spikes of shape (T, N, neurons), or what scores() takes.

        Args:
            x: spikes (T, N, inputs) or whole-numbered pixels (N, inputs).
            steps: time steps T.
            columns: the inputs that x holds, where it leaves out silent ones.
        """
        raise NotImplementedError

    def scores(self, outputs: Tensor) -> Tensor:
        """Return what the class is the argmax of where this is the last layer: here how often each neuron spiked."""
        return outputs.sum(0)

    @property
    def quantized(self) -> bool:
        """Whether the layer computes with integers."""
        return self.synapses.log_step is not None

    @property
    def fraction(self) -> int:
        """Log2 of the membrane steps of a weight step."""
        return self._fraction if self._fraction >= 0 else self._chosen_fraction()

    def _chosen_fraction(self) -> int:
        return membrane_fraction(self.membrane.tau(), input_max=self.input_max)

    def in_membrane_steps(self) -> tuple[Tensor, Tensor | None, Tensor]:
        """Return weights, bias and threshold; quantized, all in membrane steps."""
        synapses = self.synapses
        if not self.quantized:
            weight = synapses.masked()
            return weight, synapses.bias, weight.new_full((len(weight),), THRESHOLD)
        weight, in_threshold = synapses.integers()
        unit = 2**self.fraction
        fire_at = in_threshold * (unit * self.input_max)
        bias = None if synapses.bias is None else round_through(synapses.bias * (fire_at / THRESHOLD))
        return weight if unit == 1 else weight * unit, bias, fire_at

    def _current(self, x: Tensor, weight: Tensor, columns: Tensor | None) -> Tensor:
        """Return what the inputs give through the synapses, without the bias: a step's, or that of every step."""
        if self.training and self.dropout:
            x = x * functional.dropout(torch.ones_like(x[0]), self.dropout)  # the same neurons in every step
        if self.delay is not None:
            assert columns is None
            x = self.delay(x)
        if self.synapses.recurrent:
            weight = weight[:, : self.synapses.inputs]
        current = product(x, weight if columns is None else weight.index_select(1, columns))
        if self.input_max > 1 and not self.quantized:
            current = current / self.input_max  # after the product, for whole numbers are exact in bfloat16
        if self.norm is not None:
            current = self.norm(current.flatten(0, -2)).view_as(current)
        return current

    @torch.no_grad()
    def fold(self) -> None:
        """Take the norm into weights and bias; the layer computes the same as it did in evaluation."""
        if self.norm is None:
            return
        synapses, (scale, shift) = self.synapses, _affine(self.norm)
        synapses.weight[:, : synapses.inputs].mul_(scale[:, None])
        if synapses.bias is None:
            synapses.bias = nn.Parameter(torch.zeros_like(shift))
        synapses.bias.add_(shift)
        self.norm = None


def _affine(norm: nn.BatchNorm1d) -> tuple[Tensor, Tensor]:
    """Return what a norm multiplies by and then adds, once it has learned, each of shape (neurons,)."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    shift = -norm.running_mean * scale
    return scale, shift if norm.bias is None else shift + norm.bias


class FiringLayer(TrainableLayer):
    """Neurons that fire: LIF, behind a synaptic current where synaptic is given, adaptive where adaptation is.

    soft: whether a spike takes the threshold from the membrane rather than all of it. synaptic and adaptation: how
    currents and adaptations leak. adaptation_step: what a spike adds to the threshold at
    first, in thresholds. norm: of what comes
    from the inputs, over samples and time steps, until fold(). All else is as TrainableLayer has it.
    """

    def __init__(
        self,
        name: str,
        synapses: Synapses,
        membrane: Leak,
        delay: Delay | None = None,
        *,
        soft: bool,
        synaptic: Leak | None = None,
        adaptation: Leak | None = None,
        adaptation_step: float = 0.0,
        norm: nn.BatchNorm1d | None = None,
        dropout: float = 0.0,
        input_max: int = 1,
        fraction: int = -1,
        integers: torch.dtype = torch.float64,
    ) -> None:
        super().__init__(
            name, synapses, membrane, delay, dropout=dropout, input_max=input_max, fraction=fraction, integers=integers
        )
        self.soft, self.synaptic, self.adaptation = soft, synaptic, adaptation
        self.adaptation_step = (
            None if adaptation is None else nn.Parameter(torch.full((len(synapses.weight),), adaptation_step))
        )
        self.norm = norm

    def _chosen_fraction(self) -> int:
        synaptic, adaptation = (None if leak is None else leak.tau() for leak in (self.synaptic, self.adaptation))
        return membrane_fraction(self.membrane.tau(), synaptic, self.input_max, adaptation)

    def forward(self, x: Tensor, steps: int, columns: Tensor | None = None) -> Tensor:
        """Return the spikes, shape (T, N, neurons); arguments as of TrainableLayer.forward()."""
        weight, bias, fire_at = self.in_membrane_steps()
        parameters = Parameters(
            fire_at,
            self.membrane(),
            bias,
            keep_current=None if self.synaptic is None else self.synaptic(),
            keep_adaptation=None if self.adaptation is None else self.adaptation(),
            adaptation_step=self.scaled_adaptation_step(fire_at),
            recurrent=weight[:, self.synapses.inputs :] if self.synapses.recurrent else None,
        )
        integers = Integers(self._integers, *self._shifts()) if self.quantized else None
        return fire(self._current(x, weight, columns), parameters, steps, integers, soft=self.soft)

    def scaled_adaptation_step(self, fire_at: Tensor) -> Tensor | None:
        """Return what a spike adds to the threshold, in membrane steps where quantized, shape (neurons,)."""
        if self.adaptation_step is None:
            return None
        with torch.no_grad():
            self.adaptation_step.clamp_(0)  # here rather than in the graph, where it would stop the gradient for good
        step = self.adaptation_step * (fire_at / THRESHOLD)
        return round_through(step) if self.quantized else step

    def _shifts(self) -> tuple[bool, ...]:
        return tuple(leak is not None and leak.shifts() for leak in (self.membrane, self.synaptic, self.adaptation))


class ReadoutLayer(TrainableLayer):
    """Integrators: the class is the one of the greatest score, which is the greatest, last or summed membrane."""

    fires = False

    def __init__(
        self,
        name: str,
        synapses: Synapses,
        membrane: Leak,
        delay: Delay | None = None,
        *,
        score: str,
        dropout: float = 0.0,
        fraction: int = -1,
    ) -> None:
        super().__init__(name, synapses, membrane, delay, dropout=dropout, fraction=fraction)
        self.score = score

    def forward(self, x: Tensor, steps: int, columns: Tensor | None = None) -> Tensor:
        """Return the scores in thresholds, shape (N, neurons): the mean membrane in place of the sum."""
        weight, bias, fire_at = self.in_membrane_steps()
        assert bias is not None
        integers = Integers(self._integers, self.membrane.shifts()) if self.quantized else None
        membranes = integrate(self._current(x, weight, columns), bias, self.membrane(), integers)
        if self.score == "sum":
            return membranes.sum(0) / (fire_at * len(membranes))
        return (membranes.amax(0) if self.score == "max" else membranes[-1]) / fire_at

    def scores(self, outputs: Tensor) -> Tensor:
        """Return what forward() returned."""
        return outputs
