"""Training on spoken digits (SHD): its recordings, the network that a run starts from, and the file it ends with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from snn2rtl import frontend
from snn2rtl.data import shd_cache
from snn2rtl.data.shd import CLASSES, hold_out
from snn2rtl.errors import OptionError
from snn2rtl.fixed_point import IntArray
from snn2rtl.training.build import temporal_network
from snn2rtl.training.export import to_network
from snn2rtl.training.init import load_weights, model_config
from snn2rtl.training.network import Network
from snn2rtl.training.recordings import Recordings
from snn2rtl.training.shd_config import ShdConfig
from snn2rtl.training.task import Material, Task, Teach, seeded


def build(config: ShdConfig) -> Network:
    """Return the untrained network."""
    return temporal_network(config, config.binning().inputs, CLASSES)


def initialise(config: ShdConfig, init: Path | None) -> Network:
    """Return the network of a configuration, with the weights and constants of a model file where one is given.

    Weights that are zero in the file are pruned and stay so.

    Raises:
        ModelFileError, UnsupportedModelError: the file cannot be read.
        OptionError: its network is another one than the configuration asks for.
    """
    net = seeded(config, build)
    if init is not None:
        load_weights(net, config, init)
    return net


def load_material(config: ShdConfig, data: Path | None, device: str, teach: Teach | None = None) -> Material:
    """Return what is learned from, with a teacher's soft labels, and what measures it.

    Recordings of held out speakers measure it, or else the test recordings.

    Raises:
        DataError: the data or the soft labels are missing or damaged, or a speaker is not in the file.
        OptionError: there is no folder.
    """
    if data is None:
        raise OptionError("data: must be the folder of the SHD files, for they are not downloaded, not left out")
    everything, speakers = _split("train", config, data, device)
    if teach is not None:
        everything = replace(everything, taught=teach(everything))
    if not config.held_speakers:
        return Material(everything, _split("test", config, data, device)[0])
    learn, judge = (torch.from_numpy(part).to(device) for part in hold_out(speakers, config.held_speakers))
    return Material(everything[learn], everything[judge])


def _split(split: Literal["train", "test"], config: ShdConfig, data: Path, device: str) -> tuple[Recordings, IntArray]:
    found = shd_cache.load(shd_cache.find(split, data), config.binning())
    spikes, labels = torch.from_numpy(found.stored.copy()), torch.from_numpy(found.labels.astype(np.int64))
    return Recordings(spikes.to(device), labels.to(device)), found.speakers


def export(net: Network, config: ShdConfig, path: Path) -> None:
    """Write the model file of a network: its float network, with the steps that training chose.

    Raises:
        OutputError: the file cannot be written.
    """
    name = "_".join(map(str, ("shd", config.binning().inputs, *config.hidden, CLASSES)))
    frontend.save(to_network(net, name), path)


TASK = Task(CLASSES, load_material, build, initialise, model_config, export)
