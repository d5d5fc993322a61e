"""What a teacher says of the training images: soft labels, computed once, before the first epoch."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from snn2rtl.errors import DataError
from snn2rtl.training import checkpoint
from snn2rtl.training.model import CLASSES
from snn2rtl.training.run import Run
from snn2rtl.training.samples import exact_inputs

LABELS = "probabilities"
_BATCH = 500


def soft_labels(teacher: Path, images: Tensor) -> Tensor:
    """Return the probability of each class for images (N, 784), shape (N, classes).

    Args:
        teacher: folder of a run, whose network looks at the images once, or a .npz with an array ``probabilities`` of
            shape (N, classes), by which any classifier can teach.
        images: all training images.

    Raises:
        ModelFileError: the run cannot be read.
        DataError: the file cannot be read or does not fit the images.
    """
    if teacher.suffix == ".npz":
        return torch.from_numpy(_read(teacher, len(images))).to(images.device)
    return _of_run(teacher, images)


@torch.no_grad()
def _of_run(folder: Path, images: Tensor) -> Tensor:
    run = Run.load(folder / checkpoint.NAME, str(images.device))
    net, encoder = run.net.eval(), run.config.sample_encoder()
    parts = []
    for first in range(0, len(images), _BATCH):
        inputs = exact_inputs(images[first : first + _BATCH], encoder, first)
        counts: Tensor = net(inputs.x, inputs.steps, inputs.columns).counts
        parts.append((counts * run.config.gain).softmax(1))
    return torch.cat(parts)


def _read(path: Path, images: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            labels = arrays[LABELS]
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (KeyError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path}: must be an .npz file with an array '{LABELS}' ({error})") from None
    if labels.shape != (images, CLASSES) or labels.dtype.kind != "f":
        raise DataError(
            f"{path}: {LABELS} must be floats of shape ({images}, {CLASSES}), a row for each training image, "
            f"not {labels.dtype} of shape {labels.shape}"
        )
    if not (np.isfinite(labels).all() and (labels >= 0).all() and np.allclose(labels.sum(1), 1, atol=1e-3)):
        raise DataError(f"{path}: {LABELS} must be 0 or more and sum to 1 for each image, which they do not")
    found: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = labels.astype(np.float32)
    return found
