"""One static module under test: from pytest to the simulator, and from there back to its parameters."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rtl_tests.lib.seed import SEED
from snn2rtl.rtl import templates
from snn2rtl.verify.cocotb_runner import SimulatorName, run_bench

_PARTS = {
    "snn_ingress": ["snn_stream_register"],
    "snn_event_queue": ["snn_stream_register", "snn_queue"],
    "snn_merge": ["snn_stream_register", "snn_lowest"],
    "snn_address_map": ["snn_stream_register", "snn_lowest"],
    "snn_max_pool": ["snn_stream_register"],
    "snn_group_sum": ["snn_saturate"],
    "snn_group_queue": ["snn_queue", "snn_lowest"],
    "snn_spike_split": ["snn_lowest"],
    "snn_pixel_ingress": ["snn_stream_register", "snn_queue", "snn_lowest", "snn_group_queue"],
    "snn_poisson": ["snn_stream_register", "snn_queue", "snn_lowest", "snn_group_queue"],
    "snn_spike_queue": ["snn_stream_register", "snn_queue", "snn_lowest", "snn_spike_split"],
    "snn_lif": ["snn_saturate", "snn_leak"],
    "snn_single_lif": ["snn_saturate", "snn_leak"],
    "snn_integrator": ["snn_saturate", "snn_leak"],
    "snn_synaptic_current": ["snn_saturate", "snn_leak"],
    "snn_current_integrator": ["snn_saturate", "snn_leak", "snn_synaptic_current"],
    "snn_adaptive_lif": ["snn_saturate", "snn_leak"],
    "snn_current_lif": ["snn_saturate", "snn_leak", "snn_synaptic_current"],
    "snn_refractory_lif": ["snn_saturate", "snn_leak", "snn_lif"],
    "snn_stepped_lif": ["snn_saturate", "snn_leak", "snn_lif"],
    "snn_refractory_current_lif": ["snn_saturate", "snn_leak", "snn_synaptic_current", "snn_current_lif"],
    "snn_stepped_current_lif": ["snn_saturate", "snn_leak", "snn_synaptic_current", "snn_current_lif"],
    "snn_scores": ["snn_saturate"],
}
_PARAMETERS = "DUT_PARAMETERS"


def sources(module: str) -> list[Path]:
    """Return the files of a static module and its parts."""
    return [templates.folder() / "verilog" / f"{name}.v" for name in [*_PARTS.get(module, []), module]]


def run_dut(
    simulator: SimulatorName,
    top: str,
    module: str,
    parameters: Mapping[str, int | str],
    build_dir: Path,
    case: Mapping[str, Any],
    files: Sequence[Path] = (),
) -> None:
    """Build a static module with these parameters and run a cocotb module on it.

    Args:
        simulator: what runs it.
        top: static module.
        module: dotted name of the cocotb module.
        parameters: Verilog parameters; a literal, such as "40'h12", where they are vectors.
        build_dir: where to build.
        case: what the cocotb module must know besides.
        files: Verilog files to take instead of the module's own.
    """
    env = {_PARAMETERS: json.dumps({**parameters, **case}), "COCOTB_RANDOM_SEED": str(SEED)}
    run_bench(simulator, files or sources(top), top, module, build_dir, parameters, env)


def parameters() -> dict[str, Any]:
    """Return the parameters that the design under test was built with, and the rest of the case."""
    return json.loads(os.environ.get(_PARAMETERS, "{}"))
