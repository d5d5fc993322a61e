"""What files of samples may hold, and which sentence refuses the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import chain, dense

from snn2rtl.api import compile
from snn2rtl.cli import main
from snn2rtl.data.samples import Samples, samples_for
from snn2rtl.errors import DataError
from snn2rtl.folder import open_folder
from snn2rtl.int_net import network_file
from snn2rtl.verify.engines import Stalls
from snn2rtl.verify.verify import verify

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
