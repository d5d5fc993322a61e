"""The benches bite: whatever is broken in the Verilog, they fail."""

from pathlib import Path

import pytest

from rtl_tests.address_map import test_address_map
from rtl_tests.direct import test_direct
from rtl_tests.event_queue import test_event_queue
from rtl_tests.fork import test_fork
from rtl_tests.group_sum import test_group_sum
from rtl_tests.ingress import test_ingress
from rtl_tests.lane import test_lane
from rtl_tests.lib.dut import run_dut, sources
from rtl_tests.lib.emitted import SAMPLES, STEPS, Emitted, emit, replay
from rtl_tests.lib.events import random_inputs
from rtl_tests.lib.mutations import MUTATIONS, PROTOCOL_MUTATIONS, Mutation
from rtl_tests.lib.poisson_mutations import POISSON_MUTATIONS
from rtl_tests.lib.pooled_mutations import POOLED_MUTATIONS
from rtl_tests.lib.reset_mutations import RESET_MUTATIONS
from rtl_tests.lib.seed import SEED, generator
from rtl_tests.lib.stream_mutations import STREAM_MUTATIONS
from rtl_tests.lib.temporal_mutations import TEMPORAL_MUTATIONS
from rtl_tests.lib.value_mutations import VALUE_MUTATIONS
from rtl_tests.lif import test_lif
from rtl_tests.max_current import test_max_current
from rtl_tests.max_pool import test_max_pool
from rtl_tests.merge import test_merge
from rtl_tests.network.cases import CASES
from rtl_tests.poisson import test_poisson
from rtl_tests.ragged import test_ragged
from rtl_tests.readout import test_readout
from rtl_tests.rows import test_rows
from rtl_tests.spike_queue import test_spike_queue
from rtl_tests.stream_register import test_stream_register
from snn2rtl.errors import VerificationError
from snn2rtl.verify.cocotb_runner import run_bench

ANY = (*MUTATIONS, *POISSON_MUTATIONS, *POOLED_MUTATIONS, *RESET_MUTATIONS, *STREAM_MUTATIONS, *VALUE_MUTATIONS)
REPLAYED = [mutation for mutation in (*ANY, *TEMPORAL_MUTATIONS) if mutation.case]
BENCHED = [mutation for mutation in (*ANY, *PROTOCOL_MUTATIONS) if mutation.alone]
ALONE = {
    "snn_lif": ("rtl_tests.lif.lif_tests", test_lif.PARAMETERS),
    "snn_single_lif": ("rtl_tests.lif.single_tests", test_lif.SINGLE),
    **{module: ("rtl_tests.lif.second_tests", cases) for module, cases in test_lif.REMEMBERING.items()},
    "snn_lane": ("rtl_tests.lane.lane_tests", test_lane.PARAMETERS),
    "snn_dense_rows": ("rtl_tests.rows.rows_tests", test_rows.DENSE),
    "snn_indexed_rows": ("rtl_tests.rows.rows_tests", test_rows.INDEXED),
    "snn_ragged_rows": ("rtl_tests.ragged.rows_tests", test_ragged.ROWS),
    "snn_ragged_lane": ("rtl_tests.ragged.lane_tests", test_ragged.LANE),
    "snn_ragged_slot": ("rtl_tests.ragged.slot_tests", test_ragged.SLOT),
    "snn_spike_queue": ("rtl_tests.spike_queue.spike_queue_tests", test_spike_queue.PARAMETERS),
    "snn_stream_register": ("rtl_tests.stream_register.stream_register_tests", test_stream_register.PARAMETERS),
    "snn_fork": ("rtl_tests.fork.fork_tests", test_fork.PARAMETERS),
    "snn_merge": ("rtl_tests.merge.merge_tests", test_merge.PARAMETERS),
    "snn_address_map": ("rtl_tests.address_map.address_map_tests", test_address_map.PARAMETERS),
    "snn_max_pool": ("rtl_tests.max_pool.max_pool_tests", test_max_pool.PARAMETERS),
    "snn_max_current": ("rtl_tests.max_current.max_current_tests", test_max_current.PARAMETERS),
    "snn_tap_slots": ("rtl_tests.max_current.tap_slots_tests", test_max_current.SLOTS),
    "snn_event_queue": ("rtl_tests.event_queue.event_queue_tests", test_event_queue.PARAMETERS),
    "snn_group_sum": ("rtl_tests.group_sum.group_sum_tests", test_group_sum.PARAMETERS),
    "snn_ingress": ("rtl_tests.ingress.ingress_tests", test_ingress.PARAMETERS),
    "snn_pixel_ingress": ("rtl_tests.direct.ingress_tests", test_direct.INGRESS),
    "snn_poisson": ("rtl_tests.poisson.poisson_tests", test_poisson.PARAMETERS),
    "snn_pixel_product": ("rtl_tests.direct.product_tests", test_direct.PRODUCT),
    "snn_held_current": ("rtl_tests.direct.held_tests", test_direct.HELD),
    "snn_count_readout": ("rtl_tests.readout.readout_tests", test_readout.PARAMETERS),
}

# parts without a bench of their own, and the module whose bench is theirs
SHARED = {
    "snn_group_queue.v": "snn_pixel_ingress",
    "snn_queue.v": "snn_spike_queue",
    "snn_lowest.v": "snn_spike_queue",
}


def mutate(original: Path, mutation: Mutation, folder: Path) -> Path:
    """Write a copy of a file with the mutation in it, in a folder."""
    text = original.read_text()
    found = text.count(mutation.old)
    assert found == 1, f"{original.name}: must hold {mutation.old!r} once, not {found} times"
    copy = folder / original.name
    copy.write_text(text.replace(mutation.old, mutation.new))
    return copy


def mutated(emitted: Emitted, mutation: Mutation) -> list[Path]:
    """Return the Verilog files of a design with the mutation in a copy of one."""
    (original,) = (file for file in emitted.hdl if file.match(mutation.file))
    copy = mutate(original, mutation, emitted.path / "build")
    return [copy if file == original else file for file in emitted.hdl]


def emit_for(case: str, steps: int, path: Path) -> Emitted:
    """Write a network, with random samples of so many steps."""
    network, options = CASES[case]()
    inputs = random_inputs(generator(22), network, steps, SAMPLES * STEPS // steps)
    return emit(network, options, path, inputs)


def cocotb_bench(emitted: Emitted, hdl: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(emitted.path / "tb")
    build = emitted.path / "build" / "cocotb"
    env = {"COCOTB_RANDOM_SEED": str(SEED)}
    run_bench("icarus", hdl, emitted.design.top, "cocotb_bench", build, env=env, cwd=emitted.path)


@pytest.mark.parametrize(("case", "steps"), sorted({(mutation.case, mutation.steps) for mutation in REPLAYED}))
def test_unbroken_network_passes(case, steps, tmp_path):
    verdicts = replay(emit_for(case, steps, tmp_path / "rtl"))
    assert all(verdict.startswith("PASS") for verdict in verdicts), verdicts


@pytest.mark.parametrize("mutation", REPLAYED, ids=lambda mutation: mutation.what)
def test_replay_fails(mutation, tmp_path):
    emitted = emit_for(mutation.case, mutation.steps, tmp_path / "rtl")
    verdicts = replay(emitted, mutated(emitted, mutation))
    assert any(verdict.startswith("FAIL") for verdict in verdicts), verdicts


@pytest.mark.parametrize("case", sorted({mutation.case for mutation in PROTOCOL_MUTATIONS}))
def test_unbroken_network_passes_cocotb(case, tmp_path, monkeypatch):
    emitted = emit_for(case, STEPS, tmp_path / "rtl")
    cocotb_bench(emitted, emitted.hdl, monkeypatch)


@pytest.mark.parametrize("mutation", PROTOCOL_MUTATIONS, ids=lambda mutation: mutation.what)
def test_cocotb_fails(mutation, tmp_path, monkeypatch):
    emitted = emit_for(mutation.case, STEPS, tmp_path / "rtl")
    with pytest.raises(VerificationError, match="tests failed"):
        cocotb_bench(emitted, mutated(emitted, mutation), monkeypatch)


@pytest.mark.parametrize("mutation", BENCHED, ids=lambda mutation: mutation.what)
def test_bench_of_the_module_fails(mutation, tmp_path):
    """The module's own bench fails, on Icarus; test_<module>.py shows that it passes otherwise."""
    top = SHARED.get(mutation.file, Path(mutation.file).stem)
    module, cases = ALONE[top]
    chosen = cases[mutation.alone]
    parameters, case = chosen, {}
    if "inputs" in chosen:  # a layout, of which the parameters follow
        rows = test_rows if "kind" in chosen else test_ragged
        parameters, case = rows.parameters(chosen), chosen
    files = [mutate(file, mutation, tmp_path) if file.match(mutation.file) else file for file in sources(top)]
    with pytest.raises(VerificationError, match="tests failed"):
        run_dut("icarus", top, module, parameters, tmp_path / "build", case, files)
