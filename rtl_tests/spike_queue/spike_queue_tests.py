"""Spikes into snn_spike_queue, as snn_neuron_update makes them: only when there is room for a whole step."""

from __future__ import annotations

import random
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, RisingEdge
from cocotb.utils import get_sim_time
from cocotb_streams import PERIOD, Monitor, Receiver, Scoreboard, Stream, event_check, finish

from rtl_tests.lib.clock import drive, reset, start
from rtl_tests.lib.dut import parameters
from rtl_tests.lib.events import events, random_spikes
from rtl_tests.lib.seed import generator
from snn2rtl.int_net.reference import Spikes

STEPS, SAMPLES = 6, 6
PATIENCE = 400
GROUP = 16  # lanes; more are split into groups
IDLE = {"spike_valid_i": 0, "spike_last_i": 0}


class Queue:
    """The design with its parameters."""

    def __init__(self, dut: Any) -> None:
        self.dut, chosen = dut, parameters()
        self.lanes, self.slots, self.addr_width = chosen["NumLanes"], chosen["NumSlots"], chosen["AddrWidth"]
        self.places = min(self.lanes * self.slots, 1 << self.addr_width)
        self.sink = Stream.of(
            dut, *(f"event_{p}" for p in ("valid_o", "ready_i", "addr_o", "step_end_o", "sample_end_o"))
        )

    async def push(self, spikes: Spikes, gaps: float = 0.0) -> None:
        """Give the spikes of all steps, shape (T, N, places), a neuron update each."""
        steps, samples, _ = spikes.shape
        for sample in range(samples):
            for step in range(steps):
                while random.random() < gaps:
                    await self.cycle()
                while not self.dut.room_o.value:
                    await self.cycle()
                await self.neuron_update(spikes[step, sample], step == steps - 1)
                await self.cycle()  # room_o counts a word from the cycle after it on; snn_neuron_update leaves more

    async def neuron_update(self, spikes: Spikes, sample_end: bool) -> None:
        padded = np.zeros(self.lanes * self.slots, np.uint8)
        padded[: len(spikes)] = spikes
        for slot, lanes in enumerate(padded.reshape(self.slots, self.lanes)):
            word = sum(int(bit) << lane for lane, bit in enumerate(lanes))
            last = slot == self.slots - 1
            await self.cycle(
                spike_valid_i=1, spike_slot_i=slot, spike_i=word, spike_last_i=last, spike_sample_end_i=sample_end
            )

    async def cycle(self, **inputs: int) -> None:
        drive(self.dut, **IDLE | inputs)
        await RisingEdge(self.dut.clk_i)

    async def check(self, spikes: Spikes, stall_in: float = 0.0, stall_out: float = 0.0) -> None:
        """Push the spikes and hold the events against them."""
        board = Scoreboard("events", events(spikes, self.addr_width))
        monitor = Monitor(self.sink, "events", event_check(board))
        receiver = Receiver(self.sink, stall_out)
        await self.push(spikes, stall_in)
        drive(self.dut, **IDLE)
        await finish([board], [], PATIENCE)
        monitor.stop()
        receiver.stop()


async def ready_queue(dut: Any) -> Queue:
    queue = Queue(dut)
    await start(dut, **IDLE, spike_slot_i=0, spike_i=0, spike_sample_end_i=0, event_ready_i=0)
    return queue


@cocotb.test
@cocotb.parametrize(stall_in=[0.0, 0.8], stall_out=[0.0, 0.5, 0.9])
async def spikes_become_events(dut: Any, stall_in: float, stall_out: float) -> None:
    """Silent, sparse and full steps."""
    queue = await ready_queue(dut)
    await queue.check(random_spikes(generator(), STEPS, SAMPLES, queue.places), stall_in, stall_out)


@cocotb.test
@cocotb.parametrize(spike=[0, 1])
async def all_or_none(dut: Any, spike: int) -> None:
    """Every neuron fires in every step, or none does."""
    queue = await ready_queue(dut)
    await queue.check(np.full((STEPS, SAMPLES, queue.places), spike, np.uint8))


@cocotb.test
async def a_full_queue_loses_nothing(dut: Any) -> None:
    """Nobody takes events until there is no room; then all of them come."""
    queue = await ready_queue(dut)
    spikes = np.ones((STEPS, SAMPLES, queue.places), np.uint8)
    board = Scoreboard("events", events(spikes, queue.addr_width))
    pushing = cocotb.start_soon(queue.push(spikes))
    await ClockCycles(dut.clk_i, STEPS * SAMPLES * (queue.slots + 2))
    assert not dut.room_o.value
    assert not pushing.done()
    monitor = Monitor(queue.sink, "events", event_check(board))
    Receiver(queue.sink)
    await pushing
    drive(dut, **IDLE)
    await finish([board], [], PATIENCE)
    monitor.stop()


@cocotb.test
async def no_cycle_between_events(dut: Any) -> None:
    """The events of a full step come one a cycle, the first three cycles after its word, four with many lanes."""
    queue = await ready_queue(dut)
    spikes = np.ones((1, 1, queue.places), np.uint8)
    times: list[int] = []
    monitor = Monitor(queue.sink, "events", lambda _: times.append(get_sim_time("step")))
    Receiver(queue.sink)
    await RisingEdge(dut.clk_i)
    before = get_sim_time("step")
    await queue.push(spikes)
    drive(dut, **IDLE)
    await ClockCycles(dut.clk_i, queue.places + 10)
    monitor.stop()
    # a word given in cycle 0 is taken at its end; its first event stands in cycle 4 or 5 and is taken at that one's end
    first = 5 + (queue.lanes > GROUP)
    assert [(time - before) // PERIOD for time in times] == list(range(first, first + queue.places + 1))


@cocotb.test
async def reset_empties(dut: Any) -> None:
    """Spikes that wait when the reset comes are gone."""
    queue = await ready_queue(dut)
    await queue.push(np.ones((1, 2, queue.places), np.uint8))
    drive(dut, **IDLE)
    await reset(dut)
    await queue.check(random_spikes(generator(1), STEPS, SAMPLES, queue.places))
