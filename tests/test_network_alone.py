"""The integer network without hardware: its file, the compile that writes it and the simulation that reads it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from float_networks import random_network
from networks import chain, dense, lif, random_pixels
from spikingjelly.activation_based import neuron
from torch import nn

import snn2rtl
from snn2rtl import cli
from snn2rtl.compiler import compile_network, fold
from snn2rtl.data.samples import Samples, load_samples
from snn2rtl.encoders import Encoder
from snn2rtl.errors import DataError, OutputError, UnsupportedModelError
from snn2rtl.float_net.reference import scores
from snn2rtl.int_net import network_file, reference
from snn2rtl.int_net.chain import layers_of, with_layers
from snn2rtl.int_net.neurons import ShiftLeak
from snn2rtl.output import write_file
from snn2rtl.rtl import placement

ENCODER = Encoder(kind="direct", time_steps=4)


def test_the_file_of_a_direct_network(tmp_path):
    network = compile_network(random_network(ENCODER))[0]
    network_file.save(network, tmp_path / "net.npz")
    again = network_file.load(tmp_path / "net.npz")
    assert network_file.digest(again) == network_file.digest(network)
    assert [layer.input_max for layer in layers_of(again)] == [255, 1]
    plain = with_layers(network, (replace(layers_of(network)[0], input_max=1), *layers_of(network)[1:]), encoder=None)
    network_file.save(plain, tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz") as arrays:
        found = json.loads(arrays["header"].tobytes())
    assert found["input"] == {"shape": [20], "greatest": 1}
    assert [[one["greatest"] for one in node["inputs"]] for node in found["nodes"]] == [[1], [1]]


def test_a_network_too_large_for_hardware_has_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(placement, "MAX_UNROLLED", 1)
    snn2rtl.compile(random_network(ENCODER), tmp_path / "net.npz")
    assert network_file.load(tmp_path / "net.npz").num_inputs == 20
    with pytest.raises(UnsupportedModelError, match="must have at most 1 weights when unrolled"):
        snn2rtl.compile(random_network(ENCODER), tmp_path / "rtl")
    assert not (tmp_path / "rtl").exists()


def test_compile_writes_the_integer_network_alone(tmp_path):
    labels = np.arange(30) % 5
    pixels = random_pixels(20, 30)
    out = tmp_path / "new" / "net.npz"
    network = random_network(ENCODER)
    compiled = snn2rtl.compile(network, out, calibration=lambda net: Samples(pixels, labels, net.encoder))
    assert [path.name for path in out.parent.iterdir()] == ["net.npz"]
    written = network_file.load(out)
    assert network_file.digest(written) == network_file.digest(compiled.network)
    assert compiled.accuracy.samples == 30
    assert compiled.accuracy.after == np.mean(reference.run(written, pixels).classes == labels)
    assert compiled.accuracy.before == np.mean(np.argmax(scores(fold(network), pixels), axis=1) == labels)
    again = snn2rtl.compile(out, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == out.read_bytes()
    assert again.reports == ()


def test_a_write_that_fails_leaves_the_file_that_was_there(tmp_path):
    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    (tmp_path / "net.npz").write_text("old")
    with pytest.raises(OutputError, match=r"net\.npz: cannot be written: No space left on device$"):
        write_file(tmp_path / "net.npz", fail)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("net.npz", "old")]


def saved(folder: Path, encoder: Encoder | None = ENCODER) -> Path:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 4), neuron.LIFNode(tau=2.0, v_threshold=0.1))
    snn2rtl.save(net, folder / "model.pt", encoder=encoder)
    return folder / "model.pt"


def test_the_command_compiles_and_simulates_a_direct_network(tmp_path, capsys):
    model, net = saved(tmp_path), tmp_path / "net.npz"
    images = np.random.default_rng(0).integers(0, 256, (12, 2, 3), dtype=np.uint8)
    np.savez(tmp_path / "data.npz", images=images, labels=np.zeros(12, int))
    argv = ["compile", str(model), "--out", str(net), "--calibration", str(tmp_path / "data.npz"), "--samples", "9"]
    assert cli.main([*argv, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    network = network_file.load(net)
    assert sorted(data) == ["accuracy", "digest", "report", "version"]
    assert data["digest"] == network_file.digest(network)
    assert data["accuracy"]["samples"] == 9
    assert data["report"][0]["input_max"] == 255
    assert cli.main(argv) == 0
    printed = capsys.readouterr().out
    assert f"wrote {net}" in " ".join(printed.split())
    assert "hardware" not in printed

    assert cli.main(["simulate", str(net), "--input", str(tmp_path / "data.npz"), "--out", str(tmp_path / "y")]) == 0
    expected = reference.run(network, images.reshape(12, 6))
    with np.load(tmp_path / "y") as found:
        assert sorted(found) == ["classes", "counts", "spikes_n0"]
        assert np.array_equal(found["spikes_n0"], expected.in_order[0].spikes)
        assert np.array_equal(found["counts"], expected.counts)
        assert np.array_equal(found["classes"], expected.classes)


def test_a_network_of_spikes_is_written_alone_and_simulated_too(tmp_path):
    net = tmp_path / "net.npz"
    assert cli.main(["compile", str(saved(tmp_path, None)), "--out", str(net), "--quiet"]) == 0
    spikes = (np.random.default_rng(0).random((5, 3, 6)) < 0.5).astype(np.uint8)
    np.save(tmp_path / "x.npy", spikes)
    assert cli.main(["simulate", str(net), "--input", str(tmp_path / "x.npy"), "--out", str(tmp_path / "y.npz")]) == 0
    with np.load(tmp_path / "y.npz") as found:
        assert np.array_equal(found["counts"], reference.run(network_file.load(net), spikes).counts)


def test_samples_are_what_the_network_takes(tmp_path):
    black = np.zeros((4, 2, 3), np.uint8)
    np.save(tmp_path / "x.npy", black)  # for another network these would be spikes
    np.savez(tmp_path / "both.npz", images=black + 7, spikes=black)
    for name, value in (("x.npy", 0), ("both.npz", 7)):
        samples = load_samples(tmp_path / name, inputs=6, encoder=ENCODER)
        assert len(samples) == 4
        assert np.array_equal(samples.inputs(1, 3), np.full((2, 6), value))
    np.savez(tmp_path / "images.npz", images=black)
    with pytest.raises(DataError, match=r"images\.npz: images need a network with an encoder; give spikes of shape"):
        load_samples(tmp_path / "images.npz", inputs=6, encoder=None)


def test_the_table_of_an_integer_network_says_what_it_is(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    network = chain(
        dense([[3, 0, -1], [0, 0, 0]], lif([4, 4], leak=ShiftLeak(np.array([1, 2])), membrane_bits=12)),
        dense([[1, -1]], lif([9], membrane_bits=7)),
        count_bits=5,
    )
    network_file.save(network, tmp_path / "net.npz")
    for out in ("again.npz", "rtl"):
        assert cli.main(["compile", str(tmp_path / "net.npz"), "--out", str(tmp_path / out)]) == 0
        printed = capsys.readouterr().out
        cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if "│ fc" in line]
        assert cells[:2] == [
            ["fc1", "3", "2", "6", "8", "2", "0.5..0.75", "12 bits", "1"],
            ["fc2", "2", "1", "2", "8", "2", "1", "7 bits, may saturate", "0"],
        ]
        assert "as it was given, with nothing quantized; spike counts of 5 bits" in printed
