"""write_folder() where the folder itself must stay: its files are replaced, and a failed or killed run is undone."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from output_folders import beside, text_of, writer

from snn2rtl.errors import OutputError
from snn2rtl.output import write_folder
from snn2rtl.replacing import Replacing

ROOT = Path(__file__).resolve().parents[1]
REPLACE = Path.replace
MOVES = 6  # of three files of the old folder and three of the new one


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that compile wrote, in which this process stands."""
    folder = tmp_path / "rtl"
    write_folder(folder, writer("old"))
    monkeypatch.chdir(folder)
    return folder


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


WHOLE = ["README.md", "hdl", "hdl/top.v", "manifest.json"]


@pytest.mark.parametrize("place", [".", "hdl"])
def test_who_stands_in_a_folder_still_does(out: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    (out / "old.v").touch()
    manifest = (out / "manifest.json").read_text()
    (out / "manifest.json").write_text(manifest.replace('"README.md"', '"old.v": "", "README.md"'))
    (out / "build" / "icarus").mkdir(parents=True)
    (out / "build" / "icarus" / "replay.vvp").touch()
    before = out.stat().st_ino, Path("top.v" if place == "hdl" else ".").parent.stat().st_ino
    write_folder(Path(".." if place == "hdl" else "."), writer("new"))
    assert (out.stat().st_ino, Path.cwd().stat().st_ino) == before
    assert Path("top.v" if place == "hdl" else "hdl/top.v").read_text() == "new"
    assert files(out) == WHOLE
    assert beside(out) == ["rtl"]


def test_an_empty_folder_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_folder(Path("."), writer("new"))
    assert files(tmp_path) == WHOLE


def test_what_others_added_stays(out: Path) -> None:
    (out / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"rtl: holds mine\.txt, which compile did not write"):
        write_folder(out, writer("new"))
    assert text_of(out) == "old"
    assert files(out) == [*WHOLE, "mine.txt"]


def fail_at(number: int, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one of the moves of files fail, and no later one."""
    moves = iter(range(100))

    def replace(self: Path, target: Path) -> Path:
        if next(moves) == number:
            raise error
        return REPLACE(self, target)

    monkeypatch.setattr(Path, "replace", replace)


@pytest.mark.parametrize("number", range(MOVES))
def test_a_failure_at_any_move_leaves_the_old_files(out: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_at(number, OSError(28, "No space left on device"), monkeypatch)
    with pytest.raises(OutputError, match="cannot be written: No space left on device"):
        write_folder(out, writer("new"))
    assert text_of(out) == "old"
    assert files(out) == WHOLE


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("from_outside", [False, True])
@pytest.mark.parametrize("number", range(MOVES + 1))
def test_a_run_killed_at_any_move_is_undone_by_the_next(
    out: Path, number: int, from_outside: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as killed:
        fail_at(number, SystemExit(), killed)
        killed.setattr(Replacing, "clean", lambda _: None)
        if number < MOVES:
            with pytest.raises(SystemExit):
                write_folder(out, writer("new"))
        else:
            write_folder(out, writer("new"))
    dead = dead_process()
    for left in out.glob(".rtl.*"):
        left.rename(left.with_name(left.name.replace(str(os.getpid()), str(dead))))
    assert (out / "manifest.json").exists() == (number in {0, MOVES}), "half done, it is no folder of ours"
    if from_outside:
        monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError):
        write_folder(out, lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    assert text_of(out) == ("new" if number == MOVES else "old")
    assert files(out) == WHOLE


CODE = """
import os, sys
from pathlib import Path
from snn2rtl.output import write_folder
sys.path.append("tests")
from output_folders import writer
"""


def run_alone(script: str, folder: Path, wrapper: tuple[str, ...] = ()) -> str:
    """Run code on a folder in a process of its own and return what it complains of."""
    command = [*wrapper, sys.executable, "-c", CODE + script, str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60).stderr


def test_a_mount_is_filled(tmp_path: Path) -> None:
    """A folder mounted at another of the same disk, which looks like any folder, as containers have it."""
    for name in ("source", "a b"):
        (tmp_path / name).mkdir()
    wrapper = ("unshare", "-rm", "sh", "-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh")
    arguments = (str(tmp_path / "source"), str(tmp_path / "a b"))
    if not shutil.which("unshare") or subprocess.run([*wrapper, *arguments, "true"], check=False).returncode:
        pytest.skip("this user may mount nothing")
    script = "for text in ('old', 'new'): write_folder(Path(sys.argv[1]), writer(text))"
    assert run_alone(script, tmp_path / "a b", (*wrapper, *arguments)) == ""
    assert files(tmp_path / "source") == WHOLE
    assert text_of(tmp_path / "source") == "new"


def test_a_folder_whose_parent_takes_no_other_is_filled(tmp_path: Path) -> None:
    script = """
os.chmod(sys.argv[1], 0o555)
os.setuid(65534) if os.getuid() == 0 else None
for text in ("old", "new"):
    write_folder(Path(sys.argv[1]) / "rtl", writer(text))
"""
    parent = Path(tempfile.mkdtemp())  # where everybody may look, for root takes another user's place
    (parent / "rtl").mkdir()
    (parent / "rtl").chmod(0o777)
    try:
        assert run_alone(script, parent) == ""
        assert text_of(parent / "rtl") == "new"
        assert files(parent / "rtl") == WHOLE
    finally:
        parent.chmod(0o755)
        shutil.rmtree(parent)
