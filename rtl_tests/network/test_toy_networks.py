"""Complete networks against the golden model: every spike of every layer and every word of the output.

Breadth comes from the emitted Verilog replay bench in Icarus, which is quick; the emitted cocotb bench runs on both
simulators for a few.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rtl_tests.lib.emitted import assert_equal_to_reference, emit
from rtl_tests.lib.seed import SEED, generator
from rtl_tests.lib.toys import random_case, random_direct_case, random_encoded_case
from rtl_tests.network.cases import CASES
from snn2rtl.verify.cocotb_runner import run_bench

RANDOM_NETWORKS = 200


@pytest.mark.parametrize("name", CASES)
def test_replay(name, tmp_path):
    assert_equal_to_reference(emit(*CASES[name](), tmp_path / "rtl"))


@pytest.mark.parametrize("number", range(RANDOM_NETWORKS))
def test_replay_of_random_networks(number, tmp_path):
    assert_equal_to_reference(emit(*random_case(generator(20, number)), tmp_path / "rtl"))


@pytest.mark.parametrize("number", range(RANDOM_NETWORKS))
def test_replay_of_random_direct_networks(number, tmp_path):
    assert_equal_to_reference(emit(*random_direct_case(generator(30, number)), tmp_path / "rtl"))


@pytest.mark.parametrize("number", range(RANDOM_NETWORKS // 2))
def test_replay_of_random_encoded_networks(number, tmp_path):
    assert_equal_to_reference(emit(*random_encoded_case(generator(40, number)), tmp_path / "rtl"))


IN_COCOTB = [
    *("numbers-of-each-neuron-soft", "3-lanes-indexed", "output-spikes", "4-layers"),
    *("direct-numbers-of-each-neuron", "direct-2-lanes-dense", "direct-5-lanes-indexed", "direct-adaptive-2-lanes"),
    *("integrators-sum-3-lanes", "recurrent-ragged-3-lanes", "adaptive-soft", "currents-shifts", "delays-ragged"),
    *("poisson-2-lanes-ragged", "poisson-temporal"),
]


@pytest.mark.parametrize("name", IN_COCOTB)
def test_cocotb(name, simulator, build_dir, tmp_path, monkeypatch):
    emitted = emit(*CASES[name](), tmp_path / "rtl")
    monkeypatch.syspath_prepend(emitted.path / "tb")
    sources = [emitted.path / file for file in json.loads((emitted.path / "manifest.json").read_text())["hdl"]]
    env = {"COCOTB_RANDOM_SEED": str(SEED)}
    run_bench(simulator, sources, emitted.design.top, "cocotb_bench", build_dir, env=env, cwd=emitted.path)


def pytest_of_a_user(folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in an output folder as its user does, who has no snn2rtl."""
    hidden = folder.parent / "hidden"
    hidden.mkdir(exist_ok=True)
    (hidden / "snn2rtl.py").write_text("raise ImportError('the folder must do without it')\n")
    environment = {name: value for name, value in os.environ.items() if name not in {"SIM", "PYTEST_CURRENT_TEST"}}
    environment |= {"PYTHONPATH": str(hidden), **env}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tb"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_folder_tests_itself(simulator, build_dir, tmp_path):
    emitted = emit(*CASES["output-counts"](), tmp_path / "rtl")
    build_dir.rename(emitted.path / "build" / f"cocotb-{simulator}")
    done = pytest_of_a_user(emitted.path, SIM=simulator)
    (emitted.path / "build" / f"cocotb-{simulator}").rename(build_dir)
    assert "1 passed" in done.stdout, done.stdout


def test_the_folder_finds_faults(tmp_path):
    """A vector that is wrong by one bit fails, and says where."""
    emitted = emit(*CASES["output-counts"](), tmp_path / "rtl")
    vectors = emitted.path / "tb" / "vectors" / "fc1.hex"
    lines = vectors.read_text().splitlines()
    lines[3] = f"{int(lines[3], 16) ^ 1:x}".rjust(len(lines[3]), "0")
    vectors.write_text("\n".join(lines) + "\n")
    done = pytest_of_a_user(emitted.path, SIM="icarus")
    assert done.returncode == 1
    assert "layer 'fc1': beat 3 must be" in done.stdout


def test_a_missing_simulator_is_named(tmp_path):
    emitted = emit(*CASES["single"](), tmp_path / "rtl")
    nowhere = {"PATH": str(tmp_path)}
    assert "icarus needs iverilog and vvp on PATH" in pytest_of_a_user(emitted.path, SIM="icarus", **nowhere).stdout
    assert "SIM must be icarus or verilator, not 'vcs'" in pytest_of_a_user(emitted.path, SIM="vcs").stdout
