"""How long a call takes: warmed up, repeated, and told by its median."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from snn2rtl.compiler import fold
from snn2rtl.data.samples import Samples
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.int_net import reference
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.passes.fold_neurons import is_plain

WARM_UP = 2  # the second call of a just-in-time compiler may still compile
GOLDEN = "golden model, NumPy"
TORCH = "float network, SpikingJelly, multi-step"


@dataclass(frozen=True)
class Latency:
    """Wall-clock seconds of each timed call of ``what`` on a device, with ``batch`` samples a call."""

    what: str
    device: str
    batch: int
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median of the seconds of a call."""
        return statistics.median(self.seconds)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "what": self.what,
            "device": self.device,
            "batch": self.batch,
            "median_seconds": self.median,
            "seconds": list(self.seconds),
        }


def time_calls(
    call: Callable[[], object], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> tuple[float, ...]:
    """Return the seconds of so many calls, after WARM_UP ones that are not timed."""
    for _ in range(WARM_UP):
        call()
    seconds = []
    for _ in range(repeats):
        start = clock()
        call()
        seconds.append(clock() - start)
    return tuple(seconds)


def latencies(
    network: FixedPointNetwork, source: SpikingNetwork | None, samples: Samples, repeats: int, batch: int
) -> tuple[Latency, ...]:
    """Time a single sample and a batch; their inputs are encoded, and lie on the device, before.

    Timed are reference.run() without recordings and, where there is a source that SpikingJelly can run, its forward
    pass with folded batch norm, on every device that torch sees.

    Args:
        network: the integer network.
        source: the float network that it was compiled from.
        samples: the first ones are taken.
        repeats: timed calls of each.
        batch: samples of a batch, at most as many as there are.
    """
    timed = []
    folded = None if source is None else fold(source)
    for size in dict.fromkeys((1, min(batch, len(samples)))):
        inputs = samples.inputs(0, size)
        seconds = time_calls(partial(reference.run, network, inputs, record_spikes=False), repeats)
        timed.append(Latency(GOLDEN, "cpu", size, seconds))
        if folded and is_plain(folded):
            from snn2rtl.frontend.forward import devices, forward

            for device, described in devices().items():
                seconds = time_calls(forward(folded, inputs, device), repeats)
                timed.append(Latency(TORCH, described, size, seconds))
    return tuple(timed)
