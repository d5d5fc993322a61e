"""Builds that others share: taken where they are whole and of the same tools, else made again; never in the way."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rtl_tests.netlist.networks import write_network
from snn2rtl.data.samples import Samples
from snn2rtl.flows import tools
from snn2rtl.folder import open_folder
from snn2rtl.verify.engines import Simulator, Stalls, build
from snn2rtl.verify.verify import verify

SPIKES = np.ones((3, 2, 16), np.uint8)


@pytest.fixture
def rtl(tmp_path: Path) -> Path:
    write_network(tmp_path / "rtl", (16, 9, 3), lanes=4)
    return tmp_path / "rtl"


def built_at(rtl: Path) -> int:
    """Return when what is kept was built, or taken."""
    build(open_folder(rtl), "icarus")
    return (rtl / "build" / "icarus" / "replay.vvp").stat().st_mtime_ns


def test_a_program_that_is_missing_or_cut_off_is_built_again(rtl: Path) -> None:
    first = built_at(rtl)
    assert built_at(rtl) == first
    program = rtl / "build" / "icarus" / "replay.vvp"
    whole = program.read_bytes()
    program.unlink()
    assert built_at(rtl) > first
    program.write_bytes(whole[:-100])
    built_at(rtl)
    assert program.read_bytes()[-100:] == whole[-100:]


def test_another_version_of_a_tool_builds_again(rtl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = built_at(rtl)
    said = tools.version
    monkeypatch.setattr(sys.modules["snn2rtl.flows.build_cache"], "version", lambda tool: f"{said(tool)}.1")
    assert built_at(rtl) > first


def spikes_of(simulator: Simulator) -> list[int]:
    return [int(layer.sum()) for layer in simulator.run(SPIKES, Stalls()).spikes.values()]


def test_compile_does_not_disturb_what_runs(rtl: Path) -> None:
    simulator = build(open_folder(rtl), "icarus")
    before = spikes_of(simulator)
    write_network(rtl, (16, 8, 2), lanes=1)
    assert not (rtl / "build").exists()
    assert spikes_of(simulator) == before
    assert not (rtl / "build").exists()


def test_commands_at_once_do_not_disturb_each_other(rtl: Path) -> None:
    command = [sys.executable, "-m", "snn2rtl", "verify", str(rtl), "--engine", "icarus", "--quiet"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for command in running:
        printed, complained = command.communicate()
        assert "PASS" in printed, complained
        assert complained == ""
    assert sorted(os.listdir(rtl / "build" / "icarus")) == ["build.log", "replay.vvp", "replay.vvp.mark"]


def test_a_folder_that_cannot_be_written_is_verified_elsewhere(
    rtl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (rtl / "build").touch()  # for root may write where others may not
    verdict = verify(open_folder(rtl), Samples(SPIKES, None, None), "icarus", Stalls(), lambda _: None)
    assert verdict.spikes > 0
    kept = [path.name for path in (tmp_path / "cache" / "snn2rtl" / "builds").rglob("replay.vvp")]
    assert kept == ["replay.vvp"]
