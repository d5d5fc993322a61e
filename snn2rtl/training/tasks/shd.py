"""Spoken digits as spikes (SHD): what a run is asked to do, and its recordings. No torch before it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from snn2rtl.config import option
from snn2rtl.data.events import MOST, UNITS, Binning
from snn2rtl.errors import OptionError
from snn2rtl.rules import Each, above, below, between
from snn2rtl.training.task import Splits, Teacher
from snn2rtl.training.temporal_task import TemporalConfig, TemporalTask

if TYPE_CHECKING:
    from snn2rtl.fixed_point import IntArray
    from snn2rtl.training.recordings import SpikeDataset


@dataclass(frozen=True, kw_only=True)
class ShdConfig(TemporalConfig):
    """A training run on spoken digits; TemporalConfig has its network, TrainConfig what every run has."""

    TASK: ClassVar[str] = "shd"
    HELD_OUT: ClassVar[str] = "held_speakers"
    step_ms: float = option(10.0, "a time step in milliseconds", above(0))
    channels: int = option(140, "channels that the 700 units are pooled to", between(1, UNITS), of_model=True)
    levels: tuple[int, ...] = option(
        (1,),
        "an input of each channel for each, which spikes where at least so many events come in a step",
        Each(between(1, MOST), least=1),
    )
    shift_channels: int = option(4, "move training samples by up to so many channels", below("channels"))
    shift_steps: int = option(3, "move training samples by up to so many time steps", below("time_steps"))
    stretch: float = option(0.15, "make training samples shorter or longer by up to this share", below(1))
    stretch_channels: float = option(
        0.15, "spread or narrow the channels of training samples by up to this share", below(1)
    )
    drop_spikes: float = option(0.0, "share of the input spikes of training samples that is left out", below(1))
    held_speakers: tuple[int, ...] = option(
        (), "speakers of the training file kept for validation, in place of the test file"
    )

    def binning(self) -> Binning:
        """Return how recordings become input spikes."""
        return Binning(step_ms=self.step_ms, time_steps=self.time_steps, channels=self.channels, levels=self.levels)

    @property
    def smallest_share(self) -> int:
        """Samples of a batch that each process must have: batch norm takes the variance over their time steps, too."""
        return 2 if self.batch_norm and self.time_steps == 1 else 1


class Shd(TemporalTask):
    """Spoken digits."""

    config: ClassVar[type[ShdConfig]] = ShdConfig
    title = "SHD"
    classes = 20
    tuning: ClassVar[Mapping[str, Any]] = {"held_speakers": (2, 9)}

    def inputs(self, config: ShdConfig) -> int:
        """Return how many inputs the network has."""
        return config.binning().inputs

    def of_inputs(self, inputs: int) -> dict[str, Any]:
        """Return the options of recordings that have so many inputs."""
        return {"channels": inputs}

    def splits(self, config: ShdConfig, data: Path | None, device: str, teacher: Teacher | None = None) -> Splits:
        """Return what is learned from, and the recordings of held out speakers, or else the test recordings."""
        import torch

        from snn2rtl.data.shd import hold_out

        if data is None:
            raise OptionError("data: must be the folder of the SHD files, for they are not downloaded, not left out")
        everything, speakers = _split("train", config, data, device)
        if teacher is not None:
            everything = replace(everything, soft_labels=teacher(everything))
        if not config.held_speakers:
            return Splits(everything, _split("test", config, data, device)[0])
        learn, held = (torch.from_numpy(part).to(device) for part in hold_out(speakers, config.held_speakers))
        return Splits(everything[learn], everything[held])


def _split(
    split: Literal["train", "test"], config: ShdConfig, data: Path, device: str
) -> tuple[SpikeDataset, IntArray]:
    import torch

    from snn2rtl.data import shd_cache
    from snn2rtl.training.recordings import SpikeDataset

    found = shd_cache.load(shd_cache.find(split, data), config.binning())
    spikes, labels = torch.from_numpy(found.stored.copy()), torch.from_numpy(found.labels.astype("int64"))
    return SpikeDataset(spikes.to(device), labels.to(device)), found.speakers
