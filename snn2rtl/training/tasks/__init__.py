"""All tasks, by name: a file of this folder and a line here for each. No torch before it is needed."""

from __future__ import annotations

from pathlib import Path

from snn2rtl.errors import ModelFileError, OptionError
from snn2rtl.training.config import TrainConfig
from snn2rtl.training.task import Task
from snn2rtl.training.tasks.mnist import Mnist
from snn2rtl.training.tasks.shd import Shd

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Mnist(),
        Shd(),
    )
}


def task_of(config: TrainConfig) -> Task:
    """Return the task of a configuration."""
    return TASKS[config.TASK]


def named(name: object, path: Path) -> Task:
    """Return the task that a file names.

    Raises:
        ModelFileError: there is no such task.
    """
    if not isinstance(name, str) or name not in TASKS:
        raise ModelFileError(f"{path}: task must be {' or '.join(TASKS)}, not {name!r}")
    return TASKS[name]


def model_config(path: Path) -> TrainConfig:
    """Return the configuration of a run with the network of a model file.

    A file that names no task (of snn2rtl.save(), or of an older release) is one of the first task that trains its kind.

    Raises:
        ModelFileError, UnsupportedModelError: the file cannot be read, or names a task that there is not.
        OptionError: the network cannot be trained here.
    """
    from snn2rtl import frontend

    name = frontend.saved_task(path)
    if name is not None:
        return named(name, path).model_config(path)
    network = frontend.load(path)
    for task in TASKS.values():
        if task.trains(network):
            return task.model_config(path)
    raise OptionError(f"model '{path}': must name its task, {' or '.join(TASKS)}; save it with snn2rtl.save(task=...)")
