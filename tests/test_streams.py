"""Standard streams that are closed, full, of another encoding, or whose reader has gone."""

import ast
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from networks import chain, dense

from snn2rtl import cli
from snn2rtl.int_net import network_file
from snn2rtl.progress import bar
from snn2rtl.streams import complain

ROOT = Path(__file__).resolve().parents[1]
ASCII = {**os.environ, "LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def measure(tmp_path: Path) -> list[str]:
    """A command that prints tables, and JSON of many lines."""
    network_file.save(chain(dense([[1, 1]])), tmp_path / "net.npz")
    np.save(tmp_path / "x.npy", np.ones((3, 2, 2), np.uint8))
    argv = ["measure", str(tmp_path / "net.npz"), "--data", str(tmp_path / "x.npy"), "--repeats", "0"]
    return [sys.executable, "-m", "snn2rtl", *argv]


def in_shell(command: list[str], redirections: str) -> subprocess.CompletedProcess[str]:
    shell = ["sh", "-c", f'exec "$@" {redirections}', "sh", *command]
    return subprocess.run(shell, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_error(measure: list[str], closed: str, tmp_path: Path) -> None:
    simulate = [*measure[:3], "simulate", measure[4], "--input", measure[6], "--out", str(tmp_path / "y.npz")]
    done = in_shell(simulate, closed)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("" if ">&-" in closed.split() else f"reference: 2 samples, wrote {tmp_path / 'y.npz'}\n")
    with np.load(tmp_path / "y.npz") as written:  # no text got into the file that took the number of stdout
        assert written["classes"].tolist() == [0, 0]


def test_an_error_is_not_printed_to_stdout_where_stderr_is_closed(measure: list[str]) -> None:
    done = in_shell([*measure[:3], "measure", "nowhere.npz", "--data", "x"], "2>&-")
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["tables", "json"])
def test_a_reader_that_has_gone_is_no_error(measure: list[str], options: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*measure, *options], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["tables", "json"])
def test_a_full_disk_is_an_error(measure: list[str], options: list[str]) -> None:
    done = in_shell([*measure, *options], ">/dev/full")
    assert (done.returncode, done.stderr) == (1, "snn2rtl: error: stdout: cannot be written: No space left on device\n")


def test_a_log_that_nobody_reads_does_not_end_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Gone())
    complain("a warning")
    assert cli.main(["measure", "nowhere.npz", "--data", "x"]) == 1


@pytest.mark.parametrize("env", [{**os.environ, "PYTHONIOENCODING": "ascii"}, ASCII], ids=["stdout", "locale"])
def test_characters_that_stdout_does_not_have_are_written_by_number(env: dict[str, str], tmp_path: Path) -> None:
    net = tmp_path / "Übung.npz"
    network_file.save(chain(dense([[1, 1]])), net)
    np.save(tmp_path / "x.npy", np.ones((3, 2, 2), np.uint8))
    argv = [sys.executable, "-m", "snn2rtl", "simulate", str(net), "--input", str(tmp_path / "x.npy")]
    done = subprocess.run([*argv, "--out", str(tmp_path / "ü.npz")], env=env, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    name = "\\xfc.npz" if env is not ASCII else "ü.npz"  # in that locale it is bytes for Python, as it is for the shell
    assert done.stdout.endswith(f"/{name}\n".encode())


def test_words_of_the_data_set_are_printed_in_ascii() -> None:
    argv = [sys.executable, "-m", "snn2rtl", "data", "inspect", "shd"]
    done = subprocess.run(argv, env=ASCII, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b" f\\xfcnf " in done.stdout
    assert done.stdout.isascii()


def test_files_are_utf_8_in_any_locale(tmp_path: Path) -> None:
    (tmp_path / "train.toml").write_text("# fünf\nepochs = 3\n", encoding="utf-8")
    code = """
import json, sys
from pathlib import Path
import numpy as np
sys.path.append("tests")
from networks import chain, dense
from snn2rtl.config import read_toml
from snn2rtl.folder import open_folder
from snn2rtl.rtl.emit import write_rtl
from snn2rtl.rtl.plan import plan
from dataclasses import replace
place = Path(sys.argv[1])
network = replace(chain(dense(np.eye(3, dtype=int))), name="n\\u00e4tz")
write_rtl(network, plan(network), place / "rtl")
print(json.dumps([read_toml(place / "train.toml"), open_folder(place / "rtl").network.name]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env=ASCII, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert json.loads(done.stdout) == [{"epochs": 3}, "nätz"]


def calls_without_encoding(path: Path) -> Iterator[str]:
    """Yield where text is read or written in the encoding of the user's locale."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or any(keyword.arg in ("encoding", None) for keyword in node.keywords):
            continue
        called = ast.unparse(node.func)
        if called.endswith((".read_text", ".write_text")):
            yield f"{path}:{node.lineno}"
        elif called.rpartition(".")[2] == "open" and not called.endswith(("gzip.open", "os.open", "archive.open")):
            modes = [ast.unparse(part) for part in (*node.args, *(keyword.value for keyword in node.keywords))]
            if not any(mode.strip("'\"") in ("rb", "wb", "ab", "xb", "r+b") for mode in modes):
                yield f"{path}:{node.lineno}"


def test_every_text_file_is_read_and_written_as_utf_8() -> None:
    sources = [*(ROOT / "snn2rtl").rglob("*.py"), *(ROOT / "templates").rglob("*.py")]
    assert len(sources) > 100
    found = [place for path in sources for place in calls_without_encoding(path)]
    assert not found


def test_a_bar_is_for_a_terminal_alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with bar("measure", 3) as advance:
        advance(3)
    assert capsys.readouterr().err == ""
