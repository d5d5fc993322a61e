"""The block memories that a block says it takes are those that Yosys takes."""

import shutil

import pytest

from rtl_tests.lib.dut import sources
from rtl_tests.max_pool.test_max_pool import parameters
from snn2rtl.flows import tools
from snn2rtl.rtl.blocks import FirstOfStep, Stream


@pytest.mark.parametrize("windows", [1024, 1025, 16385])
def test_max_pool(windows, tmp_path):
    """LUTs up to 1,024 windows, then a block memory or more for each of the two banks."""
    values = parameters(windows)
    stream = Stream("windows", values["AddrWidth"])
    names = [shutil.copy(file, tmp_path) and file.name for file in sources("snn_max_pool")]
    script = [
        f"read_verilog {' '.join(names)}",
        f"chparam {' '.join(f'-set {name} {value}' for name, value in values.items())} snn_max_pool",
        "synth_ecp5 -top snn_max_pool -run begin:map_ffs",  # memories are mapped by then
        f"select -assert-count {FirstOfStep(stream, stream, windows).block_memories} t:DP16KD",
    ]
    tools.run(tools.require("yosys"), ["-p", "; ".join(script)], cwd=tmp_path, log_file=tmp_path / "yosys.log")
