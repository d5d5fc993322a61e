"""Neuron updates of snn_held_current, timed as snn_neuron_update and snn_lif time them."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from rtl_tests.lib.clock import drive, start
from rtl_tests.lib.dut import parameters
from snn2rtl.fixed_point import signed_range

SAMPLES = 12
PERIOD = 7  # cycles after which a slot comes again at the earliest
LATE_DELAY, UPDATE_DELAY = 4, 5
IDLE = {"first_i": 0, "update_i": 0}


class Held:
    """The design, what goes in in the cycles to come, and what must come out in them."""

    def __init__(self, dut: Any) -> None:
        self.dut, chosen = dut, parameters()
        self.slots, self.current, self.state = chosen["NumSlots"], chosen["CurrentWidth"], chosen["StateWidth"]
        self.inputs: list[dict[str, int]] = []
        self.outputs: list[dict[str, int]] = []

    def at(self, later: list[dict[str, int]], cycle: int) -> dict[str, int]:
        """Return the entry of a later cycle."""
        later += [{} for _ in range(cycle + 1 - len(later))]
        return later[cycle]

    async def cycle(self) -> None:
        self.at(self.inputs, 0)
        self.at(self.outputs, 0)
        drive(self.dut, **IDLE | self.inputs.pop(0))
        await RisingEdge(self.dut.clk_i)
        for name, value in self.outputs.pop(0).items():
            found = getattr(self.dut, name).value.to_signed()
            assert found == value, f"{name} must be {value}, not {found}"

    def any_of(self, width: int) -> int:
        return random.choice([*signed_range(width), random.randint(*signed_range(width))])

    async def neuron_update(self, currents: list[int], states: list[int] | None, gap: int) -> list[int]:
        """Update all slots, for the first time where there are no states; return the new states."""
        following = [self.any_of(self.state) for _ in range(self.slots)]
        for slot in range(self.slots):
            self.at(self.inputs, 0).update(first_i=int(states is None), slot_i=slot)
            self.at(self.inputs, 1).update(summed_i=currents[slot] if states is None else self.any_of(self.current))
            self.at(self.outputs, 1).update(charged_o=currents[slot] if states is None else states[slot])
            self.at(self.inputs, LATE_DELAY).update(late_slot_i=slot)
            self.at(self.outputs, LATE_DELAY + 1).update(current_o=currents[slot])
            self.at(self.inputs, UPDATE_DELAY).update(update_i=1, update_slot_i=slot)
            self.at(self.inputs, UPDATE_DELAY + 1).update(update_state_i=following[slot])
            await self.cycle()
        for _ in range(max(0, PERIOD - self.slots) + gap):
            self.at(self.inputs, 0).setdefault("slot_i", random.randrange(self.slots))
            await self.cycle()
        return following


@cocotb.test
async def a_current_is_held_for_all_steps(dut: Any) -> None:
    """Samples of one step and of many, neuron updates as close as they may come and not so close."""
    held = Held(dut)
    await start(dut, slot_i=0, summed_i=0, late_slot_i=0, update_slot_i=0, update_state_i=0, **IDLE)
    for _ in range(SAMPLES):
        currents = [held.any_of(held.current) for _ in range(held.slots)]
        states = await held.neuron_update(currents, None, random.choice([0, 0, 3]))
        for _ in range(random.choice([0, 1, 5])):
            states = await held.neuron_update(currents, states, random.choice([0, 0, 3]))
