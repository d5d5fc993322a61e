"""Complete designs: written to a folder, and replayed there in Icarus against the golden model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtl_tests.lib.events import random_inputs
from rtl_tests.lib.seed import SEED, generator
from snn2rtl.flows import tools
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.reference import Inputs
from snn2rtl.options import RtlOptions
from snn2rtl.rtl.design import RtlDesign
from snn2rtl.rtl.emit import write_rtl, write_vectors
from snn2rtl.rtl.plan import plan

STEPS, SAMPLES = 6, 8
STALLS = ((0, 0), (128, 0), (0, 128), (128, 128), (0, 240))  # of sender and receiver, of 256


@dataclass(frozen=True)
class Emitted:
    """An output folder with vectors of its own beside those that it came with."""

    path: Path
    design: RtlDesign

    @property
    def hdl(self) -> list[Path]:
        return sorted((self.path / "hdl").glob("*.v"))


def emit(network: FixedPointNetwork, options: RtlOptions, path: Path, inputs: Inputs | None = None) -> Emitted:
    """Write the design of a network, and vectors of these inputs or of random ones."""
    design = plan(network, options)
    write_rtl(network, design, path)
    inputs = random_inputs(generator(5), network, STEPS, SAMPLES) if inputs is None else inputs
    (path / "build").mkdir()
    write_vectors(network, design, np.asarray(inputs, np.uint8), path / "build" / "vectors")
    return Emitted(path, design)


def replay(
    emitted: Emitted, hdl: Sequence[Path] | None = None, stalls: Sequence[tuple[int, int]] = STALLS
) -> list[str]:
    """Return the last line of each replay in Icarus, one for each pair of stalls; PASS and FAIL begin it."""
    build = emitted.path / "build"
    benches = sorted((emitted.path / "tb").glob("*.v"))
    arguments = ["-g2005", "-s", "replay_tb", "-o", build / "replay.vvp", *(hdl or emitted.hdl), *benches]
    tools.run(tools.require("iverilog"), arguments, cwd=emitted.path, log_file=build / "build.log")
    verdicts = []
    for sender, receiver in stalls:
        plusargs = ["+input=build/vectors/input.hex", "+expect=build/vectors", f"+seed={SEED}"]
        plusargs += [f"+stall_in={sender}", f"+stall_out={receiver}"]
        arguments = ["-n", "build/replay.vvp", *plusargs]
        text = tools.run(tools.require("vvp"), arguments, cwd=emitted.path, log_file=build / "replay.log")
        verdicts.append(text.strip().splitlines()[-1])
    return verdicts


def assert_equal_to_reference(emitted: Emitted) -> None:
    """Replay with every kind of stall; every spike of every layer and every output word must match."""
    for stalls, verdict in zip(STALLS, replay(emitted), strict=True):
        log = (emitted.path / "build" / "replay.log").read_text()
        assert verdict.startswith("PASS"), f"stalls {stalls}: {verdict}\n{log[:2000]}"
