"""Steps of addresses through snn_address_map, between a random map and its readers."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge
from cocotb.utils import get_sim_time
from cocotb_streams import PERIOD, Beat, Driver, Monitor, Receiver, Scoreboard, Stream, event_check

from rtl_tests.lib.clock import reset, start
from rtl_tests.lib.dut import parameters
from rtl_tests.lib.steps import Steps, changed, quiet, random_steps, step_events
from rtl_tests.lib.streams import STALLS, send_all, transfer

STEPS, SAMPLES = 5, 10
LATENCY = 3
CHOSEN = parameters()
ADDR_WIDTH, NUM_TARGETS, TARGET_WIDTH = (CHOSEN.get(name, 1) for name in ("AddrWidth", "NumTargets", "TargetWidth"))
PLACES = 1 << ADDR_WIDTH


class Map:
    """The design with a random map: rows of targets, None where there is none."""

    def __init__(self, dut: Any, full: bool = False) -> None:
        self.dut = dut
        self.rows = [[self._target(full) for _ in range(NUM_TARGETS)] for _ in range(PLACES)]
        self.source = Stream.of(
            dut, "event_valid_i", "event_ready_o", "event_addr_i", "event_step_end_i", "event_sample_end_i"
        )
        outputs = (f"mapped_{part}" for part in ("valid_o", "ready_i", "addr_o", "step_end_o", "sample_end_o"))
        self.sink = Stream.of(dut, *outputs)
        cocotb.start_soon(self._read())

    def _target(self, full: bool) -> int | None:
        return random.getrandbits(TARGET_WIDTH) if full or random.random() < 0.6 else None

    def word(self, addr: int) -> int:
        """Return the word of an address; what is not valid is noise."""
        word = 0
        for place, target in enumerate(self.rows[addr]):
            field = random.getrandbits(TARGET_WIDTH) if target is None else target | 1 << TARGET_WIDTH
            word |= field << place * (TARGET_WIDTH + 1)
        return word

    async def _read(self) -> None:
        while True:
            await RisingEdge(self.dut.clk_i)
            addr = self.dut.target_addr_o.value
            self.dut.targets_i.value = self.word(int(addr) if addr.is_resolvable else 0)

    def mapped(self, samples: Steps) -> list[Beat]:
        """Return the events that must come."""

        def targets(step: list[int]) -> list[int]:
            return [target for addr in step for target in self.rows[addr] if target is not None]

        return quiet(step_events(changed(samples, targets), TARGET_WIDTH))

    async def check(self, samples: Steps, **stalls: float) -> None:
        beats, expected = step_events(samples, ADDR_WIDTH), self.mapped(samples)
        await transfer(self.source, self.sink, beats, expected, judge=event_check, **stalls)


async def ready_map(dut: Any, full: bool = False) -> Map:
    idle = {f"event_{part}_i": 0 for part in ("valid", "addr", "step_end", "sample_end")}
    await start(dut, **idle, targets_i=0, mapped_ready_i=0)
    return Map(dut, full)


@cocotb.test
@cocotb.parametrize(**STALLS)
async def every_target_gets_an_event(dut: Any, stall_in: float, stall_out: float) -> None:
    """Random maps, in which some addresses have no target."""
    design = await ready_map(dut)
    await design.check(random_steps(SAMPLES, STEPS, PLACES), stall_in=stall_in, stall_out=stall_out)


@cocotb.test
async def silence_stays(dut: Any) -> None:
    """Steps without an event, then some whose addresses have no target."""
    design = await ready_map(dut)
    design.rows[0] = [None] * NUM_TARGETS
    await design.check([[[]] * STEPS, [[0] * 9] * STEPS])


@cocotb.test
async def no_cycle_is_lost(dut: Any) -> None:
    """One event a cycle, the first three cycles after its address was taken."""
    design = await ready_map(dut, full=True)
    samples = random_steps(SAMPLES, STEPS, PLACES)
    expected = design.mapped(samples)
    board = Scoreboard("mapped", expected)
    times: list[int] = []
    check = event_check(board)

    def on_beat(beat: Beat) -> None:
        check(beat)
        times.append(get_sim_time("step"))

    monitor, receiver = Monitor(design.sink, "mapped", on_beat), Receiver(design.sink)
    before = get_sim_time("step")
    await send_all(Driver(design.source), step_events(samples, ADDR_WIDTH), len(expected))
    await ClockCycles(dut.clk_i, NUM_TARGETS + LATENCY + 2)
    assert board.done
    assert [(time - before) // PERIOD for time in times] == [LATENCY + 1 + beat for beat in range(len(expected))]
    monitor.stop()
    receiver.stop()


@cocotb.test
async def reset_forgets(dut: Any) -> None:
    """Targets that are left, and events whose rows are read, are gone."""
    design = await ready_map(dut, full=True)
    for cycles in (2, 3, 4, 9):
        receiver = Receiver(design.sink, 0.7)
        sending = cocotb.start_soon(Driver(design.source).send(step_events([[[0, 1]] * 20], ADDR_WIDTH)))
        await ClockCycles(dut.clk_i, cycles)
        sending.cancel()
        receiver.stop()
        dut.event_valid_i.value = 0
        await reset(dut)
        await design.check(random_steps(2, STEPS, PLACES))
        await RisingEdge(dut.clk_i)
