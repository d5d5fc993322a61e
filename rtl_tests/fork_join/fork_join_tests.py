"""Steps through residual blocks: each event comes twice for each block, in its step."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import ClockCycles
from cocotb_streams import Beat, Driver, Monitor, Receiver, Stream, finish

from rtl_tests.lib.clock import reset, start
from rtl_tests.lib.dut import parameters
from rtl_tests.lib.steps import Steps, changed, quiet, random_steps, step_events

STEPS, SAMPLES = 5, 6
ADDR_WIDTH, MOST = 4, 7  # with three blocks an event comes eight times: within the memory of a stage
PATIENCE = 300  # cycles
BLOCKS = parameters().get("NumBlocks", 1)


class StepBoard:
    """Judges each step when it ends: events in any order, and whether the sample ends."""

    name = "out"

    def __init__(self, samples: Steps) -> None:
        self.expected = quiet(step_events(samples, ADDR_WIDTH))
        self.seen = 0  # beats
        self.first = 0  # of the step
        self.events: list[Beat] = []

    def check(self, beat: Beat) -> None:
        self.seen += 1
        assert self.seen <= len(self.expected), "no beat must come any more"
        self.events += quiet([beat])
        if beat[1]:
            wanted = self.expected[self.first : self.seen]
            assert sorted(self.events) == sorted(wanted), f"beats {self.first} to {self.seen}"
            self.first, self.events = self.seen, []

    @property
    def done(self) -> bool:
        return self.first == len(self.expected)


def streams(dut: Any) -> tuple[Stream, Stream]:
    fields = ("addr", "step_end", "sample_end")
    source = Stream.of(dut, "valid_i", "ready_o", *(f"{field}_i" for field in fields))
    return source, Stream.of(dut, "valid_o", "ready_i", *(f"{field}_o" for field in fields))


async def check(dut: Any, samples: Steps, expected: Steps, stall_in: float = 0.0, stall_out: float = 0.0) -> None:
    """Send the steps of samples and hold what comes against the expected ones."""
    source, sink = streams(dut)
    await start(dut, valid_i=0, ready_i=0)
    board, driver = StepBoard(expected), Driver(source, stall_in)
    monitor, receiver = Monitor(sink, "out", board.check), Receiver(sink, stall_out)
    sending = cocotb.start_soon(driver.send(step_events(samples, ADDR_WIDTH)))
    await finish([board], [driver], PATIENCE)
    assert sending.done(), "all beats must be taken"
    monitor.stop()
    receiver.stop()


def added(samples: Steps) -> Steps:
    return changed(samples, lambda step: step * (1 << BLOCKS))


@cocotb.test
@cocotb.parametrize(stall_in=[0.0, 0.5, 0.9], stall_out=[0.0, 0.5, 0.9])
async def every_event_comes_both_ways(dut: Any, stall_in: float, stall_out: float) -> None:
    samples = random_steps(SAMPLES, STEPS, 1 << ADDR_WIDTH, MOST)
    samples[0][0] = list(range(MOST))
    await check(dut, samples, added(samples), stall_in, stall_out)


@cocotb.test
async def reset_in_mid_step(dut: Any) -> None:
    samples = random_steps(SAMPLES, STEPS, 1 << ADDR_WIDTH, MOST)
    samples[0][0] = list(range(MOST))
    await start(dut, valid_i=0, ready_i=1)
    sending = cocotb.start_soon(Driver(streams(dut)[0]).send(step_events(samples, ADDR_WIDTH)))
    await ClockCycles(dut.clk_i, 40)
    sending.cancel()
    await reset(dut)
    await check(dut, samples, added(samples))
