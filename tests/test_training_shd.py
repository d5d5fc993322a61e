"""Whole runs on spoken digits: what they learn, what they leave, and that an interrupted one ends like a whole one."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from shd_runs import SHD, small, train, write_words
from training_runs import equal, interrupt_epoch, state
from training_runs import small as small_mnist
from training_runs import train as train_mnist

from snn2rtl import frontend
from snn2rtl.cli import main
from snn2rtl.compiler import compile_network
from snn2rtl.errors import DataError, ModelFileError, OptionError, UnsupportedModelError
from snn2rtl.float_net.nodes import Linear, Neuron
from snn2rtl.int_net import reference
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.studies import tune
from snn2rtl.training import checkpoint, tasks, trainer
from snn2rtl.training.recordings import SpikeDataset, augment
from snn2rtl.training.run import Run
from snn2rtl.training.tasks.shd import ShdConfig

ENV = {**os.environ, "OMP_NUM_THREADS": "1"}  # sums in another order would be other weights


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_words(tmp_path_factory.mktemp("words"))


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Keep what is binned out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.mark.parametrize("bits", [0, 5])
def test_a_run_learns_and_leaves_a_network_that_compiles_to_what_was_trained(
    words: Path, tmp_path: Path, bits: int
) -> None:
    config = small(epochs=12, bits=bits, qat_from=8, delays=4, recurrent=True, sparsity=0.3)
    results = train(words, tmp_path, config)
    first, last = results["history"][0], results["history"][-1]
    assert last["train"]["loss"] < first["train"]["loss"]
    assert results["accuracy"] == last["test"]["accuracy"] > 25
    assert set(last["test"]["rates"]) == {"1", "2"}
    assert results["sparsity"] == pytest.approx(0.3, abs=0.01)
    assert json.loads((tmp_path / trainer.RESULTS).read_text()) == results
    assert ShdConfig.from_dict(results["config"]) == config
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "checkpoint.pt", "model.pt", "results.json", "tensorboard",
    ]  # fmt: skip
    network = frontend.load(tmp_path / trainer.MODEL)
    assert network.name == "shd_35_14_12_20"
    assert [node.name for node in network.nodes] == ["fc1", "n1", "fc2", "n2", "fc3", "n3"]
    if bits:
        compiled, _ = compile_network(network, QuantizeOptions(bits=PerLayer(bits), time_steps=28))
        test = SHD.splits(config, words, "cpu").evaluation
        golden = reference.run(compiled, test.evaluation_batch(config, 0).x.numpy().astype(np.uint8))
        right = int((golden.classes == test.labels.numpy()).sum())
        assert results["accuracy"] == pytest.approx(100 * right / len(test))


def test_everything_combines(words: Path, tmp_path: Path) -> None:
    train(words, tmp_path / "teacher", small(epochs=1))
    options = {
        "neuron": "adaptive", "reset": "soft", "leak": "shift", "learn_delays": False, "delays": 3, "dropout": 0.2,
        "label_smoothing": 0.1, "rate_penalty": 1.0, "rate_limit": 0.01, "drop_spikes": 0.1, "stretch": 0.0, "bits": 4,
        "neuron_sparsity": 0.2, "prune_by": "both", "recurrent": True, "gain": 2.0, "held_speakers": (2,),
        "readout": "max", "membrane_fraction": 3, "leak_bits": 5, "schedule": "cosine", "distill": 0.5,
    }  # fmt: skip
    results = train(words, tmp_path / "run", small(**options), teacher=tmp_path / "teacher")
    assert results["sparsity"] > 0.1


def test_a_penalty_lowers_the_rates(words: Path, tmp_path: Path) -> None:
    rates = [
        train(words, tmp_path / str(penalty), small(epochs=5, rate_penalty=penalty, rate_limit=0.0))["history"][-1]
        for penalty in (0.0, 50.0)
    ]
    assert rates[1]["train"]["rates"]["1"] < 0.8 * rates[0]["train"]["rates"]["1"]


# interrupted runs

INTERRUPTED: dict[str, dict[str, Any]] = {
    "float": {"dropout": 0.3},
    "delays, quantized at the cut": {"delays": 5, "bits": 4, "qat_from": 2},
    "adaptive, quantized before the cut": {"neuron": "adaptive", "recurrent": True, "bits": 4, "qat_from": 1},
    "fixed delays and leaks": {"delays": 5, "learn_delays": False, "learn_tau": False, "neuron": "lif"},
    "pruned": {"sparsity": 0.7, "neuron_sparsity": 0.3, "prune_until": 3, "prune_by": "both", "recurrent": True},
    "from a model": {"init": True, "delays": 5, "bits": 4, "sparsity": 0.5},
    "held out speakers": {"held_speakers": (0, 2), "drop_spikes": 0.2},
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(words: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained")
    train(words, out, small(delays=5, epochs=2, bits=4, qat_from=1))
    return out


@pytest.mark.parametrize("case", INTERRUPTED)
def test_an_interrupted_run_ends_with_the_weights_of_a_whole_one(
    words: Path, tmp_path: Path, trained: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    options = dict(INTERRUPTED[case])
    files = {"init": trained / trainer.MODEL} if options.pop("init", False) else {}
    config = small(**options)
    train(words, tmp_path / "whole", config, **files)
    with monkeypatch.context() as patch:
        interrupt_epoch(3, patch)
        with pytest.raises(KeyboardInterrupt):
            train(words, tmp_path / "cut", config, **files)
    assert len(state(tmp_path / "cut")["history"]) == 2
    torch.manual_seed(99)  # whatever the process drew before does not matter
    train(words, tmp_path / "cut", config, resume=True, **files)
    assert equal(state(tmp_path / "cut"), state(tmp_path / "whole"))
    assert (tmp_path / "cut" / trainer.MODEL).read_bytes() == (tmp_path / "whole" / trainer.MODEL).read_bytes()


def test_a_killed_process_is_resumed(words: Path, tmp_path: Path) -> None:
    options = ["--hidden", "12", "--time-steps", "28", "--step-ms", "50", "--channels", "35", "--batch-size", "5",
               "--epochs", "12", "--bits", "4", "--qat-from", "3", "--delays", "3"]  # fmt: skip
    argv = ["train", "shd", "--data", str(words), "--out", str(tmp_path / "cut")]
    process = subprocess.Popen(
        [sys.executable, "-m", "snn2rtl", *argv, *options], env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr
    assert any(b"epoch 4/12" in line for line in process.stderr)  # eight more are to come
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 4 <= len(state(tmp_path / "cut")["history"]) < 12
    assert main([*argv, "--resume", "--quiet"]) == 0
    assert main([*argv[:-1], str(tmp_path / "whole"), *options, "--quiet"]) == 0
    assert equal(state(tmp_path / "cut"), state(tmp_path / "whole"))


# models and checkpoints


def test_a_run_starts_from_the_network_of_a_model(trained: Path) -> None:
    config = tasks.model_config(trained / trainer.MODEL)
    assert isinstance(config, ShdConfig)
    found = {name: getattr(config, name) for name in ("hidden", "channels", "neuron", "reset", "recurrent", "readout")}
    assert found == {"hidden": (14, 12), "channels": 35, "neuron": "current", "reset": "hard", "recurrent": False,
                     "readout": "sum"}  # fmt: skip
    saved = frontend.load(trained / trainer.MODEL)
    net = SHD.initialise(config, trained / trainer.MODEL)
    linears = [node for node in saved.nodes if isinstance(node, Linear)]
    neurons = [node for node in saved.nodes if isinstance(node, Neuron)]
    for layer, linear in zip(net.layers, linears, strict=True):
        assert layer.delay is not None
        assert linear.delay is not None
        assert np.allclose(layer.synapses.weight.detach(), linear.weight)
        assert np.array_equal(layer.delay.whole(), linear.delay)
    for layer, neuron in zip(net.layers, neurons, strict=False):
        assert np.array_equal(layer.membrane.tau(), neuron.tau)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"hidden": (14, 13), "delays": 5}, r"layers must have shapes \[\(14, 35\), \(13, 14\), \(20, 13\)\], as the "),
        ({"neuron": "lif", "reset": "soft", "delays": 5}, "layer 'fc1' must be .* not differ in neuron, reset"),
        ({"recurrent": True}, r"layers must have shapes \[\(14, 49\)"),
        ({}, "layer 'fc1' must be as the options ask, not differ in delays"),
    ],
)  # fmt: skip
def test_a_model_that_does_not_fit_is_one_sentence(
    words: Path, tmp_path: Path, trained: Path, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(OptionError, match=sentence) as caught:
        train(words, tmp_path, small(**options), init=trained / trainer.MODEL)
    assert len(str(caught.value).splitlines()) == 1


def test_tasks_are_not_mixed_up(data: Path, words: Path, tmp_path: Path, trained: Path) -> None:
    train_mnist(data, tmp_path / "mnist", small_mnist(epochs=1))
    with pytest.raises(OptionError, match="layer 'lif2' must be integrators to be trained here"):
        train(words, tmp_path / "a", small(), init=tmp_path / "mnist" / trainer.MODEL)
    with pytest.raises(UnsupportedModelError, match="layer 'fc1': must not have delay, synapse_tau"):
        train_mnist(data, tmp_path / "b", small_mnist(), init=trained / trainer.MODEL)
    with pytest.raises(OptionError, match="must be a run on shd, not on mnist"):
        train(words, tmp_path / "c", small(distill=0.5), teacher=tmp_path / "mnist")
    with pytest.raises(OptionError, match="resume: must be a run on shd, not on mnist"):
        train(words, tmp_path / "mnist", small(), resume=True)


def test_a_checkpoint_without_a_task_is_one_of_mnist(data: Path, tmp_path: Path) -> None:
    train_mnist(data, tmp_path, small_mnist(epochs=1))
    loaded = checkpoint.load(tmp_path / trainer.CHECKPOINT)
    assert loaded.pop("task") == "mnist"
    checkpoint.save(tmp_path / trainer.CHECKPOINT, loaded)
    assert trainer.saved_config(tmp_path) == small_mnist(epochs=1)
    for task in ("cifar", 3, ["shd"]):
        checkpoint.save(tmp_path / trainer.CHECKPOINT, {**loaded, "task": task})
        with pytest.raises(ModelFileError, match="task must be mnist or shd, not"):
            trainer.saved_config(tmp_path)


def test_a_hand_made_checkpoint_is_one_sentence(words: Path, tmp_path: Path, trained: Path) -> None:
    changes = {
        "chain.0.delay.steps": lambda model, name: model.update({name: torch.zeros(3)}),
        "chain.0.membrane.logit": lambda model, name: model[name].fill_(float("nan")),
        "chain.2.synapses.log_step": lambda model, name: model.pop(name),
    }
    for name, change in changes.items():
        loaded = checkpoint.load(trained / trainer.CHECKPOINT)
        change(loaded["model"], name)
        checkpoint.save(tmp_path / trainer.CHECKPOINT, loaded)
        with pytest.raises(ModelFileError, match=name):
            Run.load(tmp_path / trainer.CHECKPOINT)
    loaded = checkpoint.load(trained / trainer.CHECKPOINT)
    assert equal(dict(Run.load(trained / trainer.CHECKPOINT).net.state_dict()), dict(loaded["model"]))


def test_a_last_batch_of_one_time_step_is_left_out_of_a_norm(words: Path, tmp_path: Path) -> None:
    one_step: dict[str, Any] = {"time_steps": 1, "step_ms": 1400.0, "shift_steps": 0, "batch_norm": True, "epochs": 1}
    results = train(words, tmp_path / "run", small(batch_size=59, **one_step))
    assert math.isfinite(results["history"][0]["train"]["loss"])
    with pytest.raises(OptionError, match=r"^batch_size: must be at least 2, 2 for each process, whose variance "):
        train(words, tmp_path / "single", small(batch_size=1, **one_step))


def test_prune_goes_on_from_a_run_and_from_a_model(words: Path, tmp_path: Path, trained: Path) -> None:
    for model in (trained, trained / trainer.MODEL):
        out = tmp_path / model.name
        argv = ["prune", str(model), "--data", str(words), "--out", str(out), "--sparsity", "0.6", "--rounds", "2"]
        more = ["--fine-tune", "1", "--time-steps", "28", "--step-ms", "50", "--bits", "4", "--quiet"]
        assert main([*argv, *more]) == 0
        assert json.loads((out / trainer.RESULTS).read_text())["sparsity"] == pytest.approx(0.6, abs=0.01)


def test_a_study_chooses_on_held_out_speakers(words: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "shd_train.h5").symlink_to(words / "shd_train.h5")  # tuning never sees the test file
    argv = ["tune", "shd", "--data", str(data), "--out", str(tmp_path / "out"), "--trials", "2", "--json", "--quiet"]
    search = ["--search", "delays=0,5", "--search", "hidden=12,8-8", "--objective", "accuracy,nonzeros,spikes"]
    small_one = ["--time-steps", "28", "--step-ms", "50", "--channels", "35", "--batch-size", "10", "--epochs", "2",
                 "--held-speakers", "1", "--bits", "4"]  # fmt: skip
    assert main([*argv, *search, *small_one]) == 0
    found = json.loads(capsys.readouterr().out)
    assert all(trial["values"]["spikes"] > 0 for trial in found["trials"])
    config = ShdConfig.from_file(tmp_path / "out" / "best.toml")
    assert (config.bits, config.channels, config.held_speakers) == (4, 35, ())
    best = json.loads((tmp_path / "out" / "trials" / str(found["best"][0]) / "results.json").read_text())
    assert best["accuracy"] == found["trials"][found["best"][0]]["values"]["accuracy"]  # trained in integers
    with pytest.raises(OptionError, match="held_speakers: must hold some out to tune, for test samples are not to"):
        tune.make_setup(ShdConfig(), {}, tune.OBJECTIVES)


# data


def test_held_out_speakers_measure_the_run(words: Path) -> None:
    (words / "shd_test.h5").rename(words / "gone")
    try:
        splits = SHD.splits(small(held_speakers=(1,)), words, "cpu")
    finally:
        (words / "gone").rename(words / "shd_test.h5")
    assert (len(splits.train), len(splits.evaluation)) == (40, 20)
    assert splits.evaluation.labels.tolist() == [number % 20 for number in range(1, 60, 3)]
    assert small(held_speakers=(1,)).evaluation_split == "held-out"


def test_bad_data_is_one_sentence(words: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"^data: must be the folder of the SHD files"):
        SHD.splits(small(), None, "cpu")
    with pytest.raises(DataError, match=r"must hold one of shd_train\.h5"):
        train(tmp_path, tmp_path / "run", small())
    with pytest.raises(DataError, match="held-out speakers: must be among 0, 1, 2, not 7"):
        train(words, tmp_path / "run", small(held_speakers=(7,)))


def test_samples_move_and_stretch() -> None:
    torch.manual_seed(0)
    spikes = torch.zeros(64, 40, 30, dtype=torch.uint8)
    spikes[:, 20, 15] = 1
    still = {"shift_channels": 0, "shift_steps": 0, "stretch": 0.0, "stretch_channels": 0.0}
    base = {"channels": 30, "time_steps": 40}
    assert torch.equal(augment(spikes, small(**base | still)), spikes)
    moved = augment(spikes, small(**base | still | {"shift_channels": 3, "shift_steps": 5}))
    assert (moved.sum((1, 2)) == 1).all()
    _, step, channel = moved.nonzero(as_tuple=True)
    assert set((channel - 15).tolist()) == set(range(-3, 4))
    assert set((step - 20).tolist()) == set(range(-5, 6))
    step = augment(spikes, small(**base | still | {"stretch": 0.4})).nonzero()[:, 1]
    assert step.min() <= 20 / 1.3
    assert step.max() >= 20 / 0.75
    spikes.zero_()[:, 20, [4, 25]] = 1
    spread = augment(spikes, small(**base | still | {"stretch_channels": 0.4}))
    low, high = spread.argmax(2)[:, 20], 29 - spread.flip(2).argmax(2)[:, 20]
    assert (abs(low + high - 29) <= 1).all()  # about the middle
    assert (high - low).min() <= 21 / 1.3
    assert (high - low).max() >= 21 / 0.75
    assert set(spread.nonzero()[:, 1].tolist()) == {20}
    levels = torch.cat([spikes, spikes], dim=2)
    both = augment(levels, small(**base | still | {"levels": (1, 2), "shift_channels": 3, "stretch_channels": 0.4}))
    assert torch.equal(both[:, :, :30], both[:, :, 30:])
    assert not torch.equal(both, levels)
    full = torch.ones(8, 40, 30, dtype=torch.uint8)
    edge = augment(full, small(**base | {"shift_channels": 6, "shift_steps": 8}))
    assert edge.max() == 1
    assert not edge.all()


def test_dropped_spikes_are_left_out_in_training_alone() -> None:
    torch.manual_seed(0)
    samples = SpikeDataset(torch.ones(10, 28, 35, dtype=torch.uint8), torch.zeros(10, dtype=torch.int64))
    config = small(drop_spikes=0.25, shift_channels=0, shift_steps=0, stretch=0.0, stretch_channels=0.0)
    assert samples.training_batch(config).x.mean() == pytest.approx(0.75, abs=0.02)
    assert samples.evaluation_batch(config, 0).x.mean() == 1
    assert samples.rates().tolist() == [1.0] * 35
