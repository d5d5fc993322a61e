"""The network in cocotb: every layer's spikes and the output, held against the vectors of the golden model.

test_cocotb.py builds the design and runs this file; manifest.json and tb/vectors say all that it needs to know.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotb_streams import PERIOD, Beat, Driver, Monitor, Receiver, Scoreboard, Stream, event_check, finish

ROOT = Path(__file__).resolve().parents[1]
MANIFEST = json.loads((ROOT / "manifest.json").read_text(encoding="utf-8"))
PORTS, LAYERS = MANIFEST["ports"], MANIFEST["layers"]
IN_WIDTH, IN_ADDR_WIDTH = PORTS["s_axis_tdata"]["width"], MANIFEST["in_addr_width"]
BEAT_PIXELS = MANIFEST["options"]["beat_pixels"]  # 0 where spikes enter
# cycles: far more than the rows of a beat, or of a step that the network makes of pixels, and an update of every layer
MOST_EVENTS = LAYERS[0]["inputs"] if BEAT_PIXELS and not LAYERS[0]["pixel_bits"] else BEAT_PIXELS
PATIENCE = 64 + 16 * (1 + MOST_EVENTS) * sum(layer["slots"] for layer in LAYERS)
STALL = 0.5
RESETS = 4

Part = Callable[[list[Beat]], list[Beat]]


def vectors(name: str) -> list[int]:
    """Return the words of a stream in tb/vectors."""
    return [int(line, 16) for line in (ROOT / "tb" / "vectors" / f"{name}.hex").read_text(encoding="utf-8").split()]


def beats(name: str, data_width: int) -> list[Beat]:
    """Return the beats (data, last) of a port."""
    return [(word & ((1 << data_width) - 1), word >> data_width) for word in vectors(name)]


def layer_beats(stream: str, fields: dict[str, int]) -> list[Beat]:
    """Return the beats of a layer's stream: events (address, step end, sample end), or scores (score, last)."""
    lows = [sum(list(fields.values())[:place]) for place in range(len(fields))]
    parts = list(zip(fields.values(), lows, strict=True))
    return [tuple(word >> low & ((1 << width) - 1) for width, low in parts) for word in vectors(stream)]


INPUT = beats("input", IN_WIDTH)
OUTPUT = beats("output", PORTS["m_axis_tdata"]["width"])
EXPECTED = {layer["stream"]: layer_beats(layer["stream"], layer["fields"]) for layer in LAYERS}


class Bench:
    """The design with a clock, a driver on its input, and a monitor and a scoreboard on every stream."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.source = Stream.of(dut, "s_axis_tvalid", "s_axis_tready", "s_axis_tdata", "s_axis_tlast")
        self.sink = Stream.of(dut, "m_axis_tvalid", "m_axis_tready", "m_axis_tdata", "m_axis_tlast")
        Clock(dut.clk_i, PERIOD, unit="step").start()

    async def reset(self) -> None:
        """Reset the design for a few cycles."""
        self.dut.rst_ni.value = 0
        self.dut.s_axis_tvalid.value = 0
        await ClockCycles(self.dut.clk_i, 4)
        self.dut.rst_ni.value = 1
        await ClockCycles(self.dut.clk_i, 1)

    async def run(self, words: list[Beat], part: Part = list, stall_in: float = 0.0, stall_out: float = 0.0) -> None:
        """Send words and hold every stream, to the end, against a part of its vectors."""
        boards = [Scoreboard("output", part(OUTPUT))]
        monitors = [Monitor(self.sink, "output", boards[0].check)]
        for layer in LAYERS:
            board = Scoreboard(f"layer '{layer['name']}'", part(EXPECTED[layer["stream"]]))
            boards.append(board)
            monitors.append(
                Monitor(
                    self.layer_stream(layer),
                    board.name,
                    event_check(board) if "addr" in layer["fields"] else board.check,
                )
            )
        receiver = Receiver(self.sink, stall_out)
        driver = Driver(self.source, stall_in)
        sending = cocotb.start_soon(driver.send(words))
        await finish(boards, [driver], PATIENCE)
        assert sending.done(), "s_axis: all beats must be taken"
        for watcher in (*monitors, receiver):
            watcher.stop()

    def layer_stream(self, layer: dict[str, Any]) -> Stream:
        """Return a layer's stream, which crosses wires inside the top module."""
        return Stream.of(self.dut, *(f"{layer['stream']}_{part}" for part in ("valid", "ready", *layer["fields"])))


def first_sample(beats: list[Beat]) -> list[Beat]:
    """Return the beats until the first that closes a sample."""
    end = next(index for index, beat in enumerate(beats) if beat[-1])
    return beats[: end + 1]


def noisy_pixels(words: list[Beat]) -> list[Beat]:
    """Return beats of pixels, of every sample either without its black end or with noise behind its last pixel."""
    behind = -LAYERS[0]["inputs"] % BEAT_PIXELS * (IN_WIDTH // BEAT_PIXELS)
    of_step, of_sample = -(-LAYERS[0]["inputs"] // BEAT_PIXELS), len(words) // sum(last for _, last in words)
    result: list[Beat] = []
    sample: list[int] = []
    for data, last in words:
        sample.append(data)
        if last:
            while random.getrandbits(1) and len(sample) % of_step != 1 % of_step and not sample[-1]:
                sample.pop()
            if len(sample) == of_sample:
                sample[-1] |= random.getrandbits(behind) << IN_WIDTH - behind if behind else 0
            if of_step == of_sample == len(sample):  # values of several steps have no beats that mean nothing
                sample += [random.getrandbits(IN_WIDTH) for _ in range(random.randrange(3))]
            result += [(beat, 0) for beat in sample[:-1]] + [(sample[-1], 1)]
            sample = []
    return result


def noisy(words: list[Beat]) -> list[Beat]:
    """Return words with all that must be ignored: tlast on spikes, bits above the address, addresses of no input."""
    unknown = range(LAYERS[0]["inputs"], 1 << IN_ADDR_WIDTH)
    result = []
    for data, last in words:
        if unknown and random.random() < 0.25:
            result.append((random.choice(unknown), random.getrandbits(1)))
        high = random.getrandbits(IN_WIDTH) >> IN_ADDR_WIDTH + 1 << IN_ADDR_WIDTH + 1
        is_spike = not data >> IN_ADDR_WIDTH & 1
        result.append((high | data, random.getrandbits(1) if is_spike else last))
    return result


@cocotb.test
@cocotb.parametrize(stall_in=[0.0, STALL], stall_out=[0.0, STALL])
async def samples_back_to_back(dut: Any, stall_in: float, stall_out: float) -> None:
    """All samples without a pause between them, with and without gaps in the input and stalls of the output."""
    bench = Bench(dut)
    await bench.reset()
    await bench.run(INPUT, stall_in=stall_in, stall_out=stall_out)


@cocotb.test
async def reset_in_mid_sample(dut: Any) -> None:
    """A reset at any moment forgets everything: the sample after it comes out as if it were the first."""
    bench = Bench(dut)
    await bench.reset()
    for _ in range(RESETS):
        receiver = Receiver(bench.sink, STALL)
        sending = cocotb.start_soon(Driver(bench.source).send(INPUT))
        await ClockCycles(dut.clk_i, random.randrange(1, 2 * len(INPUT)))
        sending.cancel()
        receiver.stop()
        await bench.reset()
        await bench.run(first_sample(INPUT), first_sample)


@cocotb.test
async def what_means_nothing_is_ignored(dut: Any) -> None:
    """Tlast on a spike, bits above the step's end and addresses of no input, or pixels of none, change nothing."""
    bench = Bench(dut)
    await bench.reset()
    await bench.run(noisy_pixels(INPUT) if BEAT_PIXELS else noisy(INPUT))
