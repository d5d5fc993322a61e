"""Operations through the pipeline of snn_lif, one a cycle, against snn2rtl.int_net.neurons.LifNeuron.step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge

from rtl_tests.lib.clock import drive, start
from rtl_tests.lib.dut import parameters
from rtl_tests.lib.seed import generator
from snn2rtl.fixed_point import IntArray, signed_range
from snn2rtl.int_net.neurons import (
    Leak,
    LifNeuron,
    MultiplierLeak,
    NoLeak,
    Reset,
    ShiftLeak,
)
from snn2rtl.int_net.neurons.leaks import leak
from snn2rtl.int_net.saturations import Limits

OPERATIONS = 1200
RESETS = [Reset.HARD, Reset.SOFT, Reset.NONE, Reset.LATE]  # as ResetKind has them
SPIKE_LATENCY, NEXT_LATENCY = 2, 5  # cycles, as the module's header has them


@dataclass(frozen=True)
class Operations:
    """Inputs of many operations, and what must come of them."""

    charged: IntArray
    clear: IntArray
    fire_at: IntArray
    reset_by: IntArray
    leak: IntArray
    bias: IntArray
    spike: IntArray
    following: IntArray


def leak_kind(chosen: dict[str, int], numbers: IntArray) -> Leak:
    match chosen["LeakKind"]:
        case 0:
            return NoLeak()
        case 1:
            return ShiftLeak(chosen["LeakShift"])
        case 2:
            return MultiplierLeak(chosen["LeakFactor"], chosen["LeakShift"])
        case 3:
            return ShiftLeak(numbers)
        case _:
            return MultiplierLeak(numbers, chosen["LeakShift"])


def operations(chosen: dict[str, int], rng: np.random.Generator) -> Operations:
    """Return random operations in which every corner is frequent."""
    low, high = signed_range(chosen["MembraneWidth"])
    reset, saturate = RESETS[chosen["ResetKind"]], bool(chosen["Saturate"])
    widest = signed_range(chosen["StateWidth"])
    least, greatest = widest if saturate else (low, high)
    fire_at = corners(rng, 1 if reset.subtracts else low + 1, high)
    reset_by = corners(rng, 1, high) * reset.subtracts
    near = np.clip(fire_at + rng.integers(-1, 2, OPERATIONS), least, greatest)
    charged = np.where(rng.random(OPERATIONS) < 0.4, near, corners(rng, least, greatest))
    most = 1 << chosen["LeakShift"] if chosen["LeakKind"] == 4 else min(47, (1 << chosen["LeakWidth"]) - 1)
    numbers = corners(rng, 0, most)
    neuron = LifNeuron(
        fire_at=fire_at,
        reset_by=reset_by,
        reset=reset,
        leak=leak_kind(chosen, numbers),
        membrane_bits=chosen["MembraneWidth"],
    )
    limits = Limits(low, high).clip if saturate else None
    (membrane,), spike = neuron.step((np.zeros_like(charged),), charged.copy(), limits)
    clear = rng.random(OPERATIONS) < 0.1
    taken = spike * reset_by * (reset is Reset.LATE)
    leaked = np.where(clear, 0, leak(membrane, neuron.leak) - taken)
    # whatever bias leaves the sum inside the state, which the interval analysis promises
    following = corners(rng, *widest)
    bias = np.clip(following - leaked, *widest)
    return Operations(charged, clear, fire_at, reset_by, numbers, bias, spike, leaked + bias)


def corners(rng: np.random.Generator, low: int, high: int) -> IntArray:
    """Return integers of low..high of which a third are at the ends or around zero."""
    special = np.clip([low, low + 1, -1, 0, 1, high - 1, high], low, high)
    plain = rng.integers(low, high, OPERATIONS, endpoint=True)
    return np.where(rng.random(OPERATIONS) < 1 / 3, rng.choice(special, OPERATIONS), plain)


@cocotb.test
async def every_operation_equals_the_reference(dut: Any) -> None:
    """Spike and next state of random operations, of which a new one starts in every cycle."""
    work = operations(parameters(), generator())
    assert 0 < np.count_nonzero(work.spike) < OPERATIONS
    await start(dut, charged_i=0, clear_i=0, fire_at_i=0, reset_by_i=0, leak_i=0, bias_i=0)
    for cycle in range(OPERATIONS + NEXT_LATENCY):
        now = min(cycle, OPERATIONS - 1)
        # the numbers come from memories, a cycle after the state, the bias later
        late, later = (max(0, min(cycle - delay, OPERATIONS - 1)) for delay in (1, 4))
        drive(dut, charged_i=work.charged[now], clear_i=work.clear[now])
        drive(dut, fire_at_i=work.fire_at[late], reset_by_i=work.reset_by[late])
        drive(dut, leak_i=work.leak[late], bias_i=work.bias[later])
        await RisingEdge(dut.clk_i)
        fired, done = cycle - SPIKE_LATENCY, cycle - NEXT_LATENCY
        if 0 <= fired < OPERATIONS:
            assert int(dut.spike_o.value) == work.spike[fired], describe(work, fired)
        if done >= 0:
            assert dut.next_o.value.to_signed() == work.following[done], describe(work, done)


def describe(work: Operations, index: int) -> str:
    return ", ".join(f"{name} {int(values[index])}" for name, values in vars(work).items())
