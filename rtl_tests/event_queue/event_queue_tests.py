"""Random beats through snn_event_queue."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge
from cocotb.utils import get_sim_time
from cocotb_streams import PERIOD, Beat, Driver, Monitor, Receiver, Stream

from rtl_tests.lib.clock import reset, start
from rtl_tests.lib.dut import parameters
from rtl_tests.lib.streams import STALLS, send_all, transfer

BEATS = 300
LATENCY = 3
CHOSEN = parameters()


def streams(dut: Any) -> tuple[Stream, Stream]:
    return Stream.of(dut, "valid_i", "ready_o", "data_i"), Stream.of(dut, "valid_o", "ready_i", "data_o")


def random_beats(count: int = BEATS) -> list[Beat]:
    return [(random.getrandbits(CHOSEN["Width"]),) for _ in range(count)]


@cocotb.test
@cocotb.parametrize(**STALLS)
async def beats_pass_in_order(dut: Any, stall_in: float, stall_out: float) -> None:
    source, sink = streams(dut)
    await start(dut, valid_i=0, ready_i=0)
    beats = random_beats()
    await transfer(source, sink, beats, beats, stall_in=stall_in, stall_out=stall_out)


@cocotb.test
async def a_beat_passes_in_every_cycle(dut: Any) -> None:
    """Without stalls beats come one a cycle, each three cycles after it was taken."""
    source, sink = streams(dut)
    await start(dut, valid_i=0, ready_i=0)
    Receiver(sink)
    times: list[int] = []
    Monitor(sink, "out", lambda _: times.append(get_sim_time("step")))
    before = get_sim_time("step")
    await send_all(Driver(source), random_beats())
    assert get_sim_time("step") - before == BEATS * PERIOD
    await ClockCycles(dut.clk_i, LATENCY + 2)
    assert [(time - before) // PERIOD for time in times] == [LATENCY + 1 + beat for beat in range(BEATS)]


@cocotb.test
async def it_holds_what_it_says(dut: Any) -> None:
    """Nobody takes beats: it takes 2**DepthWidth + 3; then all of them come."""
    source, sink = streams(dut)
    await start(dut, valid_i=0, ready_i=0)
    beats = random_beats()
    driver = Driver(source)
    cocotb.start_soon(driver.send(beats))
    await ClockCycles(dut.clk_i, 100)
    assert driver.sent == (1 << CHOSEN["DepthWidth"]) + 3
    seen: list[Beat] = []
    Monitor(sink, "out", seen.append)
    Receiver(sink)
    await ClockCycles(dut.clk_i, BEATS + 20)
    assert seen == beats


@cocotb.test
async def reset_empties(dut: Any) -> None:
    source, sink = streams(dut)
    await start(dut, valid_i=0, ready_i=0)
    await send_all(Driver(source), random_beats((1 << CHOSEN["DepthWidth"]) + 3))
    await RisingEdge(dut.clk_i)
    await reset(dut)
    beats = random_beats()
    await transfer(source, sink, beats, beats)
