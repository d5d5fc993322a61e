"""Netlist = golden model: every beat of every stream of what Yosys makes of a network."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rtl_tests.lib.seed import generator
from rtl_tests.netlist.cells import models
from rtl_tests.netlist.networks import write_network
from snn2rtl.flows import tools
from snn2rtl.flows.synth import TARGETS, synthesise
from snn2rtl.network import MultiplierLeak
from snn2rtl.rtl.emit import write_vectors

SIZES = (64, 20, 7)  # the smallest first layer whose weights lie in block memory on every family


def replay(folder: Path, netlist: str, target: str) -> str:
    """Return what the replay bench prints about a netlist."""
    build = folder / "build"
    (build / "netlist.v").write_text(netlist)
    (build / "cells.v").write_text(models(target))
    bench = [f"tb/{file}" for file in ("replay.v", "replay_source.v", "replay_monitor.v", "replay_tb.v")]
    arguments = ["-g2012", "-s", "replay_tb", "-o", "build/netlist.vvp", "build/netlist.v", "build/cells.v", *bench]
    tools.run(tools.require("iverilog"), arguments, cwd=folder, log_file=build / "iverilog.log")
    arguments = ["build/netlist.vvp", "+input=build/vectors/input.hex", "+expect=build/vectors", "+stall_out=40"]
    return tools.run(tools.require("vvp"), arguments, cwd=folder, log_file=build / "vvp.log")


@pytest.mark.parametrize("time_steps", [0, 3], ids=["spikes", "direct"])
@pytest.mark.parametrize("target", TARGETS)
def test_netlist_is_the_golden_model(target, time_steps, tmp_path):
    folder = tmp_path / "rtl"
    network, design = write_network(folder, SIZES, lanes=4, leak=MultiplierLeak(11, 4), time_steps=time_steps)
    result = synthesise(folder, target, place=False)
    assert result.bram > 0, "weights must lie in block memory, or this test says nothing about it"
    script = f"read_json build/synth-{target}/netlist.json; write_verilog -noattr build/raw.v"
    tools.run(tools.require("yosys"), ["-q", "-p", script], cwd=folder, log_file=folder / "build/write.log")
    netlist = (folder / "build/raw.v").read_text()

    spikes = (generator(2).random((2, 2, SIZES[0])) < [[0.7], [0.1]]).astype("uint8")
    inputs = generator(3).integers(1, 9, spikes[0].shape, "uint8") * spikes[0] if time_steps else spikes
    write_vectors(network, design, inputs, folder / "build/vectors")
    assert "PASS: 2 samples" in replay(folder, netlist, target)

    # nothing in the block memory, and the bench must see it
    other, changed = re.subn(r"(INIT(?:VAL)?_[0-9A-F]+\(\d+'[hb])\w+", r"\g<1>0", netlist)
    assert changed
    assert "FAIL" in replay(folder, other, target)
