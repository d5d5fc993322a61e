"""A training run that starts from a model file: its options, and the numbers of its network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from snn2rtl import frontend
from snn2rtl.compiler import fold
from snn2rtl.errors import OptionError
from snn2rtl.float_net.layered import dense_pairs
from snn2rtl.float_net.nodes import FloatArray, Integrator, Linear, Neuron
from snn2rtl.passes.fold_neurons import plain_layers, untrainable
from snn2rtl.training.image_task import ImageConfig
from snn2rtl.training.layers import FiringLayer, TrainableLayer
from snn2rtl.training.leaks import Leak, NeuronLeaks
from snn2rtl.training.network import TrainableNetwork
from snn2rtl.training.synapses import THRESHOLD
from snn2rtl.training.temporal_task import TemporalConfig

Pair = tuple[Linear, Neuron | Integrator]


def image_options(path: Path) -> dict[str, Any]:
    """Return the options of a run on images that the network of a model file decides.

    Raises:
        ModelFileError, UnsupportedModelError: the file cannot be read.
        OptionError: the network cannot be trained here.
    """
    network = frontend.load(path)
    pairs = plain_layers(fold(network), "to be trained here")
    known: dict[str, Any] = {"hidden": tuple(len(linear.weight) for linear, _ in pairs[:-1])}
    if pairs[0][1].tau is not None:
        known["tau"] = pairs[0][1].tau
    if pairs[0][1].v_reset is None:
        known["reset"] = "soft"
    if encoder := network.encoder:
        known |= {"encoder": encoder.kind, "time_steps": encoder.time_steps}
        known |= {"scale": encoder.scale} if encoder.kind == "poisson" else {}
    return known


def load_image_network(net: TrainableNetwork, config: ImageConfig, init: Path) -> None:
    """Give a network the numbers of a model file, whose batch norm is folded.

    Raises:
        ModelFileError, UnsupportedModelError: the file cannot be read.
        OptionError: its network is another one than the configuration asks for.
    """
    if config.batch_norm:
        raise OptionError("batch_norm: must be off with --init, whose batch norm is folded into the weights")
    pairs = plain_layers(fold(frontend.load(init)), "to be trained on")
    have = [tuple(linear.weight.shape) for linear, _ in pairs]
    want = [tuple(layer.synapses.weight.shape) for layer in net.layers]
    if have != want:
        raise OptionError(f"init '{init}': layers must have shapes {want}, as --hidden asks, not {have}")
    for layer, (linear, neuron) in zip(net.layers, pairs, strict=True):
        reset = None if config.reset == "soft" else 0
        if neuron.tau != config.tau or neuron.v_reset != reset or neuron.v_threshold <= 0:
            raise OptionError(
                f"init '{init}': layer '{neuron.name}' must have tau {config.tau}, a positive threshold and v_reset "
                f"{reset}, not tau {neuron.tau}, threshold {neuron.v_threshold}, v_reset {neuron.v_reset}"
            )
        _load_layer(layer, linear, neuron)


def temporal_options(path: Path) -> tuple[int, dict[str, Any]]:
    """Return the inputs of a model file's network, and the options of a run on spikes that it decides.

    Raises:
        ModelFileError, UnsupportedModelError: the file cannot be read.
        OptionError: the network cannot be trained here.
    """
    pairs = _pairs(path)
    kinds = {_traits(linear, neuron) for linear, neuron in pairs[:-1]}
    if len(kinds) > 1:
        raise OptionError(f"model '{path}': hidden layers must be of one kind to be trained, not {len(kinds)}")
    (first, _), (_, last) = pairs[0], pairs[-1]
    known: dict[str, Any] = dict(next(iter(kinds), ()))
    known["hidden"] = tuple(len(linear.weight) for linear, _ in pairs[:-1])
    known["delays"] = max((int(linear.delay.max()) for linear, _ in pairs if linear.delay is not None), default=0)
    assert isinstance(last, Integrator)
    return first.weight.shape[1], known | {"readout": last.score}


def load_temporal_network(net: TrainableNetwork, config: TemporalConfig, init: Path) -> None:
    """Give a network the weights, delays and time constants of a model file.

    Raises:
        ModelFileError, UnsupportedModelError: the file cannot be read.
        OptionError: its network is another one than the configuration asks for.
    """
    pairs = _pairs(init)
    have = [_rows(linear).shape for linear, _ in pairs]
    want = [tuple(layer.synapses.weight.shape) for layer in net.layers]
    if have != want:
        raise OptionError(f"init '{init}': layers must have shapes {want}, as the options ask, not {have}")
    asked = {"neuron": config.neuron, "reset": config.reset, "recurrent": config.recurrent}
    for layer, (linear, neuron) in zip(net.layers, pairs, strict=True):
        found = dict(_traits(linear, neuron))
        other = [key for key, value in found.items() if value != asked[key]]
        other += ["delays"] if linear.delay is not None and linear.delay.max() > config.delays else []
        if other:
            raise OptionError(f"init '{init}': layer '{linear.name}' must be as the options ask, not differ in "
                              f"{', '.join(other)}")  # fmt: skip
        _load_layer(layer, linear, neuron)


def _pairs(path: Path) -> list[Pair]:
    """Return the layers of a file, if they are of a kind that is trained here."""
    pairs = dense_pairs(fold(frontend.load(path)))
    problems = []
    for index, (_, neuron) in enumerate(pairs):
        where, last = f"model '{path}': layer '{neuron.name}' must", index == len(pairs) - 1
        if isinstance(neuron, Integrator) != last:
            problems.append(f"{where} {'be integrators' if last else 'fire'} to be trained here")
        more = untrainable(neuron) if isinstance(neuron, Neuron) else []
        if more:
            problems.append(f"{where} not have {', '.join(more)} to be trained here")
        elif neuron.tau is None or (isinstance(neuron, Neuron) and (neuron.strict or neuron.v_threshold <= 0)):
            problems.append(f"{where} leak, and fire at a positive threshold, to be trained here")
        if isinstance(neuron, Integrator) and neuron.synapse_tau is not None:
            problems.append(f"{where} have no synaptic current to be trained here")
    if problems:
        raise OptionError("\n".join(problems))
    return pairs


def _traits(linear: Linear, neuron: Neuron | Integrator) -> tuple[tuple[str, Any], ...]:
    """Return the options that a hidden layer shows; integrators show none."""
    if isinstance(neuron, Integrator):
        return ()
    kind = "current" if neuron.synapse_tau is not None else "adaptive" if neuron.grow is not None else "lif"
    reset = "soft" if neuron.v_reset is None else "hard"
    return ("neuron", kind), ("reset", reset), ("recurrent", linear.recurrent is not None)


def _rows(linear: Linear) -> FloatArray:
    return linear.weight if linear.recurrent is None else np.concatenate([linear.weight, linear.recurrent], axis=1)


@torch.no_grad()
def _load_layer(layer: TrainableLayer, linear: Linear, neuron: Neuron | Integrator) -> None:
    """Give a layer the numbers of one of a float network; weights that are zero there are pruned and stay so."""
    # a neuron computes the same when its weights, bias, threshold and adaptation step are scaled together
    scale = THRESHOLD / neuron.v_threshold if isinstance(neuron, Neuron) else 1.0
    layer.norm = None  # the file has it in its weights
    synapses = layer.synapses
    _fill(synapses.weight, _rows(linear) * scale)
    synapses.weight_mask.copy_(synapses.weight != 0)
    if synapses.bias is None and linear.bias.any():
        synapses.bias = nn.Parameter(torch.zeros(len(linear.bias)))
    if synapses.bias is not None:
        _fill(synapses.bias, linear.bias * scale)
    if layer.delay is not None:
        _fill(layer.delay.steps, np.zeros(1) if linear.delay is None else linear.delay)
    _fill_leak(layer.membrane, neuron.tau)
    if isinstance(layer, FiringLayer) and isinstance(neuron, Neuron):
        _fill_leak(layer.synaptic, neuron.synapse_tau)
        _fill_leak(layer.adaptation, neuron.adaptation_tau)
        if layer.adaptation_step is not None and neuron.grow is not None:
            _fill(layer.adaptation_step, np.asarray(neuron.grow) * scale)


def _fill_leak(leak: Leak | None, tau: float | FloatArray | None) -> None:
    if isinstance(leak, NeuronLeaks) and tau is not None:
        _fill(leak.logit, np.log(np.maximum(np.asarray(tau) - 1, 1e-3)))


def _fill(tensor: Tensor, values: np.ndarray[Any, Any]) -> None:
    tensor.copy_(torch.from_numpy(np.asarray(values, np.float32)).expand_as(tensor))
