"""``snn2rtl verify`` and ``simulate`` on both simulators: they pass our Verilog and name what a broken one does."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snn2rtl import cli
from snn2rtl.api import compile
from snn2rtl.data.samples import Samples
from snn2rtl.encoders import Encoder
from snn2rtl.errors import VerificationError
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import Linear, Neuron
from snn2rtl.folder import open_folder
from snn2rtl.int_net import reference
from snn2rtl.int_net.chain import layers_of
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.verify.engines import Stalls, build
from snn2rtl.verify.limit import cycle_limit
from snn2rtl.verify.verify import verify

ENGINES = ("icarus", "verilator")


def network() -> SpikingNetwork:
    rng = np.random.default_rng(5)
    nodes = (
        Linear(name="hidden", weight=rng.normal(0.05, 0.3, (30, 20)), bias=rng.normal(0, 0.1, 30)),
        Neuron(name="lif1", tau=2.0, v_threshold=1.0, v_reset=0.0),
        Linear(name="out", weight=rng.normal(0.05, 0.3, (7, 30)), bias=np.zeros(7)),
        Neuron(name="lif2", tau=4.0, v_threshold=1.0, v_reset=None),
    )
    return SpikingNetwork(name="toy", nodes=nodes, encoder=Encoder.poisson(10, 0.5))


@pytest.fixture(scope="module")
def spikes() -> np.ndarray:
    rng = np.random.default_rng(6)
    return (rng.random((10, 70, 20)) < rng.uniform(0, 0.6, (1, 70, 1))).astype(np.uint8)


@pytest.fixture(scope="module")
def rtl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("verify") / "rtl"
    compile(network(), out, rtl=RtlOptions(lanes=PerLayer(8)))
    return out


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "stalls", [Stalls(), Stalls(100, 150, seed=3), Stalls(alone=True)], ids=["plain", "stalls", "alone"]
)
def test_every_spike_is_the_golden_model_s(engine: str, stalls: Stalls, rtl: Path, spikes: np.ndarray) -> None:
    folder = open_folder(rtl)
    done: list[int] = []
    verdict = verify(folder, Samples(spikes, None, None), engine, stalls, done.append)
    result = reference.run(folder.network, spikes)
    assert sum(done) == verdict.samples == 70
    assert verdict.spikes == sum(int(trace.spikes.sum()) for trace in result.in_order) > 0
    limit = cycle_limit(folder.network, folder.design, spikes, result).mean()
    assert verdict.limit == limit <= verdict.cycles
    assert limit < verdict.latency < verdict.worst
    if stalls.alone:  # nothing but the turn of sender and receiver lies between the samples
        assert verdict.latency < verdict.cycles <= verdict.latency + 3
    else:
        assert verdict.cycles < verdict.latency


def broken(rtl: Path, tmp_path: Path, file: str, old: str, new: str) -> Path:
    out = tmp_path / "broken"
    compile(network(), out, rtl=RtlOptions(lanes=PerLayer(8)))
    text = (out / "hdl" / file).read_text()
    assert text.count(old) == 1
    (out / "hdl" / file).write_text(text.replace(old, new))
    return out


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("stalls", [Stalls(), Stalls(100, 150, seed=3)], ids=["plain", "stalls"])
def test_a_directly_coded_network(engine: str, stalls: Stalls, tmp_path: Path) -> None:
    encoder = Encoder(kind="direct", time_steps=5)
    compile(replace(network(), encoder=encoder), tmp_path / "rtl", rtl=RtlOptions(lanes=PerLayer(8)))
    folder = open_folder(tmp_path / "rtl")
    rng = np.random.default_rng(7)
    pixels = rng.integers(0, 256, (70, 20), np.uint8) * (rng.random((70, 20)) < rng.uniform(0, 0.8, (70, 1)))
    verdict = verify(folder, Samples(pixels, None, encoder), engine, stalls, lambda _: None)
    result = reference.run(folder.network, pixels)
    assert verdict.spikes == sum(int(trace.spikes.sum()) for trace in result.in_order) > 0
    limit = cycle_limit(folder.network, folder.design, pixels, result)
    assert verdict.limit == limit.mean() <= verdict.cycles
    # the sums and the neuron updates of the first layer are bounds of their own, and so is the second layer
    hidden, out = folder.design.layers
    touched = (pixels != 0) @ np.count_nonzero(layers_of(folder.network)[0].weight[hidden.placement], axis=0)
    assert (limit >= -(-touched // hidden.lanes)).all()
    assert (limit >= 5 * hidden.slots).all()
    assert (limit >= result.in_order[0].spikes.sum(axis=(0, 2)) + 5 * out.slots).all()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("stalls", [Stalls(), Stalls(100, 150, seed=3)], ids=["plain", "stalls"])
def test_an_encoder_in_hardware(engine: str, stalls: Stalls, tmp_path: Path) -> None:
    compile(network(), tmp_path / "rtl", noise="xorshift", rtl=RtlOptions(lanes=PerLayer(8)))
    folder = open_folder(tmp_path / "rtl")
    rng = np.random.default_rng(7)
    pixels = rng.integers(0, 256, (70, 20), np.uint8) * (rng.random((70, 20)) < rng.uniform(0, 0.8, (70, 1)))
    encoder = folder.network.encoder
    verdict = verify(folder, Samples(pixels, None, encoder), engine, stalls, lambda _: None)
    result = reference.run(folder.network, pixels)
    assert verdict.spikes == sum(int(trace.spikes.sum()) for trace in result.in_order) > 0
    spikes = encoder.encode(pixels)
    plain = replace(folder.network, encoder=None)
    assert np.array_equal(cycle_limit(plain, folder.design, spikes, reference.run(plain, spikes)).mean(), verdict.limit)


def test_the_encoder_is_not_the_bottleneck(tmp_path: Path) -> None:
    """A layer that takes a spike a cycle is as quick behind the encoder as with spikes that come from outside."""
    rng = np.random.default_rng(8)
    nodes = (
        Linear(name="fc", weight=rng.normal(0, 0.3, (8, 100)), bias=np.zeros(8)),
        Neuron(name="lif", tau=2.0, v_threshold=1.0, v_reset=0.0),
    )
    pixels = rng.integers(1, 256, (30, 100), np.uint8) * (rng.random((30, 100)) < rng.uniform(0, 0.5, (30, 1)))
    cycles = {}
    for noise in ("philox", "xorshift"):
        source = SpikingNetwork(name=noise, nodes=nodes, encoder=Encoder.poisson(20, 0.8))
        compile(source, tmp_path / noise, noise=noise, rtl=RtlOptions(lanes=PerLayer(8)))
        folder = open_folder(tmp_path / noise)
        samples = Samples(pixels, None, folder.network.encoder)
        verdict = verify(folder, samples, "icarus", Stalls(), lambda _: None, jobs=1)
        cycles[noise] = verdict.ratio
    assert 1 < cycles["xorshift"] < 1.02 * cycles["philox"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_difference_names_sample_step_layer_neuron_and_leaves_a_waveform(
    engine: str, rtl: Path, tmp_path: Path, spikes: np.ndarray
) -> None:
    # a threshold of one neuron of layer 'out' is wrong: nothing else may be blamed
    out = broken(rtl, tmp_path, "snn_count_readout.v", "addr_q < best_q", "event_addr_i <= best_q")
    (file,) = (out / "hdl").glob("*_out.v")
    (numbers,) = re.findall(r" fire_at = \{(.*)\};", file.read_text())
    each = numbers.split(", ")[::-1]
    width, value = each[4].split("'d")
    each[4] = f"{width}'d{int(value) ^ 1}"
    file.write_text(file.read_text().replace(numbers, ", ".join(each[::-1])))
    with pytest.raises(VerificationError) as caught:
        # one job: the difference lies in the first part, and there comes before the class that it makes wrong
        verify(open_folder(out), Samples(spikes, None, None), engine, Stalls(), lambda _: None, jobs=1)
    found = re.fullmatch(
        r"sample (\d+), step (\d+), layer 'out', neuron 4: expected ([01]), got ([01]); waveform: (.*)",
        str(caught.value),
    )
    assert found, str(caught.value)
    sample, step, expected, got = (int(text) for text in found.groups()[:4])
    golden = reference.run(open_folder(out).network, spikes).in_order[1].spikes
    assert golden[step, sample, 4] == expected != got
    assert Path(found[5]).stat().st_size > 1000


def test_a_wrong_class_is_found_where_all_spikes_are_right(rtl: Path, tmp_path: Path, spikes: np.ndarray) -> None:
    out = broken(rtl, tmp_path, "snn_count_readout.v", "addr_q < best_q", "addr_q > best_q")
    with pytest.raises(VerificationError, match=r"^sample \d+, output beat \d+: expected 10\d, got 10\d; waveform: "):
        verify(open_folder(out), Samples(spikes, None, None), "icarus", Stalls(), lambda _: None)


def test_a_stuck_network_is_reported(rtl: Path, tmp_path: Path, spikes: np.ndarray) -> None:
    out = broken(rtl, tmp_path, "snn_neuron_update.v", "assign start = pending_q & room_i;", "assign start = 1'b0;")
    with pytest.raises(VerificationError, match=r"must end 10 steps in each of .* \(the bench says: FAIL: no beat for"):
        verify(open_folder(out), Samples(spikes[:, :3], None, None), "icarus", Stalls(), lambda _: None)


def test_parts_that_fail_at_once_make_one_waveform(
    rtl: Path, tmp_path: Path, spikes: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two simulators that build it side by side would write each other's files."""
    out = broken(rtl, tmp_path, "snn_neuron_update.v", "assign start = pending_q & room_i;", "assign start = 1'b0;")
    drawn = []

    def counted(*args: Any, **options: Any) -> Any:
        drawn.append(options.get("trace"))
        return build(*args, **options)

    monkeypatch.setattr(sys.modules["snn2rtl.verify.verify"], "build", counted)
    with pytest.raises(VerificationError, match=r"^samples 0\.\.0: layer .* \(the bench says: FAIL: .*; waveform: "):
        verify(open_folder(out), Samples(spikes[:, :2], None, None), "icarus", Stalls(), lambda _: None, jobs=2)
    assert drawn == [None, "vcd"]


def test_an_edited_file_is_built_again(rtl: Path, tmp_path: Path) -> None:
    out = tmp_path / "rtl"
    compile(network(), out)
    folder = open_folder(out)
    build(folder, "icarus")
    program = out / "build" / "icarus" / "replay.vvp"
    first = program.stat().st_mtime_ns
    build(folder, "icarus")
    assert program.stat().st_mtime_ns == first
    with (out / "hdl" / "snn_lif.v").open("a") as file:
        file.write("// a comment\n")
    build(folder, "icarus")
    assert program.stat().st_mtime_ns > first


@pytest.mark.parametrize("engine", ENGINES)
def test_simulate_gives_what_the_golden_model_gives(engine: str, rtl: Path, tmp_path: Path, spikes: np.ndarray) -> None:
    np.save(tmp_path / "x.npy", spikes)
    for name in ("reference", engine):
        argv = ["simulate", str(rtl), "--input", str(tmp_path / "x.npy"), "--out", str(tmp_path / f"{name}.npz")]
        assert cli.main([*argv, "--engine", name]) == 0
    with np.load(tmp_path / "reference.npz") as expected, np.load(tmp_path / f"{engine}.npz") as found:
        for key in ("spikes_hidden", "spikes_out", "counts", "classes"):
            assert np.array_equal(expected[key], found[key]), key
        assert found["spikes_hidden"].shape == (10, 70, 30)
        assert (found["cycles"] >= 10).all()


def test_the_command_prints_verdicts_as_json(rtl: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", str(rtl), "--samples", "20", "--json"]) == 0
    verdicts = json.loads(capsys.readouterr().out)["verdicts"]
    assert [(v["engine"], v["samples"], v["stalls"]["alone"], v["stalls"]["sender"] > 0) for v in verdicts] == [
        ("verilator", 20, False, False),
        ("verilator", 2, True, False),
        ("verilator", 2, False, True),
        ("icarus", 2, False, False),
        ("icarus", 1, True, False),
        ("icarus", 1, False, True),
    ]
    assert all(verdict["ratio"] >= 1 for verdict in verdicts)
