"""The convolutional network of the paper of NIR, with fewer channels: from its file to Verilog, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path

import nir
import numpy as np
import pytest
from nir_files import golden, run

from snn2rtl import cli
from snn2rtl.options import QuantizeOptions

STEPS, SHAPE = 4, (2, 34, 34)


def paper(path: Path) -> Path:
    """Write IF behind convolutions, SumPool2d and Affine, as sinabs does: r = 1, no v_reset."""
    rng = np.random.default_rng(6)

    def conv(size: int, kernel: int, *channels: int, stride: int = 1) -> nir.Conv2d:
        weight = rng.integers(-6, 8, (*channels, kernel, kernel)) / 16
        return nir.Conv2d((size, size), weight, (stride,) * 2, (1, 1), (1, 1), 1, np.zeros(channels[0]))

    def affine(*shape: int) -> nir.Affine:
        return nir.Affine(rng.integers(-6, 8, shape) / 16, rng.integers(-2, 3, shape[0]) / 16)

    def fires(*shape: int) -> nir.IF:
        return nir.IF(np.ones(shape), np.ones(shape))

    pool = np.array([2, 2]), np.array([2, 2]), np.array([0, 0])
    nodes = [conv(34, 5, 3, 2, stride=2), fires(3, 16, 16), conv(16, 3, 3, 3), fires(3, 16, 16), nir.SumPool2d(*pool),
             conv(8, 3, 3, 3), fires(3, 8, 8), nir.SumPool2d(*pool), nir.Flatten({"input": np.array([3, 4, 4])}, 0, -1),
             affine(24, 48), fires(24), affine(10, 24), fires(10)]  # fmt: skip
    nir.write(path, nir.NIRGraph.from_list(nir.Input(np.array(SHAPE)), *nodes, nir.Output(np.array([10]))))
    return path


def test_the_network_of_the_paper(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = paper(tmp_path / "nmnist.nir")
    rng = np.random.default_rng(2)
    spikes = (rng.random((STEPS, *SHAPE)) < 0.1).astype(np.uint8)
    made = golden(path, spikes, QuantizeOptions(strict=True), reset="soft", integrate="step")
    assert 0 < made.mean() < 1
    assert np.array_equal(made, run(nir.read(path), spikes.astype(float), "soft", per_step=True))
    np.save(tmp_path / "spikes.npy", spikes.reshape(STEPS, 1, -1))
    options = ["--reset", "soft", "--integrate", "step", "--lanes", "4", "--output", "spikes", "--strict", "--quiet"]
    assert cli.main(["compile", str(path), "--out", str(tmp_path / "rtl"), *options]) == 0
    capsys.readouterr()
    options = ["--data", str(tmp_path / "spikes.npy"), "--engine", "verilator", "--json", "--quiet"]
    assert cli.main(["verify", str(tmp_path / "rtl"), *options]) == 0
    assert json.loads(capsys.readouterr().out)
