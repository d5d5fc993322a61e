"""Netlist = golden model: every spike of what Yosys makes of a network."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from rtl_tests.lib.emitted import emit
from rtl_tests.lib.events import random_inputs
from rtl_tests.lib.seed import generator
from rtl_tests.netlist.networks import write_network
from rtl_tests.network.cases import CASES
from snn2rtl import cli
from snn2rtl.data.samples import Samples
from snn2rtl.encoders import Encoder
from snn2rtl.errors import VerificationError
from snn2rtl.flows.build_cache import keep
from snn2rtl.flows.synth import synthesise
from snn2rtl.folder import open_folder
from snn2rtl.fpga import TARGETS
from snn2rtl.int_net.neurons import MultiplierLeak
from snn2rtl.verify.engines import Stalls
from snn2rtl.verify.verify import verify

BLOCK_MEMORIES = ("DP16KD", "RAMB18E1", "RAMB36E1", "SB_RAM40_4K")
SIZES = (64, 20, 7)  # the smallest first layer whose weights lie in block memory on every family


def samples(time_steps: int = 0) -> Samples:
    """Return spikes, or pixels for a network for direct coding with so many steps."""
    spikes = (generator(2).random((2, 2, SIZES[0])) < [[0.7], [0.1]]).astype(np.uint8)
    if not time_steps:
        return Samples(spikes, None, None)
    pixels = generator(3).integers(1, 9, spikes[0].shape, np.uint8) * spikes[0]
    return Samples(pixels, None, Encoder(kind="direct", time_steps=time_steps))


@pytest.mark.parametrize("time_steps", [0, 3], ids=["spikes", "direct"])
@pytest.mark.parametrize("target", TARGETS)
def test_netlist_is_the_golden_model(target, time_steps, tmp_path):
    folder = tmp_path / "rtl"
    write_network(folder, SIZES, lanes=2, leak=MultiplierLeak(11, 4), time_steps=time_steps)
    result = synthesise(folder, target, place=False)
    assert result.bram > 0, "weights must lie in block memory, or this test says nothing about it"
    netlist = folder / f"build/synth-{target}/netlist.json"
    opened, written = open_folder(folder), netlist.stat().st_mtime_ns
    verdict = verify(opened, samples(time_steps), "icarus", Stalls(0, 40), lambda _: None, netlist=target)
    assert verdict.spikes > 0
    assert netlist.stat().st_mtime_ns == written, "the netlist of synth is the one that runs"

    # nothing in the block memory, and the bench must see it
    text = netlist.read_text()
    other, changed = re.subn(r'("INIT(?:VAL)?_[0-9A-F]+": )"[01x]+"', r'\1"0"', text)
    assert changed
    key = netlist.with_name("netlist.json.mark").read_text().split()[0]
    (tmp_path / "netlist.json").write_text(other)
    keep(tmp_path / "netlist.json", key, netlist)
    with pytest.raises(VerificationError):
        verify(opened, samples(time_steps), "icarus", Stalls(), lambda _: None, netlist=target)


@pytest.mark.parametrize(
    "name",
    [
        "adaptive-multipliers",
        "delays-ragged",
        "direct-currents-2-lanes",
        "integrators-sum-3-lanes",
        "poisson-temporal",
        "norse",
    ],
)
def test_temporal_neurons(name, tmp_path):
    network, options = CASES[name]()
    folder = emit(network, options, tmp_path / "rtl").path
    held = Samples(random_inputs(generator(5), network, 6, 3), None, network.encoder)
    verdict = verify(open_folder(folder), held, "icarus", Stalls(20, 40), lambda _: None, netlist="ecp5")
    assert verdict.spikes > 0


@pytest.mark.parametrize("target", TARGETS)
def test_membranes_in_block_memory(target, tmp_path):
    folder = tmp_path / "rtl"
    write_network(folder, (5, 260, 2), lanes=1)
    opened, spikes = open_folder(folder), (generator(3).random((2, 2, 5)) < 0.5).astype(np.uint8)
    verdict = verify(opened, Samples(spikes, None, None), "icarus", Stalls(), lambda _: None, netlist=target)
    assert verdict.spikes > 0
    cells = json.loads((folder / f"build/synth-{target}/netlist.json").read_text())["modules"]["toy_top"]["cells"]
    memories = [name for name, cell in cells.items() if cell["type"] in BLOCK_MEMORIES]
    assert any(".u_lane.mem" in name for name in memories), "or this test says nothing about writing"


def test_the_up5k_has_a_netlist_of_its_own(tmp_path):
    folder = tmp_path / "rtl"
    write_network(folder, SIZES, lanes=2, leak=MultiplierLeak(11, 4))
    assert synthesise(folder, "ice40", place=False, device="up5k").dsp > 0
    netlist = folder / "build/synth-ice40-up5k/netlist.json"
    written = netlist.stat().st_mtime_ns
    verdict = verify(open_folder(folder), samples(), "icarus", Stalls(), lambda _: None, netlist="ice40-up5k")
    assert verdict.spikes > 0
    assert netlist.stat().st_mtime_ns == written, "the netlist of synth is the one that runs"


def test_verify_makes_the_netlist_and_runs_it_in_verilator(tmp_path, capsys):
    folder = tmp_path / "rtl"
    write_network(folder, SIZES, lanes=2)
    data = tmp_path / "spikes.npy"
    np.save(data, samples().data)
    assert cli.main(["verify", str(folder), "--netlist", "ecp5", "--data", str(data), "--jobs", "1", "--json"]) == 0
    verdicts = json.loads(capsys.readouterr().out)["verdicts"]
    assert [(verdict["engine"], verdict["netlist"], verdict["samples"]) for verdict in verdicts] == [
        ("verilator", "ecp5", 2),
        ("verilator", "ecp5", 1),
        ("verilator", "ecp5", 1),
    ]
