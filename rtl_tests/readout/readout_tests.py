"""Spikes of whole samples into snn_count_readout, against the counts and classes of snn2rtl.int_net.reference."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.utils import get_sim_time
from cocotb_streams import PERIOD, Beat, Driver, Receiver, Stream

from rtl_tests.lib.clock import reset, start
from rtl_tests.lib.dut import parameters
from rtl_tests.lib.events import events, random_spikes
from rtl_tests.lib.seed import generator
from rtl_tests.lib.steps import random_steps, step_events
from rtl_tests.lib.streams import STALLS, transfer
from rtl_tests.lib.toys import identity_network
from snn2rtl.int_net.reference import Spikes, run

CHOSEN = parameters()
CLASSES, COUNT_WIDTH = CHOSEN.get("NumClasses", 1), CHOSEN.get("CountWidth", 1)
GROUPS = CHOSEN.get("Forward", 0)  # a class may have many events in a step


def streams(dut: Any) -> tuple[Stream, Stream]:
    names = [f"event_{part}_i" for part in ("addr", "step_end", "sample_end")]
    source = Stream.of(dut, "event_valid_i", "event_ready_o", *names)
    return source, Stream.of(dut, "result_valid_o", "result_ready_i", "class_o", "counts_o")


def results(spikes: Spikes) -> list[Beat]:
    """Return the beats (class, counts) of spikes of shape (T, N, classes)."""
    result = run(identity_network(CLASSES, COUNT_WIDTH), spikes)
    packed = [sum(int(count) << i * COUNT_WIDTH for i, count in enumerate(row)) for row in result.counts]
    return list(zip(map(int, result.classes), packed, strict=True))


async def check(dut: Any, spikes: Spikes, **stalls: float) -> None:
    source, sink = streams(dut)
    await start(dut, event_valid_i=0, event_addr_i=0, event_step_end_i=0, event_sample_end_i=0, result_ready_i=0)
    await transfer(source, sink, events(spikes, CHOSEN["AddrWidth"]), results(spikes), **stalls)


@cocotb.test
@cocotb.parametrize(**STALLS)
async def random_samples(dut: Any, stall_in: float, stall_out: float) -> None:
    """Samples of five steps, then of one, back to back, whose results wait while the next sample comes in."""
    for steps in (5, 1):
        await check(dut, random_spikes(generator(steps), steps, 30, CLASSES), stall_in=stall_in, stall_out=stall_out)


@cocotb.test
async def ties_go_to_the_lowest(dut: Any) -> None:
    """Two classes share the highest count, in every pair and whichever reaches it first."""
    spikes = np.zeros((4, CLASSES * CLASSES, CLASSES), np.uint8)
    for sample, (early, late) in enumerate(np.ndindex(CLASSES, CLASSES)):
        spikes[:2, sample, early] = 1
        spikes[2:, sample, late] = 1
    await check(dut, spikes)


@cocotb.test
async def counts_saturate(dut: Any) -> None:
    """More steps than a count holds (up to 64): the count stays, and a tie of full counts goes to the lowest."""
    steps = min(64, (2 << COUNT_WIDTH) + 1)
    spikes = np.ones((steps, 3, CLASSES), np.uint8)
    spikes[: steps // 2, 1, : CLASSES // 2] = 0
    spikes[:, 2, : CLASSES - 1] = 0
    await check(dut, spikes)


@cocotb.test(skip=not GROUPS)
@cocotb.parametrize(**STALLS)
async def groups_of_neurons(dut: Any, stall_in: float, stall_out: float) -> None:
    """Classes have many events in a step, in any order and in a row."""
    source, sink = streams(dut)
    await start(dut, event_valid_i=0, event_addr_i=0, event_step_end_i=0, event_sample_end_i=0, result_ready_i=0)
    samples = random_steps(40, 3, CLASSES, most=40)
    counts = [np.bincount([addr for step in sample for addr in step], minlength=CLASSES) for sample in samples]
    clamped = np.minimum(counts, (1 << COUNT_WIDTH) - 1)
    packed = [sum(int(count) << i * COUNT_WIDTH for i, count in enumerate(row)) for row in clamped]
    expected = list(zip(map(int, clamped.argmax(axis=1)), packed, strict=True))
    beats = step_events(samples, CHOSEN["AddrWidth"])
    await transfer(source, sink, beats, expected, stall_in=stall_in, stall_out=stall_out)


@cocotb.test
async def silence_is_class_zero(dut: Any) -> None:
    await check(dut, np.zeros((3, 4, CLASSES), np.uint8))


@cocotb.test
async def an_event_in_every_cycle(dut: Any) -> None:
    """Counting never makes the last layer wait, nor does the end of a sample."""
    source, sink = streams(dut)
    await start(dut, event_valid_i=0, result_ready_i=0)
    Receiver(sink)
    beats = events(random_spikes(generator(), 4, 20, CLASSES), CHOSEN["AddrWidth"])
    before = get_sim_time("step")
    await Driver(source).send(beats)
    assert get_sim_time("step") - before == len(beats) * PERIOD


@cocotb.test
async def reset_forgets_the_sample(dut: Any) -> None:
    """Counts of half a sample and a result that waits are gone after a reset."""
    source, _ = streams(dut)
    await start(dut, event_valid_i=0, result_ready_i=0)
    half = events(np.ones((3, 2, CLASSES), np.uint8), CHOSEN["AddrWidth"])[:-1]
    await Driver(source).send(half)
    await reset(dut)
    spikes = random_spikes(generator(2), 4, 10, CLASSES)
    await transfer(*streams(dut), events(spikes, CHOSEN["AddrWidth"]), results(spikes))
