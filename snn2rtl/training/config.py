"""What every training run is asked to do, whatever the task. No torch here: the command line reads the defaults."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from snn2rtl.config import Config
from snn2rtl.errors import OptionError
from snn2rtl.options import PerLayer, QuantizeOptions

SCORES = ("magnitude", "activity", "both")
SCHEDULES = ("step", "cosine", "one-cycle")
RESETS = ("hard", "soft")
LEAK_BITS = QuantizeOptions().leak_bits
DEFAULT_BITS = 8  # of a network that was not trained for any

Rule = tuple[str, str, bool]  # of an option: its name, what it must be, whether it is


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Config):
    """One training run; the checkpoint and the results carry it. Each task has a class of its own with more fields.

    Network. hidden: neurons of each hidden layer. reset: to zero, or by the threshold, which keeps what a spike leaves
    over. dropout: probability that a hidden neuron is silent for a sample, in training. batch_norm: what neurons get
    from the layer before is normalized over a batch; in the end it is folded into weights. time_steps: of a sample.

    Learning. schedule: of the learning rate lr: multiplied by lr_gamma after every lr_step epochs, falling to zero
    along a cosine, or rising first and then falling (one-cycle). clip: largest norm of the gradient. gain: scores are
    multiplied by it before the cross-entropy. label_smoothing: share of the labels that goes to all classes alike.
    rate_penalty: weight of the penalty on neurons that spike in more than rate_limit of the time steps. distill: share
    of a teacher's soft labels in the loss.

    Pruning. sparsity: share of all weights that is pruned in the end. neuron_sparsity: share of the hidden neurons.
    prune_threshold: instead of a share, prune weights below it, and neurons that spike in less than this share of the
    time steps. prune_by: what is least important. Pruning happens after epoch prune_from (0: before the first) and
    every prune_every epochs until prune_until (0: two thirds of all epochs), each time a part of what is left to
    prune; pruned weights stay zero. min_neurons: hidden neurons of a layer that always stay.

    Quantizing. bits: weight width of quantization-aware training, 0 for none. qat_from: epochs before it starts.

    Raises:
        OptionError: a value is out of its range; every problem is named.
    """

    TASK: ClassVar[str]
    HELD_OUT: ClassVar[str]  # the field that says which training samples measure the run
    hidden: tuple[int, ...] = (400,)
    reset: Literal["hard", "soft"] = "hard"
    dropout: float = 0.0
    batch_norm: bool = False
    time_steps: int = 100
    epochs: int = 12
    batch_size: int = 128
    lr: float = 2e-3
    schedule: Literal["step", "cosine", "one-cycle"] = "step"
    lr_step: int = 4
    lr_gamma: float = 0.35
    clip: float = 1.0
    gain: float = 1.0
    label_smoothing: float = 0.0
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
        for name, kind in self.kinds().items():
            if kind is tuple:
                object.__setattr__(self, name, tuple(getattr(self, name)))
        problems = [
            f"{name}: must be {rule}, not {getattr(self, name)}" for name, rule, holds in self.rules() if not holds
        ]
        if problems:
            raise OptionError("\n".join(problems))

    @property
    def has_held_out(self) -> bool:
        """Whether samples of the training set measure the run, and the test set is not looked at."""
        return bool(getattr(self, self.HELD_OUT))

    @property
    def judges(self) -> str:
        """Return the name of the samples that measure the run."""
        return "held-out" if self.has_held_out else "test"

    @property
    def smallest_share(self) -> int:
        """Samples of a batch that each process must have."""
        return 1

    @property
    def early_steps(self) -> int:
        """Time steps of the measurement after every epoch but the last, 0 for all."""
        return 0

    def quantizing(self) -> QuantizeOptions:
        """Return how the trained network becomes the integer network that quantization-aware training ran."""
        return QuantizeOptions(bits=PerLayer(self.bits or DEFAULT_BITS), time_steps=self.time_steps)

    def qat(self, epoch: int) -> bool:
        """Return whether weights are quantized in an epoch, counted from 1."""
        return self.bits > 0 and epoch > self.qat_from

    def prune_epochs(self) -> tuple[int, ...]:
        """Return the epochs after which weights are pruned."""
        if not (self.sparsity or self.neuron_sparsity or self.prune_threshold):
            return ()
        last = self.prune_until or max(self.prune_from, self.epochs * 2 // 3)
        return tuple(range(self.prune_from, last + 1, self.prune_every))

    def rules(self) -> list[Rule]:
        """Return what must hold of each option."""
        return [
            ("hidden", "positive neuron counts", all(n >= 1 for n in self.hidden)),
            ("reset", " or ".join(RESETS), self.reset in RESETS),
            ("dropout", "0 or more and below 1", 0 <= self.dropout < 1),
            ("time_steps", "at least 1", self.time_steps >= 1),
            ("epochs", "at least 1", self.epochs >= 1),
            ("batch_size", "at least 1", self.batch_size >= 1),
            ("lr", "above 0 and at most 10", 0 < self.lr <= 10),
            ("schedule", " or ".join(SCHEDULES), self.schedule in SCHEDULES),
            ("lr_step", "at least 1", self.lr_step >= 1),
            ("lr_gamma", "above 0 and at most 1", 0 < self.lr_gamma <= 1),
            ("clip", "positive", self.clip > 0),
            ("gain", "positive", 0 < self.gain < math.inf),
            ("label_smoothing", "0 or more and below 1", 0 <= self.label_smoothing < 1),
            ("rate_penalty", "0 or more", 0 <= self.rate_penalty < math.inf),
            ("rate_limit", "0 to 1", 0 <= self.rate_limit <= 1),
            ("distill", "0 to 1", 0 <= self.distill <= 1),
            ("sparsity", "0 or more and below 1", 0 <= self.sparsity < 1),
            ("neuron_sparsity", "0 or more and below 1", 0 <= self.neuron_sparsity < 1),
            ("prune_threshold", "0 or more", 0 <= self.prune_threshold < math.inf),
            ("prune_threshold", "0 where sparsity is given",
             not (self.prune_threshold and (self.sparsity or self.neuron_sparsity))),
            ("prune_by", ", ".join(SCORES), self.prune_by in SCORES),
            ("prune_from", "0 to epochs", 0 <= self.prune_from <= max(self.epochs, 1)),
            ("prune_every", "at least 1", self.prune_every >= 1),
            ("prune_until", "0, or prune_from to epochs",
             self.prune_until == 0 or self.prune_from <= self.prune_until <= self.epochs),
            ("min_neurons", "at least 1", self.min_neurons >= 1),
            ("bits", "0, or 1 to 8", 0 <= self.bits <= 8),
            ("qat_from", "0 to epochs", 0 <= self.qat_from <= self.epochs),
            ("seed", "0 to 2**32 - 1", 0 <= self.seed < 2**32),
        ]  # fmt: skip
