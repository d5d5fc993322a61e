"""What a run starts from: its data, an untrained network or the weights of a model file, a teacher."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from snn2rtl import frontend
from snn2rtl.compiler import fold
from snn2rtl.data import mnist
from snn2rtl.errors import OptionError
from snn2rtl.passes.fold_neurons import plain_layers
from snn2rtl.training.config import TrainConfig
from snn2rtl.training.model import THRESHOLD, Network, build
from snn2rtl.training.samples import Samples
from snn2rtl.training.teacher import soft_labels


def model_config(path: Path) -> TrainConfig:
    """Return the configuration of a run with the network of a model file; what the file does not say has its default.

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
    return TrainConfig(**known)


def initialise(config: TrainConfig, init: Path | None) -> Network:
    """Return the network of a configuration, with the folded weights of a model file where one is given.

    Weights that are zero in the file are pruned and stay so.

    Raises:
        ModelFileError, UnsupportedModelError: the file cannot be read.
        OptionError: its network is another one than the configuration asks for.
    """
    torch.manual_seed(config.seed)
    net = build(config)
    if init is None:
        return net
    if config.batch_norm:
        raise OptionError("batch_norm: must be off with --init, whose batch norm is folded into the weights")
    pairs = plain_layers(fold(frontend.load(init)), "to be trained on")
    have = [tuple(linear.weight.shape) for linear, _ in pairs]
    want = [tuple(spiking.synapses.weight.shape) for spiking in net.layers]
    if have != want:
        raise OptionError(f"init '{init}': layers must have shapes {want}, as --hidden asks, not {have}")
    for spiking, (linear, neuron) in zip(net.layers, pairs, strict=True):
        reset = None if config.reset == "soft" else 0
        if neuron.tau != config.tau or neuron.v_reset != reset or neuron.v_threshold <= 0:
            raise OptionError(
                f"init '{init}': layer '{neuron.name}' must have tau {config.tau}, a positive threshold and v_reset "
                f"{reset}, not tau {neuron.tau}, threshold {neuron.v_threshold}, v_reset {neuron.v_reset}"
            )
        # a neuron computes the same when its weights, bias and threshold are scaled together
        scale = THRESHOLD / neuron.v_threshold
        synapses = spiking.synapses
        synapses.weight.data = torch.tensor(linear.weight * scale, dtype=torch.float32)
        synapses.weight_mask.copy_(synapses.weight != 0)
        if linear.bias.any():
            synapses.bias = torch.nn.Parameter(torch.tensor(linear.bias * scale, dtype=torch.float32))
    return net


@dataclass(frozen=True)
class Material:
    """What a run learns from, and what measures it."""

    train: Samples
    test: Samples


def load_material(config: TrainConfig, data: Path | None, teacher: Path | None, device: str) -> Material:
    """Return the samples of a run; see load_samples().

    Raises:
        OptionError: a teacher and its share in the loss do not go together, or as load_samples().
    """
    if (teacher is None) != (config.distill == 0):
        raise OptionError(f"distill: must be above 0 with a teacher and 0 without, not {config.distill}")
    return load_samples(config, data, device, teacher)


def load_samples(config: TrainConfig, data: Path | None, device: str, teacher: Path | None = None) -> Material:
    """Return what is learned from, with a teacher's soft labels, and what measures it.

    Held out training images measure it, or else the test images.

    Raises:
        DataError: the data or the soft labels are missing or damaged.
        ModelFileError: the teacher's run cannot be read.
        OptionError: nothing would be left to learn.
    """
    everything, held_out = _split("train", data, device), config.hold_out
    if teacher is not None:
        everything = replace(everything, taught=soft_labels(teacher, everything.images))
    if not held_out:
        return Material(everything, _split("test", data, device))
    if held_out < len(everything):
        return Material(everything[:-held_out], everything[-held_out:])
    raise OptionError(f"hold_out: must be less than the {len(everything)} training images, not {held_out}")


def _split(split: Literal["train", "test"], data: Path | None, device: str) -> Samples:
    images, labels = mnist.load(split, data)
    return Samples(torch.from_numpy(images.copy()).to(device), torch.from_numpy(labels.astype("int64")).to(device))
