"""A task as anybody may add one: this file, and a line in the table of tasks, which the test writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from snn2rtl.config import option
from snn2rtl.rules import at_least
from snn2rtl.training.image_task import ImageConfig, ImageTask
from snn2rtl.training.task import Splits, Teacher


@dataclass(frozen=True, kw_only=True)
class BarsConfig(ImageConfig):
    TASK: ClassVar[str] = "bars"
    HELD_OUT: ClassVar[str] = "kept"
    hidden: tuple[int, ...] = (12,)
    width: int = option(4, "pixels of a bar", at_least(1))
    kept: int = option(0, "bars kept for validation", at_least(0))


class Bars(ImageTask):
    config: ClassVar[type[BarsConfig]] = BarsConfig
    title = "bars"
    classes = 3
    tuning: ClassVar[Mapping[str, Any]] = {"kept": 6}

    def inputs(self, config: BarsConfig) -> int:
        return self.classes * config.width

    def splits(self, config: BarsConfig, data: Path | None, device: str, teacher: Teacher | None = None) -> Splits:
        import torch

        from snn2rtl.training.images import ImageDataset

        labels = torch.arange(24, device=device) % self.classes
        images = torch.eye(self.classes, device=device)[labels].repeat_interleave(config.width, dim=1) * 255
        everything = ImageDataset(images.to(torch.uint8), labels)
        if teacher is not None:
            everything = replace(everything, soft_labels=teacher(everything))
        return Splits(everything[config.kept :], everything[: config.kept or 6])
