"""Another parser's view of the generated Verilog is the manifest's."""

from __future__ import annotations

import json

import pytest

from rtl_tests.lib.emitted import emit
from rtl_tests.netlist.networks import write_network
from rtl_tests.network.cases import CASES
from snn2rtl.errors import ToolFailedError
from snn2rtl.flows.readback import module_ports


@pytest.mark.parametrize("output", ["class", "counts", "spikes"])
def test_modules_and_ports_are_those_of_the_manifest(output, tmp_path):
    folder = tmp_path / "rtl"
    write_network(folder, (30, 9, 3), output=output)
    manifest = json.loads((folder / "manifest.json").read_text())
    modules = module_ports(folder)

    assert [f"hdl/{module}.v" for module in modules] == manifest["hdl"]
    ports = {name: (port["direction"], port["width"]) for name, port in manifest["ports"].items()}
    assert modules[manifest["top"]] == ports
    for layer in manifest["layers"]:
        widths = {name: width for name, (_, width) in modules[layer["module"]].items()}
        assert 2 ** widths["event_addr_i"] >= layer["inputs"] > 2 ** (widths["event_addr_i"] - 1)
        assert 2 ** widths["event_addr_o"] >= layer["neurons"] > 2 ** (widths["event_addr_o"] - 1)


def test_parameters_that_are_vectors(tmp_path):
    """A recurrent network has a merge, whose offsets are one."""
    folder = emit(*CASES["recurrent-dense-1-lanes"](), tmp_path / "rtl").path
    manifest = json.loads((folder / "manifest.json").read_text())
    modules = module_ports(folder)
    assert [f"hdl/{module}.v" for module in modules] == manifest["hdl"]
    assert modules["snn_merge"]["event_valid_i"] == ("input", 2)


def test_verilog_that_the_parser_cannot_read(tmp_path):
    folder = tmp_path / "rtl"
    write_network(folder, (4, 3, 2))
    rom = folder / "hdl/snn_rom.v"
    rom.write_text(rom.read_text().replace("endmodule", "endmodul"))
    with pytest.raises(ToolFailedError, match=r"pyverilog: cannot parse .*hdl"):
        module_ports(folder)
