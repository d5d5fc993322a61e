"""Parts of rows into snn_ragged_lane, as snn_ragged_rows pushes them: words in order, one a cycle, ends of steps."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from rtl_tests.lib.clock import drive, reset, start
from rtl_tests.lib.dut import parameters

STEPS = 60
ON_THE_WAY = 4  # cycles from room_o to a push that it let happen
IDLE = {"push_i": 0, "done_i": 0}


@dataclass(frozen=True)
class Part:
    """A part of a row; one of no weights ends a step, and the first bit of its start a sample."""

    first: int
    count: int
    tag: int = 0

    def words(self) -> Iterator[tuple[int, int, bool]]:
        """Yield address and tag of the words, and whether one is the first."""
        return ((address, self.tag, address == self.first) for address in range(self.first, self.first + self.count))


class Lane:
    """The design, what goes in, and what came out."""

    def __init__(self, dut: Any) -> None:
        self.dut, chosen = dut, parameters()
        self.delay = chosen["WordDelay"]
        self.most, self.places = (1 << chosen["CountWidth"]) - 1, 1 << chosen["WordWidth"]
        self.tag_width = chosen["TagWidth"]
        self.room = [0] * ON_THE_WAY
        self.addresses = [0] * self.delay
        self.firsts = [False] * self.delay
        self.first_delay = chosen["FirstDelay"]
        self.cycle_number = 0
        self.words: list[tuple[int, int, bool]] = []
        self.tag: Any = 0  # of the cycle before
        self.word_cycles: list[int] = []

    def part(self) -> Part:
        count = random.choice([1, 1, self.most, random.randint(1, self.most)])
        first = random.randrange(max(1, self.places - count + 1))
        return Part(first, min(count, self.places), random.getrandbits(self.tag_width))

    async def cycle(self, part: Part | None = None, done: bool = False) -> bool:
        """Push a part if there was room in time; return whether that happened."""
        pushed = part is not None and bool(self.room[0])
        drive(self.dut, **IDLE | {"done_i": done})
        if part and pushed:
            drive(self.dut, push_i=1, start_i=part.first, count_i=part.count, tag_i=part.tag)
        await RisingEdge(self.dut.clk_i)
        room = self.dut.room_o.value
        self.room = [*self.room[1:], int(room) if room.is_resolvable else 0]
        self.addresses.append(self.dut.word_addr_o.value)
        self.firsts.append(self.dut.first_o.value == 1)
        if self.dut.add_o.value:
            first = self.firsts[-1 - self.delay + self.first_delay]
            self.words.append((int(self.addresses[-1 - self.delay]), int(self.tag), first))
            self.word_cycles.append(self.cycle_number)
        self.tag = self.dut.tag_o.value
        self.cycle_number += 1
        return pushed

    async def restart(self) -> None:
        """Reset; then the lane waits for the silent neuron update."""
        drive(self.dut, **IDLE)
        await reset(self.dut)
        self.room, self.words, self.word_cycles = [0] * ON_THE_WAY, [], []
        for _ in range(ON_THE_WAY + 1):
            await self.cycle()
        assert self.dut.ended_o.value
        await self.cycle(done=True)


async def ready_lane(dut: Any) -> Lane:
    lane = Lane(dut)
    await start(dut, **IDLE, start_i=0, count_i=0, tag_i=0)
    await lane.restart()
    return lane


async def walk(lane: Lane, steps: list[list[Part]], gaps: float) -> None:
    """Push the parts of all steps and their ends, answer each end after a while, and check the words."""
    pending = []
    for number, parts in enumerate(steps):
        pending += [*parts, Part(number & 1, 0)]
    expected = [word for parts in steps for part in parts for word in part.words()]
    ends, patience = 0, 0
    while ends < len(steps):
        part = pending[0] if pending and random.random() >= gaps else None
        if await lane.cycle(part):
            pending.pop(0)
        patience += 1
        assert patience < 40 * (len(expected) + 20 * len(steps)), "all steps must end"
        if lane.dut.ended_o.value:
            assert int(lane.dut.sample_end_o.value) == ends & 1
            before = sum(part.count for parts in steps[: ends + 1] for part in parts)
            for wait in range(lane.delay + random.choice([0, 1, 20])):
                if wait > lane.delay:
                    assert len(lane.words) == before, "a lane that has ended must wait"
                if await lane.cycle(pending[0] if pending else None):
                    pending.pop(0)
            if await lane.cycle(pending[0] if pending else None, done=True):
                pending.pop(0)
            ends += 1
    assert lane.words == expected


@cocotb.test
@cocotb.parametrize(gaps=[0.0, 0.7])
async def words_of_every_part(dut: Any, gaps: float) -> None:
    """Random parts, many and few a step, and steps without any."""
    lane = await ready_lane(dut)
    steps = [[lane.part() for _ in range(random.choice([0, 0, 1, 3, 40]))] for _ in range(STEPS)]
    await walk(lane, steps, gaps)


@cocotb.test
async def no_cycle_is_lost(dut: Any) -> None:
    """Parts that wait already are walked without a gap, the first add WordDelay + 2 cycles after done_i."""
    lane = await ready_lane(dut)
    await walk(lane, [[]], 0.0)
    await lane.cycle(Part(0, 0))
    parts = [lane.part() for _ in range(8)]
    while not lane.dut.ended_o.value:
        await lane.cycle()
    for part in parts:
        assert await lane.cycle(part)
    done = lane.cycle_number
    await lane.cycle(done=True)
    for _ in range(sum(part.count for part in parts) + lane.delay + 4):
        await lane.cycle()
    words = [word for part in parts for word in part.words()]
    assert lane.words == words
    assert lane.word_cycles == list(range(done + lane.delay + 2, done + lane.delay + 2 + len(words)))


@cocotb.test
async def reset_in_mid_part(dut: Any) -> None:
    """What is walked, or waits to be, is forgotten."""
    lane = await ready_lane(dut)
    for _ in range(8):
        await lane.cycle(Part(0, lane.most))
    await lane.restart()
    await walk(lane, [[lane.part() for _ in range(5)] for _ in range(4)], 0.3)
