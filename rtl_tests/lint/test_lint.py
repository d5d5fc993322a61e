"""No simulator has anything to say of the Verilog: Verilator with all warnings, Icarus as Verilog-2005."""

import json
from pathlib import Path

import pytest

from rtl_tests.address_map import test_address_map
from rtl_tests.direct import test_direct
from rtl_tests.event_queue import test_event_queue
from rtl_tests.fork import test_fork
from rtl_tests.group_sum import test_group_sum
from rtl_tests.ingress import test_ingress
from rtl_tests.lane import test_lane
from rtl_tests.lib.dut import sources
from rtl_tests.lib.emitted import emit
from rtl_tests.lif import test_lif
from rtl_tests.max_current import test_max_current
from rtl_tests.max_pool import test_max_pool
from rtl_tests.merge import test_merge
from rtl_tests.network.cases import CASES
from rtl_tests.poisson import test_poisson
from rtl_tests.ragged import test_ragged
from rtl_tests.readout import test_readout
from rtl_tests.rows import test_rows
from rtl_tests.spike_queue import test_spike_queue
from rtl_tests.stream_register import test_stream_register
from snn2rtl.flows import tools
from snn2rtl.rtl import templates

MODULES = {
    "snn_rom": [{"Width": 9, "Depth": 5, "AddrWidth": 3}, {"Width": 1, "Depth": 1, "AddrWidth": 1, "IsBlock": 1}],
    "snn_bank_select": [
        {"Width": 9, "NumBanks": 3, "AddrWidth": 5, "BankAddrWidth": 3},
        {"Width": 9, "NumBanks": 1, "AddrWidth": 3, "BankAddrWidth": 3},
    ],
    "snn_neuron_update": [
        {"NumSlots": slots, "SlotWidth": width, "WordDelay": delay, "NumSteps": steps, "ExtraStages": extra}
        for slots, width in ((5, 3), (1, 1), (9, 4))
        for delay, steps in ((3, 1), (4, 1), (5, 1), (5, 8))
        for extra in (0, 1)
    ],
    "snn_queue": [{}, {"Width": 1, "DepthWidth": 2}],
    "snn_lowest": [{"Width": width} for width in (1, 2, 16)],
    "snn_group_queue": [{}, {"NumPlaces": 1, "DataWidth": 1, "NumLate": 3}],
    "snn_pixel_ingress": test_direct.INGRESS.values(),
    "snn_poisson": test_poisson.PARAMETERS.values(),
    "snn_pixel_product": test_direct.PRODUCT.values(),
    "snn_held_current": test_direct.HELD.values(),
    "snn_stream_register": test_stream_register.PARAMETERS.values(),
    "snn_fork": test_fork.PARAMETERS.values(),
    "snn_merge": test_merge.PARAMETERS.values(),
    "snn_address_map": test_address_map.PARAMETERS.values(),
    "snn_max_pool": test_max_pool.PARAMETERS.values(),
    "snn_event_queue": test_event_queue.PARAMETERS.values(),
    "snn_group_sum": test_group_sum.PARAMETERS.values(),
    "snn_ingress": test_ingress.PARAMETERS.values(),
    "snn_lane": test_lane.PARAMETERS.values(),
    "snn_lif": test_lif.PARAMETERS.values(),
    "snn_single_lif": test_lif.SINGLE.values(),
    "snn_saturate": [
        {"InWidth": 9, "OutWidth": 6},
        {"InWidth": 6, "OutWidth": 6},
        {"InWidth": 9, "OutWidth": 6, "Saturate": 0},
    ],
    "snn_leak": [
        {"Kind": kind, "Shift": 3, "Factor": 5, "NumberWidth": width}
        for kind, width in ((0, 1), (1, 1), (2, 1), (3, 6), (4, 4))
    ],
    "snn_integrator": [{"StateWidth": 12, "MembraneWidth": 8}, {"Saturate": 0, "LeakKind": 3, "LeakWidth": 3}],
    "snn_synaptic_current": [
        {"StateWidth": 12, "MembraneWidth": 8},
        {"Saturate": 0, "LeakKind": 3, "LeakWidth": 2},
        {"LeakKind": 4, "LeakShift": 4},
    ],
    "snn_current_integrator": [
        {"StateWidth": 12, "MembraneWidth": 8},
        {"Saturate": 0, "LeakKind": 3, "LeakWidth": 3, "SynapseLeakKind": 4, "SynapseLeakShift": 4},
    ],
    "snn_adaptive_lif": [
        {"StateWidth": 12, "MembraneWidth": 8, "AdaptWidth": 11},
        {"Saturate": 0, "ResetKind": 1, "AdaptWidth": 5, "AdaptLeakKind": 4, "AdaptLeakShift": 4, "AdaptLeakWidth": 4},
    ],
    "snn_max_current": test_max_current.PARAMETERS.values(),
    "snn_tap_slots": test_max_current.SLOTS.values(),
    **{module: cases.values() for module, cases in test_lif.REMEMBERING.items()},
    "snn_state": [{"Width": 9, "NumSlots": 5, "SlotWidth": 3}, {"Width": 1, "NumSlots": 1}],
    "snn_delay": [{"AddrWidth": 5, "DelayWidth": 3, "PlaceWidth": 4}, {"AddrWidth": 1}],
    "snn_scores": [
        {"NumLanes": lanes, "NumSlots": slots, "SlotWidth": width, "NumNeurons": neurons, "ScoreKind": kind}
        for lanes, slots, width, neurons in ((2, 3, 2, 5), (1, 1, 1, 1), (1, 4, 2, 4))
        for kind in range(3)
    ],
    "snn_score_readout": [{"NumClasses": classes, "AddrWidth": width} for classes, width in ((1, 1), (20, 5))],
    "snn_spike_split": [
        {"NumLanes": 33, "GroupLanes": 16, "NumGroups": 3, "TagWidth": 4},
        {"NumLanes": 32, "GroupLanes": 16, "NumGroups": 2, "TagWidth": 1},
    ],
    "snn_spike_queue": test_spike_queue.PARAMETERS.values(),
    "snn_count_readout": test_readout.PARAMETERS.values(),
    "snn_dense_rows": map(test_rows.parameters, test_rows.DENSE.values()),
    "snn_ragged_rows": map(test_ragged.parameters, test_ragged.ROWS.values()),
    "snn_ragged_lane": test_ragged.LANE.values(),
    "snn_ragged_slot": test_ragged.SLOT.values(),
    "snn_indexed_rows": map(test_rows.parameters, test_rows.INDEXED.values()),
}


DESIGNS = [
    *("integrators-max-1-lanes", "integrators-last-3-lanes", "integrators-sum-8-lanes", "shifts", "multipliers"),
    *(
        "recurrent-ragged-3-lanes",
        "recurrent-dense-1-lanes",
        "adaptive-soft",
        "adaptive-multipliers",
        "currents-shifts",
    ),
    *("single", "some-silent", "pruned-indexed", "pruned-ragged", "all-pruned-dense", "4-layers", "64-lanes-ragged"),
    *(
        "output-spikes",
        "output-counts",
        "numbers-of-each-neuron-hard",
        "saturating-5-bits-soft",
        "multiplier-15-bits-soft",
    ),
    *("direct-1-lanes-dense", "direct-5-lanes-indexed", "direct-numbers-of-each-neuron", "direct-one-step"),
    *("direct-adaptive-2-lanes", "direct-currents-64-lanes", "poisson-2-lanes-indexed", "poisson-of-1"),
    *("graph-residual-spikes", "graph-residual-encoded", "graph-names", "graph-pruned", "graph-of-one-source"),
    *("none-shift", "late-multiplier", "late-single", "stepped-shift", "stepped-currents", "late-currents"),
    *("refractory-1-shift", "refractory-3-direct", "refractory-1-currents-single", "refractory-3-recurrent-currents"),
    *("graph-of-pixels", "values-5-lanes-ragged", "values-single-indexed", "values-integrators"),
    *("values-recurrent-2-lanes-dense", "values-beside-spikes", "groups-of-5-last-scores"),
    *("pooled-overlapping-1-lanes-dense", "pooled-padded-3-lanes-indexed", "pooled-adaptive", "pooled-currents"),
    *("pooled-integrators-sum", "pooled-direct-3-lanes-indexed", "pooled-direct-currents", "pooled-values"),
    *("pooled-64-lanes-ragged", "pooled-numbers-of-each-neuron", "pooled-direct-adaptive", "pooled-sources"),
]
STATIC_CASES = [
    pytest.param(module, parameters, id=f"{module}-{index}")
    for module, sets in MODULES.items()
    for index, parameters in enumerate(sets)
]


def lint(files: list[Path], top: str, parameters: dict[str, int], tmp_path: Path) -> str:
    """Return all that the simulators print."""
    arguments = ["--lint-only", "-Wall", "--top-module", top, *(f"-G{k}={v}" for k, v in parameters.items())]
    text = tools.run(tools.require("verilator"), [*arguments, *files], cwd=tmp_path, log_file=tmp_path / "v.log")
    arguments = ["-g2005", "-Wall", "-t", "null", "-s", top, *(f"-P{top}.{k}={v}" for k, v in parameters.items())]
    return text + tools.run(tools.require("iverilog"), [*arguments, *files], cwd=tmp_path, log_file=tmp_path / "i.log")


def said(text: str) -> list[str]:
    """Return the lines that are no report of Verilator's own speed."""
    return [line for line in text.splitlines() if line and not line.startswith(("- V e r i l a t", "- Verilator:"))]


def test_every_static_module_is_here():
    assert sorted(MODULES) == sorted(file.stem for file in (templates.folder() / "verilog").glob("snn_*.v"))


@pytest.mark.parametrize(("module", "parameters"), STATIC_CASES)
def test_static_module(module, parameters, tmp_path):
    assert said(lint(sources(module), module, parameters, tmp_path)) == []


@pytest.mark.parametrize("name", DESIGNS)
def test_complete_design(name, tmp_path):
    emitted = emit(*CASES[name](), tmp_path / "rtl")
    files = [emitted.path / file for file in json.loads((emitted.path / "manifest.json").read_text())["hdl"]]
    assert said(lint(files, emitted.design.top, {}, emitted.path)) == []


def test_replay_bench(tmp_path):
    emitted = emit(*CASES["4-layers"](), tmp_path / "rtl")
    files = [*emitted.hdl, *sorted((emitted.path / "tb").glob("*.v"))]
    arguments = ["-g2005", "-Wall", "-t", "null", "-s", "replay_tb", *files]
    assert tools.run(tools.require("iverilog"), arguments, cwd=emitted.path, log_file=tmp_path / "i.log") == ""
