"""Pixels into snn_poisson: the spikes of the golden encoder, in order."""

from __future__ import annotations

import random
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles
from cocotb.utils import get_sim_time
from cocotb_streams import PERIOD, Beat, Driver, Monitor, Receiver, Scoreboard, Stream, event_check, finish
from numpy.typing import NDArray

from rtl_tests.lib.clock import reset, start
from rtl_tests.lib.dut import parameters
from rtl_tests.lib.events import events, random_spikes
from rtl_tests.lib.seed import generator
from rtl_tests.lib.streams import PATIENCE, STALLS, transfer
from snn2rtl.encoders import XORSHIFT_WORDS, Encoder, xorshift_noise

SAMPLES = 12
Pixels = NDArray[np.uint8]


class Poisson:
    """The design with its parameters."""

    def __init__(self, dut: Any) -> None:
        chosen = parameters()
        self.dut, self.addr_width, self.steps = dut, chosen["AddrWidth"], chosen["NumSteps"]
        self.inputs = min(1 << self.addr_width, (4 << chosen["GroupWidth"]) - 1)  # as many as there is room for
        self.encoder = Encoder(kind="poisson", time_steps=self.steps, rate=chosen["Rate"], noise="xorshift")
        names = [f"pixel_{part}" for part in ("valid_i", "ready_o", "addr_i", "i", "sample_end_i")]
        self.source = Stream.of(dut, *names)
        names = [f"event_{part}_o" for part in ("addr", "step_end", "sample_end")]
        self.sink = Stream.of(dut, "event_valid_o", "event_ready_i", *names)

    def samples(self, key: int) -> Pixels:
        """Return samples of pixels: black, sparse and full ones, of one pixel, of white ones alone."""
        rng = generator(key)
        spikes = random_spikes(rng, SAMPLES, 1, self.inputs)[:, 0]
        pixels = spikes * rng.choice([1, 128, 255, int(rng.integers(1, 256))], spikes.shape).astype(np.uint8)
        pixels[0] = 0
        pixels[1] = 255
        pixels[2] = 255 * (np.arange(self.inputs) == rng.integers(self.inputs))
        return pixels

    def beats(self, samples: Pixels) -> list[Beat]:
        """Return the beats (address, pixel, sample end); at an end there is noise beside it."""
        result: list[Beat] = []
        for sample in samples:
            result += [(int(addr), int(sample[addr]), 0) for addr in np.flatnonzero(sample)]
            result.append((random.randrange(self.inputs), random.randrange(256), 1))
        return result

    def events(self, samples: Pixels) -> list[Beat]:
        """Return the events (address, step end, sample end) of the golden encoder."""
        return events(self.encoder.encode(samples), self.addr_width)

    async def check(self, samples: Pixels, **stalls: float) -> None:
        """Send samples and hold the events against the encoder's."""
        beats, expected = self.beats(samples), self.events(samples)
        patience = PATIENCE + 4 * self.inputs * self.steps
        await transfer(self.source, self.sink, beats, expected, judge=event_check, patience=patience, **stalls)


async def ready_poisson(dut: Any) -> Poisson:
    await start(dut, pixel_valid_i=0, event_ready_i=0)
    return Poisson(dut)


@cocotb.test
@cocotb.parametrize(**STALLS)
async def pixels_become_spikes(dut: Any, stall_in: float, stall_out: float) -> None:
    poisson = await ready_poisson(dut)
    for key in range(3):
        await poisson.check(poisson.samples(key), stall_in=stall_in, stall_out=stall_out)


@cocotb.test
async def every_sample_begins_anew(dut: Any) -> None:
    """The same sample again and again gives the same spikes, whatever was between."""
    poisson = await ready_poisson(dut)
    samples = poisson.samples(7)
    samples[::2] = samples[1]
    await poisson.check(samples)


@cocotb.test
async def noise_at_the_bound_is_silence(dut: Any) -> None:
    """Pixels that in some step meet noise of just pixel * rate, where there are such."""
    poisson = await ready_poisson(dut)
    rate, stride = max(poisson.encoder.rate, 1), XORSHIFT_WORDS * (poisson.inputs // XORSHIFT_WORDS + 1)
    noise = xorshift_noise(poisson.steps * stride // XORSHIFT_WORDS).reshape(poisson.steps, stride)[:, : poisson.inputs]
    at_bound = np.where((noise % rate == 0) & (noise // rate <= 255), noise // rate, 0).max(axis=0)
    await poisson.check(np.where(at_bound, at_bound, 100).astype(np.uint8)[None])


@cocotb.test
async def no_cycle_is_lost(dut: Any) -> None:
    """A step takes as many cycles as it has events, or as its sample has groups of four where those are more."""
    poisson = await ready_poisson(dut)
    for pixel in (255, 1):
        samples = np.full((4, poisson.inputs), pixel, np.uint8)
        times: list[int] = []
        expected = poisson.events(samples)
        board = Scoreboard("out", expected)
        judge = event_check(board)

        def note(beat: Beat, judge: Any = judge, times: list[int] = times) -> None:
            judge(beat)
            times.append(get_sim_time("step") // PERIOD)

        monitor, receiver = Monitor(poisson.sink, "out", note), Receiver(poisson.sink)
        driver = Driver(poisson.source)
        cocotb.start_soon(driver.send(poisson.beats(samples)))
        await finish([board], [driver], PATIENCE + poisson.inputs * poisson.steps)
        monitor.stop()
        receiver.stop()
        ends = [time for time, event in zip(times, expected, strict=True) if event[1]]
        counts = np.diff([-1, *(index for index, event in enumerate(expected) if event[1])])
        groups = poisson.inputs // 4 + 1
        # from the third sample on the list that is walked next is full, where samples enter as fast as they are encoded
        if poisson.steps >= 4:
            first = 2 * poisson.steps
            assert ends[-1] - ends[first] <= sum(max(int(count), groups) for count in counts[first + 1 :]) + 16


@cocotb.test
async def a_full_queue_loses_nothing(dut: Any) -> None:
    """Nobody takes events until no pixel is taken either; then all of them come."""
    poisson = await ready_poisson(dut)
    samples = np.full((30, poisson.inputs), 255, np.uint8)  # more than lists and queue hold, be there one event in each
    driver = Driver(poisson.source)
    cocotb.start_soon(driver.send(poisson.beats(samples)))
    await ClockCycles(dut.clk_i, 40 * (poisson.inputs + 1))
    assert not dut.pixel_ready_o.value
    board = Scoreboard("out", poisson.events(samples))
    monitor = Monitor(poisson.sink, "out", event_check(board))
    receiver = Receiver(poisson.sink)
    await finish([board], [driver], PATIENCE + poisson.inputs * poisson.steps)
    monitor.stop()
    receiver.stop()


@cocotb.test
async def reset_forgets(dut: Any) -> None:
    """Lists, noise and events on their way are gone after a reset."""
    poisson = await ready_poisson(dut)
    for length in (1, 2, 5, 20):
        beats = poisson.beats(np.full((2, poisson.inputs), 255, np.uint8))[:length]
        await Driver(poisson.source).send(beats)
        receiver = Receiver(poisson.sink)
        await ClockCycles(dut.clk_i, random.randrange(20))
        receiver.stop()
        await reset(dut)
        await poisson.check(poisson.samples(2))
