"""Steps through a stage that has its own events of the step before: those of all steps of the sample add up."""

from __future__ import annotations

from typing import Any

import cocotb

from rtl_tests.fork_join.fork_join_tests import ADDR_WIDTH, check
from rtl_tests.lib.steps import Steps, random_steps

STEPS, SAMPLES, MOST = 5, 10, 9


def fed_back(samples: Steps) -> Steps:
    """Return the steps with those before them in their sample."""
    return [[[addr for step in sample[: number + 1] for addr in step] for number in range(STEPS)] for sample in samples]


@cocotb.test
@cocotb.parametrize(stall_in=[0.0, 0.5, 0.9], stall_out=[0.0, 0.5, 0.9])
async def steps_add_up(dut: Any, stall_in: float, stall_out: float) -> None:
    samples = random_steps(SAMPLES, STEPS, 1 << ADDR_WIDTH, MOST)
    await check(dut, samples, fed_back(samples), stall_in, stall_out)
