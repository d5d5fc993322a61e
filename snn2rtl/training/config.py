"""What a training run is asked to do. No torch here, so that the command line can read the defaults."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from snn2rtl.config import Config
from snn2rtl.encoders import Encoder
from snn2rtl.errors import OptionError

ENCODERS = ("poisson", "direct")
SCORES = ("magnitude", "activity", "both")
SCHEDULES = ("step", "cosine")
RESETS = ("hard", "soft")


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Config):
    """One training run; the checkpoint and the results carry it.

    Network. hidden: neurons of each hidden layer. tau: membrane time constant of every layer; a power of two leaks
    exactly in hardware. reset: to zero, or by the threshold, which keeps what a spike leaves over.
    batch_norm: between each linear layer and its neurons; compile folds it. dropout: probability that a hidden neuron
    is silent for a sample, in training.

    Samples. encoder, time_steps, scale: the Encoder that the trained network is measured and saved with.
    train_time_steps: time steps of a sample in training, 0 for time_steps; fewer are faster. augment: largest random
    shift of an image in pixels; it is also turned by up to 5 degrees a pixel. hold_out: training images that are kept
    for validation; the test images are then never looked at.

    Learning. schedule: of the learning rate lr: multiplied by lr_gamma after every lr_step epochs, or falling to zero
    along a cosine. clip: largest norm of the gradient. gain: spike counts are multiplied by it before the
    cross-entropy. rate_penalty: weight of the penalty on neurons that spike in more than rate_limit of the time steps.
    distill: share of a teacher's soft labels in the loss.

    Pruning. sparsity: share of all weights that is pruned in the end. neuron_sparsity: share of the hidden neurons.
    prune_threshold: instead of a share, prune weights below it, and neurons that spike in less than this share of the
    time steps. prune_by: what is least important. Pruning happens after epoch prune_from (0: before the first) and
    every prune_every epochs until prune_until (0: two thirds of all epochs), each time a part of what is left to
    prune; pruned weights stay zero. min_neurons: hidden neurons of a layer that always stay.

    Quantizing. bits: weight width of quantization-aware training, 0 for none. qat_from: epochs before it starts.

    Raises:
        OptionError: a value is out of its range; every problem is named.
    """

    hidden: tuple[int, ...] = (400,)
    tau: float = 2.0
    reset: Literal["hard", "soft"] = "hard"
    batch_norm: bool = False
    dropout: float = 0.0
    encoder: Literal["poisson", "direct"] = "poisson"
    time_steps: int = 100
    train_time_steps: int = 0
    scale: float = 0.7
    augment: float = 0.0
    hold_out: int = 0
    epochs: int = 12
    batch_size: int = 128
    lr: float = 2e-3
    schedule: Literal["step", "cosine"] = "step"
    lr_step: int = 4
    lr_gamma: float = 0.35
    clip: float = 1.0
    gain: float = 1.0
    rate_penalty: float = 0.0
    rate_limit: float = 0.1
    distill: float = 0.0
    sparsity: float = 0.0
    neuron_sparsity: float = 0.0
    prune_threshold: float = 0.0
    prune_by: Literal["magnitude", "activity", "both"] = "magnitude"
    prune_from: int = 1
    prune_every: int = 1
    prune_until: int = 0
    min_neurons: int = 50
    bits: int = 0
    qat_from: int = 0
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

    @property
    def judges(self) -> str:
        """Return the name of the samples that measure the run."""
        return "held-out" if self.hold_out else "test"

    def qat(self, epoch: int) -> bool:
        """Return whether weights are quantized in an epoch, counted from 1."""
        return self.bits > 0 and epoch > self.qat_from

    def prune_epochs(self) -> tuple[int, ...]:
        """Return the epochs after which weights are pruned."""
        if not (self.sparsity or self.neuron_sparsity or self.prune_threshold):
            return ()
        last = self.prune_until or max(self.prune_from, self.epochs * 2 // 3)
        return tuple(range(self.prune_from, last + 1, self.prune_every))


def _rules(c: TrainConfig) -> list[tuple[str, str, bool]]:
    return [
        ("hidden", "positive neuron counts", all(n >= 1 for n in c.hidden)),
        ("tau", "above 1", 1 < c.tau < math.inf),
        ("reset", " or ".join(RESETS), c.reset in RESETS),
        ("dropout", "0 or more and below 1", 0 <= c.dropout < 1),
        ("encoder", " or ".join(ENCODERS), c.encoder in ENCODERS),
        ("time_steps", "at least 1", c.time_steps >= 1),
        ("train_time_steps", "at least 0", c.train_time_steps >= 0),
        ("scale", "above 0 and at most 1", 0 < c.scale <= 1),
        ("augment", "0 to 4 pixels", 0 <= c.augment <= 4),
        ("hold_out", "0 to 30000", 0 <= c.hold_out <= 30_000),
        ("epochs", "at least 1", c.epochs >= 1),
        ("batch_size", "at least 1", c.batch_size >= 1),
        ("lr", "above 0 and at most 10", 0 < c.lr <= 10),
        ("schedule", " or ".join(SCHEDULES), c.schedule in SCHEDULES),
        ("lr_step", "at least 1", c.lr_step >= 1),
        ("lr_gamma", "above 0 and at most 1", 0 < c.lr_gamma <= 1),
        ("clip", "positive", c.clip > 0),
        ("gain", "positive", 0 < c.gain < math.inf),
        ("rate_penalty", "0 or more", 0 <= c.rate_penalty < math.inf),
        ("rate_limit", "0 to 1", 0 <= c.rate_limit <= 1),
        ("distill", "0 to 1", 0 <= c.distill <= 1),
        ("sparsity", "0 or more and below 1", 0 <= c.sparsity < 1),
        ("neuron_sparsity", "0 or more and below 1", 0 <= c.neuron_sparsity < 1),
        ("prune_threshold", "0 or more", 0 <= c.prune_threshold < math.inf),
        ("prune_threshold", "0 where sparsity is given", not (c.prune_threshold and (c.sparsity or c.neuron_sparsity))),
        ("prune_by", ", ".join(SCORES), c.prune_by in SCORES),
        ("prune_from", "0 to epochs", 0 <= c.prune_from <= max(c.epochs, 1)),
        ("prune_every", "at least 1", c.prune_every >= 1),
        ("prune_until", "0, or prune_from to epochs", c.prune_until == 0 or c.prune_from <= c.prune_until <= c.epochs),
        ("min_neurons", "at least 1", c.min_neurons >= 1),
        ("bits", "0, or 1 to 8", 0 <= c.bits <= 8),
        ("bits", "0 with batch_norm (fold it first: train without bits, then --init from that model)",
         not (c.bits and c.batch_norm)),
        ("tau", "a power of two where bits are given", not c.bits or math.frexp(c.tau)[0] == 0.5),
        ("qat_from", "0 to epochs", 0 <= c.qat_from <= c.epochs),
        ("seed", "0 to 2**32 - 1", 0 <= c.seed < 2**32),
    ]  # fmt: skip
