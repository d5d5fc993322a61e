"""The state of a training run: network, optimizer and history; what a checkpoint holds and an epoch changes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from snn2rtl.errors import DivergedError, ModelFileError, OptionError
from snn2rtl.training import checkpoint, pruning
from snn2rtl.training.config import TrainConfig
from snn2rtl.training.loop import LR_SCALE
from snn2rtl.training.network import TrainableNetwork
from snn2rtl.training.pruning import Rates
from snn2rtl.training.tasks import named, task_of


@dataclass
class Run:
    """What an epoch changes. history: one entry for each epoch that is done."""

    config: TrainConfig
    net: TrainableNetwork
    history: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.optimizer = _optimizer(self.net, self.config)

    @property
    def done(self) -> int:
        """Epochs that are done."""
        return len(self.history)

    def before_epoch(self, epoch: int) -> None:
        """Set the learning rate, and start to quantize where it is time."""
        if self.config.qat(epoch) and not self.net.quantized:
            normed = any(layer.norm is not None for layer in self.net.layers)
            self.net.quantize(self.config.bits)
            if normed:  # what Adam knows of weights is of those before the norm
                self.optimizer = _optimizer(self.net, self.config)
            else:
                self.optimizer.add_param_group({"params": self.net.weight_steps(), LR_SCALE: 1.0})
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.config, epoch) * group[LR_SCALE]

    def after_epoch(self, epoch: int, rates: Rates) -> None:
        """Prune where it is time."""
        pruning.prune(self.net, self.config, epoch, rates)

    def check_finite(self, epoch: int, loss: float) -> None:
        """Stop a run that an epoch has spoilt; the loss alone does not show it, for membranes that are NaN never spike.

        Raises:
            DivergedError: the loss, or anything that a checkpoint keeps, is not finite.
        """
        averages = [value for values in self.optimizer.state_dict()["state"].values() for value in values.values()]
        kept = [*self.net.state_dict().values(), *averages]
        if not math.isfinite(loss) or not all(bool(torch.isfinite(tensor).all()) for tensor in kept):
            config = self.config
            raise DivergedError(
                f"epoch {epoch}: training must stay finite, not make NaN or infinite numbers; start again with a lower "
                f"lr ({config.lr:g}), clip ({config.clip:g}) or gain ({config.gain:g})"
            )

    def save(self, path: Path) -> None:
        """Write the checkpoint."""
        state = {
            "task": self.config.TASK,
            "config": self.config.to_dict(),
            "model": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "history": self.history,
        }
        checkpoint.save(path, state)

    @classmethod
    def load(cls, path: Path, device: str = "cpu", config: TrainConfig | None = None) -> Run:
        """Return the run of a checkpoint; a configuration may ask for more epochs than it did.

        Raises:
            ModelFileError: there is no checkpoint, or it cannot be read.
            OptionError: the configuration is another one than the checkpoint's.
        """
        state = checkpoint.load(path)
        saved = read_config(path, state)
        config = config or saved
        if config.TASK != saved.TASK:
            raise OptionError(f"resume: must be a run on {config.TASK}, not on {saved.TASK}")
        done = len(state["history"])
        _check_same(config, saved, done)
        try:
            net = task_of(config).build(config)
        except RuntimeError as error:  # torch's own MemoryError
            raise ModelFileError(f"{path}: must describe a network that fits in memory") from error
        model = {_name_today(name): tensor for name, tensor in state["model"].items()}
        _add_parts(net, model, config.bits if config.qat(done) else 0)
        checkpoint.check_tensors(path, model, net.state_dict())
        net.load_state_dict(model)
        run = cls(config, net.to(device), state["history"])
        run._load_optimizer(path, state["optimizer"])
        return run

    def _load_optimizer(self, path: Path, saved: dict[str, Any]) -> None:
        """Take over Adam's averages; the rest of its state is the configuration's."""
        wanted: dict[str, Tensor] = {}
        parameters = (parameter for group in self.optimizer.param_groups for parameter in group["params"])
        for index, parameter in enumerate(parameters if self.done else ()):
            averages = {f"{index}.{name}": parameter for name in ("exp_avg", "exp_avg_sq")}
            wanted |= {f"{index}.step": torch.tensor(0.0), **averages}
        state = saved.get("state")
        if not isinstance(state, dict) or not all(isinstance(values, dict) for values in state.values()):
            raise ModelFileError(f"{path}: optimizer must have a state of each weight, which it has not")
        found = {f"{index}.{name}": value for index, values in state.items() for name, value in values.items()}
        checkpoint.check_tensors(path, found, wanted)
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})


def learning_rate(config: TrainConfig, epoch: int) -> float:
    """Return the learning rate of an epoch, counted from 1."""
    if config.schedule == "step":
        return config.lr * config.lr_gamma ** ((epoch - 1) // config.lr_step)
    if config.schedule == "cosine":
        return config.lr * 0.5 * (1 + math.cos(math.pi * (epoch - 1) / config.epochs))
    return config.lr * _one_cycle((epoch - 0.5) / config.epochs)


def _one_cycle(done: float) -> float:
    """Return the share of the greatest rate: up along a cosine, then down to nothing (Smith and Topin, 2018)."""
    rises = 0.15
    if done < rises:
        return 0.04 + 0.96 * 0.5 * (1 - math.cos(math.pi * done / rises))
    return 0.5 * (1 + math.cos(math.pi * (done - rises) / (1 - rises)))


def _optimizer(net: TrainableNetwork, config: TrainConfig) -> torch.optim.Optimizer:
    groups = [(scale, parameters) for scale, parameters in net.by_lr_scale().items()] + [(1.0, net.weight_steps())]
    return torch.optim.Adam([{"params": group, LR_SCALE: scale} for scale, group in groups if group], lr=config.lr)


def _check_same(config: TrainConfig, saved: TrainConfig, done: int) -> None:
    ours, theirs = config.to_dict(), saved.to_dict()
    changed = [name for name in ours if name != "epochs" and ours[name] != theirs[name]]
    if changed:
        wish = ", ".join(f"{name}={ours[name]}" for name in changed)
        have = ", ".join(f"{name}={theirs[name]}" for name in changed)
        raise OptionError(f"resume: only epochs may differ from the checkpoint's {have}, not {wish}")
    if config.epochs < done:
        raise OptionError(f"epochs: must be at least the {done} of the checkpoint, not {config.epochs}")


def _name_today(name: Any) -> Any:
    """Return what a tensor of a checkpoint is called now."""
    return name.removesuffix(".grow") + ".adaptation_step" if str(name).endswith(".grow") else name


def _add_parts(net: TrainableNetwork, state: dict[str, Any], bits: int) -> None:
    """Give the layers the parts that the state has: biases, weight steps, and no norm where it is folded."""
    for i, layer in enumerate(net.layers):
        synapses = layer.synapses
        if f"chain.{i}.synapses.bias" in state:
            synapses.bias = nn.Parameter(torch.zeros(len(synapses.weight)))
        if f"chain.{i}.norm.weight" not in state:
            layer.norm = None
        if bits:
            synapses.expect_steps(bits)


def read_config(path: Path, state: dict[str, Any]) -> TrainConfig:
    """Return the configuration of a checkpoint's state.

    Raises:
        ModelFileError: its task is unknown.
        OptionError: an entry is unknown, of another type, or out of its range.
    """
    task = named(state.get("task", "mnist"), path)  # checkpoints had no task when there was no other
    return task.config.from_dict(state["config"], str(path))
