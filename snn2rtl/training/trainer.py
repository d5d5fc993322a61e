"""A training run, from data to files: a checkpoint after every epoch, a model and results at the end."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import Progress

from snn2rtl.errors import DivergedError, OptionError, OutputError
from snn2rtl.progress import stderr_console
from snn2rtl.training import checkpoint
from snn2rtl.training.config import TrainConfig
from snn2rtl.training.distributed import Group, join
from snn2rtl.training.loop import EpochMetrics, check_batch, check_samples, evaluate, train_epoch
from snn2rtl.training.pruning import sparsity
from snn2rtl.training.run import Run, learning_rate, read_config
from snn2rtl.training.task import Splits
from snn2rtl.training.tasks import task_of
from snn2rtl.training.teacher import soft_labels
from snn2rtl.training.tensorboard import SHOWN, TensorBoard

CHECKPOINT = checkpoint.NAME
MODEL = "model.pt"
RESULTS = "results.json"
RATE_SAMPLES = 10_000  # what is measured before a pruning that no epoch has gone before

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Files:
    """What a run reads and writes.

    out: folder of checkpoint.pt, tensorboard/, model.pt and results.json. data: folder of the data files, see
    snn2rtl.data.mnist.load() and snn2rtl.data.shd_cache.find(). init: model file whose weights the run starts from.
    teacher: folder of a run whose network teaches this one (distill), or a .npz of soft labels, see
    snn2rtl.training.teacher.
    """

    out: Path
    data: Path | None = None
    init: Path | None = None
    teacher: Path | None = None


def train_network(
    config: TrainConfig,
    files: Files,
    *,
    resume: bool = False,
    device: str = "cpu",
    report: Callable[[int, float], None] | None = None,
    quiet: bool = False,
) -> dict[str, Any]:
    """Train a network and return what results.json holds.

    Processes that torchrun started train together, and the first one writes the files. Every epoch starts from a seed
    of its own, so a run that was killed and resumed ends, on the CPU, with the weights of a run that was not.

    Args:
        config: the task, the network and how it learns.
        files: where everything is.
        resume: go on from the checkpoint in files.out.
        device: a torch device.
        report: told the epoch and the accuracy after each; what it raises ends the run.
        quiet: no bar and no line of an epoch, where a study shows its own.

    Raises:
        DataError: the data is missing or damaged.
        OptionError: the configuration is not the checkpoint's, there is no such device, or too few samples are left.
        OutputError: the output cannot be written or holds another run.
        DivergedError: an epoch left NaN or infinite numbers; the checkpoint is that of the epoch before.
        ModelFileError: the checkpoint or a model cannot be read.
    """
    with join(device) as (group, own):
        check_batch(config, group)
        splits = load_splits(config, files, own)
        check_samples(len(splits.train), config, group)
        run = _begin(config, files, resume, own, group)
        try:
            _train(run, files.out, splits, report, group, quiet)
        except DivergedError as error:
            kept = "" if quiet else f"; '{files.out / CHECKPOINT}' keeps epoch {run.done}"
            raise DivergedError(f"{error}{kept}") from None
        except KeyboardInterrupt:
            if group.leads and not quiet:
                logger.warning("interrupted: '%s' keeps the last whole epoch, --resume goes on", files.out / CHECKPOINT)
            raise
        return _finish(run, files.out, group)


def _begin(config: TrainConfig, files: Files, resume: bool, device: str, group: Group) -> Run:
    if group.leads:
        _prepare(files.out, resume)
    if resume:
        return Run.load(files.out / CHECKPOINT, device, config)
    run = Run(config, task_of(config).initialise(config, files.init).to(device))
    if group.leads:
        run.save(files.out / CHECKPOINT)
    return run


def seed_epoch(seed: int, epoch: int) -> None:
    """Let the epoch alone decide its random numbers: a checkpoint then needs no state of any generator."""
    # hashed, for torch's generator on the CPU takes no more than the lowest 32 bits of a seed
    torch.manual_seed(int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0]))


def saved_config(out: Path) -> TrainConfig:
    """Return the configuration of the run in a folder.

    Raises:
        ModelFileError: there is no checkpoint, or it cannot be read.
    """
    path = out / CHECKPOINT
    return read_config(path, checkpoint.load(path))


def load_splits(config: TrainConfig, files: Files, device: str) -> Splits:
    """Return the samples of a run, with the labels of its teacher.

    Raises:
        DataError: the data or the soft labels are missing or damaged.
        ModelFileError: the teacher's run cannot be read.
        OptionError: a teacher and its share in the loss do not go together, or nothing would be left to learn.
    """
    teacher = files.teacher
    if (teacher is None) != (config.distill == 0):
        raise OptionError(f"distill: must be above 0 with a teacher and 0 without, not {config.distill}")
    teach = None if teacher is None else partial(soft_labels, teacher, config)
    return task_of(config).splits(config, files.data, device, teach)


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
    splits: Splits,
    report: Callable[[int, float], None] | None,
    group: Group,
    quiet: bool,
) -> None:
    config, done = run.config, run.done
    console = stderr_console()
    shown = splits.evaluation[:SHOWN].evaluation_batch(config, 0)
    if not done and 0 in config.prune_epochs():
        some = splits.train[:RATE_SAMPLES]
        run.after_epoch(0, evaluate(run.net, some, config, _ignore, group=group).neuron_rates(some))
    with (
        TensorBoard(out / "tensorboard" if group.leads else None, done) as tensorboard,
        Progress(console=console, disable=quiet or not (group.leads and console.is_terminal)) as progress,
    ):
        for epoch in range(done + 1, config.epochs + 1):
            task = progress.add_task(f"epoch {epoch}/{config.epochs}", total=len(splits.train) + len(splits.evaluation))
            start = time.perf_counter()
            learned, measured = _epoch(run, epoch, splits, partial(progress.advance, task), group)
            seconds = time.perf_counter() - start
            others = {"sparsity": sparsity(run.net), "learning_rate": learning_rate(config, epoch)}
            entry = {"epoch": epoch, "seconds": round(seconds, 2), "sparsity": others["sparsity"]}
            run.history.append({**entry, "train": asdict(learned), "test": asdict(measured)})
            if group.leads:
                run.save(out / CHECKPOINT)
                tensorboard.epoch(epoch, {"train": learned, "test": measured}, others, run.net, shown)
                logger.log(
                    logging.DEBUG if quiet else logging.INFO,
                    "epoch %d/%d: loss %.4f, accuracy train %.2f %%, %s %.2f %%, %.0f s",
                    epoch, config.epochs, learned.loss,
                    learned.accuracy, config.evaluation_split, measured.accuracy, seconds,
                )  # fmt: skip
            progress.remove_task(task)
            if report:
                report(epoch, measured.accuracy)


def _epoch(
    run: Run,
    epoch: int,
    splits: Splits,
    advance: Callable[[int], object],
    group: Group,
) -> tuple[EpochMetrics, EpochMetrics]:
    seed_epoch(run.config.seed, epoch)
    run.before_epoch(epoch)
    learned = train_epoch(run.net, run.optimizer, splits.train, run.config, advance, group)
    run.check_finite(epoch, learned.metrics().loss)
    run.after_epoch(epoch, learned.neuron_rates(splits.train))
    steps = 0 if epoch == run.config.epochs else run.config.early_steps  # the last epoch's figure is the run's
    measured = evaluate(run.net, splits.evaluation, run.config, advance, steps, group)
    return learned.metrics(), measured.metrics()


def _ignore(_: int) -> None:
    pass


def _finish(run: Run, out: Path, group: Group) -> dict[str, Any]:
    results = {
        "accuracy": run.history[-1]["test"]["accuracy"],
        "sparsity": run.history[-1]["sparsity"],
        "config": run.config.to_dict(),
        "history": run.history,
        "torch": str(torch.__version__),
    }
    if not group.leads:
        return results
    task_of(run.config).export(run.net.cpu(), run.config, out / MODEL)
    try:
        (out / RESULTS).write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"results '{out / RESULTS}': must be writable, but {error}") from None
    return results
