"""Storages: what they are called, and what is said of those that are not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage

from snn2rtl.errors import OutputError, StudyError
from snn2rtl.studies import storage


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://ann@host/db", "postgresql://ann@host/db"),
        ("postgresql+psycopg://ann:secret@host:5/db?sslmode=require", "postgresql://ann:***@host:5/db?sslmode=require"),
        ("sqlite:////tmp/a.db", "sqlite:////tmp/a.db"),
    ],
)
def test_urls_are_shown_without_password(text: str, shown: str) -> None:
    assert storage.show(storage.parse_url(text)) == shown


@pytest.mark.parametrize(
    "text",
    ["", "host/db", "mysql://ann:secret@host/db", "postgresql://ann@host", "sqlite://", "postgresql://a:secret@h:x/db"],
)
def test_other_urls_are_refused(text: str) -> None:
    with pytest.raises(StudyError, match=r"^storage: must be postgresql://USER@HOST/DATABASE or .*, not ") as caught:
        storage.parse_url(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:///:memory:",
        "sqlite:///file::memory:",
        "sqlite:///file:study?mode=memory&cache=shared&uri=true",
        "sqlite:////tmp/a.db?mode=ro",
    ],
)
def test_sqlite_is_a_file(text: str) -> None:
    """In memory a study would end with its worker, and the options of a URI would be ignored."""
    with pytest.raises(StudyError, match=r"^storage: must be sqlite:///FILE, a plain file .*, not 'sqlite:///.*'; .*$"):
        storage.parse_url(text)


def test_a_server_that_is_not_there_is_one_sentence() -> None:
    url = storage.parse_url("postgresql://ann:secret@127.0.0.1:1/db")
    sentence = r"^storage 'postgresql://ann:\*\*\*@127.0.0.1:1/db': cannot be reached or used: .*refused.*$"
    with pytest.raises(StudyError, match=sentence) as caught:
        storage.open_storage(url)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "study.db").write_bytes(b"something else" * 100)
    for url in (storage.file_url(tmp_path), storage.parse_url(f"sqlite:///{tmp_path}/none/study.db")):
        with pytest.raises(
            StudyError, match=r"^storage 'sqlite:///.*study.db': cannot be reached or used: .+$"
        ) as caught:
            storage.open_storage(url)
        assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="must be a folder that can be written"):
        storage.file_url(tmp_path / "file")


def test_a_heartbeat_that_fails_is_not_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened = storage.open_storage(storage.file_url(tmp_path))

    def lost(*_: object) -> None:
        raise StorageInternalError("An exception is raised") from ConnectionError("server closed the connection")

    monkeypatch.setattr(RDBStorage, "record_heartbeat", lost)
    opened.record_heartbeat(1)
    assert "storage: does not answer (server closed the connection); the trial goes on" in caplog.text
