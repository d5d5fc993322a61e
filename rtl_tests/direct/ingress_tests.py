"""Beats of pixels into snn_pixel_ingress: an event for each that is not black, and one for each step's end."""

from __future__ import annotations

import random
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles
from cocotb.utils import get_sim_time
from cocotb_streams import PERIOD, Beat, Driver, Monitor, Receiver, Scoreboard, Stream, event_check, finish

from rtl_tests.lib.clock import reset, start
from rtl_tests.lib.dut import parameters
from rtl_tests.lib.events import random_spikes
from rtl_tests.lib.seed import generator
from rtl_tests.lib.streams import PATIENCE, STALLS, transfer
from snn2rtl.fixed_point import IntArray

SAMPLES, STEPS = 12, 3


class Ingress:
    """The design with its parameters."""

    def __init__(self, dut: Any) -> None:
        chosen = parameters()
        self.dut, self.inputs, self.pixels = dut, chosen["NumInputs"], chosen["NumPixels"]
        self.has_steps = bool(chosen.get("HasSteps", 0))
        self.steps = STEPS if self.has_steps else 1
        self.source = Stream.of(dut, "beat_valid_i", "beat_ready_o", "beat_data_i", "beat_last_i")
        names = [f"event_{part}" for part in ("valid_o", "ready_i", "addr_o", "step_end_o", "sample_end_o", "pixel_o")]
        self.sink = Stream.of(dut, *names)

    def samples(self, key: int) -> IntArray:
        """Return samples, shape (samples, steps, inputs), black, sparse and full steps among them."""
        rng = generator(key)
        spikes = random_spikes(rng, SAMPLES, self.steps, self.inputs)
        pixels: IntArray = spikes * rng.choice([1, 128, 255, int(rng.integers(1, 256))], spikes.shape)
        return pixels

    def beats(self, samples: IntArray, noise: bool = False) -> list[Beat]:
        """Return the beats of samples; with noise behind the last pixel, or without black beats at a sample's end."""
        result: list[Beat] = []
        for sample in samples:
            steps = [self.step_beats(step, noise) for step in sample]
            if noise and not self.has_steps and random.getrandbits(1):
                steps[-1] += [random.getrandbits(8 * self.pixels) for _ in range(random.randrange(3))]
            while noise and len(steps[-1]) > 1 and not steps[-1][-1]:
                steps[-1].pop()
            beats = [beat for step in steps for beat in step]
            result += [(beat, int(index == len(beats) - 1)) for index, beat in enumerate(beats)]
        return result

    def step_beats(self, step: IntArray, noise: bool) -> list[int]:
        """Return the beats of all inputs."""
        size = -(-self.inputs // self.pixels) * self.pixels
        padded = np.zeros(size, np.int64)
        padded[: self.inputs] = step
        beats = [int.from_bytes(bytes(part.tolist()), "little") for part in padded.reshape(-1, self.pixels)]
        if noise and random.getrandbits(1):
            beats[-1] |= random.getrandbits(8 * size) >> 8 * self.inputs << 8 * (self.inputs % self.pixels)
        return beats

    def events(self, samples: IntArray) -> list[Beat]:
        """Return the events (address, 0, 0, pixel) of samples, and those of ends of steps, which have no address."""
        result: list[Beat] = []
        for sample in samples:
            for number, step in enumerate(sample, 1):
                result += [(int(addr), 0, 0, int(step[addr])) for addr in np.flatnonzero(step)]
                result.append((0, 1, int(number == len(sample)), 0))
        return result

    async def check(self, samples: IntArray, noise: bool = False, **stalls: float) -> None:
        """Send samples and hold the events against them."""
        beats, events = self.beats(samples, noise), self.events(samples)
        await transfer(self.source, self.sink, beats, events, judge=event_check, **stalls)


async def ready_ingress(dut: Any) -> Ingress:
    await start(dut, beat_valid_i=0, event_ready_i=0)
    return Ingress(dut)


@cocotb.test
@cocotb.parametrize(**STALLS)
async def pixels_become_events(dut: Any, stall_in: float, stall_out: float) -> None:
    ingress = await ready_ingress(dut)
    await ingress.check(ingress.samples(1), stall_in=stall_in, stall_out=stall_out)


@cocotb.test
@cocotb.parametrize(**STALLS)
async def what_means_nothing_makes_no_event(dut: Any, stall_in: float, stall_out: float) -> None:
    """Pixels behind the last input are ignored; those that no beat brings are black."""
    ingress = await ready_ingress(dut)
    for key in range(4):
        await ingress.check(ingress.samples(key), noise=True, stall_in=stall_in, stall_out=stall_out)


@cocotb.test
async def no_cycle_is_lost(dut: Any) -> None:
    """A beat a cycle of black pixels, and an event a cycle of others."""
    ingress = await ready_ingress(dut)
    Receiver(ingress.sink)
    beats = ingress.beats(np.zeros((40, 1, ingress.inputs), np.int64))
    before = get_sim_time("step")
    await Driver(ingress.source).send([(data, int(index == len(beats) - 1)) for index, (data, _) in enumerate(beats)])
    assert get_sim_time("step") - before == len(beats) * PERIOD
    await ClockCycles(dut.clk_i, 10)

    times: list[int] = []
    monitor = Monitor(ingress.sink, "out", lambda _: times.append(get_sim_time("step") // PERIOD))
    await Driver(ingress.source).send(ingress.beats(np.ones((2, 1, ingress.inputs), np.int64)))
    await ClockCycles(dut.clk_i, 2 * ingress.inputs + 20)
    monitor.stop()
    assert times == list(range(times[0], times[0] + 2 * (ingress.inputs + 1)))


@cocotb.test
async def a_full_queue_loses_nothing(dut: Any) -> None:
    """Nobody takes events until no beat is taken either; then all of them come."""
    ingress = await ready_ingress(dut)
    samples = np.full((30, 1, ingress.inputs), 7)
    sending = cocotb.start_soon(Driver(ingress.source).send(ingress.beats(samples)))
    await ClockCycles(dut.clk_i, 60)
    assert not dut.beat_ready_o.value
    board = Scoreboard("out", ingress.events(samples))
    monitor = Monitor(ingress.sink, "out", event_check(board))
    Receiver(ingress.sink)
    await sending
    await finish([board], [], PATIENCE)
    monitor.stop()


@cocotb.test
async def reset_forgets(dut: Any) -> None:
    """Beats that wait, and the place within a sample, are gone after a reset."""
    ingress = await ready_ingress(dut)
    for length in (1, 2, 5, 11):
        beats = [(data, 0) for data, _ in ingress.beats(np.full((11, 1, ingress.inputs), 9))[:length]]
        await Driver(ingress.source).send(beats)
        await ClockCycles(dut.clk_i, random.randrange(4))
        await reset(dut)
        await ingress.check(ingress.samples(2))
