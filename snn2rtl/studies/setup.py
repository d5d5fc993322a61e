"""What all trials of a study have in common, and how one becomes a configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from optuna import Trial

from snn2rtl.config import Config
from snn2rtl.errors import OptionError
from snn2rtl.studies import space
from snn2rtl.studies.space import Choices, Range, Space

C = TypeVar("C", bound=Config)


class Objective(NamedTuple):
    """What a trial is judged by; label: of an axis, with the unit."""

    direction: Literal["maximize", "minimize"]
    label: str


@dataclass(frozen=True, kw_only=True)
class Setup(Generic[C]):
    """What all trials of a study have in common.

    base: the fixed options. space: the others. objectives: the first is the one that the best trial is best by.
    seed: of the sampler. reports: how often a whole trial tells the only objective while it runs, where hopeless ones
    are stopped by it. sweep: every combination of a space of choices is tried, once.

    Raises:
        OptionError: a value of the space breaks a rule.
    """

    base: C
    space: Space
    objectives: Mapping[str, Objective]
    seed: int = 0
    reports: Callable[[C], int] | None = None
    sweep: bool = False

    def __post_init__(self) -> None:
        space.check(self.space, self.base)

    def grid(self) -> dict[str, list[Any]]:
        """Return the values of every choice, as the sampler knows them."""
        return {name: _known(dimension) for name, dimension in self.space.items() if isinstance(dimension, Choices)}

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that are equal where studies are the same."""
        searched = {name: str(dimension) for name, dimension in self.space.items()}
        return {"objective": ",".join(self.objectives), **self.base.to_dict(), **searched}

    def config(self, params: dict[str, Any]) -> C:
        """Return the configuration of a trial's parameters."""
        kinds = self.base.kinds()
        values = {
            name: space.read(name, value, tuple) if kinds[name] is tuple else value for name, value in params.items()
        }
        return replace(self.base, **values)

    def suggest(self, trial: Trial) -> C:
        """Return the configuration that the sampler wants to see next."""
        return self.config({name: _suggest(trial, name, dimension) for name, dimension in self.space.items()})


def choose(text: str, known: Mapping[str, Objective]) -> dict[str, Objective]:
    """Return the objectives of ``accuracy,nonzeros``.

    Raises:
        OptionError: one is unknown or given twice.
    """
    names = text.split(",")
    unknown = [name for name in names if name not in known]
    if unknown:
        raise OptionError(f"objective: must be among {', '.join(known)}, not {', '.join(unknown)}")
    if len(set(names)) < len(names):
        raise OptionError(f"objective: each must be given once, not {text}")
    return {name: known[name] for name in names}


def _known(dimension: Choices) -> list[Any]:
    return [space.show(value) if isinstance(value, tuple) else value for value in dimension.values]


def _suggest(trial: Trial, name: str, dimension: space.Dimension) -> Any:
    if not isinstance(dimension, Range):
        return trial.suggest_categorical(name, _known(dimension))
    suggest = trial.suggest_int if isinstance(dimension.low, int) else trial.suggest_float
    return suggest(name, dimension.low, dimension.high, log=dimension.log)  # type: ignore[arg-type]
