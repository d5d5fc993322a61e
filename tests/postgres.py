"""A PostgreSQL server of our own, on a socket in a temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def server() -> Iterator[str]:
    """Start a server and give the URL of an empty database of it."""
    folder = Path(tempfile.mkdtemp(prefix="snn2rtl-pg-"))
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        nobody = pwd.getpwnam("nobody")
        as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        shutil.chown(folder, "nobody")

    def call(program: str, *args: str) -> None:
        subprocess.run([_find(program), *args], check=True, cwd=folder, stdout=subprocess.DEVNULL, **as_user)

    data = str(folder / "data")
    try:
        call("initdb", "--pgdata", data, "--auth", "trust", "--username", "snn", "--no-sync")
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        call("pg_ctl", "start", "--wait", "--pgdata", data, "--log", str(folder / "log"), "--options", options)
        try:
            yield f"postgresql://snn@/postgres?host={folder}"
        finally:
            call("pg_ctl", "stop", "--pgdata", data, "--mode", "immediate")
    finally:
        shutil.rmtree(folder)


def _find(program: str) -> str:
    found = shutil.which(program)
    if found is None:  # Debian keeps them out of PATH
        found = str(max(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), default=program))
    return found
