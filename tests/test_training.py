from __future__ import annotations

import argparse
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mnist_files import write_mnist
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from snn2rtl import frontend
from snn2rtl.cli import main
from snn2rtl.commands import train
from snn2rtl.encoders import Encoder
from snn2rtl.errors import ModelFileError, OptionError, OutputError
from snn2rtl.training import checkpoint, lab, model
from snn2rtl.training.config import TrainConfig
from snn2rtl.training.lab import train_mnist

SMALL: dict[str, Any] = {
    "hidden": (12,),
    "time_steps": 4,
    "batch_size": 10,
    "epochs": 3,
    "lr_step": 2,
    "lr": 5e-3,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mnist(tmp_path_factory.mktemp("mnist"))


def interrupt_epoch(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Ctrl-C pressed at the end of an epoch, before its checkpoint."""
    evaluate: Callable[..., Any] = lab.evaluate
    calls = iter(range(1, 100))

    def interrupted(*args: Any) -> Any:
        if next(calls) == number:
            raise KeyboardInterrupt
        return evaluate(*args)

    monkeypatch.setattr(lab, "evaluate", interrupted)


def state(out: Path) -> dict[str, Any]:
    loaded = checkpoint.load(out / lab.CHECKPOINT)
    for entry in loaded["history"]:
        del entry["seconds"]
    return loaded


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(equal, a, b))
    return bool(a == b)


# config


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("hidden", (400, 0)),
        ("encoder", "latency"),
        ("time_steps", 0),
        ("train_time_steps", -1),
        ("scale", 1.5),
        ("scale", float("nan")),
        ("tau", 1.0),
        ("epochs", 0),
        ("batch_size", 0),
        ("lr", -1e-3),
        ("lr_step", 0),
        ("lr_gamma", 0.0),
        ("clip", 0.0),
        ("seed", -1),
    ],
)
def test_a_bad_option_is_named(option: str, value: Any) -> None:
    with pytest.raises(OptionError, match=f"^{option}: must be .*, not "):
        TrainConfig(**{option: value})


def test_all_bad_options_are_named_at_once() -> None:
    with pytest.raises(OptionError, match=r"tau: .*\nepochs: "):
        TrainConfig(tau=0.5, epochs=0)


def test_config_survives_a_file() -> None:
    config = TrainConfig(hidden=(30, 20), encoder="direct", scale=0.5)
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    with pytest.raises(OptionError, match="known entries only, not momentum"):
        TrainConfig.from_dict({"momentum": 0.9})


# model


def test_network_is_named_and_shaped_as_configured() -> None:
    net = model.build(TrainConfig(hidden=(30, 20), tau=4.0))
    assert [name for name, _ in net.named_children()] == ["fc1", "lif1", "fc2", "lif2", "fc3", "lif3"]
    assert [tuple(p.shape) for p in net.parameters()] == [(30, 784), (20, 30), (10, 20)]
    assert net.lif3.tau == 4.0


def test_poisson_spikes_have_the_probability_of_the_encoder() -> None:
    encoder = Encoder.poisson(time_steps=3, scale=0.7)
    pixels = torch.randint(0, 256, (5, 7), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(2)
    spikes = model.poisson_spikes(pixels, encoder, 3)
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
    spikes = model.poisson_spikes(pixels, Encoder.poisson(20_000, scale), 20_000)
    rates = spikes.mean((0, 1)).tolist()
    assert rates[0] == 0
    assert rates[1:] == pytest.approx([scale * 100 / 255, scale], abs=0.015)


def test_direct_current_equals_the_current_fed_in_every_step() -> None:
    torch.manual_seed(0)
    net = model.build(TrainConfig(hidden=(16,)))
    for parameter in net.parameters():  # dyadic numbers: every sum is exact, in any order
        parameter.data = torch.randint(-8, 9, parameter.shape) / 16
    pixels = torch.randint(0, 2, (6, 784), dtype=torch.uint8) * 255
    once = model.run_direct(net, pixels, 5)
    steps = model.run_spikes(net, (pixels / 255).expand(5, -1, -1))
    assert torch.equal(once.counts, steps.counts)
    assert once.rates == steps.rates
    assert once.counts.sum() > 0


def test_every_batch_starts_from_rest() -> None:
    net = model.build(TrainConfig(hidden=(16,)))
    torch.manual_seed(0)
    spikes = torch.rand(6, 4, 784).round()
    assert torch.equal(model.run_spikes(net, spikes).counts, model.run_spikes(net, spikes).counts)


# runs


@pytest.mark.parametrize("encoder", ["poisson", "direct"])
def test_a_run_learns_and_leaves_its_files(data: Path, tmp_path: Path, encoder: Any) -> None:
    config = TrainConfig(**SMALL | {"encoder": encoder, "epochs": 8, "train_time_steps": 3})
    results = train_mnist(config, tmp_path, data)
    first, last = results["history"][0], results["history"][-1]
    assert last["train"]["loss"] < first["train"]["loss"]
    assert results["accuracy"] == last["test"]["accuracy"] > 60
    assert set(last["test"]["rates"]) == {"lif1", "lif2"}
    assert all(0 < rate < 1 for rate in last["test"]["rates"].values())
    assert json.loads((tmp_path / lab.RESULTS).read_text()) == results
    assert TrainConfig.from_dict(results["config"]) == config
    network = frontend.load(tmp_path / lab.MODEL)
    assert network.name == "mnist_784_12_10"
    assert network.encoder == config.sample_encoder()
    assert [node.name for node in network.nodes] == ["fc1", "lif1", "fc2", "lif2"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "checkpoint.pt", "model.pt", "results.json", "tensorboard",
    ]  # fmt: skip


def test_tensorboard_shows_loss_accuracy_and_rates(data: Path, tmp_path: Path) -> None:
    train_mnist(TrainConfig(**SMALL | {"epochs": 1}), tmp_path, data)
    train_mnist(TrainConfig(**SMALL | {"epochs": 2}), tmp_path, data, resume=True)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    names = {"loss", "accuracy", "firing_rate_lif1", "firing_rate_lif2"}
    assert set(events.Tags()["scalars"]) == {f"{n}/{part}" for n in names for part in ("train", "test")}
    assert [event.step for event in events.Scalars("loss/train")] == [1, 2]


@pytest.mark.parametrize("encoder", ["poisson", "direct"])
def test_an_interrupted_run_ends_with_the_weights_of_a_whole_one(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: Any
) -> None:
    config = TrainConfig(**SMALL | {"encoder": encoder})
    train_mnist(config, tmp_path / "whole", data)
    with monkeypatch.context() as patch:
        interrupt_epoch(3, patch)
        with pytest.raises(KeyboardInterrupt):
            train_mnist(config, tmp_path / "cut", data)
    assert len(state(tmp_path / "cut")["history"]) == 2
    assert not (tmp_path / "cut" / lab.MODEL).exists()
    torch.manual_seed(99)  # whatever the process drew before does not matter
    train_mnist(config, tmp_path / "cut", data, resume=True)
    assert equal(state(tmp_path / "cut"), state(tmp_path / "whole"))


def test_seeds_differ(data: Path, tmp_path: Path) -> None:
    for seed in (0, 1):
        train_mnist(TrainConfig(**SMALL | {"seed": seed, "epochs": 1}), tmp_path / str(seed), data)
    assert not equal(state(tmp_path / "0")["model"], state(tmp_path / "1")["model"])


def test_another_run_is_not_overwritten(data: Path, tmp_path: Path) -> None:
    train_mnist(TrainConfig(**SMALL | {"epochs": 1}), tmp_path, data)
    with pytest.raises(OutputError, match="must not hold another run"):
        train_mnist(TrainConfig(**SMALL), tmp_path, data)
    with pytest.raises(OptionError, match=r"only epochs may differ from the checkpoint's lr=0.005, not lr=0.1"):
        train_mnist(TrainConfig(**SMALL | {"lr": 0.1}), tmp_path, data, resume=True)


def test_a_run_does_not_go_back(data: Path, tmp_path: Path) -> None:
    train_mnist(TrainConfig(**SMALL | {"epochs": 2}), tmp_path, data)
    with pytest.raises(OptionError, match="epochs: must be at least the 2 of the checkpoint, not 1"):
        train_mnist(TrainConfig(**SMALL | {"epochs": 1}), tmp_path, data, resume=True)


def test_bad_device_and_bad_folder_are_errors(data: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="device: must be one that torch can use here, not nonsense"):
        train_mnist(TrainConfig(**SMALL), tmp_path, data, device="nonsense")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="must be a folder"):
        train_mnist(TrainConfig(**SMALL), tmp_path / "file", data)


# checkpoints


class Attack:
    """Unpickled carelessly, this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def parts(epochs: int) -> dict[str, Any]:
    return {name: [{}] * epochs if kind is list else {} for name, kind in checkpoint.PARTS.items()}


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "checkpoint.pt"
    checkpoint.save(path, parts(1))

    def full_disk(_: Any, target: Path) -> None:
        target.write_bytes(b"half a check")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OutputError, match="No space left on device"):
        checkpoint.save(path, parts(2))
    assert list(tmp_path.iterdir()) == [path]
    assert checkpoint.load(path)["history"] == [{}]


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="must be writable"):
        checkpoint.save(tmp_path / "missing" / "checkpoint.pt", parts(1))


def test_damaged_and_foreign_checkpoints_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(ModelFileError, match="does not exist"):
        checkpoint.load(path)
    checkpoint.save(path, parts(1))
    whole = path.read_bytes()
    for content in (b"", b"text", whole[:-200], whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match="must be"):
            checkpoint.load(path)
    torch.save({"weight": torch.zeros(2)}, path)
    with pytest.raises(ModelFileError, match="must be a checkpoint of snn2rtl train"):
        checkpoint.load(path)
    checkpoint.save(path, parts(1) | {"history": None})
    with pytest.raises(ModelFileError, match="history must be a list, not NoneType"):
        checkpoint.load(path)


def test_code_in_a_checkpoint_does_not_run(tmp_path: Path) -> None:
    path, trace = tmp_path / "checkpoint.pt", tmp_path / "trace"
    for save in (lambda x: torch.save(x, path), lambda x: path.write_bytes(pickle.dumps(x))):
        save({"format": Attack(trace)})
        with pytest.raises(ModelFileError):
            checkpoint.load(path)
        assert not trace.exists()


# command line


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    return parser.parse_args(["mnist", *words])


def test_options_mirror_the_configuration() -> None:
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    text = parser.format_help()
    for field in fields(TrainConfig):
        assert f"--{field.name.replace('_', '-')}" in text
        assert getattr(parse(), field.name) is None
    assert parse("--hidden", "30,20").hidden == (30, 20)
    assert parse("--lr", "0.01").lr == 0.01


def test_resume_takes_the_configuration_of_the_run(data: Path, tmp_path: Path) -> None:
    where = ("--out", str(tmp_path), "--data", str(data))
    small = ("--hidden", "12", "--time-steps", "4", "--batch-size", "10")
    train.run(parse(*where, *small, "--epochs", "1"))
    results = train.run(parse(*where, "--resume", "--epochs", "2")).data
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


def test_options_need_no_torch() -> None:
    code = "import snn2rtl.commands.train, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
