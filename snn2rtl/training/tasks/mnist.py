"""MNIST: what a run is asked to do, and its images. No torch before it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from snn2rtl.config import option
from snn2rtl.errors import OptionError
from snn2rtl.rules import between
from snn2rtl.training.image_task import ImageConfig, ImageTask
from snn2rtl.training.task import Splits, Teacher

if TYPE_CHECKING:
    from snn2rtl.training.images import ImageDataset


@dataclass(frozen=True, kw_only=True)
class MnistConfig(ImageConfig):
    """A training run on MNIST; ImageConfig has its network, TrainConfig what every run has."""

    TASK: ClassVar[str] = "mnist"
    HELD_OUT: ClassVar[str] = "hold_out"
    hold_out: int = option(0, "training images kept for validation, in place of the test images", between(0, 30_000))


class Mnist(ImageTask):
    """Images of digits."""

    config: ClassVar[type[MnistConfig]] = MnistConfig
    title = "MNIST"
    data = "cache or download"
    classes = 10
    tuning: ClassVar[Mapping[str, Any]] = {"hold_out": 10_000}

    def inputs(self, config: MnistConfig) -> int:
        """Return how many pixels an image has."""
        return 784

    def splits(self, config: MnistConfig, data: Path | None, device: str, teacher: Teacher | None = None) -> Splits:
        """Return what is learned from, and held out training images, or else the test images."""
        everything, held_out = _split("train", data, device), config.hold_out
        if teacher is not None:
            everything = replace(everything, soft_labels=teacher(everything))
        if not held_out:
            return Splits(everything, _split("test", data, device))
        if held_out < len(everything):
            return Splits(everything[:-held_out], everything[-held_out:])
        raise OptionError(f"hold_out: must be less than the {len(everything)} training images, not {held_out}")


def _split(split: Literal["train", "test"], data: Path | None, device: str) -> ImageDataset:
    import torch

    from snn2rtl.data import mnist
    from snn2rtl.training.images import ImageDataset

    images, labels = mnist.load(split, data)
    return ImageDataset(torch.from_numpy(images.copy()).to(device), torch.from_numpy(labels.astype("int64")).to(device))
