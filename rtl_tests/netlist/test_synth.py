"""Synthesis, place and route with the real tools: what they give, and what they refuse."""

from __future__ import annotations

import pytest

from rtl_tests.netlist.networks import write_network
from snn2rtl.errors import OptionError, ToolFailedError
from snn2rtl.flows.synth import synthesise


@pytest.fixture
def folder(tmp_path):
    write_network(tmp_path / "rtl", (4, 3, 2))
    return tmp_path / "rtl"


@pytest.mark.parametrize(("target", "device"), [("ecp5", "85k"), ("ice40", "hx8k")])
def test_place_and_route(folder, target, device):
    result = synthesise(folder, target)
    assert result.device == device
    assert 0 < result.lut < 1000
    assert 0 < result.ff < 1000
    assert result.fmax_mhz > 20
    assert " -> " in result.slowest_path
    assert (folder / f"build/synth-{target}/nextpnr-1.log").stat().st_size > 0


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("reg latched; always @* if (rst_ni) latched = s_axis_tvalid;", id="latch"),
        pytest.param(
            "wire two = s_axis_tvalid; assign two = s_axis_tlast; assign m_axis_tlast = two;", id="two-drivers"
        ),
        pytest.param("wire loop; assign loop = loop ^ rst_ni; assign m_axis_tlast = loop;", id="loop"),
        pytest.param("wire nothing; assign m_axis_tlast = nothing;", id="no-driver"),
    ],
)
def test_unsound_verilog_is_refused(folder, line):
    top = folder / "hdl/toy_top.v"
    text = top.read_text()
    assert "assign m_axis_tlast = 1'b1;" in text
    kept = "assign m_axis_tlast = 1'b1;" if "assign m_axis_tlast" not in line else ""
    top.write_text(text.replace("assign m_axis_tlast = 1'b1;", kept + line))
    with pytest.raises(ToolFailedError, match=r"yosys: ended(?s:.*)(Found 1 problems|Assertion failed)"):
        synthesise(folder, "xc7")


def test_too_few_pins(tmp_path):
    write_network(tmp_path / "rtl", (4, 3, 5), output="counts")
    with pytest.raises(OptionError, match=r"ice40: .* must fit the up5k, but needs \d+ SB_IO of 39.*--output class"):
        synthesise(tmp_path / "rtl", "ice40", device="up5k")
