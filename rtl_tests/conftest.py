"""What the hardware's tests share: both simulators, a bench's build, and the seed of everything random."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from snn2rtl.rtl import templates

sys.path.insert(0, str(templates.folder() / "tb"))  # the benches use the streams of the emitted one
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # whose random graphs the benches use too

from rtl_tests.lib.dut import run_dut
from rtl_tests.lib.seed import SEED


@pytest.fixture(params=["icarus", "verilator"])
def simulator(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def build_dir(simulator: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder to build in, where Verilator finds its own library compiled by whichever test came first."""
    session = tmp_path_factory.getbasetemp()
    library = (session.parent if "PYTEST_XDIST_WORKER" in os.environ else session) / "verilator-library"
    library.mkdir(exist_ok=True)
    place = tmp_path / simulator
    place.mkdir()
    for file in library.glob("*.o"):
        shutil.copy(file, place)
        os.utime(place / file.name, (time.time() + 3600,) * 2)  # newer than the makefile, which comes with every design
    yield place
    for file in place.glob("verilated*.o"):  # not cocotb's verilator.o, which knows the size of the design's class
        partial = library / f"{file.name}.{os.getpid()}"
        shutil.copy(file, partial)
        partial.rename(library / file.name)


@pytest.fixture
def bench(simulator: str, build_dir: Path) -> Callable[..., None]:
    """Run a cocotb module on a module of templates/verilog: ``bench("snn_lif", "rtl_tests.lif.lif_tests", {...})``."""
    return lambda top, module, parameters, **case: run_dut(simulator, top, module, parameters, build_dir, case)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.failed:
        report.sections.append(("Seed", f"run again with SNN2RTL_SEED={SEED}"))
    return report
