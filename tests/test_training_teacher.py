"""Soft labels: of a run, of a file, and files that cannot teach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_runs import samples, small, train

from snn2rtl.errors import DataError, ModelFileError
from snn2rtl.training import trainer
from snn2rtl.training.images import evaluation_inputs
from snn2rtl.training.run import Run
from snn2rtl.training.teacher import soft_labels
from snn2rtl.training.trainer import Files


def labels_file(path: Path, count: int = 30, **arrays: Any) -> Path:
    """Write soft labels that are sure of class 7."""
    probabilities = np.zeros((count, 10))
    probabilities[:, 7] = 1
    np.savez(path, **{"probabilities": probabilities} | arrays)
    return path


@pytest.mark.parametrize("encoder", ["poisson", "direct"])
def test_a_run_teaches_what_its_network_counts(data: Path, tmp_path: Path, encoder: Any) -> None:
    config = small(epochs=1, gain=0.5, encoder=encoder)
    train(data, tmp_path, config)
    images = samples().images
    inputs = evaluation_inputs(images, config.sample_encoder())
    counts = Run.load(tmp_path / trainer.CHECKPOINT).net.eval()(inputs.x, inputs.steps).scores
    labels = soft_labels(tmp_path, config, samples())
    assert torch.equal(labels, (counts * 0.5).softmax(1))
    assert len(labels.unique()) > 2


def test_a_file_teaches_what_it_holds(data: Path, tmp_path: Path) -> None:
    teacher = labels_file(tmp_path / "soft.npz")
    before = train(data, tmp_path / "before", small(epochs=15))
    after = train(data, tmp_path / "after", small(epochs=15, distill=1.0), teacher=teacher)
    assert before["accuracy"] > 60
    assert after["accuracy"] == 10  # everything is a seven


def test_held_out_images_are_not_taught(data: Path, tmp_path: Path) -> None:
    probabilities = np.eye(10)[np.arange(30) % 7]
    teacher = labels_file(tmp_path / "soft.npz", probabilities=probabilities)
    splits = trainer.load_splits(
        small(distill=0.5, hold_out=10), Files(out=tmp_path, data=data, teacher=teacher), "cpu"
    )
    assert splits.train.soft_labels is not None
    assert splits.train.soft_labels.tolist() == probabilities[:20].tolist()
    part = splits.train[torch.tensor([3, 5])].soft_labels
    assert part is not None
    assert part.tolist() == probabilities[[3, 5]].tolist()


@pytest.mark.parametrize(
    ("arrays", "rule"),
    [
        ({"probabilities": np.ones((30, 4))}, r"must be floats of shape \(30, 10\), .* not float64 of shape \(30, 4\)"),
        ({"probabilities": np.eye(10)[[0] * 29]}, r"a row for each training sample, not float64 of shape \(29, 10\)"),
        ({"probabilities": np.ones((30, 10), int)}, "must be floats .* not int64"),
        ({"probabilities": np.full((30, 10), np.nan)}, "must be 0 or more and sum to 1"),
        ({"probabilities": np.ones((30, 10))}, "must be 0 or more and sum to 1"),
        ({"probabilities": np.array([None] * 3)}, "must be an .npz file with an array 'probabilities'"),
    ],
)
def test_labels_that_do_not_fit(data: Path, tmp_path: Path, arrays: Any, rule: str) -> None:
    teacher = labels_file(tmp_path / "soft.npz", **arrays)
    with pytest.raises(DataError, match=f"soft.npz: .*{rule}"):
        train(data, tmp_path / "run", small(distill=0.5), teacher=teacher)
    assert not (tmp_path / "run").exists()


def test_files_that_are_none(data: Path, tmp_path: Path) -> None:
    (tmp_path / "torn.npz").write_bytes(labels_file(tmp_path / "soft.npz").read_bytes()[:200])
    np.savez(tmp_path / "other.npz", other=np.zeros(3))
    for name in ("torn.npz", "other.npz"):
        with pytest.raises(DataError, match=f"{name}: must be an .npz file with an array 'probabilities'"):
            train(data, tmp_path / "run", small(distill=0.5), teacher=tmp_path / name)
    np.save(tmp_path / "lone.npy", np.zeros(3))
    (tmp_path / "lone.npy").rename(tmp_path / "lone.npz")
    with pytest.raises(DataError, match=r"lone\.npz: must be an .npz .* \(it has no named array\)$"):
        train(data, tmp_path / "run", small(distill=0.5), teacher=tmp_path / "lone.npz")
    with pytest.raises(DataError, match=r"no\.npz: cannot be read: No such file"):
        train(data, tmp_path / "run", small(distill=0.5), teacher=tmp_path / "no.npz")
    with pytest.raises(ModelFileError, match=r"checkpoint\.pt"):
        train(data, tmp_path / "run", small(distill=0.5), teacher=tmp_path / "nobody")
