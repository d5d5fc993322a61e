import json

import numpy as np
import pytest
from fake_tools import fake_tool
from networks import chain, dense

from snn2rtl.commands.synth import table
from snn2rtl.errors import ModelFileError, OptionError, ToolFailedError
from snn2rtl.flows.netlist import make_netlist
from snn2rtl.flows.synth import synthesise
from snn2rtl.flows.workspace import Workspace
from snn2rtl.folder import open_folder
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.rtl.emit import write_rtl
from snn2rtl.rtl.plan import plan

CELLS = {
    "ecp5": {"LUT4": 10, "CCU2C": 3, "TRELLIS_DPR16X4": 2, "TRELLIS_FF": 7, "DP16KD": 2, "MULT18X18D": 1, "PFUMX": 4},
    "ice40": {
        "SB_LUT4": 9,
        "SB_DFF": 1,
        "SB_DFFESR": 2,
        "SB_DFFNESS": 4,
        "SB_RAM40_4K": 3,
        "SB_MAC16": 1,
        "SB_CARRY": 5,
    },
    "xc7": {
        "LUT6": 4,
        "LUT1": 1,
        "INV": 1,
        "FDRE": 3,
        "FDSE_1": 1,
        "RAMB18E1": 1,
        "RAMB36E1": 2,
        "RAM32M": 3,
        "SRL16E": 1,
    },
}
EXPECTED = {
    "ecp5": {"lut": 16, "lutram": 12, "ff": 7, "bram": 2, "dsp": 1},
    "ice40": {"lut": 9, "lutram": 0, "ff": 7, "bram": 3, "dsp": 1},
    "xc7": {"lut": 6, "lutram": 13, "ff": 4, "bram": 2.5, "dsp": 0},
}
ENDS = [
    {"from": {"cell": "u_fc1.level_q_TRELLIS_FF_Q_3"}, "to": {"cell": "x"}},
    {"from": {}, "to": {"cell": "u_fc1.head_q$b"}},
]
REPORT = {
    "fmax": {"$glbnet$clk_i$TRELLIS_IO_IN": {"achieved": 123.4, "constraint": 100}},
    "critical_paths": [
        {"from": "<async>", "to": "posedge clk", "path": [{"from": {"cell": "pin"}, "to": {"cell": "pin"}}]},
        {"from": "posedge clk", "to": "posedge clk", "path": ENDS},
    ],
}


@pytest.fixture
def folder(tmp_path):
    network = chain(dense(np.eye(3, dtype=int)))
    write_rtl(network, plan(network), tmp_path / "rtl")
    return tmp_path / "rtl"


@pytest.fixture
def yosys(monkeypatch, tmp_path):
    """Let Yosys write a netlist of these cells."""

    def install(target, cells=None, netlist=None, **changes):
        netlist = netlist or target
        types = [kind for kind, count in (cells or CELLS[target]).items() for _ in range(count)]
        cell_table = {str(index): {"type": kind} for index, kind in enumerate([*types, "$scopeinfo"])}
        text = json.dumps({"modules": {"net_top": {"cells": cell_table}, "LUT4": {"cells": {}}}})
        writes = changes.pop("writes", {f"build/synth-{netlist}/netlist.json": text})
        return fake_tool(monkeypatch, tmp_path / "bin", "yosys", "Preparing to run", writes, **changes)

    return install


@pytest.fixture
def nextpnr(monkeypatch, tmp_path):
    """Let nextpnr write a report."""

    def install(target, says="", report=REPORT, netlist=None, **changes):
        writes = {f"build/synth-{netlist or target}/nextpnr-1.json": json.dumps(report)} if report else {}
        return fake_tool(monkeypatch, tmp_path / "bin", f"nextpnr-{target}", says, writes, **changes)

    return install


@pytest.mark.parametrize("target", CELLS)
def test_cells_are_counted_in_the_units_of_the_family(folder, yosys, target):
    yosys(target)
    result = synthesise(folder, target, place=False)
    assert {name: getattr(result, name) for name in EXPECTED[target]} == EXPECTED[target]
    assert result.cells == CELLS[target]
    assert result.fmax_mhz is None
    assert json.loads(json.dumps(result.to_dict()))["bram"] == EXPECTED[target]["bram"]
    assert table([result]).row_count == 1


def test_place_and_route(folder, yosys, nextpnr):
    yosys("ecp5")
    arguments = nextpnr("ecp5")
    result = synthesise(folder, "ecp5", frequency=150)
    assert (result.device, result.fmax_mhz) == ("85k", 123.4)
    assert result.slowest_path == "u_fc1.level_q -> u_fc1.head_q"
    assert result.seeds_mhz == [123.4]
    text = arguments.read_text()
    assert "--85k\n--package\nCABGA756\n--speed\n6" in text
    assert "--freq\n150\n--seed\n1\n" in text


def test_the_fastest_seed_counts(folder, yosys, monkeypatch, tmp_path):
    yosys("ecp5")
    paths = [{"from": "clk", "to": "clk", "path": [{"from": {"cell": end}, "to": {"cell": end}}]} for end in "abc"]
    reports = {
        f"build/synth-ecp5/nextpnr-{seed}.json": json.dumps(
            {"fmax": {"clk": {"achieved": mhz}}, "critical_paths": [paths[seed - 1]]}
        )
        for seed, mhz in enumerate([100.5, 120.5, 110.5], 1)
    }
    arguments = fake_tool(monkeypatch, tmp_path / "bin", "nextpnr-ecp5", "", reports)
    result = synthesise(folder, "ecp5", seeds=3)
    assert "--seed\n3\n" in arguments.read_text()
    assert result.seeds_mhz == [100.5, 120.5, 110.5]
    assert (result.fmax_mhz, result.slowest_path) == (120.5, "b -> b")


def test_the_device_that_was_asked_for(folder, yosys, nextpnr):
    yosys("ice40", netlist="ice40-up5k")
    arguments = nextpnr("ice40", netlist="ice40-up5k")
    assert synthesise(folder, "ice40", device="up5k").device == "up5k"
    assert "--up5k\n--package\nsg48" in arguments.read_text()
    own = (folder / "build/synth-ice40-up5k/synth.ys").read_text()
    assert "\nsynth_ice40 -dsp -device u -top net_top\n" in own
    yosys("ice40")
    nextpnr("ice40")
    assert synthesise(folder, "ice40").device == "hx8k"
    assert "\nsynth_ice40 -top net_top\n" in (folder / "build/synth-ice40/synth.ys").read_text()
    assert (folder / "build/synth-ice40-up5k/synth.ys").read_text() == own, "a netlist for each mapping"


@pytest.mark.parametrize(
    ("target", "device", "message"),
    [
        ("ecp5", "99k", "^--device: must be 85k or 45k or 25k for ecp5, not 99k$"),
        ("xc7", "85k", "^--device: must be left out for xc7, not 85k$"),
        ("ecp6", None, "^--target: must be ecp5 or ice40 or xc7, not ecp6$"),
    ],
)
def test_a_device_of_another_family(folder, target, device, message):
    with pytest.raises(OptionError, match=message):
        synthesise(folder, target, device=device)


def test_a_network_that_does_not_fit(folder, yosys, nextpnr):
    says = "Info: \t  TRELLIS_IO:  24/  365   6%\nInfo: \t  DP16KD:   300/   208  144%\nERROR: Unable to place cell 'x'"
    yosys("ecp5")
    nextpnr("ecp5", says, None, code=1)
    with pytest.raises(
        OptionError,
        match=r"^ecp5: the network must fit the 85k, but needs 300 DP16KD of 208; "
        r"compile with fewer weights, bits or lanes; none is larger$",
    ):
        synthesise(folder, "ecp5")


@pytest.mark.parametrize(
    ("device", "used", "advice"),
    [
        (
            "25k",
            "DP16KD:    57/    56",
            r"57 DP16KD of 56; choose a larger --device \(85k, 45k\) or compile with fewer",
        ),
        ("45k", "TRELLIS_IO:  400/  245", r"of 245; choose a larger --device \(85k\) or compile with --output class$"),
    ],
)
def test_only_larger_devices_are_advised(folder, yosys, nextpnr, device, used, advice):
    yosys("ecp5")
    nextpnr("ecp5", f"Info: \t  {used}  102%\nERROR: no", None, code=1)
    with pytest.raises(OptionError, match=advice):
        synthesise(folder, "ecp5", device=device)


def weights(tmp_path, inputs, neurons):
    """Return the output folder of a layer of 8-bit weights."""
    rng = np.random.default_rng(0)
    network = chain(dense(rng.integers(-127, 128, (neurons, inputs))))
    write_rtl(network, plan(network, RtlOptions(layout=PerLayer("dense"))), tmp_path / "large")
    return tmp_path / "large"


@pytest.mark.parametrize(
    ("target", "device", "inputs", "message"),
    [
        ("ecp5", None, 1 << 14, r"the 85k, but needs about 4\d\d DP16KD of 208; compile .*; none is larger$"),
        ("ecp5", "25k", 1 << 12, r"the 25k, but needs about 1\d\d DP16KD of 56; choose .* \(85k\) or compile"),
        ("ice40", "up5k", 1 << 10, r"the up5k, but needs about 128 SB_RAM40_4K of 30; compile .*; none is larger$"),
    ],
)
def test_what_cannot_fit_is_said_before_it_is_synthesised(tmp_path, yosys, target, device, inputs, message):
    arguments = yosys(target)
    out = weights(tmp_path, inputs, 64)
    with pytest.raises(OptionError, match=rf"^{target}: the network must fit {message}"):
        synthesise(out, target, device=device)
    assert not arguments.exists()
    synthesise(out, target, place=False)
    assert arguments.exists(), "counts are for any network"


def test_another_failure_of_place_and_route(folder, yosys, nextpnr):
    yosys("ecp5")
    nextpnr("ecp5", "Info: DP16KD:   3/   208  1%\nERROR: no route", None, code=1)
    with pytest.raises(ToolFailedError, match=r"nextpnr-ecp5: ended with exit code 1(?s:.*)ERROR: no route"):
        synthesise(folder, "ecp5")


def test_a_netlist_is_made_once_for_each_mapping(folder, yosys):
    opened = open_folder(folder)
    arguments = yosys("ice40", netlist="ice40-up5k")
    digest = make_netlist(opened, Workspace.of(opened), "ice40-up5k")
    assert (folder / "build/synth-ice40-up5k/netlist.json").is_file()
    arguments.unlink()
    assert make_netlist(opened, Workspace.of(opened), "ice40-up5k") == digest
    assert not arguments.exists(), "what synth left is taken"
    yosys("ice40")
    make_netlist(opened, Workspace.of(opened), "ice40")
    assert arguments.exists()
    arguments.unlink()
    (folder / "hdl/snn_rom.v").write_text("// edited")
    make_netlist(opened, Workspace.of(opened), "ice40")
    assert arguments.exists(), "of other files than those of the netlist"


def test_an_old_netlist_is_not_taken_for_a_new_one(folder, yosys):
    yosys("ecp5")
    synthesise(folder, "ecp5", place=False)
    yosys("ecp5", writes={})
    with pytest.raises(ToolFailedError, match="yosys: wrote no netlist of net_top"):
        synthesise(folder, "ecp5", place=False)


@pytest.mark.parametrize("report", [None, {}, {"fmax": {}, "critical_paths": []}, {**REPORT, "critical_paths": []}])
def test_a_report_without_a_clock(folder, yosys, nextpnr, report):
    yosys("ecp5")
    nextpnr("ecp5", "", report)
    with pytest.raises(ToolFailedError, match="nextpnr: wrote no timing report"):
        synthesise(folder, "ecp5")


def test_a_folder_that_is_not_ours(tmp_path):
    with pytest.raises(ModelFileError):
        synthesise(tmp_path, "ecp5")
