"""Steps of many sources through snn_merge, against the rows that each step must bring."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge
from cocotb.utils import get_sim_time
from cocotb_streams import PERIOD, Beat, Monitor, Receiver, Stream

from rtl_tests.lib.clock import reset, start
from rtl_tests.lib.dut import parameters
from rtl_tests.lib.steps import Steps, random_steps, step_events
from rtl_tests.lib.streams import STALLS

STEPS, SAMPLES = 5, 8
PATIENCE = 100  # cycles
CHOSEN = parameters()


def fields(literal: str, width: int, count: int) -> list[int]:
    """Return the fields of a sized literal, the lowest first."""
    digits = literal.split("'")[1]
    value = int(digits[1:], {"h": 16, "d": 10}[digits[0]])
    return [value >> i * width & (1 << width) - 1 for i in range(count)]


NUM_IN, IN_WIDTH, ROW_WIDTH = (CHOSEN.get(name, 1) for name in ("NumIn", "InWidth", "RowWidth"))
OFFSETS = fields(CHOSEN.get("Offsets", "1'd0"), ROW_WIDTH, NUM_IN)
PREVIOUS = fields(CHOSEN.get("Previous", "1'd0"), 1, NUM_IN)
OWN_ROWS = len(set(OFFSETS)) == NUM_IN  # a row says its source


def places(source: int) -> int:
    """Return how many addresses a source has: up to the rows of the next one."""
    above = [offset for offset in OFFSETS if offset > OFFSETS[source]]
    return min(1 << IN_WIDTH, min(above, default=1 << ROW_WIDTH) - OFFSETS[source])


def random_sources(samples: int = SAMPLES, most: int = 24) -> list[Steps]:
    return [random_steps(samples, STEPS, places(source), most) for source in range(NUM_IN)]


def merged(sources: Sequence[Steps]) -> list[tuple[list[list[int]], int]]:
    """Return the rows of each source, and whether the sample ends, for each step."""
    steps = []
    for sample in range(len(sources[0])):
        for step in range(STEPS):
            rows = []
            for source, samples in enumerate(sources):
                from_step = step - PREVIOUS[source]
                addresses = samples[sample][from_step] if from_step >= 0 else []
                rows.append([OFFSETS[source] + address for address in addresses])
            steps.append((rows, int(step == STEPS - 1)))
    return steps


class Board:
    """Judges each step when it ends: all its rows, and those of a source in their order."""

    def __init__(self, sources: Sequence[Steps]) -> None:
        self.expected = merged(sources)
        self.ends = 0
        self.rows: list[int] = []
        self.times: list[int] = []
        self.order: list[int] = []

    def check(self, beat: Beat) -> None:
        row, step_end, sample_end = beat
        self.times.append(get_sim_time("step"))
        if not step_end:
            assert not sample_end
            self.rows.append(row)
            self.order.append(row)
            return
        assert self.ends < len(self.expected), "no step must come any more"
        rows, last = self.expected[self.ends]
        assert sample_end == last
        assert sorted(self.rows) == sorted(row for part in rows for row in part), f"step {self.ends}"
        if OWN_ROWS:
            for part, offset, source in zip(rows, OFFSETS, range(NUM_IN), strict=True):
                own = range(offset, offset + places(source))
                assert [row for row in self.rows if row in own] == part, f"step {self.ends}, source {source}"
        self.rows = []
        self.ends += 1

    @property
    def done(self) -> bool:
        return self.ends == len(self.expected)


class Sources:
    """Offers the beats of all sources; with ``loop`` a Previous one has a step only when the merge has ended it."""

    def __init__(
        self, dut: Any, board: Board, sources: Sequence[Steps], stall: float = 0.0, loop: bool = False
    ) -> None:
        self.dut, self.board, self.stall, self.loop = dut, board, stall, loop
        self.waiting = [deque(step_events(steps, IN_WIDTH)) for steps in sources]
        self.ended = [0] * NUM_IN
        self.task = cocotb.start_soon(self._run())

    async def _run(self) -> None:
        dut = self.dut
        offered = [False] * NUM_IN
        while any(self.waiting):
            for source, beats in enumerate(self.waiting):
                has = bool(beats) and not (self.loop and PREVIOUS[source] and self.ended[source] >= self.board.ends)
                offered[source] = has and (offered[source] or random.random() >= self.stall)
            beats = [queue[0] if on else noise() for queue, on in zip(self.waiting, offered, strict=True)]
            dut.event_valid_i.value = pack(offered, 1)
            dut.event_addr_i.value = pack([beat[0] for beat in beats], IN_WIDTH)
            dut.event_step_end_i.value = pack([beat[1] for beat in beats], 1)
            dut.event_sample_end_i.value = pack([beat[2] for beat in beats], 1)
            await RisingEdge(dut.clk_i)
            ready = int(dut.event_ready_o.value)
            for source in range(NUM_IN):
                if offered[source] and ready >> source & 1:
                    self.ended[source] += self.waiting[source].popleft()[1]
                    offered[source] = False
        dut.event_valid_i.value = 0


def noise() -> Beat:
    return (random.getrandbits(IN_WIDTH), random.getrandbits(1), random.getrandbits(1))


def pack(values: Sequence[int], width: int) -> int:
    return sum(int(value) << i * width for i, value in enumerate(values))


async def ready_merge(dut: Any) -> Stream:
    idle = {f"event_{part}_i": 0 for part in ("valid", "addr", "step_end", "sample_end")}
    await start(dut, **idle, row_ready_i=0)
    return Stream.of(dut, "row_valid_o", "row_ready_i", "row_addr_o", "row_step_end_o", "row_sample_end_o")


async def check(
    dut: Any, sink: Stream, sources: list[Steps], stall_in: float = 0.0, stall_out: float = 0.0, loop: bool = False
) -> Board:
    board = Board(sources)
    monitor, receiver = Monitor(sink, "rows", board.check), Receiver(sink, stall_out)
    driver = Sources(dut, board, sources, stall_in, loop)
    while not board.done:
        before = len(board.times)
        await ClockCycles(dut.clk_i, PATIENCE)
        assert board.done or len(board.times) > before, f"no row for {PATIENCE} cycles, {board.ends} steps done"
    await ClockCycles(dut.clk_i, PATIENCE)
    assert driver.task.done(), "all beats must be taken"
    monitor.stop()
    receiver.stop()
    return board


@cocotb.test
@cocotb.parametrize(**STALLS, loop=[False, True])
async def steps_of_all_sources(dut: Any, stall_in: float, stall_out: float, loop: bool) -> None:
    sink = await ready_merge(dut)
    await check(dut, sink, random_sources(), stall_in, stall_out, loop)


@cocotb.test
async def an_event_in_every_cycle(dut: Any) -> None:
    """While a source has an event, one comes out, the lowest source's first; the end follows the last at once."""
    sink = await ready_merge(dut)
    addresses = [
        [[random.randrange(places(source)) for _ in range(9)] for _ in range(STEPS)] for source in range(NUM_IN)
    ]
    sources: list[Steps] = [[steps] for steps in addresses]
    board = await check(dut, sink, sources)
    expected = [[row for part in rows for row in part] for rows, _ in board.expected]
    gaps = [(after - before) // PERIOD for before, after in zip(board.times, board.times[1:], strict=False)]
    if not any(PREVIOUS):
        assert board.order == [row for rows in expected for row in rows]
    # the end of a step before may come in the last cycle before the end of this one
    allowed = 2 if any(PREVIOUS) else 1
    ends = [sum(len(rows) + 1 for rows in expected[: step + 1]) - 1 for step in range(STEPS)]
    assert all(gap == 1 or (gap <= allowed and number + 1 in ends) for number, gap in enumerate(gaps)), gaps


@cocotb.test(skip=NUM_IN - sum(PREVIOUS) < 2)
async def nobody_waits_before_the_end(dut: Any) -> None:
    """One source waits at the end of its step: the events of the others come all the same."""
    sink = await ready_merge(dut)
    current = [source for source in range(NUM_IN) if not PREVIOUS[source]]
    for ended in current:
        seen: list[Beat] = []
        monitor, receiver = Monitor(sink, "rows", seen.append), Receiver(sink)
        for other in current:
            if other == ended:
                continue
            for _ in range(3):
                dut.event_valid_i.value = 1 << ended | 1 << other
                dut.event_step_end_i.value = 1 << ended
                dut.event_addr_i.value = 0
                await RisingEdge(dut.clk_i)
                assert int(dut.event_ready_o.value) >> ended & 1 == 0, "an end must wait for those of the others"
                assert int(dut.event_ready_o.value) >> other & 1
            dut.event_valid_i.value = 0
            await ClockCycles(dut.clk_i, 4)
        assert seen == [(OFFSETS[other], 0, 0) for other in current if other != ended for _ in range(3)]
        monitor.stop()
        receiver.stop()
        await reset(dut)


@cocotb.test
async def reset_in_mid_sample(dut: Any) -> None:
    """The first step after a reset has nothing of the steps before it, whatever waited."""
    sink = await ready_merge(dut)
    for cycles in (5, 23, 60, 61, 62, 63):
        sources = random_sources(2)
        driver = Sources(dut, Board(sources), sources)
        receiver = Receiver(sink, 0.2)
        await ClockCycles(dut.clk_i, cycles)
        driver.task.cancel()
        receiver.stop()
        dut.event_valid_i.value = 0
        await reset(dut)
        await check(dut, sink, random_sources(2), loop=True)
