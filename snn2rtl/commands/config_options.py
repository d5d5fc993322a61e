"""Options of every command that trains: one for each field of the tasks' configurations, and files."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection
from pathlib import Path
from reprlib import repr as short
from typing import Any

from snn2rtl.commands.arguments import number
from snn2rtl.config import Option
from snn2rtl.errors import OptionError
from snn2rtl.training.config import TrainConfig
from snn2rtl.training.tasks import TASKS

_DATA = "; ".join(f"{task.title}: {task.data}" for task in TASKS.values() if task.data)
DATA_HELP = f"folder of the data files [{_DATA}]"


def titles() -> str:
    """Return what people call the data sets, as part of a sentence."""
    return " or ".join(task.title for task in TASKS.values())


def add_run_arguments(parser: argparse.ArgumentParser, out: Path | None) -> None:
    """Add what every kind of training needs: files and device; without a folder it is named after the task."""
    shown = out or Path("runs/DATASET")
    parser.add_argument("--data", type=Path, metavar="DIR", help=DATA_HELP)
    parser.add_argument("--out", type=Path, metavar="DIR", default=out, help=f"folder of the results [{shown}]")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out, as it was configured")
    parser.add_argument("--device", default="cpu", help="torch device [%(default)s]")
    parser.add_argument(
        "--teacher",
        type=Path,
        metavar="DIR|NPZ",
        help="folder of a run whose network teaches this one, or .npz of soft labels",
    )


def add_option(parser: argparse._ActionsContainer, option: Option, shown: str) -> None:
    """Add the option of a field of a configuration; it stays None unless it is given.

    Args:
        parser: of the command, or a group of it.
        option: the field.
        shown: what holds where it is not given.
    """
    flag, text = "--" + option.name.replace("_", "-"), f"{option.help} [{shown}]"
    if option.kind is bool:
        parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=text)
    elif option.kind is tuple:
        parser.add_argument(flag, type=_integers, metavar="N,...", help=text)
    elif option.choices:
        parser.add_argument(flag, choices=option.choices, help=text)
    else:
        parser.add_argument(flag, type=_reader(option.kind), metavar="N", help=text)


def _reader(kind: type) -> Callable[[str], float | str]:
    return number(kind) if kind in (int, float) else str


def groups() -> dict[str, dict[str, Option]]:
    """Return the options of every task, then those of some, by the names of all tasks that have them."""
    found: dict[str, dict[str, Option]] = {"every task": dict(TrainConfig.options())}
    tasks = {task.name: task.config.options() for task in TASKS.values()}
    for task in TASKS.values():
        for name in task.config.kinds():  # the network first, then the samples
            if name not in found["every task"]:
                title = " and ".join(other for other, options in tasks.items() if name in options)
                found.setdefault(title, {})[name] = task.config.options()[name]
    return found


def add_options(parser: argparse.ArgumentParser, leave_out: Collection[str] = (), shown: str = "") -> None:
    """Add the options of all tasks: those that all have, then those of each one.

    Args:
        parser: of the command.
        leave_out: fields that get no option.
        shown: in place of the defaults.
    """
    for title, options in groups().items():
        group = parser.add_argument_group(f"options of {title}")
        for name, option in options.items():
            if name not in leave_out:
                add_option(group, option, shown or defaults(name))


def table() -> str:
    """Return the options as tables of Markdown: a field of a file in TOML, its default, its rule and its meaning."""
    parts = []
    for title, options in groups().items():
        rows = [
            f"| `{name}` | {defaults(name)} | {_rule(option)} | {option.help} |" for name, option in options.items()
        ]
        parts.append("\n".join([f"Options of {title}:", "", "| option | default | must be | meaning |",
                                "| --- | --- | --- | --- |", *rows, ""]))  # fmt: skip
    return "\n".join(parts)


def _rule(option: Option) -> str:
    return "yes or no" if option.kind is bool else option.rule.text if option.rule else ""


def given(args: argparse.Namespace, config: type[TrainConfig]) -> dict[str, Any]:
    """Return the fields of a task's configuration that were given.

    Raises:
        OptionError: an option of another task was given.
    """
    names = [name for options in groups().values() for name in options]
    values = {name: value for name in names if (value := getattr(args, name, None)) is not None}
    strange = [name for name in values if name not in config.kinds()]
    if strange:
        raise OptionError(
            "\n".join(f"{name}: must be left out, for {config.TASK} has no such option, not {values[name]}"
                      for name in strange)
        )  # fmt: skip
    return values


def defaults(name: str) -> str:
    """Return the default of a field: that of the first task that has it, and of others that differ."""
    every = {task.name: task.config.options() for task in TASKS.values()}
    found = {task: _written(options[name].default) for task, options in every.items() if name in options}
    (_, first), *others = found.items()
    return "; ".join([first, *(f"{task}: {default}" for task, default in others if default != first)])


def _written(default: Any) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    return (",".join(map(str, default)) or "none") if isinstance(default, tuple) else str(default)


def _integers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(width) for width in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be N or N,..., not {short(text)}") from None
