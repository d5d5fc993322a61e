"""A module between two streams: beats in, the beats that must come out, every kind of stall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter

import cocotb
from cocotb.triggers import with_timeout
from cocotb_streams import PERIOD, Beat, Driver, Monitor, Receiver, Scoreboard, Stream, finish

STALLS = {"stall_in": [0.0, 0.5], "stall_out": [0.0, 0.5]}  # for cocotb.parametrize
PATIENCE = 100  # cycles


async def send_all(driver: Driver, beats: Sequence[Beat], patience: int = PATIENCE) -> None:
    """Send beats; a design that takes none of them for a while, and then some, takes too long."""
    await with_timeout(driver.send(beats), (len(beats) + patience) * PERIOD, "step")


async def transfer(
    source: Stream,
    sink: Stream,
    beats: Sequence[Beat],
    expected: Sequence[Beat],
    *,
    stall_in: float = 0.0,
    stall_out: float = 0.0,
    patience: int = PATIENCE,
    judge: Callable[[Scoreboard], Callable[[Beat], None]] = attrgetter("check"),
) -> None:
    """Send beats into one stream and hold the beats of the other against the expected ones."""
    board = Scoreboard("out", expected)
    monitor = Monitor(sink, "out", judge(board))
    receiver = Receiver(sink, stall_out)
    driver = Driver(source, stall_in)
    sending = cocotb.start_soon(driver.send(beats))
    await finish([board], [driver], patience)
    assert sending.done(), "all beats must be taken"
    monitor.stop()
    receiver.stop()
