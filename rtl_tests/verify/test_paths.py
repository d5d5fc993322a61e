"""Folders with names that shells, make, Verilator and Icarus take apart: they are verified, and no name is run."""

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from rtl_tests.netlist.networks import write_network
from snn2rtl.data.samples import Samples
from snn2rtl.errors import VerificationError
from snn2rtl.flows.readback import module_ports
from snn2rtl.flows.synth import synthesise
from snn2rtl.folder import open_folder
from snn2rtl.verify.engines import Stalls
from snn2rtl.verify.verify import verify

HOSTILE = "a b'c\"d;touch PWNED;$(touch PWNED)`touch PWNED`&#(\\e\nÜ"
LONG = "/".join(["x" * 200] * 6)  # longer than the paths that the bench holds
SPIKES = Samples(np.ones((3, 2, 16), np.uint8), None, None)
ENGINES = ("icarus", "verilator")


@pytest.fixture(params=[HOSTILE, LONG], ids=["hostile", "long"])
def rtl(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An output folder; the place for temporary files has such a name, too."""
    place = tmp_path / request.param
    (place / "tmp").mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(place / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    write_network(place / "rtl", (16, 9, 3), lanes=4)
    return place / "rtl"


def nothing_ran(rtl: Path) -> bool:
    return not [path for path in (rtl, *rtl.parents) if (path / "PWNED").exists() or Path("PWNED").exists()]


@pytest.mark.parametrize("engine", ENGINES)
def test_verilog_is_verified(engine: str, rtl: Path) -> None:
    verdict = verify(open_folder(rtl), SPIKES, engine, Stalls(), lambda _: None)
    assert verdict.spikes > 0
    assert nothing_ran(rtl)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_waveform_is_left(engine: str, rtl: Path) -> None:
    update = rtl / "hdl" / "snn_neuron_update.v"
    update.write_text(update.read_text().replace("assign start = pending_q & room_i;", "assign start = 1'b0;"))
    with pytest.raises(VerificationError) as caught:
        verify(open_folder(rtl), SPIKES, engine, Stalls(), lambda _: None)
    wave = rtl / "build" / f"mismatch-{engine}.vcd"
    assert str(caught.value).endswith(f"; waveform: {wave}")
    assert "$enddefinitions" in wave.read_text()
    assert nothing_ran(rtl)


def test_a_netlist_is_made_placed_and_verified(rtl: Path) -> None:
    assert synthesise(rtl, "ice40", device="hx8k").fmax_mhz
    assert verify(open_folder(rtl), SPIKES, "icarus", Stalls(), lambda _: None, netlist="ice40").spikes > 0
    assert {"netlist.json", "nextpnr-1.json", "nextpnr-1.log", "synth.ys", "yosys.log"} <= set(
        os.listdir(rtl / "build" / "synth-ice40")
    )
    assert nothing_ran(rtl)


def test_verilog_is_read_back(rtl: Path) -> None:
    assert "toy_top" in module_ports(rtl)
    assert nothing_ran(rtl)
