"""run_bench: what it says when something is missing, does not build, dies or fails."""

import os

import pytest

from rtl_tests.lib.dut import sources
from snn2rtl.errors import ToolFailedError, ToolNotFoundError, VerificationError
from snn2rtl.verify.cocotb_runner import run_bench

GOOD = "import cocotb\n\n@cocotb.test\nasync def good(dut):\n    pass\n"
BAD = "@cocotb.test\nasync def bad(dut):\n    assert False\n"


@pytest.fixture
def rom_bench(tmp_path, monkeypatch):
    """Run a bench of this text on snn_rom, or on other files, in Icarus."""
    monkeypatch.syspath_prepend(tmp_path)

    def run(text, files=None, name="some_bench"):
        (tmp_path / f"{name}.py").write_text(text)
        run_bench("icarus", files or sources("snn_rom"), "snn_rom", name, tmp_path / "build")

    return run


def test_failing_tests_are_named(rom_bench):
    with pytest.raises(VerificationError, match=r"some_bench on icarus: 1 tests failed: bad; see .*test\.log"):
        rom_bench(GOOD + BAD)


def test_passing_bench_leaves_the_environment_alone(rom_bench):
    before = dict(os.environ)
    rom_bench(GOOD)
    assert dict(os.environ) == before


def test_a_bench_without_tests_is_no_success(rom_bench):
    with pytest.raises(ToolFailedError):
        rom_bench("", name="empty_bench")


def test_verilog_that_does_not_build(rom_bench, tmp_path):
    broken = tmp_path / "snn_rom.v"
    broken.write_text("module snn_rom (input wire clk_i;\nendmodule\n")
    with pytest.raises(ToolFailedError, match="icarus: cannot build snn_rom, see"):
        rom_bench(GOOD, [broken])


def test_a_path_that_a_shell_would_take_apart(rom_bench, tmp_path):
    with pytest.raises(ToolFailedError, match=r"x;y/snn_rom\.v: must have letters, digits, .* alone in its path$"):
        rom_bench(GOOD, [tmp_path / "x;y" / "snn_rom.v"])


def test_a_missing_simulator(rom_bench, monkeypatch, tmp_path):
    monkeypatch.setenv("SNN2RTL_IVERILOG", str(tmp_path / "nothing"))
    with pytest.raises(ToolNotFoundError, match="iverilog: SNN2RTL_IVERILOG must name a program"):
        rom_bench(GOOD + BAD)
