"""What every training run is asked to do, whatever the task. No torch here: the command line reads the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from snn2rtl.config import Config, option
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.rules import Each, Either, above, at_least, below, between

LEAK_BITS = QuantizeOptions().leak_bits
DEFAULT_BITS = 8  # of a network that was not trained for any

Schedule = Literal["step", "cosine", "one-cycle"]


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Config):
    """One training run; the checkpoint and the results carry it. Each task has a class of its own with more fields.

    Pruning happens after epoch prune_from and every prune_every epochs until prune_until, each time a part of what is
    left to prune; pruned weights stay zero.
    """

    TASK: ClassVar[str]
    HELD_OUT: ClassVar[str]  # the field that says which training samples measure the run
    FROM_MODEL: ClassVar[Mapping[str, Any]] = {}  # what a run that starts from a model file must have
    hidden: tuple[int, ...] = option((400,), "neurons of each hidden layer", Each(at_least(1)), of_model=True)
    reset: Literal["hard", "soft"] = option(
        "hard", "what a spike leaves of the membrane: nothing, or what is above the threshold"
    )
    dropout: float = option(0.0, "probability that a hidden neuron is silent for a sample, in training", below(1))
    batch_norm: bool = option(
        False,
        "normalize what neurons get from the layer before, over a batch; it is folded into weights",
        of_model=True,
    )
    time_steps: int = option(100, "time steps of a sample", at_least(1))
    epochs: int = option(12, "passes through the training samples", at_least(1))
    batch_size: int = option(128, "samples of one update of the weights", at_least(1))
    lr: float = option(2e-3, "learning rate of Adam", above(0, 10))
    schedule: Schedule = option(
        "step", "how the learning rate changes: down in steps, to zero along a cosine, or up first and then to zero"
    )
    lr_step: int = option(4, "epochs after which the learning rate shrinks", at_least(1))
    lr_gamma: float = option(0.35, "factor by which the learning rate shrinks", above(0, 1))
    clip: float = option(1.0, "largest norm of the gradient", above(0, infinite=True))
    gain: float = option(1.0, "factor of spike counts or scores before the cross-entropy", above(0))
    label_smoothing: float = option(0.0, "share of the labels that goes to all classes alike", below(1))
    rate_penalty: float = option(0.0, "weight of the penalty on neurons that spike too often", at_least(0))
    rate_limit: float = option(0.1, "share of time steps in which a neuron may spike without a penalty", between(0, 1))
    distill: float = option(0.0, "share of the --teacher's soft labels in the loss", between(0, 1))
    sparsity: float = option(0.0, "share of all weights that is pruned in the end", below(1))
    neuron_sparsity: float = option(0.0, "share of the hidden neurons that is pruned in the end", below(1))
    prune_threshold: float = option(
        0.0, "prune weights smaller and neurons less active than this, instead of a share", at_least(0)
    )
    prune_by: Literal["magnitude", "activity", "both"] = option(
        "magnitude", "what matters least: small weights, silent inputs and neurons, or the product"
    )
    prune_from: int = option(1, "epoch after which pruning begins, 0 for before the first", between(0, "epochs"))
    prune_every: int = option(1, "epochs from one pruning to the next", at_least(1))
    prune_until: int = option(
        0, "epoch of the last pruning, 0 for two thirds of all", Either(0, between("prune_from", "epochs"))
    )
    min_neurons: int = option(50, "hidden neurons of a layer that are never pruned", at_least(1))
    bits: int = option(0, "weight width of quantization-aware training, 0 for float", Either(0, between(1, 8)))
    qat_from: int = option(0, "epochs of float training before quantization-aware training", between(0, "epochs"))
    seed: int = option(0, "chooses the random numbers", below(2**32))

    def conflicts(self) -> list[tuple[str, str, bool]]:
        """Return what must hold of several fields together."""
        shares = self.sparsity or self.neuron_sparsity
        return [("prune_threshold", "0 where sparsity is given", not (self.prune_threshold and shares))]

    @property
    def has_held_out(self) -> bool:
        """Whether samples of the training set measure the run, and the test set is not looked at."""
        return bool(getattr(self, self.HELD_OUT))

    @property
    def evaluation_split(self) -> str:
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
