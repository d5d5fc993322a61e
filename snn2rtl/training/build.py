"""Untrained networks: for images, with one time constant, and for recordings, with all that has a memory."""

from __future__ import annotations

import itertools
import math

import torch
from torch import nn

from snn2rtl.encoders import MAX_PIXEL
from snn2rtl.training.delay import Delay
from snn2rtl.training.image_task import ImageConfig
from snn2rtl.training.layers import FiringLayer, ReadoutLayer, TrainableLayer
from snn2rtl.training.leaks import Leak, NeuronLeaks, SharedLeak, draw_tau
from snn2rtl.training.network import TrainableNetwork
from snn2rtl.training.synapses import THRESHOLD, Synapses
from snn2rtl.training.temporal_task import TemporalConfig

_GAINS = {"lif": 1.5, "current": 1.0, "adaptive": 1.5}  # less where a synaptic current adds an input up
_RECURRENT_GAIN = 0.3


def image_network(config: ImageConfig, inputs: int, classes: int) -> TrainableNetwork:
    """Return layers 1, 2, ... of LIF neurons without bias, which take spikes or pixels; output neurons count."""
    layers = []
    for i, (before, after) in enumerate(itertools.pairwise((inputs, *config.hidden, classes)), start=1):
        weight = torch.empty(after, before)
        nn.init.kaiming_uniform_(weight, a=math.sqrt(5))
        layers.append(
            FiringLayer(
                str(i),
                Synapses(weight, None),
                SharedLeak(config.tau),
                soft=config.reset == "soft",
                norm=nn.BatchNorm1d(after) if config.batch_norm else None,
                dropout=0.0 if i == 1 else config.dropout,
                input_max=MAX_PIXEL if i == 1 and config.encoder == "direct" else 1,
                integers=torch.float32,  # no membrane of few bits below a weight step comes near 2**24
            )
        )
    return TrainableNetwork(layers)


def temporal_network(config: TemporalConfig, inputs: int, classes: int) -> TrainableNetwork:
    """Return layers 1, 2, ..., of which the last one integrates."""
    widths = (inputs, *config.hidden)
    shapes = enumerate(itertools.pairwise(widths), start=1)
    hidden: list[TrainableLayer] = [_hidden(config, number, *shape) for number, shape in shapes]
    return TrainableNetwork([*hidden, _readout(config, len(widths), widths[-1], classes)])


def _hidden(config: TemporalConfig, number: int, inputs: int, neurons: int) -> FiringLayer:
    weight = torch.randn(neurons, inputs) * (_GAINS[config.neuron] / math.sqrt(inputs))
    if config.recurrent:
        back = torch.randn(neurons, neurons) * (_RECURRENT_GAIN / math.sqrt(neurons))
        weight = torch.cat([weight, back], dim=1)
    synaptic = adaptation = None
    membrane = _leak(config, draw_tau(config.tau_min, config.tau_max, neurons))
    if config.neuron == "current":
        synaptic = _leak(config, draw_tau(config.synapse_tau_min, config.synapse_tau_max, neurons))
    if config.neuron == "adaptive":
        adaptation = _leak(config, draw_tau(config.adaptation_tau_min, config.adaptation_tau_max, neurons))
    normed = config.batch_norm and not config.qat(1)  # a norm that has seen nothing is none
    return FiringLayer(
        str(number),
        Synapses(weight, torch.zeros(neurons), recurrent=config.recurrent),
        membrane,
        _delay(config, inputs),
        soft=config.reset == "soft",
        synaptic=synaptic,
        adaptation=adaptation,
        adaptation_step=config.grow,
        norm=_spreading_norm(membrane, synaptic) if normed else None,
        dropout=0.0 if number == 1 else config.dropout,
        fraction=config.membrane_fraction,
    )


@torch.no_grad()
def _spreading_norm(membrane: Leak, synaptic: Leak | None) -> nn.BatchNorm1d:
    """Return a norm after which membranes spread by a threshold, were a neuron's inputs of each step independent.

    A leak makes of inputs of variance 1 a state of variance 1 / (1 - keep**2). What a synaptic current adds is the same
    for many steps: 1 / (1 - keep). The bias is that of the synapses.
    """
    keep = membrane()
    norm = nn.BatchNorm1d(len(keep))
    norm.register_parameter("bias", None)
    norm.weight.copy_((1 - keep**2).sqrt() * THRESHOLD)
    if synaptic is not None:
        norm.weight.mul_(1 - synaptic())
    return norm


def _readout(config: TemporalConfig, number: int, inputs: int, classes: int) -> ReadoutLayer:
    weight = torch.empty(classes, inputs).uniform_(-1, 1) / math.sqrt(inputs)
    membrane = _leak(config, torch.full((classes,), config.readout_tau))
    return ReadoutLayer(
        str(number),
        Synapses(weight, torch.zeros(classes), one_step=True),
        membrane,
        _delay(config, inputs),
        score=config.readout,
        dropout=0.0 if number == 1 else config.dropout,
        fraction=config.membrane_fraction,
    )


def _leak(config: TemporalConfig, tau: torch.Tensor) -> NeuronLeaks:
    return NeuronLeaks(tau, shift=config.leak == "shift", learn=config.learn_tau, bits=config.leak_bits)


def _delay(config: TemporalConfig, inputs: int) -> Delay | None:
    return Delay(inputs, config.delays, config.learn_delays) if config.delays else None
