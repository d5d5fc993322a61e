"""Random beats through snn_fork to streams that stall each as it likes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge
from cocotb.utils import get_sim_time
from cocotb_streams import PERIOD, Beat, Driver, Scoreboard, Stream, finish

from rtl_tests.lib.clock import reset, start
from rtl_tests.lib.dut import parameters
from rtl_tests.lib.streams import PATIENCE, STALLS, send_all

BEATS = 200
CHOSEN = parameters()
OUTPUTS = CHOSEN.get("NumOut", 1)


class Receivers:
    """Takes the beats of all streams; each is busy in a cycle with a probability of its own."""

    def __init__(self, dut: Any, boards: Sequence[Scoreboard], stalls: Sequence[float]) -> None:
        self.dut, self.boards, self.stalls = dut, boards, list(stalls)
        self.task = cocotb.start_soon(self._run())

    async def _run(self) -> None:
        offered: list[int | None] = [None] * OUTPUTS
        while True:
            ready = [random.random() >= stall for stall in self.stalls]
            self.dut.ready_i.value = sum(bit << k for k, bit in enumerate(ready))
            await RisingEdge(self.dut.clk_i)
            valid, data = int(self.dut.valid_o.value), int(self.dut.data_o.value)
            for k, board in enumerate(self.boards):
                beat = data if valid >> k & 1 else None
                assert offered[k] in {None, beat}, f"stream {k}: {offered[k]} must wait until it is taken"
                offered[k] = None if ready[k] else beat
                if beat is not None and ready[k]:
                    board.check((beat,))


async def ready_fork(dut: Any) -> Driver:
    await start(dut, valid_i=0, ready_i=0, data_i=0)
    return Driver(Stream.of(dut, "valid_i", "ready_o", "data_i"))


def random_beats(count: int = BEATS) -> list[Beat]:
    return [(random.getrandbits(CHOSEN["Width"]),) for _ in range(count)]


async def check(dut: Any, driver: Driver, beats: list[Beat], stalls: Sequence[float]) -> None:
    boards = [Scoreboard(f"stream {k}", beats) for k in range(OUTPUTS)]
    receivers = Receivers(dut, boards, stalls)
    sending = cocotb.start_soon(driver.send(beats))
    await finish(boards, [driver], PATIENCE)
    assert sending.done(), "all beats must be taken"
    receivers.task.cancel()


@cocotb.test
@cocotb.parametrize(**STALLS)
async def every_stream_gets_every_beat(dut: Any, stall_in: float, stall_out: float) -> None:
    driver = await ready_fork(dut)
    driver.stall = stall_in
    await check(dut, driver, random_beats(), [stall_out * k / OUTPUTS for k in range(1, OUTPUTS + 1)])


@cocotb.test
async def a_beat_passes_in_every_cycle(dut: Any) -> None:
    driver = await ready_fork(dut)
    dut.ready_i.value = (1 << OUTPUTS) - 1
    before = get_sim_time("step")
    await send_all(driver, random_beats())
    assert get_sim_time("step") - before == BEATS * PERIOD


@cocotb.test
async def all_wait_for_the_slowest(dut: Any) -> None:
    """While one stream does not take a beat, the others get no other; its valid does not wait for it to be ready."""
    driver = await ready_fork(dut)
    for slow in range(OUTPUTS):
        beats = random_beats(3)
        boards = [Scoreboard(f"stream {k}", beats) for k in range(OUTPUTS)]
        receivers = Receivers(dut, boards, [float(k == slow) for k in range(OUTPUTS)])
        sending = cocotb.start_soon(driver.send(beats))
        await ClockCycles(dut.clk_i, 5)
        assert [board.seen for board in boards] == [int(k != slow) for k in range(OUTPUTS)]
        assert (int(dut.valid_o.value), int(dut.ready_o.value)) == (1 << slow, 0)
        receivers.stalls[slow] = 0.0
        await finish(boards, [driver], PATIENCE)
        assert sending.done()
        receivers.task.cancel()
        await RisingEdge(dut.clk_i)


@cocotb.test
async def reset_forgets_who_has_the_beat(dut: Any) -> None:
    """A beat that some streams took is gone; the next one goes to all."""
    driver = await ready_fork(dut)
    dut.ready_i.value = (1 << OUTPUTS) - 2
    sending = cocotb.start_soon(driver.send(random_beats(1)))
    await ClockCycles(dut.clk_i, 3)
    sending.cancel()
    driver.idle()
    await reset(dut)
    await check(dut, driver, random_beats(), [0.5] * OUTPUTS)
