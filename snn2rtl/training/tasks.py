"""The tasks, by the name that their configurations have."""

from __future__ import annotations

from pathlib import Path

from snn2rtl import frontend
from snn2rtl.float_net.nodes import Integrator
from snn2rtl.training import mnist, shd
from snn2rtl.training.config import TrainConfig
from snn2rtl.training.task import Task

TASKS: dict[str, Task] = {"mnist": mnist.TASK, "shd": shd.TASK}


def task_of(config: TrainConfig) -> Task:
    """Return the task of a configuration."""
    return TASKS[config.TASK]


def model_config(path: Path) -> TrainConfig:
    """Return the configuration of a run with the network of a model file: spoken digits where it ends in integrators.

    Raises:
        ModelFileError, UnsupportedModelError: the file cannot be read.
        OptionError: the network cannot be trained here.
    """
    integrates = any(isinstance(node, Integrator) for node in frontend.load(path).nodes)
    return TASKS["shd" if integrates else "mnist"].model_config(path)
