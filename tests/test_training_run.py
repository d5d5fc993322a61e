"""Whole runs: what they learn, what they leave, and that an interrupted one ends like one that was not."""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from training_runs import equal, interrupt_epoch, small, state, train

from snn2rtl import frontend
from snn2rtl.cli import main
from snn2rtl.commands import train as command
from snn2rtl.errors import DivergedError, OptionError, OutputError
from snn2rtl.training import trainer
from snn2rtl.training.run import Run
from snn2rtl.training.tasks.mnist import MnistConfig

ENV = {**os.environ, "OMP_NUM_THREADS": "1"}  # sums in another order would be other weights


@pytest.mark.parametrize("encoder", ["poisson", "direct"])
@pytest.mark.parametrize("bits", [0, 4])
def test_a_run_learns_and_leaves_its_files(data: Path, tmp_path: Path, encoder: Any, bits: int) -> None:
    config = small(encoder=encoder, epochs=8, train_time_steps=3, bits=bits, qat_from=3)
    results = train(data, tmp_path, config)
    first, last = results["history"][0], results["history"][-1]
    assert last["train"]["loss"] < first["train"]["loss"]
    assert results["accuracy"] == last["test"]["accuracy"] > 60
    assert set(last["test"]["rates"]) == {"1", "2"}
    assert all(0 < rate < 1 for rate in last["test"]["rates"].values())
    assert json.loads((tmp_path / trainer.RESULTS).read_text()) == results
    assert MnistConfig.from_dict(results["config"]) == config
    network = frontend.load(tmp_path / trainer.MODEL)
    assert network.name == "mnist_784_12_10"
    assert network.encoder == config.sample_encoder()
    assert [node.name for node in network.nodes] == ["fc1", "lif1", "fc2", "lif2"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "checkpoint.pt", "model.pt", "results.json", "tensorboard",
    ]  # fmt: skip


OPTIONS = {
    "hidden": (10, 8), "batch_norm": True, "dropout": 0.2, "augment": 1.0, "rate_penalty": 1.0, "rate_limit": 0.01,
    "sparsity": 0.5, "neuron_sparsity": 0.2, "prune_by": "both", "gain": 2.0, "schedule": "cosine", "hold_out": 10,
}  # fmt: skip


def test_everything_combines(data: Path, tmp_path: Path) -> None:
    train(data, tmp_path / "teacher", small(epochs=1))
    results = train(data, tmp_path / "run", small(**OPTIONS, distill=0.5), teacher=tmp_path / "teacher")
    assert results["sparsity"] == pytest.approx(0.5, abs=0.01)


def test_a_network_without_a_hidden_layer_trains(data: Path, tmp_path: Path) -> None:
    results = train(data, tmp_path, small(hidden=(), epochs=6, rate_penalty=1.0, neuron_sparsity=0.5))
    assert results["accuracy"] > 60


def test_a_penalty_lowers_the_rates(data: Path, tmp_path: Path) -> None:
    rates = [
        train(data, tmp_path / str(penalty), small(epochs=5, rate_penalty=penalty, rate_limit=0.0))["history"][-1]
        for penalty in (0.0, 20.0)
    ]
    assert rates[1]["train"]["rates"]["1"] < 0.7 * rates[0]["train"]["rates"]["1"]


def test_seeds_differ_and_epochs_do(data: Path, tmp_path: Path) -> None:
    for seed in (0, 1):
        train(data, tmp_path / str(seed), small(seed=seed, epochs=1))
    assert not equal(state(tmp_path / "0")["model"], state(tmp_path / "1")["model"])
    drawn = set()
    for seed, epoch in ((0, 1), (0, 2), (1, 1), (1, 2)):
        trainer.seed_epoch(seed, epoch)
        drawn.add(float(torch.rand(1)))
    assert len(drawn) == 4


# interrupted runs

INTERRUPTED: dict[str, dict[str, Any]] = {
    "poisson": {},
    "direct": {"encoder": "direct", "augment": 1.0},
    "direct quantized at the cut": {"encoder": "direct", "bits": 4, "qat_from": 2},
    "quantized before the cut": {"bits": 4, "qat_from": 1, "dropout": 0.2},
    "quantized from the start": {"bits": 2},
    "batch norm, cosine": {"batch_norm": True, "schedule": "cosine"},
    "pruned before and after": {"sparsity": 0.7, "neuron_sparsity": 0.3, "prune_until": 3, "prune_by": "both"},
    "from a model": {"init": True, "bits": 4, "qat_from": 1, "sparsity": 0.5},
    "from a teacher": {"teacher": True, "distill": 0.5},
}


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run with batch norm, whose folded network has biases."""
    out = tmp_path_factory.mktemp("trained")
    train(data, out, small(batch_norm=True, epochs=1))
    return out


@pytest.mark.parametrize("case", INTERRUPTED)
def test_an_interrupted_run_ends_with_the_weights_of_a_whole_one(
    data: Path, tmp_path: Path, trained: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    options = dict(INTERRUPTED[case])
    files = {"init": trained / trainer.MODEL} if options.pop("init", False) else {}
    files |= {"teacher": trained} if options.get("teacher") else {}
    options.pop("teacher", None)
    config = small(**options)
    whole = train(data, tmp_path / "whole", config, **files)
    with monkeypatch.context() as patch:
        interrupt_epoch(3, patch)
        with pytest.raises(KeyboardInterrupt):
            train(data, tmp_path / "cut", config, **files)
    assert len(state(tmp_path / "cut")["history"]) == 2
    assert not (tmp_path / "cut" / trainer.MODEL).exists()
    torch.manual_seed(99)  # whatever the process drew before does not matter
    resumed = train(data, tmp_path / "cut", config, resume=True, **files)
    assert equal(state(tmp_path / "cut"), state(tmp_path / "whole"))
    models = [(tmp_path / name / trainer.MODEL).read_bytes() for name in ("cut", "whole")]
    assert models[0] == models[1]
    assert resumed["accuracy"] == whole["accuracy"]


def test_a_killed_process_is_resumed(data: Path, tmp_path: Path) -> None:
    options = ["--hidden", "12", "--time-steps", "20", "--batch-size", "5", "--epochs", "12", "--sparsity", "0.5",
               "--bits", "4", "--qat-from", "3"]  # fmt: skip
    argv = ["train", "mnist", "--data", str(data), "--out", str(tmp_path / "cut")]
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


def test_another_run_is_not_overwritten(data: Path, tmp_path: Path) -> None:
    train(data, tmp_path, small(epochs=1))
    with pytest.raises(OutputError, match="must not hold another run"):
        train(data, tmp_path, small())
    sentence = r"^resume: only epochs may differ from the checkpoint's lr=0.005, tau=2.0, not lr=0.1, tau=4.0$"
    with pytest.raises(OptionError, match=sentence):
        train(data, tmp_path, small(lr=0.1, tau=4.0), resume=True)


def test_a_run_does_not_go_back(data: Path, tmp_path: Path) -> None:
    train(data, tmp_path, small(epochs=2))
    with pytest.raises(OptionError, match="epochs: must be at least the 2 of the checkpoint, not 1"):
        train(data, tmp_path, small(epochs=1), resume=True)


def test_bad_device_and_bad_folder_are_errors(data: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="device: must be one that torch can use here, not nonsense"):
        train(data, tmp_path, small(), device="nonsense")
    with pytest.raises(OptionError, match=r"device: must be one that torch can use here, not meta \(.*\)$"):
        train(data, tmp_path, small(), device="meta")
    with pytest.raises(OptionError, match=r"device: must be one that torch can use here, not xla \(.{1,100}\)$"):
        train(data, tmp_path, small(), device="xla")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="must be a folder"):
        train(data, tmp_path / "file", small())


# runs that diverge

SPOILT: dict[str, Callable[[Run], Any]] = {
    "weights": lambda run: run.net.layers[0].synapses.weight.data.view(-1)[7].fill_(math.nan),
    "averages": lambda run: next(iter(run.optimizer.state.values()))["exp_avg_sq"].view(-1)[7].fill_(math.inf),
    "norms": lambda run: run.net.layers[0].norm.running_var[3].fill_(math.inf),
}


def spoil(epoch: int, change: Callable[[Run], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an epoch leave a number that is not finite; its loss looks well."""
    check = Run.check_finite

    def spoilt(run: Run, number: int, loss: float) -> None:
        if number == epoch:
            change(run)
        check(run, number, loss)

    monkeypatch.setattr(Run, "check_finite", spoilt)


@pytest.mark.parametrize("case", SPOILT)
def test_a_run_that_diverges_stops_and_keeps_the_last_good_checkpoint(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    config = small(epochs=5, batch_norm=True)
    train(data, tmp_path / "whole", replace(config, epochs=2))
    with monkeypatch.context() as patch:
        spoil(3, SPOILT[case], patch)
        sentence = (
            "epoch 3: training must stay finite, not make NaN or infinite numbers; start again with a lower lr "
            f"(0.005), clip (1) or gain (1); '{tmp_path / 'cut' / trainer.CHECKPOINT}' keeps epoch 2"
        )
        with pytest.raises(DivergedError, match=f"^{re.escape(sentence)}$"):
            train(data, tmp_path / "cut", config)
    assert equal(state(tmp_path / "cut")["model"], state(tmp_path / "whole")["model"])
    assert len(state(tmp_path / "cut")["history"]) == 2
    assert not (tmp_path / "cut" / trainer.MODEL).exists()
    assert train(data, tmp_path / "cut", config, resume=True)["history"][-1]["epoch"] == 5


def test_gradients_that_are_too_large_stop_a_run(data: Path, tmp_path: Path) -> None:
    """Its weights become NaN in the first epoch, and it would go on at the loss of a silent network."""
    with pytest.raises(DivergedError, match=r"^epoch 1: .* or gain \(1e\+38\); .* keeps epoch 0$"):
        train(data, tmp_path, small(epochs=9, batch_norm=True, gain=1e38))
    assert state(tmp_path)["history"] == []


def test_too_few_samples_to_learn_from_are_an_error(data: Path, tmp_path: Path) -> None:
    sentence = "^training samples: must be at least 2, 2 for each process, whose variance batch_norm takes, not 1$"
    with pytest.raises(OptionError, match=sentence):
        train(data, tmp_path / "run", small(batch_norm=True, hold_out=29))
    assert not (tmp_path / "run").exists()
    train(data, tmp_path / "one", small(hold_out=29, epochs=1))


def test_a_last_batch_of_one_is_left_out_of_a_norm(data: Path, tmp_path: Path) -> None:
    results = train(data, tmp_path, small(batch_norm=True, batch_size=29, epochs=1))
    assert math.isfinite(results["history"][0]["train"]["loss"])
    assert results["history"][0]["train"]["accuracy"] * 29 / 100 == pytest.approx(
        round(results["history"][0]["train"]["accuracy"] * 29 / 100)
    )


@pytest.mark.parametrize(("distill", "with_teacher"), [(0.0, True), (0.5, False)])
def test_a_teacher_and_its_share_go_together(data: Path, tmp_path: Path, distill: float, with_teacher: bool) -> None:
    files = {"teacher": tmp_path} if with_teacher else {}
    with pytest.raises(OptionError, match=f"^distill: must be above 0 with a teacher and 0 without, not {distill}$"):
        train(data, tmp_path / "run", small(distill=distill), **files)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"hidden": (7,)}, r"layers must have shapes \[\(7, 784\), \(10, 7\)\], as --hidden asks, not \[\(12, 784\), "),
        ({"tau": 4.0}, "layer 'lif1' must have tau 4.0, a positive threshold and v_reset 0, not tau 2.0, "),
        ({"reset": "soft"}, "must have tau 2.0, a positive threshold and v_reset None, not .*, v_reset 0.0"),
        ({"batch_norm": True}, "batch_norm: must be off with --init"),
    ],
)
def test_a_model_of_another_network_does_not_start_a_run(
    data: Path, tmp_path: Path, trained: Path, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(OptionError, match=sentence):
        train(data, tmp_path, small(**options), init=trained / trainer.MODEL)


# the command line


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(["mnist", *words])


def test_resume_takes_the_configuration_of_the_run(data: Path, tmp_path: Path) -> None:
    where = ("--out", str(tmp_path), "--data", str(data))
    small_one = ("--hidden", "12", "--time-steps", "4", "--batch-size", "10")
    command.run(parse(*where, *small_one, "--epochs", "1"))
    results = command.run(parse(*where, "--resume", "--epochs", "2")).data
    assert [entry["epoch"] for entry in results["history"]] == [1, 2]
    assert results["config"]["hidden"] == [12]


def test_ctrl_c_ends_the_command_cleanly(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupt_epoch(1, monkeypatch)
    argv = ["train", "mnist", "--out", str(tmp_path), "--data", str(data), "--hidden", "12", "--time-steps", "4"]
    assert main(argv) == 130
    assert "--resume goes on" in capsys.readouterr().err
    assert state(tmp_path)["history"] == []


def test_a_full_disk_ends_the_command_with_one_sentence(data: Path, tmp_path: Path) -> None:
    """The file size limit of the process stands for the disk: checkpoints do not fit, smaller files do."""
    argv = [sys.executable, "-m", "snn2rtl", "train", "mnist", "--data", str(data), "--out", str(tmp_path / "run")]
    limited = f"ulimit -f 8; exec {' '.join(argv)} --hidden 12 --time-steps 4"
    done = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, check=False, env=ENV)
    assert done.returncode == 1
    assert (
        done.stderr
        == f"snn2rtl: error: {tmp_path / 'run' / trainer.CHECKPOINT}: must be writable, but File too large\n"
    )
    assert not (tmp_path / "run" / trainer.CHECKPOINT).exists()
