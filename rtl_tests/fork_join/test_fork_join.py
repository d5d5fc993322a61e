"""Forks and merges around stages that answer at the end of a step: they run with queues of any size.

A merge that takes its sources in turn needs a queue that holds a whole step, and hangs without one. It is tried here,
too, so that the bench is known to notice a hang.
"""

from pathlib import Path

import pytest

from rtl_tests.lib.dut import run_dut, sources
from snn2rtl.errors import VerificationError

HERE = Path(__file__).parent
FILES = [*sources("snn_merge"), *sources("snn_fork"), HERE / "step_stage.v", HERE / "short_queue.v"]
WHOLE_STEP = 32  # beats: more than a step has


def blocks(queue: int, count: int = 1, in_turn: int = 0) -> dict:
    return {"NumBlocks": count, "QueueDepth": queue, "InTurn": in_turn}


def run_blocks(simulator: str, build_dir: Path, parameters: dict) -> None:
    files = [*FILES, HERE / "in_turn_merge.v", HERE / "fork_join.v"]
    run_dut(simulator, "fork_join", "rtl_tests.fork_join.fork_join_tests", parameters, build_dir, {}, files)


@pytest.mark.parametrize(("queue", "count"), [(0, 1), (1, 1), (1, 3), (WHOLE_STEP, 2)])
def test_residual_blocks_run(simulator, build_dir, queue, count):
    run_blocks(simulator, build_dir, blocks(queue, count))


def test_feedback_through_a_fork_runs(simulator, build_dir):
    files = [*FILES, HERE / "feedback.v"]
    run_dut(simulator, "feedback", "rtl_tests.fork_join.feedback_tests", {}, build_dir, {}, files)


def test_a_merge_that_takes_its_sources_in_turn_hangs(simulator, build_dir):
    with pytest.raises(VerificationError, match=r"10 tests failed"):
        run_blocks(simulator, build_dir, blocks(1, in_turn=1))
    assert "no beat for 300 cycles, missing: out beat" in (build_dir / "test.log").read_text()


def test_a_merge_that_takes_its_sources_in_turn_runs_with_a_queue_of_a_whole_step(simulator, build_dir):
    run_blocks(simulator, build_dir, blocks(WHOLE_STEP, in_turn=1))
