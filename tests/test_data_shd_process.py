"""The process that reads files of SHD: what it does to it ends it, and no command."""

from __future__ import annotations

import os
import re
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from processes import ends
from shd_files import spoken, write_shd

from snn2rtl.data import shd
from snn2rtl.errors import DataError
from snn2rtl.hdf5 import process

TICKS = os.sysconf("SC_CLK_TCK")


def looping(path: Path) -> Path:
    """Write a file over which the HDF5 library loops: the free space of a heap says that it has no size."""
    content = bytearray(write_shd(path, 6).read_bytes())
    heap = content.index(b"GCOL")
    at = heap + 16
    while (number := struct.unpack_from("<H", content, at)[0]) != 0:
        assert number < 100
        at += 16 + -(-struct.unpack_from("<Q", content, at + 8)[0] // 8) * 8
    struct.pack_into("<Q", content, at + 8, 0)
    path.write_bytes(content)
    return path


@pytest.fixture(autouse=True)
def no_other_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_idle", [])


def test_a_file_that_is_read_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "SECONDS", 1)
    path = looping(tmp_path / "x.h5")
    with pytest.raises(DataError) as error, shd.open_shd(path) as file:
        list(file.events())
    said = "must be a whole HDF5 file, but reading it takes more than 1 s of computing; get it again"
    assert str(error.value) == f"{path}: {said}"
    assert process._idle == []
    with shd.open_shd(write_shd(tmp_path / "whole.h5")) as file:
        assert len(file.read(0, 40)) == 40


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_command_that_reads_without_end(number: int, code: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "snn2rtl", "data", "inspect", "shd", str(looping(tmp_path / "x.h5"))]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        reader = busy_child(process.pid)
        process.send_signal(number)
        assert process.wait(30) == code
        assert process.stderr
        assert process.stderr.read() == ("snn2rtl: error: interrupted\n" if number == signal.SIGINT else "")
    assert ends(reader)


def busy_child(parent: int) -> int:
    """Return the child of a process when it has computed for longer than it takes to start."""
    while True:
        for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            if int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[11]) > 3 * TICKS:
                return int(child)
        time.sleep(0.05)


def test_a_process_that_was_killed_meanwhile_is_replaced(tmp_path: Path) -> None:
    path = write_shd(tmp_path / "x.h5")
    for _ in range(2):
        with shd.open_shd(path) as file:
            assert len(file.read(0, 40)) == 40
        (reader,) = process._idle
        reader._process.kill()
        reader._process.wait()


def test_one_process_reads_many_files(tmp_path: Path) -> None:
    paths = [write_shd(tmp_path / f"{seed}.h5", seed=seed) for seed in (0, 1)]
    with shd.open_shd(paths[0]) as first, shd.open_shd(paths[1]) as second:
        for seed, file in enumerate((first, second)):
            assert np.array_equal(file.read(0, 40).times, np.concatenate(spoken(40, seed)[0]))
    both = set(process._idle)
    assert len(both) == 2, "one for each file that is open at a time"
    with shd.open_shd(paths[1]) as file:
        assert len(file) == 40
    write_shd(paths[1])  # HDF5 locks what is open
    with pytest.raises(DataError), shd.open_shd(Path(__file__)):
        pass
    assert set(process._idle) == both


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os; os.abort()", "the HDF5 library crashes on it (SIGABRT)"),
        ("import sys; sys.exit('a fault')", "reading it fails: a fault"),
        ("import os; os._exit(3)", "reading it fails: exit code 3"),
    ],
)
def test_a_process_that_ends_is_the_fault_of_the_file(code: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_START", code)
    with pytest.raises(DataError) as error, shd.open_shd(shd.excerpt()):
        pass
    assert str(error.value) == f"{shd.excerpt()}: must be a whole HDF5 file, but {said}; get it again"


def test_what_takes_too_much_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    start, serve = process._START.split("from snn2rtl.hdf5.serve import serve; ")
    limit = "import h5py; from snn2rtl.hdf5 import serve as r; r._SPARE, r._TIMES_SIZE = 1 << 20, 0; r."
    monkeypatch.setattr(process, "_START", start + limit + serve)
    with pytest.raises(DataError) as error, shd.open_shd(shd.excerpt()) as file:
        list(file.events())
    # NumPy or the HDF5 library notices first
    said = r"must be a whole HDF5 file, but .*(takes more memory|memory allocation failed).*; get it again"
    assert re.fullmatch(f"{re.escape(str(shd.excerpt()))}: {said}", str(error.value))
