"""Operations through the pipelines of neurons with a second state, one a cycle, against the step() of their model."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge

from rtl_tests.lib.clock import drive, start
from rtl_tests.lib.dut import parameters
from rtl_tests.lib.seed import generator
from rtl_tests.lif.lif_tests import OPERATIONS, RESETS, corners, leak_kind
from snn2rtl.fixed_point import IntArray, signed_range
from snn2rtl.int_net.neurons import CubaLifNeuron, LifNeuron, Reset
from snn2rtl.int_net.neurons.leaks import leak
from snn2rtl.int_net.saturations import Limits

SPIKE_LATENCY, SECOND_LATENCY, NEXT_LATENCY = 3, 4, 6  # cycles, as the modules' headers have them
AT_ONCE, LATE, LATER = ("charged", "second", "clear"), ("fire_at", "reset_by", "leak", "synapse_leak"), ("bias",)
Values = dict[str, IntArray]


def numbers(chosen: dict[str, int], prefix: str, rng: np.random.Generator) -> tuple[IntArray, dict[str, int]]:
    """Return the leak's number of each operation, and the parameters of a leak as leak_kind() takes them."""
    own = {f"Leak{key}": chosen[f"{prefix}Leak{key}"] for key in ("Kind", "Shift", "Factor", "Width")}
    most = 1 << own["LeakShift"] if own["LeakKind"] == 4 else min(47, (1 << own["LeakWidth"]) - 1)
    return corners(rng, 0, most), own


def neurons(top: str, chosen: dict[str, int], rng: np.random.Generator) -> tuple[LifNeuron | CubaLifNeuron, Values]:
    """Return the neurons of the operations, one of each, and their numbers."""
    reset = Reset.STEPPED if "stepped" in top else RESETS[chosen["ResetKind"]]
    _, high = signed_range(chosen["MembraneWidth"])
    fire_at = corners(rng, 1, high - (reset is Reset.STEPPED))
    reset_by = corners(rng, 1, high) * reset.subtracts
    if reset is Reset.STEPPED:
        reset_by = np.minimum(reset_by, high - fire_at)
    each, own = numbers(chosen, "", rng)
    shared = {
        "fire_at": fire_at,
        "reset_by": reset_by,
        "reset": reset,
        "leak": leak_kind(own, each),
        "membrane_bits": chosen["MembraneWidth"],
        "refractory": chosen.get("Refractory", 0),
    }
    values = {"fire_at": fire_at, "reset_by": reset_by, "leak": each}
    if "current" not in top:
        return LifNeuron(**shared), values
    synapse, own = numbers(chosen, "Synapse", rng)
    kind = leak_kind(own, np.maximum(synapse, 0))
    return CubaLifNeuron(**shared, synapse_leak=kind), values | {"synapse_leak": synapse}


def kept(neuron: LifNeuron | CubaLifNeuron, membrane: IntArray) -> IntArray:
    """Return what the second state or the lane holds of a membrane."""
    taken = (membrane >= neuron.fire_at) * neuron.reset_by * (neuron.reset is Reset.LATE)
    return leak(membrane, neuron.leak) - taken


def remembered(neuron: LifNeuron | CubaLifNeuron, membrane: IntArray, left: IntArray) -> IntArray:
    """Return what a neuron remembers of a spike."""
    return membrane >= neuron.fire_at if neuron.reset is Reset.STEPPED else left


def operations(top: str, chosen: dict[str, int], rng: np.random.Generator) -> tuple[Values, Values]:
    """Return random operations in which every corner is frequent: what goes in, and what must come out."""
    neuron, values = neurons(top, chosen, rng)
    (low, high), widest = signed_range(chosen["MembraneWidth"]), signed_range(chosen["StateWidth"])
    is_current, saturate = isinstance(neuron, CubaLifNeuron), bool(chosen["Saturate"])
    left = corners(rng, 0, neuron.refractory)
    near = np.clip(neuron.fire_at + rng.integers(-1, 2, OPERATIONS), low, high)
    membrane = np.where(rng.random(OPERATIONS) < 0.4, near, corners(rng, low, high)) * (left == 0)
    before = kept(neuron, membrane)
    least, greatest = widest if saturate else (low, high)
    second = rng.integers(0, 2, OPERATIONS) * neuron.reset_by * (neuron.reset is Reset.STEPPED)
    near = np.clip(neuron.fire_at + second + rng.integers(-1, 2, OPERATIONS), least, greatest)
    target = np.where(rng.random(OPERATIONS) < 0.6, near, corners(rng, least, greatest))
    charged = np.clip(target - before, *widest) if is_current else target
    state: tuple[IntArray, ...] = (membrane, np.zeros_like(charged)) if is_current else (membrane,)
    state = (*state, left) if neuron.refractory else state
    limits = Limits(low, high).clip if saturate else None
    after, spike = neuron.step(state, charged.copy() if is_current else charged - before, limits)
    clear = rng.random(OPERATIONS) < 0.1
    shown = kept(neuron, after[0]) * ~clear
    held = leak(charged, neuron.synapse_leak) * ~clear if isinstance(neuron, CubaLifNeuron) else shown
    bias = np.clip(corners(rng, *widest) - held, *widest)
    bias = np.clip(bias, widest[0] - held, widest[1] - held)

    def packed(above: IntArray, membranes: IntArray) -> IntArray:
        below = chosen["MembraneWidth"] if is_current else 0
        return (above.astype(np.int64) << below) + (membranes & ((1 << below) - 1))

    entering = packed(remembered(neuron, membrane, left), before)
    leaving = packed(remembered(neuron, after[0], after[-1] if neuron.refractory else left) * ~clear, shown)
    inputs = {"charged": charged, "second": entering, "clear": clear, "bias": bias, **values}
    return inputs, {"spike": spike, "second": leaving, "next": held + bias}


@cocotb.test
async def every_operation_equals_the_reference(dut: Any) -> None:
    """Spike, second state and next state of random operations, of which a new one starts in every cycle."""
    inputs, expected = operations(dut._name, parameters(), generator())
    assert 0 < np.count_nonzero(expected["spike"]) < OPERATIONS
    await start(dut, **{f"{key}_i": 0 for key in inputs})
    latencies = {"spike": SPIKE_LATENCY, "second": SECOND_LATENCY, "next": NEXT_LATENCY}
    for cycle in range(OPERATIONS + NEXT_LATENCY):
        for keys, delay in ((AT_ONCE, 0), (LATE, 1), (LATER, 5)):
            now = max(0, min(cycle - delay, OPERATIONS - 1))
            drive(dut, **{f"{key}_i": inputs[key][now] for key in keys if key in inputs})
        await RisingEdge(dut.clk_i)
        for key, latency in latencies.items():
            done, signal = cycle - latency, getattr(dut, f"{key}_o")
            if 0 <= done < OPERATIONS:
                wanted = int(expected[key][done]) & ((1 << len(signal)) - 1)
                found = int(signal.value)
                told = {name: int(values[done]) for name, values in inputs.items()}
                assert found == wanted, f"{key} {found} instead of {wanted} of {told}"
