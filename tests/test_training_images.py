"""Samples as the network takes them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
from mnist_files import idx
from training_runs import samples, small, train

from snn2rtl.encoders import Encoder
from snn2rtl.errors import DataError, OptionError
from snn2rtl.training.images import SIDE, augment, evaluation_inputs, poisson_spikes, training_inputs


def test_poisson_spikes_have_the_probability_of_the_encoder() -> None:
    encoder = Encoder.poisson(time_steps=3, scale=0.7)
    pixels = torch.randint(0, 256, (5, 7), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(2)
    spikes = poisson_spikes(pixels, encoder, 3)
    torch.manual_seed(2)
    words = torch.empty(27, dtype=torch.int64).random_(-(2**63), None).numpy()
    noise = words.view(np.int16)[:105].reshape(3, 5, 7).astype(np.int64) + 2**15
    assert np.array_equal(spikes.numpy(), noise < pixels.numpy() * np.int64(encoder.rate))
    assert noise.min() < 2**12
    assert noise.max() > 2**16 - 2**12


@pytest.mark.parametrize("scale", [0.7, 1.0])
def test_poisson_rate_of_black_grey_and_white(scale: float) -> None:
    torch.manual_seed(0)
    pixels = torch.tensor([[0, 100, 255]], dtype=torch.uint8)
    spikes = poisson_spikes(pixels, Encoder.poisson(20_000, scale), 20_000)
    rates = spikes.mean((0, 1)).tolist()
    assert rates[0] == 0
    assert rates[1:] == pytest.approx([scale * 100 / 255, scale], abs=0.015)


def test_a_network_is_measured_on_the_spikes_of_the_golden_model() -> None:
    images, encoder = samples(20).images, Encoder.poisson(6, 0.7)
    whole = encoder.encode(images.numpy())
    part = evaluation_inputs(images[5:12], encoder, first=5)
    assert part.columns is None
    assert np.array_equal(part.x.numpy(), whole[:, 5:12])


def test_black_images_are_samples_too() -> None:
    black = torch.zeros(3, 784, dtype=torch.uint8)
    for encoder in (Encoder.poisson(4, 0.7), Encoder(kind="direct", time_steps=4)):
        inputs = training_inputs(black, encoder, 4)
        assert inputs.columns is not None
        assert inputs.columns.numel() == inputs.x.shape[-1] == 0


def test_images_move_no_further_than_asked() -> None:
    torch.manual_seed(0)
    image = torch.zeros(SIDE, SIDE, dtype=torch.uint8)
    image[13:15, 13:15] = 200
    images = image.flatten().expand(200, -1)
    moved = augment(images, 2.0).view(-1, SIDE, SIDE)
    assert moved.dtype == torch.uint8
    assert not moved[:, :10].any()
    assert not moved[:, 18:].any()
    rows = torch.arange(SIDE) * moved.float().sum(2) / moved.float().sum((1, 2), keepdim=True)[:, 0]
    offsets = rows.sum(1) - 13.5
    assert -2.1 < offsets.min() < -1.7
    assert 1.7 < offsets.max() < 2.1
    assert augment(images, 0.0) is images


def test_an_image_is_turned_about_its_middle() -> None:
    torch.manual_seed(0)
    image = torch.zeros(SIDE, SIDE, dtype=torch.uint8)
    image[:, 13:15] = 255
    moved = augment(image.flatten().expand(200, -1), 4.0).view(-1, SIDE, SIDE).float()
    columns = torch.arange(SIDE)
    slopes = [(float((row[20] * columns).sum() / row[20].sum()) - float((row[8] * columns).sum() / row[8].sum())) / 12
              for row in moved]  # fmt: skip
    assert max(slopes) == pytest.approx(np.tan(np.radians(20)), abs=0.05)
    assert min(slopes) == pytest.approx(-np.tan(np.radians(20)), abs=0.05)


# data of a run


def test_held_out_images_are_the_last_of_training_and_the_test_set_is_not_read(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "train only"
    folder.mkdir()
    for file in data.glob("train-*"):
        (folder / file.name).write_bytes(file.read_bytes())
    results = train(folder, tmp_path / "run", small(hold_out=10, epochs=1))
    assert results["history"][-1]["test"]["accuracy"] % 10 == 0  # of ten images


@pytest.mark.parametrize("count", [30, 100])
def test_something_is_left_to_learn(data: Path, tmp_path: Path, count: int) -> None:
    with pytest.raises(OptionError, match=f"^hold_out: must be less than the 30 training images, not {count}$"):
        train(data, tmp_path, small(hold_out=count))


def test_labels_out_of_range_are_one_sentence(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for file in data.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    labels = np.arange(30, dtype=np.uint8)
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte.gz: labels must be 0 to 9, not 29$"):
        train(folder, tmp_path / "run", small())
    assert not (tmp_path / "run").exists()
