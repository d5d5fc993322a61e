"""The shell around the commands: help, JSON, exit codes, what a machine and a person read."""

import importlib.util
import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from networks import chain, dense
from processes import ends

from snn2rtl import cli
from snn2rtl.folder import open_folder
from snn2rtl.int_net import network_file, reference
from snn2rtl.int_net.chain import layers_of, with_layers

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "examples" / "mnist_784_400_10.pt"
IMAGES = ROOT / "examples" / "mnist_test_1000.npz"
DOCS = ROOT / "docs" / "cli.md"


@pytest.fixture(scope="module")
def rtl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cli") / "rtl"
    assert cli.main(["compile", str(MODEL), "--out", str(out), "--quiet"]) == 0
    return out


def docs_script() -> ModuleType:
    """Return .ci/docs.py, which `make docs` runs."""
    spec = importlib.util.spec_from_file_location("docs_script", ROOT / ".ci" / "docs.py")
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def test_what_the_program_says_itself_is_that_of_the_documentation() -> None:
    """`make docs` writes it. Compared by words: Python's versions wrap the lines of help texts differently."""
    page = DOCS.read_text()
    assert docs_script().generated(page).split() == page.split()


def test_a_help_text_that_changed_is_noticed() -> None:
    page = DOCS.read_text()
    for old, new in (("learning rate of Adam |", "learning rate |"), ("show this help message", "show help")):
        assert old in page
        assert docs_script().generated(page.replace(old, new)).split() == page.split()
        assert docs_script().generated(page).split() != page.replace(old, new).split()


def test_compile_prints_json_for_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--calibration", str(IMAGES), "--samples", "50", "--bits", "fc1=4,fc2=8", "--lanes", "8,fc2=5", "--json"]
    assert cli.main(["compile", str(MODEL), "--out", str(tmp_path / "rtl"), *options]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [layer["weight_bits"] for layer in data["layers"]] == [4, 8]
    assert [layer["lanes"] for layer in data["layers"]] == [8, 5]
    assert data["accuracy"]["samples"] == 50
    assert data["accuracy"]["after"] > 0.9
    assert data["report"][0]["approximations"]
    manifest = json.loads((tmp_path / "rtl" / "manifest.json").read_text())
    assert {key: manifest[key] for key in data} == data


def test_compile_prints_tables_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compile", str(MODEL), "--out", str(tmp_path / "rtl")]) == 0
    printed = capsys.readouterr().out
    for word in ("fc1", "fc2", "dense bits", "indexed bits", "approximation: layer 'fc1'", f"wrote {tmp_path}"):
        assert word in printed


def test_two_compiles_give_the_same_bytes(tmp_path: Path, rtl: Path) -> None:
    env = {**os.environ, "PYTHONHASHSEED": "7"}
    argv = [sys.executable, "-m", "snn2rtl", "compile", str(MODEL), "--out", str(tmp_path / "other"), "--quiet"]
    subprocess.run(argv, env=env, check=True, capture_output=True)
    files = sorted(str(p.relative_to(rtl)) for p in rtl.rglob("*") if p.is_file())
    assert files == sorted(
        str(p.relative_to(tmp_path / "other")) for p in (tmp_path / "other").rglob("*") if p.is_file()
    )
    for file in files:
        assert (rtl / file).read_bytes() == (tmp_path / "other" / file).read_bytes(), file


def test_an_integer_network_compiles_to_the_same_hardware_without_torch(tmp_path: Path, rtl: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None; sys.modules['spikingjelly'] = None; "
        "from snn2rtl.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    argv = ["compile", str(rtl / "network.npz"), "--out", str(tmp_path / "again"), "--quiet"]
    subprocess.run([sys.executable, "-c", code, *argv], check=True, capture_output=True)
    for file in sorted((rtl / "hdl").iterdir()) + sorted((rtl / "mem").iterdir()):
        assert file.read_bytes() == (tmp_path / "again" / file.relative_to(rtl)).read_bytes()


def test_missing_torch_is_one_sentence(tmp_path: Path) -> None:
    code = "import sys; sys.modules['torch'] = None; from snn2rtl.cli import main; sys.exit(main(sys.argv[1:]))"
    argv = [sys.executable, "-c", code, "compile", str(MODEL), "--out", str(tmp_path / "rtl")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        done.stderr
        == "snn2rtl: error: compile: needs the package torch; install it with: pip install 'snn2rtl[train]'\n"
    )


SLEEPER = "#!/bin/sh\nsleep 1\nsleep 60 &\necho $! > {0}/new && mv {0}/new {0}/pid\nwait\n"


def signalled(argv: list[str], number: int, folder: Path, **env: str) -> int:
    """Return the exit code of a command that gets a signal when a tool has started a program, which must end, too."""
    command = [sys.executable, "-m", "snn2rtl", *argv]
    with subprocess.Popen(command, env={**os.environ, **env}, stderr=subprocess.PIPE, text=True) as process:
        while not (folder / "pid").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        code = process.wait(30)
        assert process.stderr
        assert "Traceback" not in process.stderr.read()
    assert ends(int((folder / "pid").read_text()))
    return code


def script(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def test_a_terminated_command_stops_its_tools(tmp_path: Path, rtl: Path) -> None:
    yosys = script(tmp_path / "yosys", SLEEPER.format(tmp_path))
    assert signalled(["synth", str(rtl)], signal.SIGTERM, tmp_path, SNN2RTL_YOSYS=yosys) == 143


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_simulators_of_all_jobs(number: int, code: int, tmp_path: Path, rtl: Path) -> None:
    tools = {
        "SNN2RTL_IVERILOG": script(tmp_path / "iverilog", "#!/bin/sh\nmkdir -p bench && touch bench/replay.vvp\n"),
        "SNN2RTL_VVP": script(tmp_path / "vvp", "#!/bin/sh\n[ $1 = -V ] && exit\n" + SLEEPER.format(tmp_path)),
    }
    argv = ["verify", str(rtl), "--engine", "icarus", "--icarus-samples", "3", "--jobs", "2"]
    assert signalled(argv, number, tmp_path, **tools) == code
    assert not list((rtl / "build" / "icarus").glob("run-*.log")), "only a run that failed leaves a log"


def test_simulate_reference_writes_what_the_golden_model_says(tmp_path: Path, rtl: Path) -> None:
    rng = np.random.default_rng(0)
    spikes = (rng.random((7, 3, 784)) < 0.1).astype(np.uint8)
    np.save(tmp_path / "x.npy", spikes)
    argv = ["simulate", str(rtl), "--input", str(tmp_path / "x.npy"), "--out", str(tmp_path / "y.npz")]
    assert cli.main(argv) == 0
    expected = reference.run(open_folder(rtl).network, spikes)
    with np.load(tmp_path / "y.npz") as found:
        assert sorted(found) == ["classes", "counts", "cycle_limit", "spikes_fc1", "spikes_fc2"]
        for name, trace in zip(("fc1", "fc2"), expected.in_order, strict=True):
            assert np.array_equal(found[f"spikes_{name}"], trace.spikes)
        assert np.array_equal(found["counts"], expected.counts)
        assert np.array_equal(found["classes"], expected.classes)


def measured(model: Path, *options: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    argv = ["measure", str(model), "--data", str(IMAGES), "--samples", "20", "--repeats", "0", "--json", *options]
    assert cli.main(argv) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_measure_says_the_same_of_a_model_its_network_and_its_folder(
    rtl: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = measured(MODEL, capsys=capsys)
    assert found == measured(rtl / "network.npz", capsys=capsys) == measured(rtl, capsys=capsys)
    assert found["accuracy"] > 0.9
    assert [layer["neurons"] for layer in found["layers"]] == [400, 10]
    assert found["total"]["macs"] == 100 * (784 * 400 + 400 * 10)
    assert found["latency"] == []
    narrow = measured(MODEL, "--bits", "fc1=4,fc2=8", capsys=capsys)
    assert [layer["weight_bits"] for layer in narrow["layers"]] == [4, 8]
    assert narrow["total"]["weight_memory_bits"]["dense"] == 4 * 784 * 400 + 8 * 400 * 10


def test_measure_prints_tables_for_people(tmp_path: Path, rtl: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plots = tmp_path / "new" / "plots"
    options = ["--samples", "5", "--repeats", "1", "--batch", "3", "--plots", str(plots), "--sample", "4"]
    assert cli.main(["measure", str(MODEL), "--data", str(IMAGES), *options]) == 0
    printed = capsys.readouterr().out
    for word in ("synaptic operations", "as indexed", "never spiked", "confusion", "golden model", "SpikingJelly"):
        assert word in printed
    names = ("confusion", "firing_rates", "membranes", "operations", "raster", "sparsity")
    assert sorted(path.name for path in plots.iterdir()) == [
        f"{name}.{kind}" for name in names for kind in ("png", "svg")
    ]
    assert f"wrote 12 files to {plots}" in printed


def test_measure_prints_names_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = chain(dense([[1, 1]]), dense([[1]]))
    layers = (replace(layers_of(network)[0], name="[/b]"), replace(layers_of(network)[1], name="all"))
    network_file.save(with_layers(network, layers), tmp_path / "net.npz")
    np.save(tmp_path / "x.npy", np.ones((3, 2, 2), np.uint8))
    argv = ["measure", str(tmp_path / "net.npz"), "--data", str(tmp_path / "x.npy"), "--repeats", "0"]
    assert cli.main(argv) == 0
    printed = capsys.readouterr().out
    assert printed.count(" [/b] ") == 4  # one table each of weights, memory, spikes and energy
    assert "accuracy" not in printed


def test_measure_of_a_network_needs_no_torch_and_no_matplotlib(rtl: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = sys.modules['spikingjelly'] = sys.modules['matplotlib'] = None; "
        "from snn2rtl.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    argv = [sys.executable, "-c", code, "measure", str(rtl), "--data", str(IMAGES), "--samples", "2", "--repeats", "1"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert "golden model" in done.stdout
    done = subprocess.run([*argv, "--plots", "x"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        done.stderr
        == "snn2rtl: error: measure: needs the package matplotlib; install it with: pip install 'snn2rtl[plots]'\n"
    )


def test_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    assert re.fullmatch(r"snn2rtl \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    argv = f"{sys.executable} -m snn2rtl compile {MODEL} --out {tmp_path}/rtl --json | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", argv], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["{", "0"]
    assert "Traceback" not in done.stderr


def test_the_log_goes_to_what_stderr_is_now(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """While rich shows a bar, stderr is a console that writes above it."""
    cli.main(["simulate", str(tmp_path), "--input", "x.npy", "--out", "y.npz"])
    now = io.StringIO()
    monkeypatch.setattr(sys, "stderr", now)
    logging.getLogger("snn2rtl.anything").warning("late")
    assert now.getvalue() == "snn2rtl.anything: late\n"
