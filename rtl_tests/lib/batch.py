"""Many designs in one program of Verilator's, for to build one costs far more than a run of a small design.

Every design's own files are copied with its number in the names of its bench's modules and plusargs, and in the paths
of its memories. Each runs alone: the clock of the others stands still.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rtl_tests.lib.emitted import Emitted, emit
from rtl_tests.lib.seed import SEED
from snn2rtl.flows import tools
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.reference import Inputs
from snn2rtl.options import RtlOptions

Case = tuple[FixedPointNetwork, RtlOptions] | tuple[FixedPointNetwork, RtlOptions, Inputs]  # of vectors, else random
_BENCH = ("replay", "replay_source", "replay_monitor")
_TOP = """module replay (
  input wire clk_i
);
  integer chosen;
  initial if (!$value$plusargs("design=%d", chosen)) chosen = 0;
{instances}
endmodule
"""


def emit_batch(cases: Sequence[Case], folder: Path) -> list[Emitted]:
    """Write the designs of networks to numbered folders, and all of them in one program's files to ``batch``."""
    emitted = [
        emit(replace(network, name=f"n{number}"), options, folder / str(number), *inputs)
        for number, (network, options, *inputs) in enumerate(cases)
    ]
    batch = folder / "batch"
    batch.mkdir()
    for number, one in enumerate(emitted):
        for file in [*one.hdl, *(one.path / "tb" / f"{name}.v" for name in _BENCH)]:
            if file.name.startswith("snn_"):
                shutil.copy(file, batch)
            else:
                (batch / f"{number}_{file.name}").write_text(_numbered(file.read_text(), number))
    instances = "\n".join(
        f"  replay_{number} u_{number} (.clk_i(clk_i & (chosen == {number})));" for number in range(len(emitted))
    )
    (batch / "replay.v").write_text(_TOP.format(instances=instances))
    shutil.copy(emitted[0].path / "tb" / "replay_main.cpp", folder)
    return emitted


def _numbered(text: str, number: int) -> str:
    text = re.sub(r"\breplay(_source|_monitor)?\b(?= #| \()", rf"replay\g<1>_{number}", text)
    text = re.sub(r'plusargs\("(input|expect|record)=', rf'plusargs("\g<1>_{number}=', text)
    return text.replace('"mem/', f'"{number}/mem/').replace('"tb/vectors', f'"{number}/tb/vectors')


def build_batch(folder: Path, place: Path) -> tools.Tool:
    """Return the program of a batch, which Verilator builds in a place.

    Each design runs for a moment: nothing is optimised, and one C++ file reads the headers once.
    """
    sources = sorted(str(file) for file in (folder / "batch").glob("*.v"))
    arguments = ["--cc", "--exe", "--build", "-j", "1", "--x-initial", "unique", "-Wno-lint", "--top-module", "replay"]
    arguments += ["--output-split", "0", "-MAKEFLAGS", "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0"]
    arguments += ["--Mdir", str(place), *sources, "replay_main.cpp"]
    tools.run(tools.require("verilator"), arguments, cwd=folder, log_file=folder / "build.log")
    return tools.Tool("verilator", (str(place / "Vreplay"), "+verilator+rand+reset+2"))


def replay_batch(folder: Path, number: int, program: tools.Tool, stalls: tuple[int, int]) -> str:
    """Return what the replay of one design printed; the line of its verdict begins with PASS or FAIL."""
    vectors = f"{number}/build/vectors"
    plusargs = [f"+design={number}", f"+input_{number}={vectors}/input.hex", f"+expect_{number}={vectors}"]
    plusargs += [f"+stall_in={stalls[0]}", f"+stall_out={stalls[1]}", f"+seed={SEED + number}"]
    return tools.run(program, plusargs, cwd=folder, log_file=folder / f"{number}.log")
