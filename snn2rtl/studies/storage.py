"""Where studies are kept: a file of SQLite, or a PostgreSQL server that any number of machines share."""

from __future__ import annotations

import fcntl
import logging
import random
import sqlite3
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from zlib import crc32

import optuna
import sqlalchemy
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from snn2rtl.errors import OutputError, StudyError

FILE = "study.db"
HEARTBEAT_S = 10
DEAD_AFTER = 6  # heartbeats that a worker misses
RETRIES = 2  # of a trial whose worker dies: it may be the trial that kills it
_SCHEMES = {"postgresql": "postgresql+psycopg", "postgresql+psycopg": "postgresql+psycopg", "sqlite": "sqlite"}
_TIMEOUT_S = 10
_LOCK_S = 60
_ATTEMPTS = 5

logger = logging.getLogger(__name__)


@contextmanager
def no_warnings() -> Iterator[None]:
    """Keep quiet that heartbeats and names of objectives are experimental in Optuna: its version is pinned."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield


class Storage(RDBStorage):
    """Optuna's storage; a heartbeat that does not arrive does not end the thread that sends the next ones."""

    def record_heartbeat(self, trial_id: int) -> None:
        """Say that the worker of a trial lives."""
        try:
            super().record_heartbeat(trial_id)
        except StorageInternalError as error:
            logger.warning("storage: does not answer (%s); the trial goes on", reason(error))

    @contextmanager
    def turn(self, study: str) -> Iterator[None]:
        """Hold a lock that one worker of the study has at a time; it ends with its process."""
        url = self.engine.url
        if url.drivername == "sqlite":
            with Path(f"{url.database}-turn").open("a", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield
        else:
            with self.engine.begin() as connection:
                connection.execute(sqlalchemy.select(sqlalchemy.func.pg_advisory_xact_lock(crc32(study.encode()))))
                yield

    def close(self) -> None:
        """Close every connection; SQLite then leaves one file."""
        self.remove_session()
        self.engine.dispose()


def file_url(out: Path) -> URL:
    """Return the URL of the file that holds the study of an output folder, which is made where it is not there.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"output '{out}': must be a folder that can be written, but {error}") from None
    return URL.create("sqlite", database=str((out / FILE).absolute()))


def parse_url(text: str) -> URL:
    """Return the URL, with the driver that we install.

    Raises:
        StudyError: it is none of a storage that we know.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername not in _SCHEMES or not url.database:
        given = f"'{show(url)}'" if url else "one that cannot be read"  # and may hold a password
        raise StudyError(f"storage: must be postgresql://USER@HOST/DATABASE or sqlite:///FILE, not {given}")
    if url.drivername == "sqlite" and (url.query or url.database.startswith((":memory:", "file:"))):
        raise StudyError(
            f"storage: must be sqlite:///FILE, a plain file that keeps the study, not '{unquote(show(url))}'; "
            "leave --storage out for a file in --out"
        )
    return url.set(drivername=_SCHEMES[url.drivername])


def show(url: URL) -> str:
    """Return the URL as a user writes it, without its password."""
    return url.set(drivername=url.drivername.partition("+")[0]).render_as_string(hide_password=True)


def open_storage(url: URL, heartbeat_s: int = HEARTBEAT_S) -> Storage:
    """Connect, and make the tables where there are none.

    The trial of a worker whose heartbeats stop is taken up again by another one, from its beginning.

    Args:
        url: from parse_url().
        heartbeat_s: seconds from one heartbeat to the next.

    Raises:
        StudyError: nothing that can hold studies is there.
    """
    sqlite = url.drivername == "sqlite"
    options: dict[str, Any] = {"connect_args": {"connect_timeout": _TIMEOUT_S}, "pool_pre_ping": True}
    if sqlite:
        options = {"creator": partial(_connect, str(url.database))}
    try:
        engine = sqlalchemy.create_engine(url, **options)
        with engine.connect():  # else the attempts below would each wait for a server that is not there
            engine.dispose()
        with no_warnings():
            storage = _create(url, options, heartbeat_s)
    except (SQLAlchemyError, StorageInternalError, RuntimeError) as error:
        raise StudyError(f"storage '{show(url)}': cannot be reached or used: {reason(error)}") from error
    if sqlite:
        # Without it two workers that read before they write could both take a waiting trial.
        sqlalchemy.event.listen(storage.engine, "begin", lambda conn: conn.exec_driver_sql("BEGIN IMMEDIATE"))
    return storage


def _connect(file: str) -> sqlite3.Connection:
    connection = sqlite3.connect(file, _LOCK_S, isolation_level=None, check_same_thread=False)
    # a commit is then one write at the end of a file: what a kill leaves behind is whole, and nobody waits for the disk
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _create(url: URL, options: dict[str, Any], heartbeat_s: int) -> Storage:
    retry = RetryHeartbeatStaleTrialCallback(max_retry=RETRIES)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return Storage(
                url.render_as_string(hide_password=False),
                engine_kwargs=dict(options),
                heartbeat_interval=heartbeat_s,
                grace_period=DEAD_AFTER * heartbeat_s,
                heartbeat_stale_trial_callback=retry,
            )
        except (SQLAlchemyError, StorageInternalError):  # another worker makes the same tables
            if attempt == _ATTEMPTS:
                raise
            time.sleep(random.uniform(0.1, 0.5))
    raise AssertionError


def reason(error: BaseException) -> str:
    """Return what a database says, in one line."""
    cause = getattr(error, "orig", None) or error.__cause__ or error
    cause = getattr(cause, "orig", None) or cause
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def use_our_log() -> None:
    """Let Optuna log errors only, in our format: we say ourselves what trials do."""
    optuna.logging.disable_default_handler()
    optuna.logging.enable_propagation()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
