"""What a teacher says of the training samples: soft labels, computed once, before the first epoch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from snn2rtl.arrays import ArrayFile
from snn2rtl.errors import DataError, OptionError
from snn2rtl.training import checkpoint
from snn2rtl.training.config import TrainConfig
from snn2rtl.training.run import Run
from snn2rtl.training.task import Dataset
from snn2rtl.training.tasks import task_of

LABELS = "probabilities"
_BATCH = 500


def soft_labels(teacher: Path, config: TrainConfig, samples: Dataset) -> Tensor:
    """Return the probability of each class for samples, shape (N, classes).

    Args:
        teacher: folder of a run, whose network looks at the samples once, or a .npz with an array ``probabilities`` of
            shape (N, classes), by which any classifier can teach.
        config: of the run that is taught.
        samples: all training samples.

    Raises:
        ModelFileError: the run cannot be read.
        OptionError: the run is one of another task.
        DataError: the file cannot be read or does not fit the samples.
    """
    if teacher.suffix.lower() == ".npz":
        labels = _read(teacher, len(samples), task_of(config).classes)
        return torch.from_numpy(labels).to(samples.labels.device)
    return _of_run(teacher, config, samples)


@torch.no_grad()
def _of_run(folder: Path, config: TrainConfig, samples: Dataset) -> Tensor:
    run = Run.load(folder / checkpoint.NAME, str(samples.labels.device))
    if run.config.TASK != config.TASK:
        raise OptionError(f"teacher '{folder}': must be a run on {config.TASK}, not on {run.config.TASK}")
    net = run.net.eval()
    parts = []
    for first in range(0, len(samples), _BATCH):
        inputs = samples[first : first + _BATCH].evaluation_batch(run.config, first)
        scores: Tensor = net(inputs.x, inputs.steps, inputs.columns).scores
        parts.append((scores * run.config.gain).softmax(1))
    return torch.cat(parts)


def _read(path: Path, samples: int, classes: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    what = f"an .npz file with an array '{LABELS}'"
    with ArrayFile(path, what) as arrays:
        if LABELS not in arrays:
            raise DataError(f"{path}: must be {what} (it has {', '.join(filter(None, arrays)) or 'no named array'})")
        labels = arrays[LABELS]
    if labels.shape != (samples, classes) or labels.dtype.kind != "f":
        raise DataError(
            f"{path}: {LABELS} must be floats of shape ({samples}, {classes}), a row for each training sample, "
            f"not {labels.dtype} of shape {labels.shape}"
        )
    if not (np.isfinite(labels).all() and (labels >= 0).all() and np.allclose(labels.sum(1), 1, atol=1e-3)):
        raise DataError(f"{path}: {LABELS} must be 0 or more and sum to 1 for each sample, which they do not")
    found: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = labels.astype(np.float32)
    return found
