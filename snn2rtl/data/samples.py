"""Samples from a file: images for the encoder, which may leave them as they are, values of each step, or spikes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, assert_never

import numpy as np
from numpy.typing import NDArray

from snn2rtl.arrays import ALONE, ArrayFile
from snn2rtl.encoders import Encoder
from snn2rtl.errors import DataError
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.reference import Inputs, Spikes

Shape = tuple[int, ...]
_Name = Literal["spikes", "images", "values"]


@dataclass(frozen=True, eq=False)
class Samples:
    """A batch of samples, encoded part by part.

    data: spikes or values of shape (T, N, inputs), or images of shape (N, inputs) for the encoder. labels: shape (N,)
    or None.
    """

    data: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    encoder: Encoder | None
    seed: int = 0

    def __len__(self) -> int:
        return int(self.data.shape[1] if self.data.ndim == 3 else self.data.shape[0])

    @property
    def steps(self) -> int:
        """Time steps of a sample."""
        return int(self.data.shape[0]) if self.data.ndim == 3 or self.encoder is None else self.encoder.time_steps

    def head(self, count: int | None) -> Samples:
        """Return the first samples, all for None."""
        labels = None if self.labels is None else self.labels[:count]
        return replace(self, data=self.data[:, :count] if self.data.ndim == 3 else self.data[:count], labels=labels)

    def inputs(self, first: int, last: int) -> Inputs:
        """Return what the network takes of samples first..last - 1.

        Spikes or values of shape (T, last - first, inputs), or pixels of shape (last - first, inputs) where it takes
        those.
        """
        if self.data.ndim == 3:
            return self.data[:, first:last]
        assert self.encoder is not None
        pixels = self.data[first:last]
        return pixels if self.encoder.takes_pixels else self.encoder.encode(pixels, self.seed, first)


def samples_for(network: FixedPointNetwork, path: Path, *, limit: int | None = None, seed: int = 0) -> Samples:
    """Return the samples of a file for a network, as load_samples() does."""
    return load_samples(
        path,
        inputs=network.num_inputs,
        classes=network.num_classes,
        encoder=network.encoder,
        shape=network.input.shape,
        greatest=network.input.greatest if not network.encoder else 1,
        limit=limit,
        seed=seed,
    )


def load_samples(
    path: Path,
    *,
    inputs: int,
    encoder: Encoder | None,
    classes: int | None = None,
    shape: Shape = (),
    greatest: int = 1,
    limit: int | None = None,
    seed: int = 0,
) -> Samples:
    """Return the samples of a .npz (``images`` or ``spikes``, ``labels`` where known) or .npy file.

    Where a network takes values of each step, they are ``values``, or the rows of ``images``: uint8, (N, T, ...).

    Args:
        path: the file; what a .npy array is, its shape decides, with what the network takes.
        inputs: inputs of the network.
        encoder: how the network wants images.
        classes: of the network, which labels must be among.
        shape: of a sample as the network takes it, such as (channels, height, width), where it is known; samples
            have it or lie in a row.
        greatest: count of an input in a step, 1 for spikes.
        limit: take only so many samples.
        seed: of the encoder.

    Raises:
        DataError: the file is not such a file, or its samples do not fit the network.
    """
    form = _Form(path, inputs, encoder, shape if len(shape) > 1 else (), greatest)
    name, data, labels = _read(form)
    match name:
        case "spikes":
            data = _spikes(form, data)
        case "values":
            data = _values(form, data)
        case "images":
            data = _images(form, data)
        case _:
            assert_never(name)
    samples = data.shape[0] if name == "images" else data.shape[1]
    if samples == 0:
        raise DataError(f"{path}: must hold at least one sample, not none")
    if labels is not None:
        try:
            check_labels(labels, samples, classes)
        except DataError as error:
            raise DataError(f"{path}: {error}") from None
        labels = labels.astype(np.int64)
    return Samples(data, labels, encoder, seed).head(limit)


def check_labels(labels: NDArray[Any], samples: int, classes: int | None) -> None:
    """Raise DataError unless labels are classes 0..classes - 1 (0 and more for None), one for each sample."""
    if labels.shape != (samples,) or labels.dtype.kind not in "iu":
        raise DataError(
            f"labels: must be {samples} integers, one for each sample, not {labels.dtype} of shape {labels.shape}"
        )
    top = classes - 1 if classes else np.iinfo(np.int64).max
    if (wrong := labels[(labels < 0) | (labels > top)]).size:
        raise DataError(f"labels: must be classes 0..{top} of the network, not {wrong[0]}")


@dataclass(frozen=True)
class _Form:
    """What samples of a file must be; shape has two axes and more, or none where it is not known.

    greatest: count of an input in a step, 1 for spikes.
    """

    path: Path
    inputs: int
    encoder: Encoder | None
    shape: Shape
    greatest: int = 1

    @property
    def shapes(self) -> list[Shape]:
        """Shapes of a sample."""
        return [self.shape, (self.inputs,)] if self.shape else [(self.inputs,)]

    def may_be_spikes(self, data: NDArray[Any]) -> bool:
        """Return whether an array has the shape of spikes, (T, N, ...)."""
        return data.ndim > 2 and data.shape[2:] in self.shapes

    def may_be_values(self, data: NDArray[Any]) -> bool:
        """Return whether an array has the shape of values of each step, (N, T, ...), and a step."""
        return self.may_be_spikes(data) and data.shape[1] > 0

    def may_be_images(self, data: NDArray[Any]) -> bool:
        """Return whether an array has the shape of images, (N, ...), of which axes of one may be left out or put in."""
        axes = data.shape[1:]
        if not self.shape or len(axes) == 1:
            return data.ndim > 1 and math.prod(axes) == self.inputs
        return [axis for axis in axes if axis != 1] == [axis for axis in self.shape if axis != 1]

    def wanted(self, *leading: str) -> str:
        """Return the shapes that fit, in words."""
        return " or ".join(f"({', '.join(map(str, (*leading, *shape)))})" for shape in self.shapes)

    def advice(self, name: str, data: NDArray[Any], leading: int) -> str:
        """Return what to do where channels come last."""
        if not self.shape or data.shape[leading:] != (*self.shape[1:], self.shape[0]):
            return ""
        order = (*range(leading), data.ndim - 1, *range(leading, data.ndim - 1))
        return f"; channels must come first: write {name}.transpose{order}"


def _read(form: _Form) -> tuple[_Name, NDArray[Any], NDArray[Any] | None]:
    """Return ``spikes``, ``images`` or ``values``, the array that is it, and the labels where there are any."""
    pixels = form.encoder is not None and form.encoder.takes_pixels
    steps = form.encoder is not None and form.encoder.has_steps
    with ArrayFile(form.path) as arrays:
        if ALONE in arrays:
            data = arrays[ALONE]
            return _kind(form, data), data, None
        order: tuple[_Name, ...] = (
            ("values", "images", "spikes") if steps else ("images", "spikes") if pixels else ("spikes", "images")
        )
        name = next((name for name in order if name in arrays), None)
        if name is None:
            found = ", ".join(arrays) or "nothing"
            wanted = "'values' or 'images'" if steps else "'spikes' or 'images'"
            raise DataError(f"{form.path}: must hold an array {wanted}, not {found}")
        if pixels and name == "spikes":
            what = "values for a network that takes those of each step" if steps else (
                "images for a network that takes pixels")  # fmt: skip
            raise DataError(f"{form.path}: must hold {what}, not spikes")
        return "values" if steps else name, arrays[name], arrays.get("labels")


def _kind(form: _Form, data: NDArray[Any]) -> _Name:
    """Return whether the array of a .npy file is spikes or images: values never tell, an image may be black."""
    if form.encoder is None:
        return "spikes"
    if form.encoder.takes_pixels:
        return "values" if form.encoder.has_steps else "images"
    spikes, images = form.may_be_spikes(data), data.dtype == np.uint8 and form.may_be_images(data)
    if spikes and images:
        raise DataError(
            f"{form.path}: may be spikes of one sample or {len(data)} images, for its shape is {data.shape}; "
            "write an .npz file with an array 'spikes' or 'images'"
        )
    if not spikes and not images:
        of_images = form.wanted("N") if form.shape else f"(N, ...) of {form.inputs} pixels"
        advice = form.advice("images", data, 1) or form.advice("spikes", data, 2)
        raise DataError(
            f"{form.path}: must be spikes of shape {form.wanted('T', 'N')} or uint8 images of shape {of_images}, "
            f"not {data.dtype} of shape {data.shape}{advice}"
        )
    return "spikes" if spikes else "images"


def _spikes(form: _Form, data: NDArray[Any]) -> Spikes:
    if not form.may_be_spikes(data) or data.shape[0] == 0:
        advice = form.advice("spikes", data, 2)
        raise DataError(f"{form.path}: spikes must have shape {form.wanted('T', 'N')}, not {data.shape}{advice}")
    if not _are_whole(data) or data.min(initial=0) < 0 or data.max(initial=0) > form.greatest:
        if form.greatest == 1:
            may_count = form.encoder is None and _are_whole(data)
            advice = "; where they are counts of events, compile with --input-max" if may_count else ""
            raise DataError(f"{form.path}: spikes must be 0 or 1{advice}")
        raise DataError(f"{form.path}: counts must be whole numbers of 0..{form.greatest}, as --input-max said")
    kind = "u1" if form.greatest <= np.iinfo(np.uint8).max else "u2"
    spikes: Spikes = data.astype(kind).reshape(*data.shape[:2], form.inputs)
    return spikes


def _values(form: _Form, data: NDArray[Any]) -> NDArray[np.uint8]:
    """Return values of each step, shape (T, N, inputs)."""
    if data.dtype != np.uint8 or not form.may_be_values(data):
        advice = form.advice("values", data, 2)
        raise DataError(
            f"{form.path}: values must be uint8 of shape {form.wanted('N', 'T')}, "
            f"not {data.dtype} of shape {data.shape}{advice}"
        )
    return np.ascontiguousarray(data.reshape(*data.shape[:2], form.inputs).swapaxes(0, 1))


def _are_whole(data: NDArray[Any]) -> bool:
    return data.dtype.kind in "biu" or (data.dtype.kind == "f" and bool((data == np.floor(data)).all()))


def _images(form: _Form, data: NDArray[Any]) -> NDArray[np.uint8]:
    if form.encoder is None:
        wanted = form.wanted("T", "N")
        raise DataError(f"{form.path}: images need a network with an encoder; give spikes of shape {wanted}")
    if data.dtype != np.uint8 or not form.may_be_images(data):
        wanted = f"of shape {form.wanted('N')}" if form.shape else f"with {form.inputs} pixels"
        advice = form.advice("images", data, 1)
        raise DataError(f"{form.path}: images must be uint8 {wanted}, not {data.dtype} of shape {data.shape}{advice}")
    return data.reshape(len(data), form.inputs)
