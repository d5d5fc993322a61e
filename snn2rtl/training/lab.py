"""A training run, from data to files: a checkpoint after every epoch, a model and results at the end."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from snn2rtl import frontend
from snn2rtl.data import mnist
from snn2rtl.errors import OptionError, OutputError
from snn2rtl.training import checkpoint
from snn2rtl.training.config import TrainConfig
from snn2rtl.training.loop import Metrics, evaluate, train_epoch
from snn2rtl.training.model import CLASSES, PIXELS, to_spikingjelly
from snn2rtl.training.pruning import sparsity
from snn2rtl.training.run import Run
from snn2rtl.training.samples import Samples, random_inputs
from snn2rtl.training.start import initialise

CHECKPOINT = "checkpoint.pt"
MODEL = "model.pt"
RESULTS = "results.json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Files:
    """What a run reads and writes.

    out: folder of checkpoint.pt, tensorboard/, model.pt and results.json. data: folder of the MNIST files, see
    snn2rtl.data.mnist.load(). init: model file whose weights the run starts from. teacher: folder of a run whose
    network teaches this one (distill).
    """

    out: Path
    data: Path | None = None
    init: Path | None = None
    teacher: Path | None = None


def train_mnist(
    config: TrainConfig,
    files: Files,
    *,
    resume: bool = False,
    device: str = "cpu",
    report: Callable[[int, float], None] | None = None,
    quiet: bool = False,
) -> dict[str, Any]:
    """Train a network on MNIST and return what results.json holds.

    Every epoch starts from a seed of its own, so a run that was killed and resumed ends, on the CPU, with the
    weights of a run that was not.

    Args:
        config: the network and how it learns.
        files: where everything is.
        resume: go on from the checkpoint in files.out.
        device: a torch device.
        report: told the epoch and the accuracy after each; what it raises ends the run.
        quiet: no bar, and no line an epoch.

    Raises:
        DataError: the data is missing or damaged.
        OptionError: the configuration is not the checkpoint's, or there is no such device.
        OutputError: the output cannot be written or holds another run.
        ModelFileError: the checkpoint or a model cannot be read.
    """
    _check_device(device)
    train, test = load_samples(config, files.data, device)
    teacher = _teacher(config, files.teacher, device)
    _prepare(files.out, resume)
    if resume:
        run = Run.load(files.out / CHECKPOINT, device, config)
    else:
        run = Run(config, initialise(config, files.init).to(device))
        run.save(files.out / CHECKPOINT)
    _train(run, files.out, train, test, teacher, report, quiet)
    return _finish(run, files.out)


def seed_epoch(seed: int, epoch: int) -> None:
    """Let the epoch alone decide its random numbers: a checkpoint then needs no state of any generator."""
    # hashed, for torch's generator on the CPU takes no more than the lowest 32 bits of a seed
    torch.manual_seed(int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0]))


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


def load_samples(config: TrainConfig, data: Path | None, device: str = "cpu") -> tuple[Samples, Samples]:
    """Return what is learned and what is measured: held out training images, else the test images.

    Raises:
        DataError: the data is missing or damaged.
        OptionError: no training images would be left.
    """
    everything = _split("train", data, device)
    if not config.hold_out:
        return everything, _split("test", data, device)
    if config.hold_out >= len(everything):
        raise OptionError(f"hold_out: must be less than the {len(everything)} training images, not {config.hold_out}")
    return everything[: -config.hold_out], everything[-config.hold_out :]


def _split(split: Any, data: Path | None, device: str) -> Samples:
    images, labels = mnist.load(split, data)
    return Samples(torch.from_numpy(images.copy()).to(device), torch.from_numpy(labels.astype("int64")).to(device))


def _teacher(config: TrainConfig, folder: Path | None, device: str) -> Callable[[Tensor], Tensor] | None:
    if (folder is None) != (config.distill == 0):
        raise OptionError(f"distill: must be above 0 with a teacher and 0 without, not {config.distill}")
    if folder is None:
        return None
    run = Run.load(folder / CHECKPOINT, device)
    net, learned = run.net.eval(), run.config
    encoder, steps = learned.sample_encoder(), learned.train_time_steps or learned.time_steps

    @torch.no_grad()
    def logits(images: Tensor) -> Tensor:
        inputs = random_inputs(images, encoder, steps)
        counts: Tensor = net(inputs.x, inputs.steps, inputs.columns).counts
        return counts * learned.gain

    return logits


def _prepare(out: Path, resume: bool) -> None:
    if not resume and (out / CHECKPOINT).exists():
        raise OutputError(f"output '{out}': must not hold another run; go on with --resume or choose another folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"output '{out}': must be a folder that can be written, but {error}") from None


def _train(
    run: Run,
    out: Path,
    train: Samples,
    test: Samples,
    teacher: Callable[[Tensor], Tensor] | None,
    report: Callable[[int, float], None] | None,
    quiet: bool,
) -> None:
    done, epochs = run.done, run.config.epochs
    console = Console(stderr=True)
    with (
        SummaryWriter(str(out / "tensorboard"), purge_step=done + 1) as board,
        Progress(console=console, disable=quiet or not console.is_terminal) as progress,
    ):
        for epoch in range(done + 1, epochs + 1):
            task = progress.add_task(f"epoch {epoch}/{epochs}", total=len(train) + len(test))

            def advance(samples: int, task: Any = task) -> None:
                progress.advance(task, samples)

            start = time.perf_counter()
            seed_epoch(run.config.seed, epoch)
            run.before_epoch(epoch)
            mean = train_epoch(run.net, run.optimizer, train, run.config, advance, teacher)
            run.after_epoch(epoch, mean.neuron_rates())
            learned, measured = mean.metrics(), evaluate(run.net, test, run.config, advance)
            seconds = time.perf_counter() - start
            entry = {"epoch": epoch, "seconds": round(seconds, 2)}
            run.history.append(
                {**entry, "sparsity": sparsity(run.net), "train": asdict(learned), "test": asdict(measured)}
            )
            run.save(out / CHECKPOINT)
            _log(board, epoch, {"train": learned, "test": measured})
            logger.log(
                logging.DEBUG if quiet else logging.INFO,
                "epoch %d/%d: loss %.4f, accuracy train %.2f %%, test %.2f %%, %.0f s",
                epoch, epochs, learned.loss, learned.accuracy, measured.accuracy, seconds,
            )  # fmt: skip
            progress.remove_task(task)
            if report:
                report(epoch, measured.accuracy)


def _log(board: SummaryWriter, epoch: int, metrics: dict[str, Metrics]) -> None:
    for part, m in metrics.items():
        scalars = {"loss": m.loss, "accuracy": m.accuracy}
        scalars |= {f"firing_rate_{name}": rate for name, rate in m.rates.items()}
        for name, value in scalars.items():
            board.add_scalar(f"{name}/{part}", value, epoch)
    board.flush()


def _finish(run: Run, out: Path) -> dict[str, Any]:
    name = "_".join(map(str, ("mnist", PIXELS, *run.config.hidden, CLASSES)))
    frontend.save(to_spikingjelly(run.net.cpu()), out / MODEL, encoder=run.config.sample_encoder(), name=name)
    results = {
        "accuracy": run.history[-1]["test"]["accuracy"],
        "sparsity": run.history[-1]["sparsity"],
        "config": run.config.to_dict(),
        "history": run.history,
        "torch": str(torch.__version__),
    }
    try:
        (out / RESULTS).write_text(json.dumps(results, indent=2) + "\n")
    except OSError as error:
        raise OutputError(f"results '{out / RESULTS}': must be writable, but {error}") from None
    return results
