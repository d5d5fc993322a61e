"""Entries into snn_ragged_slot, as a lane walks them: every one must come to its slot."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import ReadOnly, RisingEdge

from rtl_tests.lib.clock import drive, start
from rtl_tests.lib.dut import parameters

PARTS = 200


@cocotb.test
async def slots_of_every_part(dut: Any) -> None:
    """Parts that follow each other at once or later; between them skips mean nothing."""
    chosen = parameters()
    skips, slots = 1 << chosen["SkipWidth"], 1 << chosen["SlotWidth"]
    has_slots = skips == slots
    await start(dut, first_i=0, skip_i=0)
    for _ in range(PARTS):
        for wait in range(random.choice([1, 1, 4])):
            drive(dut, first_i=1 if wait == 0 else random.randint(0, 1), skip_i=random.randrange(skips))
            await RisingEdge(dut.clk_i)
        drive(dut, first_i=1)
        await RisingEdge(dut.clk_i)
        slot = -1
        while True:
            skip = random.randrange(skips)
            slot = skip if has_slots else slot + 1 + skip
            if slot >= slots:
                break
            drive(dut, first_i=0, skip_i=skip)
            await ReadOnly()
            assert int(dut.slot_o.value) == slot
            await RisingEdge(dut.clk_i)
            if random.random() < 0.1:
                break
