"""What write_folder() does not replace."""

from pathlib import Path

import pytest
from output_folders import beside, text_of, writer

from snn2rtl.errors import OutputError
from snn2rtl.output import write_folder


@pytest.mark.parametrize("parent", ["file", "file/deeper"])
def test_a_parent_that_is_a_file(tmp_path, parent):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match=r"rtl: cannot be written: (Not a directory|File exists)$"):
        write_folder(tmp_path / parent / "rtl", writer("new"))
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("length", [245, 300])
def test_a_name_that_is_too_long(tmp_path, length):
    with pytest.raises(OutputError, match=r"cannot be written: File name too long$"):
        write_folder(tmp_path / ("x" * length), writer("new"))
    assert list(tmp_path.iterdir()) == []


def test_the_root_is_no_folder_of_ours():
    with pytest.raises(OutputError, match=r"^/: must be a folder that compile can replace, not the root"):
        write_folder(Path("/"), writer("new"))


def test_a_file_and_a_dangling_link_to_nowhere(tmp_path):
    (tmp_path / "rtl").write_text("mine")
    with pytest.raises(OutputError, match=r"rtl: must be a folder, not a file; choose another --out$"):
        write_folder(tmp_path / "rtl", writer("new"))
    assert (tmp_path / "rtl").read_text() == "mine"
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OutputError, match=r"loop: must be a folder, not a file"):
        write_folder(tmp_path / "loop", writer("new"))


MANIFESTS = {
    "none": None,
    "no JSON": "{",
    "another's": '{"generator": "other", "files": {"mine.txt": ""}}',
    "a list": "[]",
    "no files": '{"generator": "snn2rtl"}',
    "files of another kind": '{"generator": "snn2rtl", "files": 3}',
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS)
def test_a_folder_of_somebody_else_is_refused(tmp_path, manifest):
    out = tmp_path / "rtl"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    if manifest is not None:
        (out / "manifest.json").write_text(manifest)
    with pytest.raises(
        OutputError, match=r"rtl: holds .*, which compile did not write; move it or choose another --out$"
    ):
        write_folder(out, writer("new"))
    assert (out / "mine.txt").read_text() == "mine"
    assert beside(out) == ["rtl"]


@pytest.mark.parametrize("place", ["build/mine.o", "src/build/mine.c", "__pycache__/mine.pyc"])
def test_a_build_folder_of_somebody_else_is_refused(tmp_path, place):
    mine = tmp_path / "rtl" / place
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(OutputError, match=rf"rtl: holds {place}, which compile did not write"):
        write_folder(tmp_path / "rtl", writer("new"))
    assert mine.read_text() == "mine"


def test_added_files_are_named(tmp_path):
    out = tmp_path / "rtl"
    write_folder(out, writer("old"))
    (out / "hdl" / "mine.v").write_text("mine")
    with pytest.raises(OutputError, match=r"holds hdl/mine\.v, which compile did not write"):
        write_folder(out, writer("new"))
    (out / "more.v").symlink_to("/tmp")
    with pytest.raises(OutputError, match=r"holds hdl/mine\.v and 1 more, which compile did not write"):
        write_folder(out, writer("new"))
    assert text_of(out) == "old"
