"""Clock, reset, and the values of many signals at once."""

from __future__ import annotations

from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge
from cocotb_streams import PERIOD


async def start(dut: Any, **inputs: int) -> None:
    """Start the clock with the inputs at these values, and reset where there is a reset."""
    drive(dut, **inputs)
    Clock(dut.clk_i, PERIOD, unit="step").start()
    if hasattr(dut, "rst_ni"):
        await reset(dut)
    else:
        await RisingEdge(dut.clk_i)


async def reset(dut: Any) -> None:
    """Reset for a few cycles."""
    dut.rst_ni.value = 0
    await ClockCycles(dut.clk_i, 3)
    dut.rst_ni.value = 1
    await RisingEdge(dut.clk_i)


def drive(dut: Any, **inputs: int) -> None:
    """Set inputs by name, negative ones as their two's complement."""
    for name, value in inputs.items():
        signal = getattr(dut, name)
        signal.value = int(value) & ((1 << len(signal)) - 1)
