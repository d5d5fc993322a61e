"""Lanes and layouts that reach what was asked for: cycles of a sample, block memories.

The fewest lanes that do; of equally many, the least product of area and time. Cycles are those of estimate.py, block
memories those of LayerDesign.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from snn2rtl.errors import OptionError
from snn2rtl.fixed_point import IntArray
from snn2rtl.int_net import reference
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.reference import Inputs, Spikes
from snn2rtl.options import MAX_LANES, PerLayer, RtlOptions, Targets
from snn2rtl.pools import INPUT
from snn2rtl.rtl.design import RtlDesign
from snn2rtl.rtl.estimate import encoder_cycles, encoding_cycles, layer_cycles
from snn2rtl.rtl.layouts import LAYOUTS
from snn2rtl.rtl.placement import place, row_order
from snn2rtl.rtl.plan import plan


@dataclass(frozen=True, eq=False)
class Workload:
    """What is taken to happen in a sample.

    events: what arrives at each population, by its name, shape (T, N, rows), (1, N, rows) of pixels. firing: how often
    the input and each node fired on calibration data, empty without any. encoder: cycles of an encoder in hardware,
    shape (N,). source: where the events are from, in words.
    """

    events: Mapping[str, Spikes]
    firing: Mapping[str, IntArray]
    encoder: IntArray
    source: str


@dataclass(frozen=True)
class TargetReport:
    """What lanes and layouts were chosen for: the targets, and what the design takes by our estimate.

    cycles: of a sample, None where they were no target. cycles_of: what they are cycles of, in words.
    """

    target_cycles: int | None
    target_bram: int | None
    cycles: float | None
    cycles_of: str
    block_memories: int

    def __str__(self) -> str:
        asked = {"--target-cycles": self.target_cycles, "--target-bram": self.target_bram}
        given = " and ".join(f"{option} {value}" for option, value in asked.items() if value is not None)
        cycles = "" if self.cycles is None else f"{self.cycles:.0f} cycles a sample ({self.cycles_of}) and "
        chosen = [what for what, why in (("lanes", self.target_cycles), ("layouts", self.target_bram)) if why]
        return f"{given} chose {' and '.join(chosen)}: about {cycles}{self.block_memories} block memories"


@dataclass(frozen=True, eq=False)
class _Choice:
    """One way to build a layer. cycles: of each sample, shape (N,), no less than the encoder's."""

    lanes: int
    layout: str
    blocks: int
    area_time: float
    cycles: IntArray


_Picked = tuple[_Choice, ...]  # one of each layer
_Price = Callable[[_Choice], tuple[float, float]]


def recorded(network: FixedPointNetwork, inputs: Inputs) -> Workload:
    """Return the workload of calibration samples, spikes or values of shape (T, N, inputs), or pixels (N, inputs)."""
    result = reference.run(network, inputs)
    events = {layer.name: arrived for layer, arrived in reference.arrivals(network, inputs, result)}
    made = {INPUT: reference.input_events(network, inputs)} | {name: one.spikes for name, one in result.traces.items()}
    firing = {name: values.sum(axis=(0, 1), dtype=np.int64) for name, values in made.items()}
    source = f"mean of {inputs.shape[-2]} calibration samples"
    return Workload(events, firing, encoder_cycles(network, inputs), source)


def worst_case(network: FixedPointNetwork) -> Workload:
    """Return the workload of a sample that makes every input of every layer fire in every step: none takes longer.

    Raises:
        OptionError: nothing says how many steps a sample has.
    """
    if network.encoder is None or network.encoder.has_steps:
        raise OptionError(
            "--target-cycles: needs --calibration where the network has no encoder that makes steps, "
            "for nothing else says how many a sample has"
        )
    events: dict[str, Spikes] = {}
    for layer in network.populations:
        steps = 1 if any(map(network.holds, layer.forward)) else network.encoder.time_steps
        most = [np.full(one.synapses.num_inputs, 1 if network.takes_values(one) else one.greatest, np.uint16)
                for one in layer.inputs]  # fmt: skip
        events[layer.name] = np.broadcast_to(np.concatenate(most), (steps, 1, sum(map(len, most))))
    encoder: IntArray = np.zeros(1, np.int64)
    if network.takes_pixels and not network.weighs_values:
        spikes = np.ones((network.encoder.time_steps, 1, network.num_inputs), np.uint8)
        encoder = encoding_cycles(spikes[0], spikes)
    return Workload(events, {}, encoder, "the most that any sample can take")


def reach(
    network: FixedPointNetwork, options: RtlOptions, targets: Targets, workload: Workload | None = None
) -> tuple[RtlDesign, TargetReport]:
    """Return hardware that reaches the targets, and how.

    Lanes are powers of two up to the neurons, where the options say none and cycles are a target; elsewhere they stay.
    Layouts are free where the options say auto and block memories are a target.

    Args:
        network: the integer network.
        options: what the user wants besides.
        targets: what must be reached, one of both at least.
        workload: what happens in a sample; without it the worst case.

    Raises:
        OptionError: no lanes and layouts reach the targets.
    """
    if targets.cycles is not None and workload is None:
        workload = worst_case(network)
    choices = _choices(network, options, targets, workload)
    limit = math.inf if targets.cycles is None else targets.cycles
    room = math.inf if targets.bram is None else targets.bram
    while picked := _least(choices, limit, room, _fewest_lanes):
        chosen = replace(options, **_per_layer(network, picked))
        design = plan(network, chosen, place(network, chosen, workload.firing if workload else None))
        used = design.block_memories
        if targets.bram is None or used <= targets.bram:
            cycles = None if targets.cycles is None else _mean(picked)
            source = workload.source if workload and targets.cycles is not None else ""
            return design, TargetReport(targets.cycles, targets.bram, cycles, source, used)
        # a ragged layer packs a bit worse behind other lanes than those it was tried behind
        room -= used - targets.bram
    raise OptionError(_refusal(network, choices, targets, workload))


def _choices(
    network: FixedPointNetwork, options: RtlOptions, targets: Targets, workload: Workload | None
) -> list[list[_Choice]]:
    """Return the ways to build each layer among which the targets choose, of different lanes or layout."""
    names = [layer.name for layer in network.populations]
    options.lanes.check_names("lanes", names)
    options.layout.check_names("layout", names)
    sizes = [layer.num_neurons for layer in network.populations if not options.lanes[layer.name]]
    powers = range((min(MAX_LANES, max(sizes)) - 1).bit_length() + 1) if sizes and targets.cycles is not None else ()
    found: list[dict[tuple[int, str], _Choice]] = [{} for _ in names]
    for lanes in [1 << power for power in powers] or [0]:
        tried = replace(options, lanes=PerLayer(0, {name: options.lanes[name] or lanes for name in names}))
        placements = place(network, tried, workload.firing if workload else None)
        for layout in LAYOUTS if targets.bram is not None else ("auto",):
            asked = {name: layout if options.layout[name] == "auto" else options.layout[name] for name in names}
            design = plan(network, replace(tried, layout=PerLayer("auto", asked)), placements)
            for choices, choice in zip(found, _of(network, design, workload), strict=True):
                choices.setdefault((choice.lanes, choice.layout), choice)
    return [list(choices.values()) for choices in found]


def _of(network: FixedPointNetwork, design: RtlDesign, workload: Workload | None) -> list[_Choice]:
    """Return what a design has chosen for each layer."""
    made = []
    for layer, hardware in zip(network.populations, design.layers, strict=True):
        rows = row_order(layer, design.placement)
        cycles = np.zeros(1, np.int64)
        if workload:
            cycles = np.maximum(layer_cycles(hardware, workload.events[layer.name][..., rows]), workload.encoder)
        kind = hardware.layout.kind
        time = hardware.costs[kind].area_time
        made.append(_Choice(hardware.lanes, kind, hardware.block_memories, time, cycles))
    return made


def _least(choices: Sequence[Sequence[_Choice]], cycles: float, blocks: float, price: _Price) -> _Picked | None:
    """Return the choices of the least price within so many cycles of the slowest layer, on average, and block memories.

    Branch and bound: prices of layers add up, in the order of tuples too.
    """
    fast = [sorted((one for one in layer if one.cycles.mean() <= cycles), key=price) for layer in choices]
    if not all(fast):
        return None
    cheapest, smallest = [price(layer[0]) for layer in fast], [min(one.blocks for one in layer) for layer in fast]
    found: _Picked | None = None
    best = (math.inf, math.inf)
    waiting: list[_Picked] = [()]
    while waiting:
        picked = waiting.pop()
        done = len(picked)
        bound = _sum([*map(price, picked), *cheapest[done:]])
        used = sum(one.blocks for one in picked) + sum(smallest[done:])
        if bound >= best or used > blocks or _mean(picked) > cycles:
            continue
        if done == len(fast):
            best, found = bound, picked
        else:
            waiting += [(*picked, one) for one in reversed(fast[done])]
    return found


def _fewest_lanes(choice: _Choice) -> tuple[float, float]:
    return choice.lanes, choice.area_time


def _fewest_blocks(choice: _Choice) -> tuple[float, float]:
    return choice.blocks, choice.lanes


def _sum(prices: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return sum(first for first, _ in prices), sum(second for _, second in prices)


def _mean(picked: _Picked) -> float:
    """Return the cycles of a sample on average: those of its slowest layer."""
    return float(np.max([one.cycles for one in picked], axis=0).mean()) if picked else 0.0


def _refusal(
    network: FixedPointNetwork, choices: Sequence[Sequence[_Choice]], targets: Targets, workload: Workload | None
) -> str:
    """Return what the targets would have to be."""
    if targets.cycles is not None and workload:
        fastest = tuple(min(layer, key=lambda one: one.cycles.mean()) for layer in choices)
        if (least := math.ceil(_mean(fastest))) > targets.cycles:
            lanes = ",".join(
                f"{layer.name}={one.lanes}" for layer, one in zip(network.populations, fastest, strict=True)
            )
            hint = "prune the network or give it fewer time steps"
            hint += "" if workload.firing else ", or give --calibration, without which every input spikes in every step"
            return (
                f"--target-cycles: must be at least {least}, which --lanes {lanes} takes, not {targets.cycles}; {hint}"
            )
    limit = math.inf if targets.cycles is None else targets.cycles
    smallest = _least(choices, limit, math.inf, _fewest_blocks)
    assert smallest
    assert targets.bram is not None
    least = max(targets.bram + 1, sum(one.blocks for one in smallest))
    within = "" if targets.cycles is None else f" within {targets.cycles} cycles a sample"
    hint = "choose other --lanes," if targets.cycles is None else "allow more cycles, choose"
    return (
        f"--target-bram: must be at least {least}{within}, which the smallest layouts take, not {targets.bram}; "
        f"{hint} fewer --bits or prune the network"
    )


def _per_layer(network: FixedPointNetwork, picked: _Picked) -> dict[str, Any]:
    """Return the options of the choices, layer by layer."""
    named = list(zip((layer.name for layer in network.populations), picked, strict=True))
    return {
        "lanes": PerLayer(0, {name: one.lanes for name, one in named}),
        "layout": PerLayer("auto", {name: one.layout for name, one in named}),
    }
