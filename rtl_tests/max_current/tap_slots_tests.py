"""Neuron updates through snn_tap_slots, behind each other and apart, with gaps, and a reset in the middle of one."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from rtl_tests.lib.clock import drive, reset, start
from rtl_tests.lib.dut import parameters

UPDATES = 12


async def idle(dut: Any, cycles: int) -> None:
    for _ in range(cycles):
        drive(dut, valid_i=0)
        await RisingEdge(dut.clk_i)
        assert dut.first_o.value == 0
        assert dut.last_o.value == 0


async def walk(dut: Any, most: int | None = None, gaps: float = 0.0) -> None:
    """Send the slots of an update, at most so many of them, so often with a gap before one."""
    taps, neurons = parameters()["NumTaps"], parameters()["NumSlots"]
    for slot in range(taps * neurons)[:most]:
        while random.random() < gaps:
            await idle(dut, 1)
        drive(dut, valid_i=1)
        await RisingEdge(dut.clk_i)
        neuron, tap = divmod(slot, taps)
        found = tuple(int(port.value) for port in (dut.slot_o, dut.first_o, dut.last_o))
        assert found == (neuron, tap == 0, tap == taps - 1), f"slot {slot}: {found}"


@cocotb.test
async def slots_are_counted_along(dut: Any) -> None:
    await start(dut, valid_i=0)
    for number in range(UPDATES):
        await walk(dut, gaps=0.4 * (number % 2))
        await idle(dut, random.choice([0, 0, 1, 5]))


@cocotb.test
async def a_reset_begins_anew(dut: Any) -> None:
    await start(dut, valid_i=0)
    size = parameters()["NumTaps"] * parameters()["NumSlots"]
    for _ in range(UPDATES):
        await walk(dut, random.randrange(size))
        drive(dut, valid_i=0)
        await reset(dut)
        await walk(dut)
