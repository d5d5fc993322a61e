"""Samples from a file: images, which the network's encoder turns into spikes or leaves as they are, or spikes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2rtl.arrays import ALONE, ArrayFile
from snn2rtl.encoders import Encoder
from snn2rtl.errors import DataError
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.reference import Inputs, Spikes


@dataclass(frozen=True, eq=False)
class Samples:
    """A batch of samples, encoded part by part.

    data: spikes of shape (T, N, inputs), or images of shape (N, inputs) for the encoder. labels: shape (N,) or None.
    """

    data: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    encoder: Encoder | None
    seed: int = 0

    def __len__(self) -> int:
        return int(self.data.shape[1] if self.data.ndim == 3 else self.data.shape[0])

    def inputs(self, first: int, last: int) -> Inputs:
        """Return what the network takes of samples first..last - 1.

        Spikes of shape (T, last - first, inputs), or pixels of shape (last - first, inputs) where it takes those.
        """
        if self.data.ndim == 3:
            return self.data[:, first:last]
        assert self.encoder is not None
        pixels = self.data[first:last]
        return pixels if self.encoder.takes_pixels else self.encoder.encode(pixels, self.seed, first)


def samples_for(network: FixedPointNetwork, path: Path, *, limit: int | None = None, seed: int = 0) -> Samples:
    """Return the samples of a file for a network, as load_samples() does."""
    inputs, classes, encoder = network.num_inputs, network.num_classes, network.encoder
    return load_samples(path, inputs=inputs, classes=classes, encoder=encoder, limit=limit, seed=seed)


def load_samples(
    path: Path,
    *,
    inputs: int,
    encoder: Encoder | None,
    classes: int | None = None,
    limit: int | None = None,
    seed: int = 0,
) -> Samples:
    """Return the samples of a .npz (``images`` or ``spikes``, ``labels`` where known) or .npy file.

    Args:
        path: the file; a .npy array of shape (T, N, inputs) is spikes, one of shape (N, ...) images.
        inputs: inputs of the network.
        encoder: how the network wants images.
        classes: of the network, which labels must be among.
        limit: take only so many samples.
        seed: of the encoder.

    Raises:
        DataError: the file is not such a file, or its samples do not fit the network.
    """
    pixels = encoder is not None and encoder.takes_pixels
    arrays = _read(path, only_images=pixels)
    name = next((name for name in (("images", "spikes") if pixels else ("spikes", "images")) if name in arrays), None)
    if name is None:
        raise DataError(f"{path}: must hold an array 'spikes' or 'images', not {', '.join(arrays) or 'nothing'}")
    data, labels = arrays[name], arrays.get("labels")
    if name == "spikes":
        if pixels:
            raise DataError(f"{path}: must hold images for a network that takes pixels, not spikes")
        data = _spikes(path, data, inputs)
        samples = data.shape[1]
    else:
        data = _images(path, data, inputs, encoder)
        samples = data.shape[0]
    if samples == 0:
        raise DataError(f"{path}: must hold at least one sample, not none")
    if labels is not None:
        try:
            check_labels(labels, samples, classes)
        except DataError as error:
            raise DataError(f"{path}: {error}") from None
        labels = labels[:limit].astype(np.int64)
    return Samples(data[:, :limit] if name == "spikes" else data[:limit], labels, encoder, seed)


def check_labels(labels: NDArray[Any], samples: int, classes: int | None) -> None:
    """Raise DataError unless labels are classes 0..classes - 1 (0 and more for None), one for each sample."""
    if labels.shape != (samples,) or labels.dtype.kind not in "iu":
        raise DataError(
            f"labels: must be {samples} integers, one for each sample, not {labels.dtype} of shape {labels.shape}"
        )
    top = classes - 1 if classes else np.iinfo(np.int64).max
    if (wrong := labels[(labels < 0) | (labels > top)]).size:
        raise DataError(f"labels: must be classes 0..{top} of the network, not {wrong[0]}")


def _read(path: Path, only_images: bool) -> dict[str, NDArray[Any]]:
    with ArrayFile(path) as arrays:
        if ALONE not in arrays:
            return {key: arrays[key] for key in ("spikes", "images", "labels") if key in arrays}
        alone = arrays[ALONE]
        are_spikes = not only_images and alone.ndim == 3 and alone.max(initial=0) <= 1
        return {"spikes" if are_spikes else "images": alone}


def _spikes(path: Path, data: NDArray[Any], inputs: int) -> Spikes:
    if data.ndim != 3 or data.shape[2] != inputs or data.shape[0] == 0:
        raise DataError(f"{path}: spikes must have shape (T, N, {inputs}), not {data.shape}")
    if data.dtype.kind not in "biuf" or not np.isin(data, (0, 1)).all():
        raise DataError(f"{path}: spikes must be 0 or 1")
    return data.astype(np.uint8)


def _images(path: Path, data: NDArray[Any], inputs: int, encoder: Encoder | None) -> NDArray[np.uint8]:
    if data.dtype != np.uint8 or data.ndim < 2 or int(np.prod(data.shape[1:])) != inputs:
        raise DataError(f"{path}: images must be uint8 with {inputs} pixels, not {data.dtype} of shape {data.shape}")
    if encoder is None:
        raise DataError(f"{path}: images need a network with an encoder; give spikes of shape (T, N, {inputs})")
    return data.reshape(len(data), inputs)
