"""Adds and updates: snn_single_lif against LifNeuron.step; a spike tells what the state is."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge

from rtl_tests.lib.clock import drive, start
from rtl_tests.lib.dut import parameters
from rtl_tests.lib.seed import generator
from rtl_tests.lif.lif_tests import RESETS, leak_kind
from snn2rtl.fixed_point import signed_range
from snn2rtl.int_net.neurons import LifNeuron, Reset
from snn2rtl.int_net.neurons.leaks import leak
from snn2rtl.int_net.saturations import Limits

SWEEPS = 300
SWEEP_CYCLES = 4  # of one, in which no add may come


class Single:
    """The design beside its state."""

    def __init__(self, dut: Any) -> None:
        self.dut, self.chosen, self.rng = dut, parameters(), generator()
        self.reset, self.saturate = RESETS[self.chosen["ResetKind"]], bool(self.chosen["Saturate"])
        self.membranes = signed_range(self.chosen["MembraneWidth"])
        # a state that never saturates is a membrane, which the interval analysis promises
        self.states = signed_range(self.chosen["StateWidth"]) if self.saturate else self.membranes
        self.state = 0

    async def cycle(self, **inputs: int) -> None:
        """Pass a cycle with these inputs; nothing is added or fires unless they say so."""
        drive(self.dut, **{"add_i": 0, "fire_i": 0, "weight_i": self.any_weight()} | inputs)
        await RisingEdge(self.dut.clk_i)

    def any_weight(self) -> int:
        return int(self.rng.integers(*signed_range(self.chosen["WeightWidth"]), endpoint=True))

    async def add(self) -> None:
        """Add a weight that fits, or pass a cycle."""
        weight = self.any_weight()
        following = self.state + (weight << self.chosen["WeightShift"])
        taken = self.states[0] <= following <= self.states[1]
        await self.cycle(add_i=int(taken), weight_i=weight)
        self.state = following if taken else self.state

    async def neuron_update(self, clear: bool) -> bool:
        """Update the neuron and return whether it fires."""
        low, high = self.membranes
        near = min(max(self.state, low), high) + int(self.rng.integers(-1, 2))
        fire_at = min(max(near, 1 if self.reset.subtracts else low + 1), high)
        reset_by = int(self.rng.integers(1, high, endpoint=True)) * self.reset.subtracts
        shifts = min(47, (1 << self.chosen["LeakWidth"]) - 1)
        most = 1 << self.chosen["LeakShift"] if self.chosen["LeakKind"] == 4 else shifts
        number = int(self.rng.integers(0, most, endpoint=True))
        neuron = LifNeuron(
            fire_at=np.array([fire_at]),
            reset_by=np.array([reset_by]),
            reset=self.reset,
            leak=leak_kind(self.chosen, np.array([number])),
            membrane_bits=self.chosen["MembraneWidth"],
        )
        limits = Limits(*self.membranes).clip if self.saturate else None
        (membrane,), spike = neuron.step((np.zeros(1, np.int64),), np.array([self.state]), limits)
        taken = reset_by * int(spike[0]) * (self.reset is Reset.LATE)
        kept = 0 if clear else int(leak(membrane, neuron.leak)[0]) - taken
        bias = int(np.clip(self.rng.integers(-3, 4), self.states[0] - kept, self.states[1] - kept))
        drive(self.dut, fire_at_i=fire_at, reset_by_i=reset_by, leak_i=number, bias_i=bias)
        await self.cycle(fire_i=1, clear_i=int(clear))
        drive(self.dut, clear_i=int(self.rng.integers(2)))
        for _ in range(SWEEP_CYCLES - 1):
            await self.cycle()
            assert int(self.dut.spike_o.value) == int(spike[0]), f"state {self.state}, fires at {fire_at}"
        self.state = kept + bias
        return bool(spike[0])


@cocotb.test
async def every_update_equals_the_reference(dut: Any) -> None:
    """Adds right before and right after a neuron update, neuron updates without adds, and ends of samples."""
    single = Single(dut)
    numbers = {"fire_at_i": 1, "reset_by_i": 0, "leak_i": 0, "bias_i": 0}
    await start(dut, add_i=0, weight_i=0, fire_i=0, clear_i=0, **numbers)
    await single.cycle(fire_i=1, clear_i=1)  # the silent neuron update after the reset
    for _ in range(SWEEP_CYCLES - 1):
        await single.cycle()
    fired = 0
    for _ in range(SWEEPS):
        for _ in range(int(single.rng.integers(0, 9))):
            await single.add()
        fired += await single.neuron_update(clear=single.rng.random() < 0.1)
    assert 0 < fired < SWEEPS
