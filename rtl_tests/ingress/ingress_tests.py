"""All beats that s_axis can carry, into snn_ingress."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb_streams import Beat, Stream

from rtl_tests.lib.clock import start
from rtl_tests.lib.dut import parameters
from rtl_tests.lib.streams import STALLS, transfer


def all_beats() -> list[Beat]:
    """Return every (data, last) some times, shuffled."""
    beats = [(data, last) for data in range(2 << parameters()["AddrWidth"]) for last in (0, 1)] * 10
    random.shuffle(beats)
    return beats


def events(beats: list[Beat]) -> list[Beat]:
    """Return the events (address, step end, sample end) of beats."""
    width = parameters()["AddrWidth"]
    split = [(data & ((1 << width) - 1), data >> width, last) for data, last in beats]
    return [(addr, end, end & last) for addr, end, last in split if end or addr < parameters()["NumInputs"]]


@cocotb.test
@cocotb.parametrize(**STALLS)
async def beats_become_events(dut: Any, stall_in: float, stall_out: float) -> None:
    """Tlast counts only at the end of a step; an address of no input makes no event."""
    source = Stream.of(dut, "beat_valid_i", "beat_ready_o", "beat_data_i", "beat_last_i")
    names = [f"event_{part}" for part in ("valid_o", "ready_i", "addr_o", "step_end_o", "sample_end_o")]
    await start(dut, beat_valid_i=0, event_ready_i=0)
    beats = all_beats()
    await transfer(source, Stream.of(dut, *names), beats, events(beats), stall_in=stall_in, stall_out=stall_out)
