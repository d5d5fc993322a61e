"""One static module under test: from pytest to the simulator, and from there back to its parameters."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from snn2rtl.rtl import templates
from snn2rtl.verify.cocotb_runner import run_bench

from rtl_tests.lib.seed import SEED

_DEPENDENCIES = {"snn_ingress": ["snn_stream_register"]}
_PARAMETERS = "DUT_PARAMETERS"


def run_dut(
    simulator: str, top: str, module: str, parameters: Mapping[str, int], build_dir: Path, case: Mapping[str, Any]
) -> None:
    """Build a static module with these parameters and run a cocotb module on it, which may need more of the case."""
    files = [*_DEPENDENCIES.get(top, []), top]
    env = {_PARAMETERS: json.dumps({**parameters, **case}), "COCOTB_RANDOM_SEED": str(SEED)}
    sources = [templates.folder() / "verilog" / f"{file}.v" for file in files]
    run_bench(simulator, sources, top, module, build_dir, parameters, env)


def parameters() -> dict[str, Any]:
    """Return the parameters that the design under test was built with, and the rest of the case."""
    return json.loads(os.environ.get(_PARAMETERS, "{}"))
