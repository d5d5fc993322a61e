"""Every line of docs/errors.md: the input, exit code 1, its sentence, and nothing left behind."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from bad_inputs import CASES, compile_args, model
from spikingjelly.activation_based import layer, neuron
from torch import nn

import snn2rtl
from snn2rtl.cli import main

ROOT = Path(__file__).resolve().parents[1]
TABLE = re.findall(r"^\| ([\w-]+) \| [^|]* \| (.*) \|$", (ROOT / "docs" / "errors.md").read_text(), re.M)
SENTENCES = {case: re.findall(r"`([^`]*)`", text) for case, text in TABLE if case not in ("case", "---")}


def matches(sentences: list[str], printed: str) -> bool:
    lines = [line.removeprefix("snn2rtl: error: ") for line in printed.splitlines()]
    patterns = [".*".join(map(re.escape, sentence.split("…"))) for sentence in sentences]
    return all(any(re.fullmatch(pattern, line) for line in lines) for pattern in patterns)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_table_and_cases_are_the_same() -> None:
    assert len(SENTENCES) >= 20
    assert set(SENTENCES) == set(CASES) | {"full-disk"}


@pytest.mark.parametrize("name", CASES)
def test_bad_input(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = CASES[name](tmp_path)
    monkeypatch.setenv("SNN2RTL_IVERILOG", "nowhere")
    before = snapshot(tmp_path)
    capsys.readouterr()
    assert main(argv) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert matches(SENTENCES[name], printed.err), printed.err
    assert all(line.startswith("snn2rtl: error: ") for line in printed.err.splitlines()), printed.err
    assert snapshot(tmp_path) == before  # nothing written, no canary touched


def test_full_disk(tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: the write fails in the middle."""
    path = model(tmp_path)
    before = snapshot(tmp_path)
    code = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000)); "
    code += "from snn2rtl.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, *compile_args(tmp_path, path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert matches(SENTENCES["full-disk"], done.stderr.strip().splitlines()[-1]), done.stderr
    assert "Traceback" not in done.stderr
    assert snapshot(tmp_path) == before
    assert [p.name for p in tmp_path.iterdir()] == ["model.pt"]


@pytest.mark.parametrize("argv", [["compile"], ["frobnicate"], ["compile", "x.pt", "--out", "y", "--bits", "many"]])
def test_usage_errors_exit_with_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    assert "usage: snn2rtl" in capsys.readouterr().err


def test_hostile_layer_names_become_legal(tmp_path: Path) -> None:
    net = nn.Sequential()
    for index, name in enumerate(("wire", "wire_n", "läyer 1", "always")):
        net.add_module(f"{name}", layer.Linear(4, 4, bias=False, step_mode="m"))
        net.add_module(f"lif{index}", neuron.IFNode(step_mode="m"))
    compiled_net = snn2rtl.compile(net, tmp_path / "rtl", name="../module")
    files = [p.name for p in (tmp_path / "rtl" / "hdl").iterdir() if not p.name.startswith("snn_")]
    assert sorted(files) == sorted(f"module_n_{s}.v" for s in ("wire_n", "wire_nn2", "l_yer_1", "always_n", "top"))
    assert [layer.stream for layer in compiled_net.design.layers] == ["wire_n", "wire_nn2", "l_yer_1", "always_n"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["rtl"]
