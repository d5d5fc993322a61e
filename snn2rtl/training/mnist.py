"""Training on MNIST: its images, the network that a run starts from, and the model file that it ends with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch

from snn2rtl import frontend
from snn2rtl.compiler import fold
from snn2rtl.data import mnist
from snn2rtl.errors import OptionError
from snn2rtl.passes.fold_neurons import plain_layers
from snn2rtl.training.build import image_network
from snn2rtl.training.export import to_spikingjelly
from snn2rtl.training.images import Images
from snn2rtl.training.init import load_layer
from snn2rtl.training.mnist_config import MnistConfig
from snn2rtl.training.network import Network
from snn2rtl.training.task import Material, Task, Teach, seeded

CLASSES = 10
PIXELS = 784


def build(config: MnistConfig) -> Network:
    """Return the untrained network."""
    return image_network(config, PIXELS, CLASSES)


def model_config(path: Path) -> MnistConfig:
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
    return MnistConfig(**known)


def initialise(config: MnistConfig, init: Path | None) -> Network:
    """Return the network of a configuration, with the folded weights of a model file where one is given.

    Weights that are zero in the file are pruned and stay so.

    Raises:
        ModelFileError, UnsupportedModelError: the file cannot be read.
        OptionError: its network is another one than the configuration asks for.
    """
    net = seeded(config, build)
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
        load_layer(spiking, linear, neuron)
    return net


def load_material(config: MnistConfig, data: Path | None, device: str, teach: Teach | None = None) -> Material:
    """Return what is learned from, with a teacher's soft labels, and what measures it.

    Held out training images measure it, or else the test images.

    Raises:
        DataError: the data or the soft labels are missing or damaged.
        OptionError: nothing would be left to learn.
    """
    everything, held_out = _split("train", data, device), config.hold_out
    if teach is not None:
        everything = replace(everything, taught=teach(everything))
    if not held_out:
        return Material(everything, _split("test", data, device))
    if held_out < len(everything):
        return Material(everything[:-held_out], everything[-held_out:])
    raise OptionError(f"hold_out: must be less than the {len(everything)} training images, not {held_out}")


def _split(split: Literal["train", "test"], data: Path | None, device: str) -> Images:
    images, labels = mnist.load(split, data)
    return Images(torch.from_numpy(images.copy()).to(device), torch.from_numpy(labels.astype("int64")).to(device))


def export(net: Network, config: MnistConfig, path: Path) -> None:
    """Write the model file of a network: SpikingJelly's layers.

    Raises:
        OutputError: the file cannot be written.
    """
    name = "_".join(map(str, ("mnist", PIXELS, *config.hidden, CLASSES)))
    frontend.save(to_spikingjelly(net), path, encoder=config.sample_encoder(), name=name)


TASK = Task(CLASSES, load_material, build, initialise, model_config, export)
