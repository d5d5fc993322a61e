"""Streams of valid, ready and data in cocotb: what drives, stalls, watches and judges them.

A beat is a tuple of unsigned integers, one for each data signal of the stream.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge, Timer

Beat = tuple[int, ...]
PERIOD = 2  # simulator steps of a clock


class Stream:
    """The signals of a stream and its clock."""

    def __init__(self, clk: Any, valid: Any, ready: Any, data: Sequence[Any]) -> None:
        self.clk, self.valid, self.ready, self.data = clk, valid, ready, tuple(data)

    @classmethod
    def of(cls, dut: Any, valid: str, ready: str, *data: str) -> Stream:
        """Return the stream of a design's signals of these names."""
        return cls(dut.clk_i, getattr(dut, valid), getattr(dut, ready), [getattr(dut, name) for name in data])


class Driver:
    """Sends beats; in a cycle without a waiting beat it holds the next one back with probability ``stall``.

    While it holds back, the data lines carry noise, which nobody may read.
    """

    def __init__(self, stream: Stream, stall: float = 0.0) -> None:
        self.stream, self.stall, self.sent = stream, stall, 0
        self.idle()

    def idle(self) -> None:
        """Offer nothing."""
        self.stream.valid.value = 0
        for signal in self.stream.data:
            signal.value = random.getrandbits(len(signal))

    async def send(self, beats: Iterable[Beat]) -> None:
        """Send beats in order and return in the cycle after the last one was taken."""
        stream = self.stream
        for beat in beats:
            while random.random() < self.stall:
                self.idle()
                await RisingEdge(stream.clk)
            stream.valid.value = 1
            for signal, value in zip(stream.data, beat, strict=True):
                signal.value = value
            await RisingEdge(stream.clk)
            while not stream.ready.value:
                await RisingEdge(stream.ready)
                await RisingEdge(stream.clk)
            self.sent += 1
        self.idle()


class Receiver:
    """Takes beats; in every cycle it is busy with probability ``stall``."""

    def __init__(self, stream: Stream, stall: float = 0.0) -> None:
        self.stream, self.stall = stream, stall
        self._task = cocotb.start_soon(self._run())

    async def _run(self) -> None:
        self.stream.ready.value = 1
        while self.stall:
            self.stream.ready.value = int(random.random() >= self.stall)
            await RisingEdge(self.stream.clk)

    def stop(self) -> None:
        """Leave the stream as it is."""
        self._task.cancel()


class Monitor:
    """Gives every beat that crosses a stream to ``on_beat``; a beat that was offered must stay until it is taken."""

    def __init__(self, stream: Stream, name: str, on_beat: Callable[[Beat], None]) -> None:
        self.stream, self.name, self.on_beat = stream, name, on_beat
        self._task = cocotb.start_soon(self._run())

    async def _run(self) -> None:
        stream = self.stream
        offered: Beat | None = None
        while True:
            # sleep until a beat can cross: to be woken in every cycle would cost most of the simulation
            if not stream.valid.value:
                await RisingEdge(stream.valid)
            elif not stream.ready.value:
                await RisingEdge(stream.ready)
            await RisingEdge(stream.clk)
            beat = tuple(int(signal.value) for signal in stream.data) if stream.valid.value else None
            assert offered in {None, beat}, f"{self.name}: {offered} must wait until it is taken, not become {beat}"
            offered = None if stream.ready.value else beat
            if beat is not None and stream.ready.value:
                self.on_beat(beat)

    def stop(self) -> None:
        """Watch no longer."""
        self._task.cancel()


class Scoreboard:
    """Holds what a stream brings against what it must bring, in order and without one beat too many."""

    def __init__(self, name: str, expected: Sequence[Beat]) -> None:
        self.name, self.expected, self.seen = name, expected, 0

    def check(self, beat: Beat) -> None:
        """Judge the next beat."""
        wanted = self.expected[self.seen] if self.seen < len(self.expected) else "no beat"
        assert beat == wanted, f"{self.name}: beat {self.seen} must be {wanted}, not {beat}"
        self.seen += 1

    @property
    def done(self) -> bool:
        """Whether all came that must come."""
        return self.seen == len(self.expected)


def event_check(board: Scoreboard) -> Callable[[Beat], None]:
    """Return a check of events (address, step end, sample end); at the end of a step the address means nothing."""
    return lambda event: board.check((0 if event[1] else event[0], *event[1:]))


async def finish(scoreboards: Sequence[Scoreboard], drivers: Sequence[Driver], patience: int) -> None:
    """Wait for every expected beat, then for those that must not come.

    Args:
        scoreboards: where beats arrive.
        drivers: what still sends.
        patience: cycles after which a design that does nothing has hung.
    """

    def progress() -> int:
        return sum(board.seen for board in scoreboards) + sum(driver.sent for driver in drivers)

    while not all(board.done for board in scoreboards):
        before = progress()
        await Timer(patience * PERIOD, "step")
        missing = [f"{b.name} beat {b.seen} of {len(b.expected)}" for b in scoreboards if not b.done]
        assert progress() > before or not missing, f"no beat for {patience} cycles, missing: {', '.join(missing)}"
    await Timer(patience * PERIOD, "step")
