import errno
import hashlib
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from output_folders import beside, text_of, writer

from snn2rtl.errors import OptionError, OutputError
from snn2rtl.output import write_folder, write_manifest

ROOT = Path(__file__).resolve().parents[1]


def failing(error: Exception) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        writer("half")(folder)
        raise error

    return write


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder that compile wrote once."""
    folder = tmp_path / "rtl"
    write_folder(folder, writer("old"))
    return folder


def test_a_new_folder_and_its_parents(tmp_path):
    out = tmp_path / "a" / "b" / "rtl"
    write_folder(out, writer("new"))
    assert text_of(out) == "new"
    assert beside(out) == ["rtl"]


def test_the_manifest_names_every_file_with_its_hash(out):
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["generator"] == "snn2rtl"
    assert manifest["version"] == "old"
    assert list(manifest["files"]) == ["README.md", "hdl/top.v"]
    assert manifest["files"]["README.md"] == hashlib.sha256(b"old").hexdigest()


def test_a_folder_of_ours_is_replaced_whole(out):
    write_folder(out, lambda folder: write_manifest(folder, {}))
    assert sorted(path.name for path in out.iterdir()) == ["manifest.json"]
    assert beside(out) == ["rtl"]


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "rtl" / "empty").mkdir(parents=True)
    write_folder(tmp_path / "rtl", writer("new"))
    assert text_of(tmp_path / "rtl") == "new"


def test_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder(Path("rtl"), writer("new"))
    assert text_of(tmp_path / "rtl") == "new"


def test_a_link_to_a_folder_stays_a_link(out):
    link = out.with_name("link")
    link.symlink_to(out)
    write_folder(link, writer("new"))
    assert link.is_symlink()
    assert text_of(out) == "new"
    assert beside(out) == ["link", "rtl"]


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EROFS, "Read-only file system")]
)
def test_a_full_or_read_only_disk_leaves_the_old_folder(out, error):
    with pytest.raises(OutputError, match=rf"rtl: cannot be written: {error.strerror}$"):
        write_folder(out, failing(error))
    assert text_of(out) == "old"
    assert beside(out) == ["rtl"]


@pytest.mark.parametrize("error", [OptionError("an error of ours"), RuntimeError("a bug"), KeyboardInterrupt()])
def test_whatever_ends_the_writing_leaves_the_old_folder(out, error):
    with pytest.raises(type(error)):
        write_folder(out, failing(error))
    assert text_of(out) == "old"
    assert beside(out) == ["rtl"]


def test_a_failed_first_run_leaves_nothing(tmp_path):
    with pytest.raises(OutputError):
        write_folder(tmp_path / "rtl", failing(OSError(errno.ENOSPC, "No space left on device")))
    assert list(tmp_path.iterdir()) == []


def test_a_failure_between_the_renames_brings_the_old_folder_back(out, monkeypatch):
    rename = Path.rename

    def second_fails(self, target):
        if ".partial-" in self.name:
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", second_fails)
    with pytest.raises(OutputError, match=r"cannot be written: Input/output error$"):
        write_folder(out, writer("new"))
    assert text_of(out) == "old"
    assert beside(out) == ["rtl"]


def test_a_real_limit_of_the_system_in_the_middle_of_a_file(out):
    code = """
        import resource, sys
        from pathlib import Path
        from snn2rtl.errors import OutputError
        from snn2rtl.output import write_folder
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        try:
            write_folder(Path(sys.argv[1]), lambda folder: (folder / "big").write_bytes(bytes(10000)))
        except OutputError as error:
            print(error)
    """
    run = run_code(code, out)
    assert run.stdout.endswith("rtl: cannot be written: File too large\n")
    assert text_of(out) == "old"
    assert beside(out) == ["rtl"]


def run_code(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)


def test_what_simulators_leave_in_a_folder_of_ours_goes(out):
    for place in ("build/icarus/replay.vvp", "tb/__pycache__/bench.pyc", "tb/.pytest_cache/README.md"):
        (out / place).parent.mkdir(parents=True)
        (out / place).write_text("")
    write_folder(out, writer("new"))
    assert text_of(out) == "new"
    assert not (out / "build").exists()


def dead_process() -> int:
    """Return the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("name", ["rtl", "r[t]l", "r*"])
def test_leftovers_of_dead_runs_go_and_those_of_others_stay(tmp_path, name):
    out = tmp_path / name
    dead, living = dead_process(), os.getppid()
    stay = {
        f".{name}.partial-{living}",
        f".{name}.old-{living}",
        f".{name}.partial-x",
        f".{name}.other-{dead}",
        ".more.partial-1",
    }
    for leftover in {*stay, f".{name}.partial-{dead}", f".{name}.old-{dead}", f".{name}.partial-{os.getpid()}"}:
        (tmp_path / leftover).mkdir()
        writer("left")(tmp_path / leftover)
    write_folder(out, writer("new"))
    assert text_of(out) == "new"
    assert set(beside(out)) == {*stay, name}


def test_a_run_killed_between_the_renames_is_undone(out):
    os.rename(out, out.with_name(f".rtl.old-{dead_process()}"))
    with pytest.raises(OptionError):
        write_folder(out, failing(OptionError("not this time")))
    assert text_of(out) == "old"
    assert beside(out) == ["rtl"]


def test_kill_9_at_any_moment_leaves_the_old_folder_or_none(tmp_path):
    """One process forks children that write without end, kills them, and looks; the next run always succeeds."""
    code = """
        import json, os, random, signal, sys, time
        from pathlib import Path
        from snn2rtl.output import write_folder, write_manifest

        def writer(version):
            def write(folder):
                for number in range(20):
                    (folder / f"{number}.v").write_text(version * 100)
                write_manifest(folder, {"version": version})
            return write

        def check(folder):
            version = json.loads((folder / "manifest.json").read_text())["version"]
            assert len(list(folder.iterdir())) == 21
            assert all((folder / f"{number}.v").read_text() == version * 100 for number in range(20))

        out = Path(sys.argv[1]) / "rtl"
        seen = {"whole": 0, "none": 0, "leftovers": 0}
        random.seed(0)
        for attempt in range(60):
            child = os.fork()
            if not child:
                version = 0
                while True:
                    version += 1
                    write_folder(out, writer(f"{attempt}.{version}"))
            time.sleep(random.uniform(0.001, 0.03))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            seen["whole" if out.exists() else "none"] += 1
            if out.exists():
                check(out)
            leftovers = [path for path in out.parent.iterdir() if path != out]
            assert all(path.name.startswith((".rtl.old-", ".rtl.partial-")) for path in leftovers)
            seen["leftovers"] += len(leftovers) > 0
            if not out.exists():
                for old in out.parent.glob(".rtl.old-*"):
                    check(old)
            if attempt % 3 == 0:
                write_folder(out, writer(f"{attempt}.parent"))
                check(out)
                assert [path.name for path in out.parent.iterdir()] == ["rtl"]
        print(json.dumps(seen))
    """
    seen = json.loads(run_code(code, tmp_path).stdout)
    assert seen["whole"] > 0
    assert seen["leftovers"] > 0
