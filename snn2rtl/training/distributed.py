"""Several processes, one training: each learns from its share of every batch, and all have the same weights."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from snn2rtl.errors import OptionError


@dataclass(frozen=True)
class Group:
    """The processes that train together: how many there are, and which one this is."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes files and prints."""
        return self.rank == 0

    def share(self, index: Tensor) -> Tensor:
        """Return what this process takes of a batch."""
        return index[self.rank :: self.size]

    def part(self, count: int) -> range:
        """Return which of ``count`` samples in a row this process takes."""
        return range(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def part_ways(self) -> None:
        """Give each process random numbers of its own; all have had the same up to now."""
        if self.rank:
            torch.manual_seed(torch.initial_seed() + self.rank)

    def sum(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors of one type by their sums over the processes, which get the same bits."""
        if self.size == 1 or not tensors:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        distributed.all_reduce(flat)
        for tensor, total in zip(tensors, torch.split(flat, [tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(total.view_as(tensor))

    @torch.no_grad()
    def average_norms(self, net: nn.Module) -> None:
        """Let all processes have the mean of their batch norms' statistics."""
        statistics = [buffer for name, buffer in net.named_buffers() if "running_" in name]
        self.sum(statistics)
        for statistic in statistics:
            statistic.div_(self.size)


ALONE = Group()


@contextmanager
def join(device: str) -> Iterator[tuple[Group, str]]:
    """Yield the processes that torchrun started with this one (alone without it), and the device of this one.

    Args:
        device: a torch device; ``cuda`` is a GPU for each process of a machine.

    Raises:
        OptionError: the processes cannot reach each other, or there is no such device.
    """
    if not distributed.is_available() or not distributed.is_torchelastic_launched():
        _check_device(device)
        yield ALONE, device
        return
    backend = "nccl" if device.startswith("cuda") else "gloo"
    if device == "cuda":
        device = f"cuda:{os.environ['LOCAL_RANK']}"
    _check_device(device)
    try:
        if backend == "nccl":
            torch.cuda.set_device(device)
        distributed.init_process_group(backend)
    except (RuntimeError, ValueError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise OptionError(f"torchrun: its processes must reach each other by {backend}, but {reason}") from error
    try:
        yield Group(distributed.get_rank(), distributed.get_world_size()), device
    finally:
        distributed.destroy_process_group()


def leads() -> bool:
    """Return whether this process is to print: it is alone, or torchrun's first."""
    return not distributed.is_torchelastic_launched() or os.environ.get("RANK") == "0"


def _check_device(device: str) -> None:
    try:
        torch.ones(1, dtype=torch.float64, device=device).item()  # as sums are kept; the device meta has no numbers
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = str(error).splitlines()[0].partition(". ")[0]
        raise OptionError(f"device: must be one that torch can use here, not {device} ({reason})") from None
