"""Where things are kept for a user whose home cannot be written, as in containers."""

import os
import tempfile
from pathlib import Path

import pytest

from snn2rtl import user_cache
from snn2rtl.flows import tools

NOWHERE = "/proc/nope"


@pytest.fixture(autouse=True)
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No home, and the place for private folders that this user has then."""
    for name in ("XDG_CACHE_HOME", "YOWASP_CACHE_DIR", "SNN2RTL_YOSYS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", NOWHERE)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(user_cache, "private_folder", user_cache.private_folder.__wrapped__)
    return tmp_path / f"snn2rtl-{os.getuid()}"


def test_without_a_home_a_private_folder_is_found_again(private: Path) -> None:
    assert user_cache.cache_folder("builds") == user_cache.cache_folder("builds") == private / "builds"
    assert private.stat().st_mode & 0o777 == 0o700


def test_with_a_home_it_is_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, private: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert user_cache.cache_folder("builds") == tmp_path / "cache" / "snn2rtl" / "builds"
    assert user_cache.yowasp_cache() == {}
    assert not private.exists()


def test_a_cache_that_holds_what_is_wanted_needs_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, private: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(user_cache, "can_write", lambda _: False)
    folder = tmp_path / "cache" / "snn2rtl" / "shd"
    folder.mkdir(parents=True)
    (folder / "a.npy").touch()
    assert user_cache.cache_folder("shd", holds=["a.npy"]) == folder
    assert user_cache.cache_folder("shd", holds=["a.npy", "b.npy"]) == private / "shd"
    assert user_cache.cache_folder("shd") == private / "shd"


@pytest.mark.parametrize("taken_by", ["link", "file", "open folder"])
def test_a_name_that_somebody_else_has_is_not_trusted(taken_by: str, private: Path, tmp_path: Path) -> None:
    match taken_by:
        case "link":
            (tmp_path / "theirs").mkdir(mode=0o700)
            private.symlink_to(tmp_path / "theirs")
        case "file":
            private.touch()
        case _:
            private.mkdir()
            private.chmod(0o777)
    found = user_cache.cache_folder("builds").parent
    assert found.parent == tmp_path
    assert found not in (private, tmp_path / "theirs")
    assert found.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("chosen", [None, NOWHERE])
def test_tools_of_yowasp_get_a_cache_that_they_can_write(
    chosen: str | None, private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if chosen:
        monkeypatch.setenv("YOWASP_CACHE_DIR", chosen)
    assert tools.require("yosys").env == {"YOWASP_CACHE_DIR": str(private / "yowasp")}


def test_a_cache_of_yowasp_that_can_be_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOWASP_CACHE_DIR", str(tmp_path / "yowasp"))
    assert tools.require("yosys").env == {}
