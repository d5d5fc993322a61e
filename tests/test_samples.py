"""What files of samples may hold, and which sentence refuses the others."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import chain, dense
from spikingjelly.activation_based import layer, neuron
from torch import nn

import snn2rtl
from snn2rtl.api import compile
from snn2rtl.cli import main
from snn2rtl.commands import verify as command
from snn2rtl.data.samples import Samples, load_samples, samples_for
from snn2rtl.encoders import Encoder
from snn2rtl.errors import DataError
from snn2rtl.folder import OutputFolder, open_folder
from snn2rtl.int_net import network_file
from snn2rtl.int_net.saturations import Saturations
from snn2rtl.verify.engines import Stalls
from snn2rtl.verify.verify import Verdict, verify

RANDOM = np.random.default_rng(0)
NETWORK = chain(dense([[1, -2, 3, 4], [0, 5, -6, 7], [2, 2, 2, 2]], 3))
SPIKES = (RANDOM.random((5, 8, 4)) < 0.4).astype(np.uint8)


# labels

BAD_LABELS: dict[str, tuple[Any, str]] = {
    "negative": (np.full(8, -1), "must be classes 0..2 of the network, not -1"),
    "one-based": (np.arange(8) % 3 + 1, "must be classes 0..2 of the network, not 3"),
    "huge": (np.full(8, 2**63, np.uint64), "must be classes 0..2 of the network, not 9223372036854775808"),
    "behind the limit": (np.array([0] * 7 + [3]), "must be classes 0..2 of the network, not 3"),
    "short": (np.zeros(7, int), "must be 8 integers, one for each sample, not int64 of shape (7,)"),
    "long": (np.zeros(9, int), "must be 8 integers, one for each sample, not int64 of shape (9,)"),
    "one": (np.int64(1), "must be 8 integers, one for each sample, not int64 of shape ()"),
    "floats": (np.zeros(8), "must be 8 integers, one for each sample, not float64 of shape (8,)"),
    "texts": (np.array(["0"] * 8), "must be 8 integers, one for each sample, not <U1 of shape (8,)"),
}


@pytest.fixture(scope="module")
def rtl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labels")
    network_file.save(NETWORK, folder / "net.npz")
    compile(NETWORK, folder / "rtl")
    return folder / "rtl"


@pytest.mark.parametrize("case", BAD_LABELS)
def test_every_command_refuses_the_same_labels(
    rtl: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    labels, sentence = BAD_LABELS[case]
    data, net = tmp_path / "x.npz", str(rtl.parent / "net.npz")
    np.savez(data, spikes=SPIKES, labels=labels)
    for argv in (
        ["compile", net, "--out", str(tmp_path / "o"), "--samples", "2", "--calibration"],
        ["verify", str(rtl), "--engine", "icarus", "--data"],
        ["measure", net, "--samples", "2", "--data"],
        ["simulate", net, "--out", str(tmp_path / "y.npz"), "--input"],
    ):
        assert main([*argv, str(data), "--quiet"]) == 1
        assert capsys.readouterr().err == f"snn2rtl: error: {data}: labels: {sentence}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.npz"]


@pytest.mark.parametrize("case", BAD_LABELS)
def test_labels_from_memory_are_refused_too(rtl: Path, case: str) -> None:
    labels, sentence = BAD_LABELS[case]
    samples = Samples(SPIKES, labels, None)
    with pytest.raises(DataError) as caught:
        compile(NETWORK, calibration=lambda network: samples)
    assert str(caught.value) == f"labels: {sentence}"
    with pytest.raises(DataError) as caught:
        verify(open_folder(rtl), samples, "icarus", Stalls(), lambda _: None)
    assert str(caught.value) == f"labels: {sentence}"


@pytest.mark.parametrize("kind", [np.int8, np.uint8, ">i4", np.uint64])
def test_labels_of_any_integers_are_read(tmp_path: Path, kind: Any) -> None:
    labels = (np.arange(8) % 3).astype(kind)
    np.savez(tmp_path / "x.npz", spikes=SPIKES, labels=labels)
    samples = samples_for(NETWORK, tmp_path / "x.npz", limit=5)
    assert samples.labels is not None
    assert samples.labels.tolist() == [0, 1, 2, 0, 1]
    assert samples.labels.dtype == np.int64
    assert len(samples) == 5


# what the array of a .npy file is

ENCODER = Encoder.poisson(5, 0.7)
DIRECT = Encoder(kind="direct", time_steps=5)


def read(path: Path, array: Any, encoder: Encoder | None = ENCODER, **more: Any) -> Samples:
    np.save(path / "x.npy", array)
    return load_samples(path / "x.npy", encoder=encoder, **{"inputs": 784, **more})


def refusal(path: Path, array: Any, encoder: Encoder | None = ENCODER, **more: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(path, array, encoder, **more)
    return str(caught.value).removeprefix(f"{path}/x.npy: ")


@pytest.mark.parametrize("value", [0, 1, 2, 255])
def test_images_are_images_whatever_their_values(tmp_path: Path, value: int) -> None:
    images = np.full((5, 28, 28), value, np.uint8)
    for encoder in (ENCODER, DIRECT):
        assert np.array_equal(read(tmp_path, images, encoder).data, images.reshape(5, 784))
    assert refusal(tmp_path, images, None) == "spikes must have shape (T, N, 784), not (5, 28, 28)"


@pytest.mark.parametrize("value", [0, 1])
def test_spikes_are_spikes_whatever_their_values(tmp_path: Path, value: int) -> None:
    for encoder in (ENCODER, None):
        assert read(tmp_path, np.full((5, 28, 784), value, np.uint8), encoder).data.shape == (5, 28, 784)
        assert read(tmp_path, np.full((5, 28, 784), value, bool), encoder).data.shape == (5, 28, 784)
    counts = np.full((5, 2, 784), 2, np.uint8)
    assert refusal(tmp_path, counts) == "spikes must be 0 or 1"
    advice = "; where they are counts of events, compile with --input-max"
    assert refusal(tmp_path, counts, None) == f"spikes must be 0 or 1{advice}"


def test_an_array_that_may_be_either_is_refused(tmp_path: Path) -> None:
    one = np.ones((5, 1, 784), np.uint8)
    assert refusal(tmp_path, one) == (
        "may be spikes of one sample or 5 images, for its shape is (5, 1, 784); "
        "write an .npz file with an array 'spikes' or 'images'"
    )
    assert read(tmp_path, one.astype(bool)).data.shape == (5, 1, 784)  # images are uint8
    assert read(tmp_path, one, None).data.shape == (5, 1, 784)
    assert read(tmp_path, one, DIRECT).data.shape == (5, 784)
    for name, shape in (("spikes", (5, 1, 784)), ("images", (5, 784))):
        np.savez(tmp_path / "x.npz", **{name: one})
        assert load_samples(tmp_path / "x.npz", inputs=784, encoder=ENCODER).data.shape == shape


def test_an_array_that_is_neither_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, np.zeros((5, 28, 27), np.uint8)) == (
        "must be spikes of shape (T, N, 784) or uint8 images of shape (N, ...) of 784 pixels, "
        "not uint8 of shape (5, 28, 27)"
    )


# axes of a sample

SHAPE = (3, 8, 4)
IMAGES = RANDOM.integers(0, 256, (6, *SHAPE), np.uint8)
LATE = IMAGES.transpose(0, 2, 3, 1)


@pytest.mark.parametrize("encoder", [ENCODER, DIRECT])
def test_images_have_the_shape_of_the_network_or_none(tmp_path: Path, encoder: Encoder) -> None:
    flat, wanted = IMAGES.reshape(6, 96), {"inputs": 96, "shape": SHAPE}
    for images in (IMAGES, flat, np.asfortranarray(IMAGES)):
        assert np.array_equal(read(tmp_path, images, encoder, **wanted).data, flat)
    rule = "images must be uint8 of shape (N, 3, 8, 4) or (N, 96), not uint8 of shape "
    for images, advice in (
        (LATE, "(6, 8, 4, 3); channels must come first: write images.transpose(0, 3, 1, 2)"),
        (IMAGES.transpose(0, 1, 3, 2), "(6, 3, 4, 8)"),
        (IMAGES.reshape(6, 3, 32), "(6, 3, 32)"),
        (IMAGES.reshape(6, 12, 8), "(6, 12, 8)"),
    ):
        np.savez(tmp_path / "x.npz", images=images)
        with pytest.raises(DataError) as caught:
            load_samples(tmp_path / "x.npz", encoder=encoder, **wanted)
        assert str(caught.value) == f"{tmp_path}/x.npz: {rule}{advice}"
        assert refusal(tmp_path, images, encoder, **wanted).endswith(advice)


def test_the_advice_gives_the_images_that_are_wanted(tmp_path: Path) -> None:
    wanted: dict[str, Any] = {"inputs": 96, "shape": SHAPE}
    advice = refusal(tmp_path, LATE, **wanted).rpartition("transpose")[2]
    assert np.array_equal(LATE.transpose(*map(int, advice.strip("()").split(","))), IMAGES)


def test_axes_of_one_do_not_change_the_order(tmp_path: Path) -> None:
    images = IMAGES[:, :1]
    for shape, array in (((1, 8, 4), images[:, 0]), ((1, 8, 4), images[:, 0, :, :, None]), ((8, 4), images)):
        assert np.array_equal(read(tmp_path, array, DIRECT, inputs=32, shape=shape).data, images.reshape(6, 32))


def test_spikes_may_have_the_shape_of_the_network(tmp_path: Path) -> None:
    spikes = (RANDOM.random((5, 6, *SHAPE)) < 0.5).astype(np.uint8)
    wanted: dict[str, Any] = {"inputs": 96, "shape": SHAPE}
    for encoder in (None, ENCODER):
        assert np.array_equal(read(tmp_path, spikes, encoder, **wanted).data, spikes.reshape(5, 6, 96))
    late = spikes.transpose(0, 1, 3, 4, 2)
    assert refusal(tmp_path, late, None, **wanted) == (
        "spikes must have shape (T, N, 3, 8, 4) or (T, N, 96), not (5, 6, 8, 4, 3); "
        "channels must come first: write spikes.transpose(0, 1, 4, 2, 3)"
    )
    assert refusal(tmp_path, spikes, None, inputs=96) == "spikes must have shape (T, N, 96), not (5, 6, 3, 8, 4)"


def test_spikes_are_numbers_of_at_least_one_sample(tmp_path: Path) -> None:
    for kind in ("U1", "c8"):
        assert refusal(tmp_path, np.zeros((5, 2, 4), kind), None, inputs=4) == "spikes must be 0 or 1"
    for value in (np.nan, np.inf, -1.0, 0.5):
        assert refusal(tmp_path, np.full((5, 2, 4), value), None, inputs=4).startswith("spikes must be 0 or 1")
    assert refusal(tmp_path, np.zeros((5, 0, 4)), None, inputs=4) == "must hold at least one sample, not none"
    assert refusal(tmp_path, np.zeros((0, 4)), DIRECT, inputs=4).startswith("images must be uint8 with 4 pixels")
    none = np.zeros((0, 4), np.uint8)
    assert refusal(tmp_path, none, DIRECT, inputs=4) == "must hold at least one sample, not none"


def test_networks_of_a_row_of_inputs_take_axes_in_their_order(tmp_path: Path) -> None:
    assert np.array_equal(read(tmp_path, IMAGES, inputs=96).data, IMAGES.reshape(6, 96))
    assert np.array_equal(read(tmp_path, IMAGES, inputs=96, shape=(96,)).data, IMAGES.reshape(6, 96))


@pytest.mark.parametrize("said_by", ["--input-shape", "nn.Unflatten"])
def test_every_command_knows_the_shape_of_the_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], said_by: str
) -> None:
    convolution, linear = layer.Conv2d(3, 2, 3, padding=1, bias=False), layer.Linear(64, 3)
    layers = [convolution, neuron.IFNode(), layer.Flatten(), linear, neuron.IFNode()]
    first = [nn.Unflatten(1, SHAPE)] if said_by == "nn.Unflatten" else []
    snn2rtl.save(nn.Sequential(*first, *layers), tmp_path / "m.pt", encoder=ENCODER)
    options = [] if first else ["--input-shape", "3,8,4"]
    for name, images in (("late", LATE), ("right", IMAGES), ("flat", IMAGES.reshape(6, 96))):
        np.savez(tmp_path / f"{name}.npz", images=images, labels=np.arange(6) % 3)
    rtl, out = str(tmp_path / "rtl"), ["--out", str(tmp_path / "out.npz")]
    assert main(["compile", str(tmp_path / "m.pt"), *options, "--out", rtl, "--quiet"]) == 0
    commands = [
        ["compile", str(tmp_path / "m.pt"), *options, *out, "--calibration"],
        ["compile", f"{rtl}/network.npz", *out, "--calibration"],
        ["simulate", rtl, *out, "--input"],
        ["simulate", f"{rtl}/network.npz", *out, "--input"],
        ["measure", rtl, "--repeats", "0", "--data"],
    ]
    for argv in (*commands, ["verify", rtl, "--data"]):
        capsys.readouterr()
        assert main([*argv, str(tmp_path / "late.npz")]) == 1
        assert capsys.readouterr().err == (
            f"snn2rtl: error: {tmp_path}/late.npz: images must be uint8 of shape (N, 3, 8, 4) or (N, 96), not uint8 of "
            "shape (6, 8, 4, 3); channels must come first: write images.transpose(0, 3, 1, 2)\n"
        )
    for argv in commands:
        assert main([*argv, str(tmp_path / "right.npz"), "--json"]) == 0
        right = capsys.readouterr().out
        assert main([*argv, str(tmp_path / "flat.npz"), "--json"]) == 0
        assert capsys.readouterr().out == right


# names and pipes


def test_the_case_of_a_suffix_does_not_matter(tmp_path: Path) -> None:
    net, data = tmp_path / "NET.NPZ", tmp_path / "X.NPZ"
    assert main(["compile", str(saved(tmp_path)), "--out", str(net), "--quiet"]) == 0
    assert network_file.digest(network_file.load(net)) == network_file.digest(NETWORK)
    with data.open("wb") as file:
        np.savez(file, spikes=SPIKES, labels=np.zeros(8, int))
    for argv in (
        ["simulate", str(net), "--input", str(data), "--out", str(tmp_path / "y.npz")],
        ["measure", str(net), "--repeats", "0", "--data", str(data)],
        ["compile", str(net), "--out", str(tmp_path / "rtl"), "--calibration", str(data)],
        ["explore", str(net), "--search", "lanes=1,2", "--data", str(data), "--out", str(tmp_path / "explored")],
    ):
        assert main([*argv, "--quiet"]) == 0


def saved(folder: Path) -> Path:
    network_file.save(NETWORK, folder / "net.npz")
    return folder / "net.npz"


def test_samples_are_read_from_a_pipe(tmp_path: Path, rtl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command reads it once: the second time it would be empty."""
    net, pipe = str(saved(tmp_path)), tmp_path / "pipe"
    np.savez(tmp_path / "x.npz", spikes=SPIKES, labels=np.zeros(8, int))
    os.mkfifo(pipe)
    verified: list[int] = []

    def no_simulator(folder: OutputFolder, samples: Samples, *_: Any, **__: Any) -> Verdict:
        verified.append(len(samples))
        assert np.array_equal(samples.data, SPIKES[:, : len(samples)])
        values: dict[str, Any] = dict.fromkeys(("spikes", "cycles", "latency", "worst"), 1)
        values |= {"netlist": None, "stalls": Stalls(), "accuracy": None, "saturations": Saturations()}
        return Verdict(engine="icarus", samples=len(samples), limit=1, **values)

    monkeypatch.setattr(command, "verify", no_simulator)
    for argv in (
        ["simulate", net, "--out", str(tmp_path / "y.npz"), "--input"],
        ["compile", net, "--out", str(tmp_path / "rtl"), "--calibration"],
        ["verify", str(rtl), "--samples", "5", "--data"],
        ["measure", net, "--repeats", "0", "--data"],
    ):
        writer = threading.Thread(target=pipe.write_bytes, args=((tmp_path / "x.npz").read_bytes(),))
        writer.start()
        assert main([*argv, str(pipe), "--quiet"]) == 0
        writer.join()
    assert verified == [5, 1, 1, 2, 1, 1]


def test_samples_in_the_place_of_a_network_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "x.npz", spikes=SPIKES)
    assert main(["simulate", str(tmp_path / "x.npz"), "--input", "x", "--out", "y"]) == 1
    sentence = "must be a network.npz written by snn2rtl (it has no header)"
    assert capsys.readouterr().err == f"snn2rtl: error: {tmp_path}/x.npz: {sentence}\n"


def test_what_is_read_more_than_once_is_no_pipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe, net = tmp_path / "pipe", str(saved(tmp_path))
    os.mkfifo(pipe)
    for argv in (
        ["compile", str(pipe), "--out", str(tmp_path / "rtl")],
        ["explore", net, "--search", "lanes=1,2", "--out", str(tmp_path / "o"), "--data", str(pipe)],
        ["data", "inspect", "shd", str(pipe)],
    ):
        assert main(argv) == 1
        assert capsys.readouterr().err == (
            f"snn2rtl: error: {pipe}: must be a file, not a pipe or a device, for it is read more than once; "
            "write what it gives to a file\n"
        )
