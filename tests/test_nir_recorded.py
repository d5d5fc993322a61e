"""Files that others wrote, and what was recorded of them; the network of a paper of NIR; who needs what."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nir
import numpy as np
import pytest
from nir_files import edges, golden, run
from test_frontend_nir import DATA, weights

import snn2rtl
from snn2rtl import cli, frontend
from snn2rtl.int_net import network_file, reference
from snn2rtl.nir.convert import to_network
from snn2rtl.nir.file import read
from snn2rtl.options import PerLayer, QuantizeOptions, ReadOptions

RECORDED = np.load(DATA / "lif_norse.npz")
SPIKES = [460, 510, 710, 760]


def test_the_spikes_that_norse_recorded() -> None:
    fine = QuantizeOptions(leak_bits=12)
    made = golden(DATA / "lif_norse.nir", RECORDED["inputs"][:, None], fine, dt=1e-4, reset="hard")
    assert np.flatnonzero(made).tolist() == np.flatnonzero(RECORDED["spikes"]).tolist() == SPIKES


def test_a_leak_of_eight_bits_is_another_and_said() -> None:
    made = snn2rtl.compile(DATA / "lif_norse.nir", dt=1e-4, reset="hard")
    assert "a step keeps 0.960938 of the membrane, not 0.96" in "".join(made.reports[0].approximations())


def test_the_membranes_that_norse_recorded() -> None:
    """Forward Euler in float32: the interpreter of the tests makes them, and so is what it says."""
    graph = nir.read(DATA / "lif_norse.nir")
    node = graph.nodes["1"]
    graph.nodes["1"] = nir.LI(node.tau, node.r, node.v_leak)
    made = run(graph, RECORDED["inputs"][:, None].astype(float), "hard", dt=1e-4)[:, 0]
    assert np.allclose(made[: SPIKES[0]], RECORDED["membranes"][: SPIKES[0]], atol=1e-6)


def test_a_file_that_nir_refuses_is_read() -> None:
    """Rockpool writes an Output with two axes of 1; its r is that of exact decay, its spikes here those of Euler."""
    with pytest.raises(ValueError, match="type mismatch"):
        nir.read(DATA / "lif_rockpool.nir")
    graph = nir.read(DATA / "lif_rockpool.nir", type_check=False)
    inputs = RECORDED["inputs"][:, None]
    for reset, bits in (("hard", 8), ("soft", 16)):
        fine = QuantizeOptions(bits=PerLayer(bits), leak_bits=15)
        made = golden(DATA / "lif_rockpool.nir", inputs, fine, dt=1e-4, reset=reset)
        assert np.array_equal(made, run(graph, inputs.astype(float), reset, dt=1e-4))
        assert made.sum() == len(SPIKES)


def test_a_neuron_that_fires_by_its_leak(caplog: pytest.LogCaptureFixture) -> None:
    """Its potential goes to 1.2, above the threshold of 1: it starts at v_reset, which the log says."""
    inputs = np.zeros((400, 1), np.uint8)
    graph = nir.read(DATA / "two_lif_neurons.nir")
    made = snn2rtl.compile(DATA / "two_lif_neurons.nir", dt=1e-4, reset="hard", quantize=QuantizeOptions(leak_bits=12))
    first = reference.run(made.network, inputs[:, None]).traces["linear1"].spikes[:, 0, 0]
    graph.edges = [("in", "linear1"), ("linear1", "lif1"), ("lif1", "out")]
    del graph.nodes["linear2"], graph.nodes["lif2"]
    assert np.array_equal(first, run(graph, inputs.astype(float), "hard", dt=1e-4)[:, 0])
    assert first.sum() > 1
    assert "node 'lif1': a sample begins at v_reset, not at v_leak" in caplog.text


def test_a_recurrent_network_of_snntorch() -> None:
    """Its numbers are no dyadic ones: the spikes are those of floats but where a membrane is near its threshold."""
    path = DATA / "braille_noDelay_bias_zero.nir"
    network = to_network(read(path), "braille", ReadOptions(dt=1e-4, reset="hard"))
    assert [node.name for node in network.nodes] == ["fc1", "lif1.lif", "fc2", "lif2"]
    inputs = (np.random.default_rng(0).random((200, 12)) < 0.2).astype(np.uint8)
    fine = QuantizeOptions(bits=PerLayer(16), leak_bits=15, time_steps=200)
    made = golden(path, inputs, fine, dt=1e-4, reset="hard")
    wanted = run(nir.read(path), inputs.astype(float), "hard", dt=1e-4)
    assert wanted.sum() > 20
    assert np.mean(made != wanted) < 0.01


def test_a_subgraph_is_what_is_in_it(tmp_path: Path) -> None:
    """As snnTorch writes recurrent layers, nested once more."""
    rng = np.random.default_rng(1)
    flat = {"in": nir.Input(np.array([4])), "fc": nir.Linear(weights(rng, 3, 4)),
            "lif": nir.LIF(np.full(3, 4e-4), np.full(3, 4.0), np.zeros(3), np.ones(3)),
            "back": nir.Linear(weights(rng, 3, 3)), "out": nir.Output(np.array([3]))}  # fmt: skip
    inner = nir.NIRGraph({"input": nir.Input(np.array([3])), "lif": flat["lif"], "w_rec": flat["back"],
                          "output": flat["out"]}, edges("input lif output", "lif w_rec lif"))  # fmt: skip
    middle = nir.NIRGraph({"a": nir.Input(np.array([3])), "rnn": inner, "b": flat["out"]}, edges("a rnn b"))
    nested = {"in": flat["in"], "fc": flat["fc"], "sub": middle, "out": flat["out"]}
    nir.write(tmp_path / "flat.nir", nir.NIRGraph(flat, edges("in fc lif out", "lif back lif")))
    nir.write(tmp_path / "nested.nir", nir.NIRGraph(nested, edges("in fc sub out"), type_check=False))
    digests = {network_file.digest(snn2rtl.compile(tmp_path / f"{name}.nir", dt=1e-4, reset="hard", name="net").network)
               for name in ("flat", "nested")}  # fmt: skip
    assert len(digests) == 1


def test_torch_is_not_needed() -> None:
    code = (
        "import sys, snn2rtl; from snn2rtl import cli; "
        f"snn2rtl.compile({str(DATA / 'lif_norse.nir')!r}, dt=1e-4, reset='hard'); "
        "print(*sys.modules)"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "nir", "h5py"} & set(made.stdout.split())


def test_h5py_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    path = str(DATA / "lif_norse.nir")
    assert cli.main(["compile", path, "--dt", "1e-4", "--reset", "hard", "--out", "x.npz"]) == 1
    said = "compile: needs the package h5py; install it with: pip install 'snn2rtl[data]'"
    assert capsys.readouterr().err == f"snn2rtl: error: {said}\n"


def test_what_is_saved_of_it_is_the_same(tmp_path: Path) -> None:
    """snn2rtl.save() keeps all of a network of NIR."""
    network = frontend.load(DATA / "two_lif_neurons.nir", options=ReadOptions(dt=1e-4, reset="hard"))
    frontend.save(network, tmp_path / "net.pt")
    again = snn2rtl.compile(tmp_path / "net.pt").network
    assert network_file.digest(again) == network_file.digest(snn2rtl.compile(network).network)


def test_export_of_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, net, out = str(DATA / "two_lif_neurons.nir"), tmp_path / "net.npz", tmp_path / "out.nir"
    assert cli.main(["compile", source, "--dt", "1e-4", "--reset", "hard", "--out", str(net)]) == 0
    assert cli.main(["export", str(net), "--dt", "1e-4", "--nir", str(out)]) == 0
    said = capsys.readouterr().out
    assert "what NIR does not say" in said
    assert "the leak floors the membrane" in said
    assert nir.read(out).nodes["linear1"].weight.shape == (1, 1)
    assert cli.main(["export", source, "--dt", "1e-4", "--reset", "hard", "--nir", str(out)]) == 0
    assert "wrote" in capsys.readouterr().out
    assert cli.main(["export", str(net), "--dt", "1e-4", "--nir", str(out), "--strict"]) == 1
    assert "(--strict allows no loss)" in capsys.readouterr().err
    assert cli.main(["export", str(net), "--dt", "0", "--nir", str(out)]) == 1
    assert cli.main(["export", str(net), "--dt", "1", "--nir", str(tmp_path / "x.h5")]) == 1
    folder = tmp_path / "rtl"
    snn2rtl.compile(net, folder)
    assert cli.main(["export", str(folder), "--dt", "1e-4", "--nir", str(out)]) == 0
    assert cli.main(["export", str(folder), "--dt", "1e-4", "--nir", str(out), "--reset", "hard"]) == 1
    assert cli.main(["measure", str(folder), "--dt", "1", "--data", "none.npz"]) == 1
    said = capsys.readouterr().err
    assert "--reset: must be left out where the model is no file of NIR, not hard" in said
    assert "--dt: must be left out where the model is no file of NIR, not 1.0" in said
    assert "--dt: must be above 0 seconds, not 0.0" in said
    assert "--nir: must be a file that ends in .nir" in said
