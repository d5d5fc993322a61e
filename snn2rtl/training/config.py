"""What a training run is asked to do. No torch here, so that the command line can read the defaults."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from snn2rtl.encoders import Encoder
from snn2rtl.errors import OptionError

ENCODERS = ("poisson", "direct")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One training run; the checkpoint and the results carry it.

    hidden: neurons of each hidden layer.
    encoder, time_steps, scale: the Encoder that the trained network is measured and saved with.
    train_time_steps: time steps of a sample in training, 0 for time_steps; fewer are faster.
    tau: membrane time constant of every layer; a power of two leaks exactly in hardware.
    lr_step, lr_gamma: the learning rate is multiplied by lr_gamma after every lr_step epochs.
    clip: largest norm of the gradient.

    Raises:
        OptionError: a value is out of its range; every problem is named.
    """

    hidden: tuple[int, ...] = (400,)
    encoder: Literal["poisson", "direct"] = "poisson"
    time_steps: int = 100
    train_time_steps: int = 0
    scale: float = 0.7
    tau: float = 2.0
    epochs: int = 12
    batch_size: int = 128
    lr: float = 2e-3
    lr_step: int = 4
    lr_gamma: float = 0.35
    clip: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))
        problems = [
            f"{name}: must be {rule}, not {getattr(self, name)}" for name, rule, holds in _rules(self) if not holds
        ]
        if problems:
            raise OptionError("\n".join(problems))

    def sample_encoder(self) -> Encoder:
        """Return the encoder that the trained network is measured and saved with."""
        if self.encoder == "poisson":
            return Encoder.poisson(self.time_steps, self.scale)
        return Encoder(kind="direct", time_steps=self.time_steps)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for a file."""
        return {**asdict(self), "hidden": list(self.hidden)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> TrainConfig:
        """Return the configuration that to_dict() described.

        Raises:
            OptionError: an entry is unknown or out of its range.
        """
        unknown = sorted(set(data) - {field.name for field in fields(cls)})
        if unknown:
            raise OptionError(f"configuration: must have known entries only, not {', '.join(unknown)}")
        return cls(**data)


def _rules(c: TrainConfig) -> list[tuple[str, str, bool]]:
    return [
        ("hidden", "positive neuron counts", all(n >= 1 for n in c.hidden)),
        ("encoder", " or ".join(ENCODERS), c.encoder in ENCODERS),
        ("time_steps", "at least 1", c.time_steps >= 1),
        ("train_time_steps", "at least 0", c.train_time_steps >= 0),
        ("scale", "above 0 and at most 1", 0 < c.scale <= 1),
        ("tau", "above 1", 1 < c.tau < float("inf")),
        ("epochs", "at least 1", c.epochs >= 1),
        ("batch_size", "at least 1", c.batch_size >= 1),
        ("lr", "positive", 0 < c.lr < float("inf")),
        ("lr_step", "at least 1", c.lr_step >= 1),
        ("lr_gamma", "above 0 and at most 1", 0 < c.lr_gamma <= 1),
        ("clip", "positive", c.clip > 0),
        ("seed", "0 to 2**32 - 1", 0 <= c.seed < 2**32),
    ]
