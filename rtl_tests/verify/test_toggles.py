"""Toggles of registers in Verilator: more where more happens, and what a counter of known toggles gives."""

from pathlib import Path

import numpy as np

from rtl_tests.netlist.networks import write_network
from snn2rtl.data.samples import Samples
from snn2rtl.folder import open_folder
from snn2rtl.verify.engines import Stalls, build
from snn2rtl.verify.toggles import register_toggles


def test_busy_samples_toggle_more_than_silent_ones(tmp_path: Path) -> None:
    out = tmp_path / "rtl"
    write_network(out, (16, 9, 3), lanes=4)
    # a register that toggles in every cycle, in the second layer alone
    text = (out / "hdl" / "toy_fc2.v").read_text()
    toggling = "  reg always_q = 1'b0;\n  always @(posedge clk_i) always_q <= ~always_q;\n\nendmodule"
    (out / "hdl" / "toy_fc2.v").write_text(text.replace("\nendmodule", toggling))
    folder = open_folder(out)
    silent = np.zeros((4, 1, 16), np.uint8)
    found = [register_toggles(folder, Samples(spikes, None, None)) for spikes in (silent, 1 - silent)]
    assert found[1]["fc1"] > 2 * found[0]["fc1"]
    recording = build(folder, "verilator", trace="saif").run(silent, Stalls())
    assert found[0]["fc2"] > recording.ends[-1] - recording.starts[0]
    assert not list(folder.build.glob("toggles-*"))
