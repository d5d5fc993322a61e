"""Steps of windows, which come many times, through snn_max_pool."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge
from cocotb.utils import get_sim_time
from cocotb_streams import PERIOD, Driver, Monitor, Receiver, Scoreboard, Stream, event_check

from rtl_tests.lib.clock import reset, start
from rtl_tests.lib.dut import parameters
from rtl_tests.lib.steps import Steps, changed, quiet, random_steps, step_events
from rtl_tests.lib.streams import STALLS, send_all, transfer

STEPS, SAMPLES = 6, 10
LATENCY = 3
CHOSEN = parameters()
WINDOWS, ADDR_WIDTH = CHOSEN.get("NumWindows", 1), CHOSEN.get("AddrWidth", 1)
WORDS = -(-WINDOWS // min(32, 1 << ADDR_WIDTH))
PATIENCE = 100 + WORDS


def streams(dut: Any) -> tuple[Stream, Stream]:
    inputs = (f"event_{part}" for part in ("valid_i", "ready_o", "addr_i", "step_end_i", "sample_end_i"))
    outputs = (f"pooled_{part}" for part in ("valid_o", "ready_i", "addr_o", "step_end_o", "sample_end_o"))
    return Stream.of(dut, *inputs), Stream.of(dut, *outputs)


def pooled(samples: Steps) -> Steps:
    """Return the first event of each window in each step."""
    return changed(samples, lambda step: list(dict.fromkeys(step)))


async def check(dut: Any, samples: Steps, **stalls: float) -> None:
    expected = quiet(step_events(pooled(samples), ADDR_WIDTH))
    beats = step_events(samples, ADDR_WIDTH)
    await transfer(*streams(dut), beats, expected, judge=event_check, patience=PATIENCE, **stalls)


async def ready_pool(dut: Any) -> None:
    idle = {f"event_{part}_i": 0 for part in ("valid", "addr", "step_end", "sample_end")}
    await start(dut, **idle, pooled_ready_i=0)


@cocotb.test
@cocotb.parametrize(**STALLS)
async def a_window_spikes_once(dut: Any, stall_in: float, stall_out: float) -> None:
    """Steps with many events and with none; one of them has all windows, twice."""
    await ready_pool(dut)
    samples = random_steps(SAMPLES, STEPS, WINDOWS)
    samples[1][2] = [*range(WINDOWS), *range(WINDOWS)]
    await check(dut, samples, stall_in=stall_in, stall_out=stall_out)


@cocotb.test
async def windows_of_one_word_in_a_row(dut: Any) -> None:
    """Every sequence of short distance: what was set a cycle ago, two cycles ago, and longer ago, is seen."""
    await ready_pool(dut)
    places = [0, min(1, WINDOWS - 1), min(33, WINDOWS - 1), min(34, WINDOWS - 1)]
    samples = [[[random.choice(places) for _ in range(length)] for length in (2, 3, 4, 5, 8)] for _ in range(100)]
    await check(dut, samples)


@cocotb.test
async def all_windows_in_short_steps(dut: Any) -> None:
    """Steps that end before the bank of the step before is clear, then silent ones."""
    await ready_pool(dut)
    every = list(range(WINDOWS))
    samples = [[every, [window], every, [], [window], [], [], every] for window in every[:: 1 + WINDOWS // 8]]
    await check(dut, samples)


@cocotb.test
async def an_event_in_every_cycle(dut: Any) -> None:
    """Events are taken one a cycle, and the first comes out three cycles after it was taken."""
    await ready_pool(dut)
    await ClockCycles(dut.clk_i, WORDS)
    source, sink = streams(dut)
    windows = random.choices(range(WINDOWS), k=200)
    expected = list(dict.fromkeys(windows))
    times: list[int] = []
    board = Scoreboard("pooled", [(window, 0, 0) for window in expected])
    check = event_check(board)
    monitor = Monitor(sink, "pooled", lambda beat: (check(beat), times.append(get_sim_time("step"))))
    receiver = Receiver(sink)
    before = get_sim_time("step")
    await send_all(Driver(source), [(window, 0, 0) for window in windows])
    assert get_sim_time("step") - before == len(windows) * PERIOD
    await ClockCycles(dut.clk_i, LATENCY + 2)
    first = [windows.index(window) for window in expected]
    assert [(time - before) // PERIOD for time in times] == [LATENCY + 1 + place for place in first]
    monitor.stop()
    receiver.stop()


@cocotb.test
async def clearing_is_hidden(dut: Any) -> None:
    """Steps that last as long as it takes to clear a bank lose no cycle, silent steps take three cycles."""
    await ready_pool(dut)
    await ClockCycles(dut.clk_i, WORDS)
    source, sink = streams(dut)
    receiver = Receiver(sink)
    for step in ([0] * (WORDS + 3), []):
        beats = step_events([[step] * 20], ADDR_WIDTH)
        before = get_sim_time("step")
        await send_all(Driver(source), beats)
        taken = (get_sim_time("step") - before) // PERIOD
        assert taken == len(beats) if step else taken <= WORDS + 3 * len(beats)
    receiver.stop()


@cocotb.test
async def reset_in_mid_sample(dut: Any) -> None:
    """No window of before the reset is remembered, in either bank; nothing is taken until both are clear."""
    await ready_pool(dut)
    source, sink = streams(dut)
    for cycles in (2 * WINDOWS, 2 * WINDOWS + WORDS + 4, 2 * WINDOWS + 7):
        receiver = Receiver(sink)
        every = list(range(WINDOWS))
        sending = cocotb.start_soon(Driver(source).send(step_events([[every, every, every, every]], ADDR_WIDTH)))
        await ClockCycles(dut.clk_i, cycles + WORDS)
        sending.cancel()
        receiver.stop()
        dut.event_valid_i.value = 0
        await reset(dut)
        await check(dut, [[every, every, every]])
        await RisingEdge(dut.clk_i)
