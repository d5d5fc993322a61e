"""Random beats through snn_stream_register."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles
from cocotb.utils import get_sim_time
from cocotb_streams import PERIOD, Driver, Receiver, Stream

from rtl_tests.lib.clock import reset, start
from rtl_tests.lib.dut import parameters
from rtl_tests.lib.streams import STALLS, transfer

BEATS = 300


def streams(dut: Any) -> tuple[Stream, Stream]:
    return Stream.of(dut, "valid_i", "ready_o", "data_i"), Stream.of(dut, "valid_o", "ready_i", "data_o")


def random_beats() -> list[tuple[int]]:
    return [(random.getrandbits(parameters()["Width"]),) for _ in range(BEATS)]


@cocotb.test
@cocotb.parametrize(**STALLS)
async def beats_pass_in_order(dut: Any, stall_in: float, stall_out: float) -> None:
    source, sink = streams(dut)
    await start(dut, valid_i=0, ready_i=0)
    beats = random_beats()
    await transfer(source, sink, beats, beats, stall_in=stall_in, stall_out=stall_out)


@cocotb.test
async def a_beat_passes_in_every_cycle(dut: Any) -> None:
    """Without stalls, beats take as many cycles as there are of them."""
    source, sink = streams(dut)
    await start(dut, valid_i=0, ready_i=0)
    Receiver(sink)
    before = get_sim_time("step")
    await Driver(source).send(random_beats())
    assert get_sim_time("step") - before == BEATS * PERIOD


@cocotb.test
async def reset_forgets_waiting_beats(dut: Any) -> None:
    """Two beats wait, one in each register; after a reset none of them comes."""
    source, sink = streams(dut)
    await start(dut, valid_i=0, ready_i=0)
    await Driver(source).send(random_beats()[:2])
    await ClockCycles(dut.clk_i, 2)
    assert (int(dut.valid_o.value), int(dut.ready_o.value)) == (1, 0)
    await reset(dut)
    beats = random_beats()
    await transfer(source, sink, beats, beats)
