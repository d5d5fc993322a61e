"""Complete networks against the golden model: every spike of every layer and every word of the output.

Breadth comes from the emitted Verilog replay bench in Icarus, which is quick; the emitted cocotb bench runs on both
simulators for a few.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from rtl_tests.lib.batch import build_batch, emit_batch, replay_batch
from rtl_tests.lib.emitted import SAMPLES, STALLS, STEPS, assert_equal_to_reference, emit, replay
from rtl_tests.lib.events import random_inputs
from rtl_tests.lib.seed import SEED, generator
from rtl_tests.lib.toys import (
    random_case,
    random_direct_case,
    random_encoded_case,
    random_mixed_case,
    random_value_case,
)
from rtl_tests.network.cases import CASES
from snn2rtl.int_net.chain import layers_of
from snn2rtl.int_net.neurons import MultiplierLeak, ShiftLeak
from snn2rtl.int_net.reference import run
from snn2rtl.verify.cocotb_runner import run_bench

RANDOM_NETWORKS = 200
MIXED_NETWORKS, BATCH = 200, 40  # of all neurons for temporal data, and how many of them one program of Verilator's has
RANDOM_STALLS = ((128, 128), (40, 240))


@pytest.mark.parametrize("name", CASES)
def test_replay(name, tmp_path):
    assert_equal_to_reference(emit(*CASES[name](), tmp_path / "rtl"))


@pytest.mark.parametrize("number", range(RANDOM_NETWORKS))
def test_replay_of_random_networks(number, tmp_path):
    assert_equal_to_reference(emit(*random_case(generator(20, number)), tmp_path / "rtl"))


@pytest.mark.parametrize("number", range(RANDOM_NETWORKS // 2))
def test_replay_of_random_direct_networks(number, tmp_path):
    assert_equal_to_reference(emit(*random_direct_case(generator(30, number)), tmp_path / "rtl"))


@pytest.mark.parametrize("number", range(RANDOM_NETWORKS // 10))
def test_replay_of_random_networks_of_values(number, tmp_path):
    emitted = emit(*random_value_case(generator(60, number)), tmp_path / "rtl")
    for stalls, verdict in zip(RANDOM_STALLS, replay(emitted, stalls=RANDOM_STALLS), strict=True):
        assert verdict.startswith("PASS"), f"stalls {stalls}: {verdict}"


@pytest.mark.parametrize("number", range(RANDOM_NETWORKS // 4))
def test_replay_of_random_encoded_networks(number, tmp_path):
    assert_equal_to_reference(emit(*random_encoded_case(generator(40, number)), tmp_path / "rtl"))


@pytest.mark.parametrize("number", range(MIXED_NETWORKS))
def test_mixed_networks_in_icarus(number, tmp_path):
    emitted = emit(*random_mixed_case(generator(50, number)), tmp_path / "rtl")
    for stalls, verdict in zip(RANDOM_STALLS, replay(emitted, stalls=RANDOM_STALLS), strict=True):
        assert verdict.startswith("PASS"), f"stalls {stalls}: {verdict}"


@pytest.mark.parametrize("simulator", ["verilator"], indirect=True)
@pytest.mark.parametrize("first", range(0, MIXED_NETWORKS, BATCH))
def test_mixed_networks_in_verilator(first, simulator, build_dir, tmp_path):
    emitted = emit_batch([random_mixed_case(generator(50, first + number)) for number in range(BATCH)], tmp_path)
    program = build_batch(tmp_path, build_dir)
    for number in range(len(emitted)):
        for stalls in STALLS:
            text = replay_batch(tmp_path, number, program, stalls)
            verdict = [line for line in text.splitlines() if line.startswith(("PASS", "FAIL"))]
            assert verdict[0].startswith("PASS"), f"network {first + number}, stalls {stalls}:\n{text[:2000]}"


def test_mixed_networks_mix():
    """Every feature is in many networks, most of them with others, and what the neurons do is seen."""
    seen: list[set[str]] = []
    lively = 0
    for number in range(MIXED_NETWORKS):
        net, _ = random_mixed_case(generator(50, number))
        neurons = [layer.neuron for layer in layers_of(net)]
        seen.append({type(neuron).__name__ for neuron in neurons})
        seen[-1] |= {
            key for key in ("recurrent", "delay") for layer in layers_of(net) if getattr(layer, key) is not None
        }
        leaks = [value for neuron in neurons for value in vars(neuron).values()]
        seen[-1] |= {"leaks of each"} if any(isinstance(leak, ShiftLeak | MultiplierLeak) for leak in leaks) else set()
        spikes = run(net, random_inputs(generator(5), net, STEPS, SAMPLES)).in_order[0].spikes
        lively += 0 < spikes.mean() < 1
    counts = Counter(feature for features in seen for feature in features)
    names = {"AdaptiveLifNeuron", "CubaLifNeuron", "Integrator", "CubaIntegrator"}
    assert counts.keys() == names | {"recurrent", "delay", "leaks of each"}
    assert min(counts.values()) >= MIXED_NETWORKS / 8
    assert sum(len(features) for features in seen) >= 3 * MIXED_NETWORKS
    assert lively >= MIXED_NETWORKS / 2


IN_COCOTB = [
    *("numbers-of-each-neuron-soft", "3-lanes-indexed", "output-spikes", "4-layers"),
    *("direct-numbers-of-each-neuron", "direct-2-lanes-dense", "direct-5-lanes-indexed", "direct-adaptive-2-lanes"),
    *("integrators-sum-3-lanes", "recurrent-ragged-3-lanes", "adaptive-soft", "currents-shifts", "delays-ragged"),
    *("poisson-2-lanes-ragged", "poisson-temporal"),
    *("values-2-lanes-indexed", "values-beside-spikes"),
    *("norse", "norse-recurrent"),
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


def test_the_folder_tests_itself_whatever_its_path(tmp_path):
    emitted = emit(*CASES["output-counts"](), tmp_path / "a:b 'c;touch PWNED;$(touch PWNED)" / "rtl")
    done = pytest_of_a_user(emitted.path, SIM="verilator", VERILATOR_ROOT="/opt/another/share/verilator")
    assert "1 passed" in done.stdout, done.stdout
    assert not list(tmp_path.rglob("PWNED"))


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
