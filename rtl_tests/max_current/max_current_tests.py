"""Neurons of any number of sums through snn_max_current, in a row and with gaps."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from rtl_tests.lib.clock import drive, start
from rtl_tests.lib.dut import parameters
from snn2rtl.fixed_point import signed_range

NEURONS = 300
STATE_DELAY = 2


def any_of(width: int) -> int:
    return random.choice([*signed_range(width), random.randint(*signed_range(width)), random.choice([-1, 0])])


@cocotb.test
@cocotb.parametrize(gaps=[0.0, 0.5])
async def the_greatest_sum_charges(dut: Any, gaps: float) -> None:
    """Windows of one sum and of many, ties and the least and greatest sums among them; gaps only between neurons."""
    width, state_width = parameters()["CurrentWidth"], parameters()["StateWidth"]
    low, high = signed_range(state_width)
    await start(dut, first_i=0, charged_i=0, state_i=0)
    charged: list[int] = []  # of each cycle
    first: dict[int, int] = {}
    state: dict[int, int] = {}
    expected: dict[int, int] = {}
    for _ in range(NEURONS):
        sums = [any_of(width) for _ in range(random.choice([1, 2, 4, 9]))]
        own = max(low - max(sums), min(high - max(sums), any_of(state_width)))
        first[len(charged) + 1] = 1
        charged += sums
        last = len(charged) - 1
        state[last + STATE_DELAY] = own
        expected[last + STATE_DELAY] = own + max(sums)
        while random.random() < gaps:
            charged.append(any_of(width))
    for cycle in range(len(charged) + STATE_DELAY):
        values = {"first_i": first.get(cycle, 0), "state_i": state.get(cycle, any_of(state_width))}
        drive(dut, charged_i=charged[cycle] if cycle < len(charged) else 0, **values)
        await RisingEdge(dut.clk_i)
        if cycle in expected:
            found = dut.charged_o.value.to_signed()
            assert found == expected[cycle], f"cycle {cycle}: charged_o must be {expected[cycle]}, not {found}"
