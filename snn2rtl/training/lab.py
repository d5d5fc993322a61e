"""A training run, from data to files: a checkpoint after every epoch, a model and results at the end."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import Progress
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from snn2rtl import frontend
from snn2rtl.data import mnist
from snn2rtl.errors import OptionError, OutputError
from snn2rtl.training import checkpoint
from snn2rtl.training.config import TrainConfig
from snn2rtl.training.loop import Metrics, Samples, evaluate, train_epoch
from snn2rtl.training.model import CLASSES, PIXELS, build

CHECKPOINT = "checkpoint.pt"
MODEL = "model.pt"
RESULTS = "results.json"

logger = logging.getLogger(__name__)


@dataclass
class _Run:
    """What an epoch changes."""

    config: TrainConfig
    net: nn.Sequential
    optimizer: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.LRScheduler
    history: list[dict[str, Any]]

    def save(self, path: Path) -> None:
        state = {
            "config": self.config.to_dict(),
            "model": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "history": self.history,
        }
        checkpoint.save(path, state)


def train_mnist(
    config: TrainConfig, out: Path, data: Path | None = None, resume: bool = False, device: str = "cpu"
) -> dict[str, Any]:
    """Train a network on MNIST and return what results.json holds.

    Every epoch starts from a seed of its own, so a run that was killed and resumed ends, on the CPU, with the
    weights of a run that was not.

    Args:
        config: the network and how it learns.
        out: folder of checkpoint.pt, tensorboard/, model.pt and results.json.
        data: folder of the MNIST files, see snn2rtl.data.mnist.load().
        resume: go on from the checkpoint in out.
        device: a torch device.

    Raises:
        DataError: the data is missing or damaged.
        OptionError: the configuration is not the checkpoint's, or there is no such device.
        OutputError: out cannot be written or holds another run.
        ModelFileError: the checkpoint cannot be read.
    """
    _check_device(device)
    train, test = (_samples(split, data, device) for split in ("train", "test"))
    _prepare(out, resume)
    run = _start(config, device)
    if resume:
        _restore(run, checkpoint.load(out / CHECKPOINT))
    run.save(out / CHECKPOINT)
    try:
        _train(run, out, train, test)
    except KeyboardInterrupt:
        logger.warning("interrupted: '%s' keeps the last whole epoch, --resume goes on", out / CHECKPOINT)
        raise
    return _finish(run, out)


def saved_config(out: Path) -> TrainConfig:
    """Return the configuration of the run in a folder.

    Raises:
        ModelFileError: there is no checkpoint, or it cannot be read.
    """
    return TrainConfig.from_dict(checkpoint.load(out / CHECKPOINT)["config"])


def _check_device(device: str) -> None:
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise OptionError(f"device: must be one that torch can use here, not {device} ({reason})") from None


def _samples(split: Any, data: Path | None, device: str) -> Samples:
    images, labels = mnist.load(split, data)
    return Samples(torch.from_numpy(images.copy()).to(device), torch.from_numpy(labels.astype("int64")).to(device))


def _prepare(out: Path, resume: bool) -> None:
    if not resume and (out / CHECKPOINT).exists():
        raise OutputError(f"output '{out}': must not hold another run; go on with --resume or choose another folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"output '{out}': must be a folder that can be written, but {error}") from None


def _start(config: TrainConfig, device: str) -> _Run:
    torch.manual_seed(config.seed)
    net = build(config).to(device)
    optimizer = torch.optim.Adam(net.parameters(), lr=config.lr)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, config.lr_step, config.lr_gamma)
    return _Run(config, net, optimizer, scheduler, [])


def _restore(run: _Run, state: dict[str, Any]) -> None:
    ours, theirs = run.config.to_dict(), state["config"]
    changed = [k for k in ours if k != "epochs" and ours[k] != theirs.get(k)]
    if changed:
        wish = ", ".join(f"{k}={ours[k]}" for k in changed)
        have = ", ".join(f"{k}={theirs.get(k)}" for k in changed)
        raise OptionError(f"resume: only epochs may differ from the checkpoint's {have}, not {wish}")
    done = len(state["history"])
    if run.config.epochs < done:
        raise OptionError(f"epochs: must be at least the {done} of the checkpoint, not {run.config.epochs}")
    run.net.load_state_dict(state["model"])
    run.optimizer.load_state_dict(state["optimizer"])
    run.scheduler.load_state_dict(state["scheduler"])
    run.history.extend(state["history"])


def _train(run: _Run, out: Path, train: Samples, test: Samples) -> None:
    done, epochs = len(run.history), run.config.epochs
    console = Console(stderr=True)
    with (
        SummaryWriter(str(out / "tensorboard"), purge_step=done + 1) as board,
        Progress(console=console, disable=not console.is_terminal) as progress,
    ):
        for epoch in range(done + 1, epochs + 1):
            task = progress.add_task(f"epoch {epoch}/{epochs}", total=len(train) + len(test))

            def advance(samples: int, task: Any = task) -> None:
                progress.advance(task, samples)

            start = time.perf_counter()
            # The epoch alone decides its random numbers: a checkpoint needs no state of any generator.
            torch.manual_seed(run.config.seed + (epoch << 32))
            learned = train_epoch(run.net, run.optimizer, train, run.config, advance)
            run.scheduler.step()
            measured = evaluate(run.net, test, run.config, advance)
            seconds = time.perf_counter() - start
            entry = {"epoch": epoch, "seconds": round(seconds, 2)}
            run.history.append({**entry, "train": asdict(learned), "test": asdict(measured)})
            run.save(out / CHECKPOINT)
            _log(board, epoch, {"train": learned, "test": measured})
            logger.info(
                "epoch %d/%d: loss %.4f, accuracy train %.2f %%, test %.2f %%, %.0f s",
                epoch, epochs, learned.loss, learned.accuracy, measured.accuracy, seconds,
            )  # fmt: skip
            progress.remove_task(task)


def _log(board: SummaryWriter, epoch: int, metrics: dict[str, Metrics]) -> None:
    for part, m in metrics.items():
        scalars = {"loss": m.loss, "accuracy": m.accuracy}
        scalars |= {f"firing_rate_{name}": rate for name, rate in m.rates.items()}
        for name, value in scalars.items():
            board.add_scalar(f"{name}/{part}", value, epoch)
    board.flush()


def _finish(run: _Run, out: Path) -> dict[str, Any]:
    name = "_".join(map(str, ("mnist", PIXELS, *run.config.hidden, CLASSES)))
    frontend.save(run.net.cpu(), out / MODEL, encoder=run.config.sample_encoder(), name=name)
    results = {
        "accuracy": run.history[-1]["test"]["accuracy"],
        "config": run.config.to_dict(),
        "history": run.history,
        "torch": str(torch.__version__),
    }
    try:
        (out / RESULTS).write_text(json.dumps(results, indent=2) + "\n")
    except OSError as error:
        raise OutputError(f"results '{out / RESULTS}': must be writable, but {error}") from None
    return results
