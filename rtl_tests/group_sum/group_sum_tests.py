"""Scores of random samples through snn_group_sum."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge
from cocotb.utils import get_sim_time
from cocotb_streams import PERIOD, Beat, Driver, Receiver, Stream

from rtl_tests.lib.clock import reset, start
from rtl_tests.lib.dut import parameters
from rtl_tests.lib.streams import STALLS, send_all, transfer
from snn2rtl.fixed_point import signed_range

SAMPLES, GROUPS = 20, 5
CHOSEN = parameters()
SIZE, IN_WIDTH, SCORE_WIDTH = (CHOSEN.get(name, 1) for name in ("GroupSize", "InWidth", "ScoreWidth"))


def streams(dut: Any) -> tuple[Stream, Stream]:
    inputs = ("score_valid_i", "score_ready_o", "score_i", "score_last_i")
    return Stream.of(dut, *inputs), Stream.of(dut, "sum_valid_o", "sum_ready_i", "sum_o", "sum_last_o")


def random_groups(samples: int = SAMPLES) -> list[list[int]]:
    """Return the scores of the groups of all samples: extreme ones of one sign or both, and any."""
    low, high = signed_range(IN_WIDTH)
    choices = [[low], [high], [low, high], [low, -1, 0, 1, high], list(range(low, high + 1))]
    return [random.choices(random.choice(choices), k=SIZE) for _ in range(samples * GROUPS)]


def scores(groups: list[list[int]]) -> list[Beat]:
    flat = [score & (1 << IN_WIDTH) - 1 for group in groups for score in group]
    return [(score, int(i % (GROUPS * SIZE) == GROUPS * SIZE - 1)) for i, score in enumerate(flat)]


def sums(groups: list[list[int]]) -> list[Beat]:
    low, high = signed_range(SCORE_WIDTH)
    clamped = [min(max(sum(group), low), high) & (1 << SCORE_WIDTH) - 1 for group in groups]
    return [(total, int(i % GROUPS == GROUPS - 1)) for i, total in enumerate(clamped)]


@cocotb.test
@cocotb.parametrize(**STALLS)
async def a_sum_of_each_group(dut: Any, stall_in: float, stall_out: float) -> None:
    await start(dut, score_valid_i=0, sum_ready_i=0)
    groups = random_groups()
    await transfer(*streams(dut), scores(groups), sums(groups), stall_in=stall_in, stall_out=stall_out)


@cocotb.test
async def a_score_in_every_cycle(dut: Any) -> None:
    source, sink = streams(dut)
    await start(dut, score_valid_i=0, sum_ready_i=0)
    Receiver(sink)
    beats = scores(random_groups())
    before = get_sim_time("step")
    await send_all(Driver(source), beats)
    assert get_sim_time("step") - before == len(beats) * PERIOD


@cocotb.test
async def reset_in_mid_group(dut: Any) -> None:
    """Part of a sum, and a sum that waits, are gone."""
    source, sink = streams(dut)
    await start(dut, score_valid_i=0, sum_ready_i=0)
    for count in range(1, SIZE + 1):
        await send_all(Driver(source), scores(random_groups(1))[:count])
        await reset(dut)
        groups = random_groups(3)
        await transfer(source, sink, scores(groups), sums(groups))
        await RisingEdge(dut.clk_i)
        sink.ready.value = 0
