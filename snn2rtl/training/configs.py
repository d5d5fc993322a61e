"""The tasks that can be trained, by name: their configurations. No torch here."""

from __future__ import annotations

from snn2rtl.training.config import TrainConfig
from snn2rtl.training.mnist_config import MnistConfig
from snn2rtl.training.shd_config import ShdConfig

CONFIGS: dict[str, type[TrainConfig]] = {config.TASK: config for config in (MnistConfig, ShdConfig)}
