"""All networks of others, for benchmarks/models.py: one file a framework."""

from __future__ import annotations

from zoo_model import Model
from zoo_norse import NORSE
from zoo_snntorch import SNNTORCH
from zoo_spikingjelly import SPIKINGJELLY

ZOO: tuple[Model, ...] = (*SPIKINGJELLY, *NORSE, *SNNTORCH)
