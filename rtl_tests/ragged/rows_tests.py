"""Tags into snn_ragged_rows, whose parts lanes of Python walk: a step must come to ``weight @ tags``."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge, with_timeout
from cocotb_streams import PERIOD, Driver, Stream

from rtl_tests.lib.clock import drive, reset, start
from rtl_tests.lib.dut import parameters
from rtl_tests.lib.events import random_spikes, random_tags, tagged_events
from rtl_tests.lib.seed import generator
from rtl_tests.lib.toys import weights
from snn2rtl.fixed_point import IntArray, unsigned_bits
from snn2rtl.rtl.layouts.ragged import RaggedRows

BITS = 4
STEPS, SAMPLES = 5, 6
PATIENCE = 20_000  # cycles for all samples of a test
QUEUE, ROOM = 16, 12  # parts that a lane's queue holds; fewer than so many are room for what is on the way


def build(case: dict[str, Any]) -> tuple[RaggedRows, IntArray]:
    """Return a layout and the weights in it, shape (slots * lanes, inputs)."""
    rng = generator(case["inputs"], case["slots"])
    weight = weights(rng, case["slots"] * case["NumLanes"], case["inputs"], BITS, case["density"])
    return RaggedRows.build("fc", weight, case["NumLanes"], BITS), weight


class Rows:
    """The design between a spike source, its row table, and lanes that walk as fast as ``pace`` says."""

    def __init__(self, dut: Any) -> None:
        self.dut, self.case = dut, parameters()
        self.layout, self.weight = build(self.case)
        self.lanes, self.pace = self.case["NumLanes"], 1.0
        table = self.layout.row_table.fields[:, ::-1].astype(np.uint8)
        self.table = [int("".join(map(str, row)), 2) for row in table.tolist()]
        names = [f"event_{part}_i" for part in ("addr", "tag", "step_end", "sample_end")]
        self.source = Stream.of(dut, "event_valid_i", "event_ready_o", *names)
        self.sums: list[IntArray] = []
        self.sample_ends: list[int] = []

    async def restart(self) -> None:
        """Reset, and begin with the silent neuron update after it."""
        await reset(self.dut)
        self.task = cocotb.start_soon(self._run())

    async def _run(self) -> None:
        dut = self.dut
        queues: list[deque[tuple[int, int, int]]] = [deque() for _ in range(self.lanes)]
        ended = [True] * self.lanes
        total = np.zeros(len(self.weight), np.int64)
        last = self.case["WordDelay"] - 1  # cycle of step_o, from the first on in which all lanes have ended
        waited = last  # the neuron update after the reset needs no step_o
        while True:
            room = sum((len(queue) < ROOM) << lane for lane, queue in enumerate(queues))
            drive(dut, room_i=room, ended_i=sum(e << lane for lane, e in enumerate(ended)))
            await RisingEdge(dut.clk_i)
            row = dut.row_addr_o.value
            known = row.is_resolvable and int(row) < len(self.table)
            drive(dut, row_i=self.table[int(row)] if known else 0)
            waited = waited + 1 if all(ended) else 0
            assert bool(dut.step_o.value) == (waited == last), "a step must end once, at its time"
            if waited == last:
                self.sums.append(total.copy())
                self.sample_ends.append(int(dut.step_sample_end_o.value))
                total[:] = 0
            for lane, queue in enumerate(queues):
                self._walk(queue, lane, ended, total)
            self._push(queues)
            if waited > last and random.random() < 0.3:  # as done_i does
                ended = [False] * self.lanes

    def _walk(self, queue: deque[tuple[int, int, int]], lane: int, ended: list[bool], total: IntArray) -> None:
        """Take one part of a lane's queue, or none."""
        if not queue or ended[lane] or random.random() > self.pace:
            return
        first, count, tag = queue.popleft()
        if not count:
            ended[lane] = True
            if not lane:
                drive(self.dut, sample_ended_i=first)
            return
        entry = self.layout.lists[lane].fields[first : first + count, 0].astype(np.int64)
        value = (entry & (1 << BITS) - 1 ^ 1 << BITS - 1) - (1 << BITS - 1)
        slot = entry >> BITS
        if self.layout.has_skips:
            slot = np.cumsum(slot + 1) - 1
        np.add.at(total, slot * self.lanes + lane, value * tag)

    def _push(self, queues: list[deque[tuple[int, int, int]]]) -> None:
        """Put what the design pushes into the queues."""
        push = self.dut.push_o.value
        for lane in np.flatnonzero([(int(push) >> lane) & 1 for lane in range(self.lanes)]).tolist():
            start_width, count_width = self.case["WordWidth"], self.case["CountWidth"]
            first = int(self.dut.start_o.value) >> lane * start_width & (1 << start_width) - 1
            count = int(self.dut.count_o.value) >> lane * count_width & (1 << count_width) - 1
            queues[lane].append((first, count, int(self.dut.tag_o.value)))
            assert len(queues[lane]) <= QUEUE, "a queue must not overflow"

    def random_tags(self, key: int) -> IntArray:
        spikes = random_spikes(generator(key), STEPS, SAMPLES, self.case["inputs"])
        return random_tags(generator(key), spikes, self.case["TagWidth"])

    async def check(self, tags: IntArray, stall: float = 0.0) -> None:
        """Send tags of shape (T, N, inputs), of which 0 is no event, and hold the sums of every step against them."""
        self.sums.clear()
        self.sample_ends.clear()
        steps, samples, inputs = tags.shape
        sent = Driver(self.source, stall).send(tagged_events(tags, unsigned_bits(inputs - 1)))
        await with_timeout(sent, PATIENCE * PERIOD, "step")
        patience = 0
        while len(self.sums) < steps * samples:
            await RisingEdge(self.dut.clk_i)
            patience += 1
            assert patience < 3000, "all steps must end"
        in_order = tags.transpose(1, 0, 2).reshape(-1, inputs)
        np.testing.assert_array_equal(np.array(self.sums), in_order @ self.weight.T)
        assert self.sample_ends == ([0] * (steps - 1) + [1]) * samples


async def ready_rows(dut: Any) -> Rows:
    rows = Rows(dut)
    idle = {f"event_{part}_i": 0 for part in ("valid", "addr", "tag", "step_end", "sample_end")}
    await start(dut, **idle, row_i=0, room_i=0, ended_i=(1 << rows.lanes) - 1, sample_ended_i=0)
    await rows.restart()
    return rows


@cocotb.test
@cocotb.parametrize(stall=[0.0, 0.5], pace=[1.0, 0.2])
async def a_step_adds_weight_times_tags(dut: Any, stall: float, pace: float) -> None:
    rows = await ready_rows(dut)
    rows.pace = pace
    await rows.check(rows.random_tags(3), stall)


@cocotb.test
async def empty_steps(dut: Any) -> None:
    """Ends of steps fill the queues when no lane may go on."""
    rows = await ready_rows(dut)
    await rows.check(np.zeros((20, 2, rows.case["inputs"]), np.int64))


@cocotb.test
async def reset_forgets(dut: Any) -> None:
    """Rows on the way to the lanes are gone after a reset."""
    rows = await ready_rows(dut)
    all_inputs = tagged_events(np.ones((3, 1, rows.case["inputs"]), np.int64), unsigned_bits(rows.case["inputs"] - 1))
    sending = cocotb.start_soon(Driver(rows.source).send(all_inputs))
    for _ in range(random.randint(8, 14)):
        await RisingEdge(dut.clk_i)
    sending.cancel()
    rows.task.cancel()
    drive(dut, event_valid_i=0, ended_i=(1 << rows.lanes) - 1)
    await rows.restart()
    await rows.check(rows.random_tags(4))
