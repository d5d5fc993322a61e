"""Weights and pixels into snn_pixel_product."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from rtl_tests.lib.clock import drive, start
from rtl_tests.lib.dut import parameters
from snn2rtl.fixed_point import signed_range


@cocotb.test
async def every_product(dut: Any) -> None:
    """The corners, and random ones, one a cycle."""
    weights, greatest = signed_range(parameters()["WeightWidth"]), (1 << parameters()["PixelWidth"]) - 1
    pairs = list(product((*weights, 0, -1), (0, 1, greatest)))
    pairs += [(random.randint(*weights), random.randint(0, greatest)) for _ in range(300)]
    await start(dut, weight_i=0, pixel_i=0)
    before = 0
    for weight, pixel in pairs:
        drive(dut, weight_i=weight, pixel_i=pixel)
        await RisingEdge(dut.clk_i)
        found = dut.product_o.value.to_signed() if dut.product_o.value.is_resolvable else None
        assert found == before, f"must be {before}, not {found}"
        before = weight * pixel
