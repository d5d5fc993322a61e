"""What TensorBoard shows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from training_runs import MNIST, dyadic, interrupt_epoch, small, train

from snn2rtl.training.neuron import charged
from snn2rtl.training.tensorboard import raster


def test_curves_histograms_and_rasters_of_every_epoch(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small(bits=4, qat_from=1, sparsity=0.5, prune_until=2)
    with monkeypatch.context() as patch:
        interrupt_epoch(2, patch)
        with pytest.raises(KeyboardInterrupt):
            train(data, tmp_path, config)
    results = train(data, tmp_path, config, resume=True)
    events = EventAccumulator(str(tmp_path / "tensorboard"), size_guidance={"histograms": 0, "images": 0}).Reload()
    tags = events.Tags()
    names = {"loss", "accuracy", "firing_rate_1", "firing_rate_2"}
    curves = {f"{name}/{part}" for name in names for part in ("train", "test")}
    assert set(tags["scalars"]) == curves | {"sparsity", "learning_rate"}
    assert set(tags["histograms"]) == {"weights/1", "weights/2", "membranes/1", "membranes/2"}
    assert set(tags["images"]) == {"spikes/1", "spikes/2"}
    for tag in tags["scalars"]:
        assert [event.step for event in events.Scalars(tag)] == [1, 2, 3]
    assert [event.step for event in events.Histograms("membranes/1")] == [1, 2, 3]
    shown = [event.value for event in events.Scalars("accuracy/test")]
    assert shown == pytest.approx([entry["test"]["accuracy"] for entry in results["history"]])
    assert [e.value for e in events.Scalars("sparsity")] == pytest.approx([e["sparsity"] for e in results["history"]])
    assert [event.value for event in events.Scalars("learning_rate")] == pytest.approx([5e-3, 5e-3, 1.75e-3])


def test_membranes_fire_at_one() -> None:
    net = dyadic(MNIST.build(small()))
    for quantized in (False, True):
        if quantized:
            net.quantize(8)
        spikes = net((torch.rand(4, 6, 784) < 0.1).float(), 4).spikes["1"]
        assert spikes.any()
        assert torch.equal(charged(spikes) >= 1, spikes > 0)


def test_a_raster_has_a_row_for_each_neuron_and_samples_side_by_side() -> None:
    spikes = (torch.rand(3, 2, 5) < 0.5).float()
    image = raster(spikes)
    assert image.shape == (5, 7)
    assert torch.equal(image[:, :3], spikes[:, 0].T)
    assert torch.equal(image[:, 4:], spikes[:, 1].T)
    assert image[:, 3].tolist() == [0.5] * 5


def test_a_full_disk_is_one_sentence(data: Path, tmp_path: Path) -> None:
    """The file size limit of the process stands for the disk; the files of TensorBoard grow until they meet it."""
    out = tmp_path / "run"
    argv = [sys.executable, "-m", "snn2rtl", "train", "mnist", "--data", str(data), "--out", str(out), "--quiet"]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    options = "--hidden 2 --time-steps 2 --epochs 200"  # a checkpoint of 40 KiB
    limited = f"ulimit -f 60; exec {' '.join(argv)} {options}"
    done = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 1
    assert done.stderr == f"snn2rtl: error: {out / 'tensorboard'}: must be writable, but File too large\n"
