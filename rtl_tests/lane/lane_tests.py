"""Adds, neuron updates and updates on snn_lane, timed as snn_*_rows and snn_neuron_update time them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from rtl_tests.lib.clock import drive, start
from rtl_tests.lib.dut import parameters
from snn2rtl.fixed_point import signed_range

ROUNDS = 12
ADDS = 60
UPDATE_DELAY = 5  # cycles from a fire to the update of its slot, as in snn_neuron_update; the state comes a cycle later
NEXT_ADD = 5  # cycles from the last fire to the first add after it
IDLE: dict[str, int] = {"add_i": 0, "update_i": 0}


class Lane:
    """The design, and the states that it must hold."""

    def __init__(self, dut: Any) -> None:
        self.dut, self.chosen = dut, parameters()
        self.slots = self.chosen["NumSlots"]
        self.states = [0] * self.slots
        self.updates: list[dict[str, int]] = []  # of the cycles to come

    async def cycle(self, **inputs: int) -> None:
        update = self.updates.pop(0) if self.updates else {}
        drive(self.dut, **IDLE | inputs | update)
        await RisingEdge(self.dut.clk_i)

    async def add(self, slot: int, weight: int) -> None:
        self.states[slot] += weight << self.chosen["WeightShift"]
        await self.cycle(add_i=1, slot_i=slot, weight_i=weight)

    async def neuron_update(self, following: list[int]) -> None:
        """Read every slot and hold it against its state; then give it the following one, as long as that takes."""
        self.updates += [{}] * (UPDATE_DELAY - len(self.updates))
        states = [{}, *({"update_state_i": state} for state in following)]
        slots = [*({"update_i": 1, "update_slot_i": slot} for slot in range(self.slots)), {}]
        waiting = self.updates[UPDATE_DELAY:]  # the last state of a neuron update just before
        self.updates[UPDATE_DELAY:] = [s | u for s, u in zip(states, slots, strict=True)]
        self.updates[UPDATE_DELAY] |= waiting[0] if waiting else {}
        for cycle in range(self.slots + NEXT_ADD - 1):
            await self.cycle(**({"slot_i": cycle} if cycle < self.slots else {}))
            read = cycle - 1  # charged_o comes one cycle after the slot
            if 0 <= read < self.slots:
                state = self.dut.charged_o.value.to_signed()
                assert state == self.states[read], f"slot {read} must hold {self.states[read]}, not {state}"
        self.states = list(following)

    async def fill(self) -> None:
        """Give every slot a first state, as the neuron update after a reset does."""
        for slot in range(self.slots):
            await self.cycle(update_i=1, update_slot_i=slot, update_state_i=0)
        await self.cycle(update_state_i=0)
        self.states = [0] * self.slots

    def random_weight(self, slot: int) -> int:
        """Return a weight, often an extreme one, after which the state still fits; 0 where none of them does."""
        low, high = signed_range(self.chosen["WeightWidth"])
        least, greatest = signed_range(self.chosen["StateWidth"])
        weight = random.choice([low, high, random.randint(low, high)])
        return weight if least <= self.states[slot] + (weight << self.chosen["WeightShift"]) <= greatest else 0

    def random_states(self) -> list[int]:
        least, greatest = signed_range(self.chosen["StateWidth"])
        return [random.choice([0, 0, least, greatest, random.randint(least, greatest)]) for _ in range(self.slots)]

    def orders(self) -> Iterator[list[int]]:
        """Yield sequences of slots: one again and again, at distance 2 and 3, and any; in order without Forward."""
        everywhere = [slot % self.slots for slot in range(ADDS)]
        if not self.chosen["Forward"]:
            yield everywhere
            return
        for distance in (1, 2, 3):
            yield [slot % min(distance, self.slots) for slot in range(ADDS)]
        yield everywhere
        yield [random.randrange(self.slots) for _ in range(ADDS)]
        yield [random.randrange(min(2, self.slots)) for _ in range(ADDS)]


async def ready_lane(dut: Any) -> Lane:
    lane = Lane(dut)
    await start(dut, slot_i=0, weight_i=0, update_slot_i=0, update_state_i=0, **IDLE)
    await lane.fill()
    return lane


@cocotb.test
@cocotb.parametrize(gaps=[0.0, 0.3])
async def states_are_the_sums(dut: Any, gaps: float) -> None:
    """Adds in every order, with idle cycles or not, a neuron update right behind, the next add as soon as can be."""
    lane = await ready_lane(dut)
    for _ in range(ROUNDS):
        for order in lane.orders():
            for slot in order:
                while random.random() < gaps:
                    await lane.cycle()
                await lane.add(slot, lane.random_weight(slot))
            await lane.neuron_update(lane.random_states())


@cocotb.test
async def no_add_no_change(dut: Any) -> None:
    """Slots and weights without add_i do nothing."""
    lane = await ready_lane(dut)
    await lane.neuron_update(lane.random_states())
    for slot in range(ADDS):
        await lane.cycle(slot_i=slot % lane.slots, weight_i=-1)
    await lane.neuron_update(lane.random_states())
    await lane.neuron_update(lane.random_states())
