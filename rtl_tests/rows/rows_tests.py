"""Tags into a row fetch, which multiply its words, added up as lanes do: a step must come to ``weight @ tags``."""

from __future__ import annotations

import random
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge
from cocotb_streams import Driver, Stream

from rtl_tests.lib.clock import drive, reset, start
from rtl_tests.lib.dut import parameters
from rtl_tests.lib.events import random_spikes, random_tags, tagged_events
from rtl_tests.lib.seed import generator
from rtl_tests.lib.toys import weights
from snn2rtl.fixed_point import IntArray, unsigned_bits
from snn2rtl.rtl.layouts import LAYOUTS, Layout

BITS = 4
STEPS, SAMPLES = 5, 6


def build(case: dict[str, Any]) -> tuple[Layout, IntArray]:
    """Return a layout and the weights in it, shape (slots * lanes, inputs)."""
    rng = generator(case["inputs"], case["slots"])
    weight = weights(rng, case["slots"] * case["lanes"], case["inputs"], BITS, case["density"])
    return LAYOUTS[case["kind"]].build("fc", weight, case["lanes"], BITS), weight


class RowFetch:
    """The design between a spike source and what stands for memories, lanes and neuron update."""

    def __init__(self, dut: Any) -> None:
        self.dut, self.case = dut, parameters()
        self.layout, self.weight = build(self.case)
        self.addr_width = unsigned_bits(self.case["inputs"] - 1)
        self.sums: list[IntArray] = []
        self.sample_ends: list[int] = []
        self.add_cycles: list[int] = []
        self.update_cycles = 3  # of waiting between a step and done_i
        names = [f"event_{part}_i" for part in ("addr", "tag", "step_end", "sample_end")]
        self.source = Stream.of(dut, "event_valid_i", "event_ready_o", *names)

    async def restart(self) -> None:
        """Reset, and begin with the silent neuron update after it."""
        await reset(self.dut)
        self.task = cocotb.start_soon(self._run())

    async def _run(self) -> None:
        dut, indexed = self.dut, self.case["kind"] == "indexed"
        delay = self.case["WordDelay"]
        addresses: list[Any] = [0] * delay
        total = np.zeros(len(self.weight), np.int64)
        tag: Any = 0  # of the cycle before
        slot: Any = 0  # of the cycle before, too
        wait: int | None = 3  # cycles until done_i
        quiet = 0  # cycles in which no add may come
        ending: int | None = None  # sample end of a step whose last add may still come in this cycle
        cycle = 0
        while True:
            done = wait == 0
            drive(dut, done_i=done)
            await RisingEdge(dut.clk_i)
            if indexed:
                row = dut.row_addr_o.value
                known = row.is_resolvable and int(row) < self.case["inputs"]
                drive(dut, row_i=self.layout.row_table.fields[int(row), 0] if known else 0)
            addresses.append(dut.word_addr_o.value)
            if dut.add_o.value:
                assert (quiet, wait) == (0, None), "an add must not meet the neuron update"
                total += self.word(int(addresses[-1 - delay]), slot) * int(tag)
                self.add_cycles.append(cycle)
            tag = dut.tag_o.value
            slot = 0 if indexed else dut.slot_o.value
            wait = None if done or wait is None else wait - 1
            quiet = delay + 1 if done else max(0, quiet - 1)
            if ending is not None:
                self.sums.append(total.copy())
                self.sample_ends.append(ending)
                total[:] = 0
                wait = self.update_cycles
            ending = int(dut.step_sample_end_o.value) if dut.step_o.value else None
            cycle += 1

    def word(self, address: int, dense_slot: Any) -> IntArray:
        """Return what the lanes add for a word, shape (slots * lanes,)."""
        lanes, slots = self.case["lanes"], self.case["slots"]
        fields = self.layout.words.fields[address].astype(np.int64)
        value = (fields & (1 << BITS) - 1 ^ 1 << BITS - 1) - (1 << BITS - 1)
        slot = fields >> BITS if self.case["kind"] == "indexed" else int(dense_slot)
        result = np.zeros((slots, lanes), np.int64)
        np.add.at(result, (slot, np.arange(lanes)), value)
        return result.ravel()

    def random_tags(self, key: int) -> IntArray:
        spikes = random_spikes(generator(key), STEPS, SAMPLES, self.case["inputs"])
        return random_tags(generator(key), spikes, self.case["TagWidth"])

    async def check(self, tags: IntArray, stall: float = 0.0) -> None:
        """Send tags of shape (T, N, inputs), of which 0 is no event, and hold the sums of every step against them."""
        self.sums.clear()
        self.sample_ends.clear()
        steps, samples, inputs = tags.shape
        await Driver(self.source, stall).send(tagged_events(tags, self.addr_width))
        for _ in range(20 + 6 * (self.case["slots"] + self.update_cycles)):
            await RisingEdge(self.dut.clk_i)
        in_order = tags.transpose(1, 0, 2).reshape(-1, inputs)
        np.testing.assert_array_equal(np.array(self.sums), in_order @ self.weight.T)
        assert self.sample_ends == ([0] * (steps - 1) + [1]) * samples


async def ready_fetch(dut: Any) -> RowFetch:
    fetch = RowFetch(dut)
    idle = {f"event_{part}_i": 0 for part in ("valid", "addr", "tag", "step_end", "sample_end")}
    await start(dut, **idle, done_i=0)
    await fetch.restart()
    return fetch


@cocotb.test
@cocotb.parametrize(stall=[0.0, 0.5], update_cycles=[1, 12])
async def a_step_adds_weight_times_tags(dut: Any, stall: float, update_cycles: int) -> None:
    fetch = await ready_fetch(dut)
    fetch.update_cycles = update_cycles
    await fetch.check(fetch.random_tags(3), stall)


@cocotb.test
async def no_cycle_is_lost(dut: Any) -> None:
    """A row takes as many cycles as it has words; an empty one takes one."""
    fetch = await ready_fetch(dut)
    await fetch.check(np.ones((1, 1, fetch.case["inputs"]), np.int64))
    words = LAYOUTS[fetch.case["kind"]].cost(fetch.weight, fetch.case["lanes"], BITS).words_per_row
    assert len(fetch.add_cycles) == words.sum()
    if len(fetch.add_cycles):
        used = np.flatnonzero(words)
        between = np.maximum(words[used[0] : used[-1] + 1], 1).sum()
        assert fetch.add_cycles[-1] - fetch.add_cycles[0] + 1 == between


@cocotb.test
async def reset_in_mid_row(dut: Any) -> None:
    """Rows that are being walked, or wait to be, are forgotten."""
    fetch = await ready_fetch(dut)
    all_inputs = np.ones((3, 1, fetch.case["inputs"]), np.int64)
    sending = cocotb.start_soon(Driver(fetch.source).send(tagged_events(all_inputs, fetch.addr_width)))
    for _ in range(random.randint(8, 14)):
        await RisingEdge(dut.clk_i)
    sending.cancel()
    fetch.task.cancel()
    drive(dut, event_valid_i=0, done_i=0)
    await fetch.restart()
    await fetch.check(fetch.random_tags(4))
