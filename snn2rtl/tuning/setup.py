"""What all trials of a study have in common, and how one becomes a configuration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from optuna import Trial

from snn2rtl.errors import OptionError
from snn2rtl.training.config import TrainConfig
from snn2rtl.tuning import space
from snn2rtl.tuning.space import Range, Space


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What all trials of a study have in common.

    base: the fixed options. space: the others. objectives: names in DIRECTIONS, the first is the one that best.toml is
    best by.

    Raises:
        OptionError: a value of the space breaks a rule, or tuning would look at the test images.
    """

    base: TrainConfig
    space: Space
    objectives: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.base.hold_out:
            raise OptionError("hold_out: must be above 0 to tune, for test images are not to choose by, not 0")
        if "hold_out" in self.space:
            raise OptionError("search hold_out: must not be varied, for trials are compared on the same images")
        space.check(self.space, self.base)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that are equal where studies are the same."""
        searched = {name: str(dimension) for name, dimension in self.space.items()}
        return {"objective": ",".join(self.objectives), **self.base.to_dict(), **searched}

    def config(self, params: dict[str, Any]) -> TrainConfig:
        """Return the configuration of a trial's parameters."""
        return replace(self.base, **{name: _decode(name, value) for name, value in params.items()})

    def suggest(self, trial: Trial) -> TrainConfig:
        """Return the configuration that the sampler wants to see next."""
        return self.config({name: _suggest(trial, name, dimension) for name, dimension in self.space.items()})


def _suggest(trial: Trial, name: str, dimension: space.Dimension) -> Any:
    if not isinstance(dimension, Range):
        values = [space.show(value) if isinstance(value, tuple) else value for value in dimension.values]
        return trial.suggest_categorical(name, values)
    suggest = trial.suggest_int if isinstance(dimension.low, int) else trial.suggest_float
    return suggest(name, dimension.low, dimension.high, log=dimension.log)  # type: ignore[arg-type]


def _decode(name: str, value: Any) -> Any:
    return space.read(name, value) if space.KINDS[name] is tuple else value
