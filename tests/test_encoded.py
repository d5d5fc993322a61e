"""Networks whose Poisson encoder is built in hardware: all but the input is as with spikes from outside."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from float_networks import random_network
from networks import chain, dense, random_pixels

from snn2rtl.api import compile
from snn2rtl.cli import main
from snn2rtl.compiler import compile_network, fold
from snn2rtl.data.samples import Samples, load_samples
from snn2rtl.encoders import Encoder
from snn2rtl.errors import DataError, OptionError
from snn2rtl.float_net.reference import scores
from snn2rtl.folder import open_folder
from snn2rtl.frontend.forward import forward
from snn2rtl.int_net import network_file, reference
from snn2rtl.int_net.chain import layers_of
from snn2rtl.measure import metrics
from snn2rtl.options import RtlOptions
from snn2rtl.rtl import estimate, timing
from snn2rtl.rtl.beats import input_words, pixel_words
from snn2rtl.rtl.emit import example_inputs, verilog_files, write_rtl
from snn2rtl.rtl.plan import plan
from snn2rtl.verify.limit import cycle_limit

ENCODER = Encoder(kind="poisson", time_steps=6, rate=200, noise="xorshift")
RANDOM = np.random.default_rng(3)
NETWORK = chain(dense(RANDOM.integers(-5, 9, (7, 13)), 20), dense(RANDOM.integers(-5, 9, (4, 7)), 9), encoder=ENCODER)
PLAIN = replace(NETWORK, encoder=None)
PIXELS = random_pixels(13, 30) * (RANDOM.random((30, 13)) < 0.6)


def test_the_golden_model_encodes_pixels() -> None:
    got, expected = reference.run(NETWORK, PIXELS), reference.run(PLAIN, ENCODER.encode(PIXELS))
    assert np.array_equal(got.counts, expected.counts)
    for mine, other in zip(got.in_order, expected.in_order, strict=True):
        assert np.array_equal(mine.spikes, other.spikes)
        assert mine.spikes.any()
    with pytest.raises(DataError, match=r"^input pixels: must have shape \(N, 13\), not \(6, 30, 13\)$"):
        reference.run(NETWORK, ENCODER.encode(PIXELS))


def test_what_is_counted_is_counted_on_the_spikes() -> None:
    spikes, design = ENCODER.encode(PIXELS), plan(NETWORK)
    result = reference.run(NETWORK, PIXELS)
    limit = cycle_limit(NETWORK, design, PIXELS, result)
    assert np.array_equal(limit, cycle_limit(PLAIN, plan(PLAIN), spikes, result))
    got = metrics.observe(NETWORK, Samples(PIXELS, None, ENCODER))
    expected = metrics.observe(PLAIN, Samples(spikes, None, None))
    assert all(np.array_equal(a, b) for a, b in zip(got.events, expected.events, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(got.arrived, expected.arrived, strict=True))
    cycles = estimate.cycles(NETWORK, design, PIXELS, result)
    assert np.array_equal(cycles, estimate.cycles(PLAIN, plan(PLAIN), spikes, result))


def test_an_encoder_that_is_slower_than_the_layers_is_told() -> None:
    """One step of a white sample of 13 pixels that never spike: four groups of four."""
    rare = replace(ENCODER, rate=0, time_steps=50)
    network = replace(chain(dense(np.ones((1, 13), int), 20)), encoder=rare)
    white = np.full((1, 13), 255, np.uint8)
    (cycles,) = estimate.cycles(network, plan(network), white, reference.run(network, white))
    assert cycles == 50 * (timing.DRAIN + 1)
    wide = replace(chain(dense(np.ones((1, 40), int), 20)), encoder=rare)
    white = np.full((1, 40), 255, np.uint8)
    (cycles,) = estimate.cycles(wide, plan(wide), white, reference.run(wide, white))
    assert cycles == 50 * 11


def test_the_float_network_takes_the_same_spikes() -> None:
    network = random_network(replace(ENCODER, time_steps=20))
    pixels = random_pixels(20, 40)
    spikes = network.encoder.encode(pixels)
    outside = replace(network, encoder=Encoder.poisson(20, 0.7))
    counts = scores(fold(network), pixels)
    assert np.array_equal(counts, scores(fold(outside), spikes))
    assert np.array_equal(forward(fold(network), pixels)(), forward(fold(outside), spikes)())
    integer, _ = compile_network(network)
    assert integer.takes_pixels
    assert not integer.is_direct
    assert layers_of(integer)[0].input_max == 1


def test_noise_is_chosen_at_compile_time(tmp_path: Path) -> None:
    network = random_network(Encoder.poisson(5, 0.7))
    plain = compile(network, tmp_path / "net.npz")
    chosen = compile(tmp_path / "net.npz", tmp_path / "rtl", noise="xorshift")
    assert chosen.network.encoder == replace(network.encoder, noise="xorshift")
    assert network_file.digest(chosen.network) != network_file.digest(plain.network)
    assert network_file.digest(compile(chosen.network, noise="philox").network) == network_file.digest(plain.network)
    assert network_file.digest(open_folder(tmp_path / "rtl").network) == network_file.digest(chosen.network)
    for encoder in (None, Encoder(kind="direct", time_steps=5)):
        with pytest.raises(OptionError, match=r"^--noise: must be left out where .* no Poisson encoder, not xorshift$"):
            compile(replace(network, encoder=encoder), noise="xorshift")


def test_the_folder(tmp_path: Path) -> None:
    design = plan(NETWORK, RtlOptions(beat_pixels=3))
    write_rtl(NETWORK, design, tmp_path / "rtl")
    files = verilog_files(design)
    assert sorted(path.name for path in (tmp_path / "rtl" / "hdl").iterdir()) == sorted(files)
    assert {"snn_group_queue.v", "snn_pixel_ingress.v", "snn_poisson.v"} < set(files)
    assert not {"snn_ingress.v", "snn_pixel_product.v", "snn_held_current.v"} & set(files)
    manifest = json.loads((tmp_path / "rtl" / "manifest.json").read_text())
    assert [(layer["pixel_bits"], layer["steps"]) for layer in manifest["layers"]] == [(0, 1), (0, 1)]
    assert manifest["options"]["beat_pixels"] == 3
    readme = (tmp_path / "rtl" / "README.md").read_text()
    assert "| `s_axis_tdata` | 24 | the next 3 pixels of 8 bits, the first in the lowest bits |" in readme
    assert "makes 6 time steps" in readme
    assert "always gets the same class" in re.sub(r"\s+", " ", readme)
    opened = open_folder(tmp_path / "rtl").design
    assert (opened.encodes, opened.takes_pixels, opened.is_direct) == (True, True, False)
    assert np.array_equal(input_words(opened, PIXELS), pixel_words(PIXELS, 3))
    examples = example_inputs(NETWORK)
    assert examples.shape == (4, 13)
    assert (examples[2] == 255).all()


def test_spikes_are_no_samples_for_it(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", PIXELS)
    samples = load_samples(tmp_path / "x.npy", inputs=13, encoder=ENCODER)
    assert np.array_equal(samples.inputs(3, 9), PIXELS[3:9])
    np.savez(tmp_path / "x.npz", spikes=ENCODER.encode(PIXELS))
    with pytest.raises(DataError, match=r"must hold images for a network that takes pixels, not spikes$"):
        load_samples(tmp_path / "x.npz", inputs=13, encoder=ENCODER)


def test_commands_take_images(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=PIXELS, labels=np.zeros(30, np.int64))
    network_file.save(NETWORK, tmp_path / "net.npz")
    argv = ["compile", str(tmp_path / "net.npz"), "--out", str(tmp_path / "rtl"), "--quiet"]
    assert main([*argv, "--calibration", str(tmp_path / "x.npz")]) == 0
    argv = ["simulate", str(tmp_path / "rtl"), "--input", str(tmp_path / "x.npz"), "--out", str(tmp_path / "y.npz")]
    assert main(argv) == 0
    with np.load(tmp_path / "y.npz") as arrays:
        assert np.array_equal(arrays["counts"], reference.run(NETWORK, PIXELS).counts)
    argv = ["measure", str(tmp_path / "rtl"), "--data", str(tmp_path / "x.npz"), "--plots", str(tmp_path / "plots")]
    assert main([*argv, "--quiet"]) == 0
