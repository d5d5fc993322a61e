"""Random networks that are graphs against the golden model, in Icarus and in Verilator: every spike and every word.

They have skips, merges, pools, sums, counts that enter, groups of outputs and recurrence, and paths of up to 8
populations: tests/graph_cases.py, and tests/test_graph_cases.py says how often.
"""

from __future__ import annotations

import pytest
from graph_cases import STEPS, random_graph_case
from graphs import random_inputs

from rtl_tests.lib.batch import build_batch, emit_batch, replay_batch
from rtl_tests.lib.emitted import SAMPLES, STALLS, emit, replay
from rtl_tests.lib.seed import generator
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.int_net.reference import Inputs
from snn2rtl.options import RtlOptions

NETWORKS, BATCH = 300, 30  # and how many of them one program of Verilator's has
RANDOM_STALLS = ((128, 128), (40, 240))


def case(number: int) -> tuple[FixedPointNetwork, RtlOptions, Inputs]:
    network, options = random_graph_case(generator(60, number))
    return network, options, random_inputs(network, STEPS, SAMPLES, number)


@pytest.mark.parametrize("number", range(NETWORKS))
def test_in_icarus(number, tmp_path):
    network, options, inputs = case(number)
    emitted = emit(network, options, tmp_path / "rtl", inputs)
    for stalls, verdict in zip(RANDOM_STALLS, replay(emitted, stalls=RANDOM_STALLS), strict=True):
        assert verdict.startswith("PASS"), f"stalls {stalls}: {verdict}"


@pytest.mark.parametrize("simulator", ["verilator"], indirect=True)
@pytest.mark.parametrize("first", range(0, NETWORKS, BATCH))
def test_in_verilator(first, simulator, build_dir, tmp_path):
    emitted = emit_batch([case(first + number) for number in range(BATCH)], tmp_path)
    program = build_batch(tmp_path, build_dir)
    for number in range(len(emitted)):
        for stalls in STALLS:
            text = replay_batch(tmp_path, number, program, stalls)
            verdict = [line for line in text.splitlines() if line.startswith(("PASS", "FAIL"))]
            assert verdict[0].startswith("PASS"), f"network {first + number}, stalls {stalls}:\n{text[:2000]}"
