"""Widths hold the longest samples that anything speaks of, and what is too long for them is said by every command."""

import json
from pathlib import Path

import numpy as np
import pytest
from float_layers import one_layer
from networks import chain, dense

import snn2rtl
from snn2rtl import cli
from snn2rtl.compiler import compile_layers, compile_network, to_layers
from snn2rtl.data.samples import Samples
from snn2rtl.encoders import Encoder
from snn2rtl.errors import StrictError
from snn2rtl.int_net import network_file
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.options import QuantizeOptions

TWICE = one_layer([[0.5, 0.0], [0.0, 1.0]], v_reset=None)  # neuron 1 spikes twice as often as neuron 0
ENCODER = Encoder.poisson(30, 0.5)
SAID = (
    "saturation: readout: 6 of 6 spike counts saturate at 7 bits; samples of 1000 time steps are too long for it",
    "saturation: compile with --time-steps or --calibration as long as the samples, or more --membrane-bits",
)


def spikes(steps: int) -> Samples:
    return Samples(np.ones((steps, 3, 2), np.uint8), np.ones(3, np.int64), None)


@pytest.mark.parametrize(
    ("encoder", "asked", "samples", "steps", "steps_from"),
    [
        (None, 0, 0, 100, "default"),
        (None, 0, 20, 100, "default"),
        (None, 0, 1000, 1000, "samples"),
        (None, 20, 0, 20, "asked"),
        (None, 20, 1000, 1000, "samples"),
        (None, 2000, 1000, 2000, "asked"),
        (ENCODER, 0, 0, 30, "encoder"),
        (ENCODER, 20, 0, 30, "encoder"),
        (ENCODER, 20, 25, 30, "encoder"),
        (ENCODER, 40, 30, 40, "asked"),
        (ENCODER, 0, 50, 50, "samples"),
    ],
)
def test_the_longest_wins(encoder: Encoder | None, asked: int, samples: int, steps: int, steps_from: str) -> None:
    network = one_layer([[1.0]], encoder=encoder)
    integer, (report,) = compile_layers(to_layers(network), QuantizeOptions(time_steps=asked), samples)
    assert (report.time_steps, report.steps_from) == (steps, steps_from)
    assert integer.count_bits == steps.bit_length()


def test_calibration_samples_size_counts_and_membranes() -> None:
    source = one_layer([[-1.0], [1.0]], v_threshold=4.0)
    inputs = Samples(np.ones((1000, 1, 1), np.uint8), np.ones(1, np.int64), None)
    compiled = snn2rtl.compile(source, calibration=lambda network: inputs, quantize=QuantizeOptions(strict=True))
    assert compiled.network.count_bits == 10
    assert compiled.network.populations[0].neuron.membrane_bits == 11  # -1000
    assert compiled.accuracy is not None
    assert compiled.accuracy.saturations.membranes == {}
    assert compiled.accuracy.saturations.readout == 0


def test_strict_takes_long_samples_and_gets_them_right() -> None:
    compiled = snn2rtl.compile(TWICE, quantize=QuantizeOptions(strict=True), calibration=lambda network: spikes(1000))
    assert compiled.accuracy is not None
    assert (compiled.accuracy.before, compiled.accuracy.after) == (1.0, 1.0)


def test_strict_refuses_an_integer_network_that_saturates_on_the_samples() -> None:
    integer, _ = compile_network(TWICE)
    strict = QuantizeOptions(strict=True)
    assert snn2rtl.compile(integer, quantize=strict, calibration=lambda network: spikes(127)).network is integer
    with pytest.raises(StrictError, match=r"^readout: 3 of 6 spike counts saturate at 7 bits; samples of 128 time"):
        snn2rtl.compile(integer, quantize=strict, calibration=lambda network: spikes(128))
    compiled = snn2rtl.compile(integer, calibration=lambda network: spikes(128))
    assert compiled.accuracy is not None
    assert compiled.accuracy.saturations.readout == 3


def written(folder: Path, network: FixedPointNetwork, samples: Samples) -> tuple[str, str]:
    network_file.save(network, folder / "net.npz")
    np.savez(folder / "x.npz", spikes=samples.data, labels=samples.labels)
    return str(folder / "net.npz"), str(folder / "x.npz")


def lines(printed: str) -> str:
    return " ".join(printed.split())


def test_every_command_says_what_saturates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net, x = written(tmp_path, compile_network(TWICE)[0], spikes(1000))
    runs = {
        "compile": ["compile", net, "--out", str(tmp_path / "rtl"), "--calibration", x],
        "simulate": ["simulate", net, "--input", x, "--out", str(tmp_path / "y.npz")],
        "measure": ["measure", net, "--data", x, "--repeats", "0"],
    }
    for argv in runs.values():
        assert cli.main(argv) == 0
        printed = lines(capsys.readouterr().out)
        assert all(said in printed for said in SAID), printed
    for command in ("simulate", "measure"):
        assert cli.main([*runs[command], "--json"]) == 0
        found = json.loads(capsys.readouterr().out)["saturations"]
        assert found == {"samples": 3, "steps": 1000, "membranes": {}, "readout": 6, "lost_spikes": {}}
    assert cli.main([*runs["compile"], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"]["saturations"]["readout"] == 6
    assert cli.main([*runs["compile"], "--strict"]) == 1
    assert "6 of 6 spike counts saturate" in capsys.readouterr().err


def test_nothing_is_said_where_nothing_saturates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net, x = written(tmp_path, compile_network(TWICE)[0], spikes(100))
    assert cli.main(["measure", net, "--data", x, "--repeats", "0"]) == 0
    assert "saturation" not in capsys.readouterr().out


def test_delayed_spikes_past_the_end_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = chain(dense([[1, 1]], delay=np.array([0, 7])))
    net, x = written(tmp_path, network, Samples(np.ones((10, 2, 2), np.uint8), np.zeros(2, np.int64), None))
    assert cli.main(["simulate", net, "--input", x, "--out", str(tmp_path / "y.npz")]) == 0
    said = "layer 'fc1': 14 delayed spikes would arrive after the last time step of their sample and are lost"
    assert said in lines(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "samples of 100 time steps, for nothing says how long they are; give --time-steps or --calibration"),
        (["--time-steps", "20"], "samples of 20 time steps, as asked for"),
        (["--calibration", "x.npz"], "samples of 1000 time steps, which the calibration samples have"),
        (
            ["--time-steps", "20", "--calibration", "x.npz"],
            "samples of 1000 time steps, which the calibration samples have, not the shorter --time-steps 20",
        ),
    ],
)
def test_compile_says_how_long_samples_may_be(
    options: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from spikingjelly.activation_based import neuron
    from torch import nn

    monkeypatch.chdir(tmp_path)
    written(tmp_path, compile_network(TWICE)[0], spikes(1000))
    snn2rtl.save(nn.Sequential(nn.Linear(2, 2), neuron.IFNode(v_reset=None)), "model.pt")
    assert cli.main(["compile", "model.pt", "--out", "net2.npz", *options]) == 0
    assert f"widths hold {said} " in lines(capsys.readouterr().out) + " "


def test_the_folder_says_what_a_count_holds(tmp_path: Path) -> None:
    snn2rtl.compile(TWICE, tmp_path / "rtl", quantize=QuantizeOptions(time_steps=300))
    said = "A class's count ends at 511, which samples of no more time steps never pass."
    assert said in (tmp_path / "rtl" / "README.md").read_text()
