"""What a trial is measured by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mnist_files import write_mnist

from snn2rtl import frontend
from snn2rtl.compiler import compile_network
from snn2rtl.data import mnist
from snn2rtl.data.samples import Samples
from snn2rtl.errors import OptionError
from snn2rtl.int_net import reference
from snn2rtl.measure import metrics
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.studies import tune
from snn2rtl.studies.setup import choose
from snn2rtl.training.tasks.mnist import MnistConfig

SMALL = MnistConfig(hidden=(12,), time_steps=4, batch_size=10, epochs=2, lr=2e-2, hold_out=20)
ALL = tuple(tune.OBJECTIVES)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return training images without test images: tuning that looks at them fails."""
    folder = write_mnist(tmp_path_factory.mktemp("mnist"), 60)
    for file in folder.glob("t10k*"):
        file.unlink()
    return folder


def test_objectives_are_named() -> None:
    assert list(choose("accuracy", tune.OBJECTIVES)) == ["accuracy"]
    assert list(choose("nonzeros,accuracy", tune.OBJECTIVES)) == ["nonzeros", "accuracy"]
    with pytest.raises(OptionError, match=r"^objective: must be among .*, spikes, .*, not speed, power$"):
        choose("accuracy,speed,power", tune.OBJECTIVES)
    with pytest.raises(OptionError, match=r"^objective: each must be given once, not spikes,spikes$"):
        choose("spikes,spikes", tune.OBJECTIVES)


def test_accuracy_is_that_of_the_training_run(data: Path, tmp_path: Path) -> None:
    told: list[tuple[int, float]] = []
    train = tune.trainer(("accuracy",), data, None, None, "cpu")
    measured = train(SMALL, tmp_path / "7", lambda epoch, accuracy: told.append((epoch, accuracy)))
    assert [epoch for epoch, _ in told] == [1, 2]
    assert measured == {"accuracy": told[-1][1]}
    assert sorted(path.name for path in (tmp_path / "7").iterdir()) == ["model.pt", "results.json", "tensorboard"]


@pytest.mark.parametrize(("encoder", "bits"), [("poisson", 0), ("poisson", 3), ("direct", 4)])
def test_costs_are_those_of_the_integer_network(data: Path, tmp_path: Path, encoder: str, bits: int) -> None:
    config = replace(SMALL, encoder=encoder, bits=bits)
    train = tune.trainer(ALL, data, None, None, "cpu")
    told: list[float] = []
    measured = train(config, tmp_path, lambda epoch, accuracy: told.append(accuracy))
    options = QuantizeOptions(bits=PerLayer(bits or 8))
    network, reports = compile_network(frontend.load(tmp_path / "model.pt"), options)
    images, labels = (array[-20:] for array in mnist.load("train", data))
    inputs = images if encoder == "direct" else config.sample_encoder().encode(images)
    result = reference.run(network, inputs)
    assert measured == {
        "accuracy": 100 * np.mean(result.classes == labels),
        "nonzeros": sum(report.nonzero_weights for report in reports),
        "spikes": sum(int(trace.spikes.sum(dtype=int)) for trace in result.in_order) / 20,
        "membrane_bits": sum(report.neurons * report.membrane_bits for report in reports),
    }
    assert measured["spikes"] > 0
    if bits:  # trained in integers
        assert measured["accuracy"] == told[-1]


def test_samples_are_measured_in_parts(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = tune.trainer(ALL, data, None, None, "cpu")
    measured = train(SMALL, tmp_path, lambda *_: None)
    network, _ = compile_network(frontend.load(tmp_path / "model.pt"))
    images, labels = (array[-20:] for array in mnist.load("train", data))
    monkeypatch.setattr(metrics, "chunk_size", lambda *_: 7)
    assert tune.measure(network, Samples(images, labels.astype(np.int64), network.encoder)) == measured
