"""The tasks, by the name that their configurations have."""

from __future__ import annotations

from snn2rtl.training import mnist
from snn2rtl.training.config import TrainConfig
from snn2rtl.training.task import Task

TASKS: dict[str, Task] = {"mnist": mnist.TASK}


def task_of(config: TrainConfig) -> Task:
    """Return the task of a configuration."""
    return TASKS[config.TASK]
