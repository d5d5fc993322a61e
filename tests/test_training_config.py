"""What a training run can be asked, in code, in a file and on the command line."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from snn2rtl.commands import train
from snn2rtl.errors import OptionError
from snn2rtl.training.tasks.mnist import MnistConfig

NAN, INFINITE = float("nan"), float("inf")

BAD = [
    ("hidden", (400, 0)),
    ("tau", 1.0),
    ("tau", NAN),
    ("tau", INFINITE),
    ("dropout", 1.0),
    ("reset", "none"),
    ("encoder", "latency"),
    ("time_steps", 0),
    ("train_time_steps", -1),
    ("scale", 1.5),
    ("scale", NAN),
    ("augment", 5.0),
    ("hold_out", -1),
    ("epochs", 0),
    ("batch_size", 0),
    ("lr", -1e-3),
    ("lr", INFINITE),
    ("schedule", "linear"),
    ("lr_step", 0),
    ("lr_gamma", 0.0),
    ("clip", 0.0),
    ("gain", 0.0),
    ("label_smoothing", 1.0),
    ("rate_penalty", -0.1),
    ("rate_limit", 1.1),
    ("distill", 1.1),
    ("sparsity", 1.2),
    ("sparsity", 1.0),
    ("neuron_sparsity", -0.1),
    ("prune_threshold", NAN),
    ("prune_by", "random"),
    ("prune_from", 13),
    ("prune_every", 0),
    ("prune_until", 13),
    ("min_neurons", 0),
    ("bits", 9),
    ("qat_from", 13),
    ("seed", -1),
]


@pytest.mark.parametrize(("option", "value"), BAD)
def test_a_bad_option_is_named_with_its_value(option: str, value: Any) -> None:
    with pytest.raises(OptionError) as caught:
        MnistConfig(**{option: value})
    assert all(line.startswith(f"{option}: must be ") for line in str(caught.value).splitlines())
    assert str(caught.value).endswith(f", not {value}")


def test_every_option_has_a_bad_value() -> None:
    assert {option for option, _ in BAD} | {"batch_norm"} == {field.name for field in fields(MnistConfig)}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"prune_threshold": 0.1, "sparsity": 0.5}, "prune_threshold: must be 0 where sparsity is given, not 0.1"),
        ({"prune_from": 3, "prune_until": 2}, "prune_until: must be 0, or prune_from to epochs, not 2"),
        ({"bits": 4, "tau": 3.0}, "tau: must be a power of two where bits are given, not 3.0"),
        ({"bits": 4, "batch_norm": True}, "bits: must be 0 with batch_norm (fold it first: train without bits, then "
                                          "--init from that model), not 4"),
    ],
)  # fmt: skip
def test_options_that_do_not_go_together(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(OptionError) as caught:
        MnistConfig(**options)
    assert str(caught.value) == sentence


def test_all_bad_options_are_named_at_once() -> None:
    with pytest.raises(OptionError) as caught:
        MnistConfig(tau=0.5, lr=0.0, sparsity=2.0, seed=-3)
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == ["tau", "lr", "sparsity", "seed"]


# files


def toml(config: MnistConfig) -> str:
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in config.to_dict().items())


def test_a_configuration_survives_a_file(tmp_path: Path) -> None:
    config = MnistConfig(hidden=(30, 20), encoder="direct", scale=0.5, batch_norm=True, lr=1e-4, prune_by="both")
    path = tmp_path / "run.toml"
    path.write_text(toml(config))
    assert MnistConfig.from_file(path) == config
    assert MnistConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_file_names_only_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text("hidden = [30, 20]\nlr = 1\nbatch_norm = true\n")
    assert MnistConfig.from_file(path) == MnistConfig(hidden=(30, 20), lr=1.0, batch_norm=True)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("momentum = 0.9\nlr = 1\nwarmup = 3", "run.toml: must have known entries only, not momentum, warmup"),
        ("lr = 'fast'", "run.toml: lr must be of type float, not 'fast'"),
        ("lr = true", "run.toml: lr must be of type float, not True"),
        ("epochs = 2.5", "run.toml: epochs must be of type int, not 2.5"),
        ("epochs = true", "run.toml: epochs must be of type int, not True"),
        ("hidden = 400", "run.toml: hidden must be of type tuple, not 400"),
        ("hidden = [400.0]", "run.toml: hidden must be of type tuple, not [400.0]"),
        ("batch_norm = 1", "run.toml: batch_norm must be of type bool, not 1"),
        ("[train]\nlr = 1", "run.toml: must have known entries only, not train"),
        ("sparsity = 1.2", "sparsity: must be 0 or more and below 1, not 1.2"),
        ("lr = ", "run.toml: must be a TOML file ("),
        (b"\xff\xfe", "run.toml: must be a TOML file ("),
        (None, "run.toml: cannot be read: No such file or directory"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, text: str | bytes | None, sentence: str) -> None:
    path = tmp_path / "run.toml"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(OptionError) as caught:
        MnistConfig.from_file(path)
    assert sentence in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


# the command line


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    return parser.parse_args(["mnist", *words])


def test_options_mirror_the_configuration() -> None:
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    text = parser.format_help()
    for field in fields(MnistConfig):
        assert f"--{field.name.replace('_', '-')}" in text
        assert getattr(parse(), field.name) is None
    assert parse("--hidden", "30,20").hidden == (30, 20)
    assert parse("--lr", "0.01").lr == 0.01
    assert parse("--no-batch-norm").batch_norm is False


def test_flags_go_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from snn2rtl.training import trainer

    seen: list[MnistConfig] = []

    def no_run(config: MnistConfig, *_: Any, **__: Any) -> dict[str, Any]:
        seen.append(config)
        return {"accuracy": 0.0}

    monkeypatch.setattr(trainer, "train_network", no_run)
    path = tmp_path / "run.toml"
    path.write_text("lr = 0.5\nepochs = 7\n")
    train.run(parse("--config", str(path), "--lr", "0.25"))
    assert seen == [MnistConfig(lr=0.25, epochs=7)]


def test_options_need_no_torch() -> None:
    code = "import snn2rtl.commands.train, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
