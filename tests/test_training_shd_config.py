"""What a run on spoken digits can be asked, in code and on the command line."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from snn2rtl.commands import train
from snn2rtl.data.events import Binning
from snn2rtl.errors import OptionError
from snn2rtl.training.config import TrainConfig
from snn2rtl.training.tasks import TASKS
from snn2rtl.training.tasks.shd import ShdConfig

NAN, INFINITE = float("nan"), float("inf")
RECIPES = sorted((Path(__file__).resolve().parents[1] / "examples" / "shd").glob("*.toml"))

BAD = [
    ("neuron", "izhikevich"),
    ("tau_min", 1.0),
    ("tau_max", 3.0),
    ("tau_max", INFINITE),
    ("synapse_tau_min", NAN),
    ("synapse_tau_max", 1.2),
    ("adaptation_tau_min", 0.5),
    ("adaptation_tau_max", 2.0),
    ("readout_tau", 1.0),
    ("leak", "divider"),
    ("leak_bits", 9),
    ("leak_bits", 1),
    ("membrane_fraction", 13),
    ("grow", -0.1),
    ("delays", 64),
    ("readout", "mean"),
    ("step_ms", 0.0),
    ("channels", 701),
    ("levels", ()),
    ("levels", (0,)),
    ("shift_channels", 140),
    ("shift_steps", -1),
    ("stretch", 1.0),
    ("stretch_channels", 1.0),
    ("drop_spikes", 1.0),
    ("hidden", (0,)),
    ("bits", 9),
]


@pytest.mark.parametrize(("option", "value"), BAD)
def test_a_bad_option_is_named_with_its_value(option: str, value: Any) -> None:
    with pytest.raises(OptionError) as caught:
        ShdConfig(**{option: value})
    lines = str(caught.value).splitlines()
    assert any(line.startswith(f"{option}: must be ") and line.endswith(f", not {value}") for line in lines)


def test_every_option_has_a_bad_value() -> None:
    own = {field.name for field in fields(ShdConfig)} - {field.name for field in fields(TrainConfig)}
    assert own - {option for option, _ in BAD} == {"learn_tau", "recurrent", "learn_delays", "held_speakers"}


def test_a_configuration_survives_a_file() -> None:
    config = ShdConfig(hidden=(30,), neuron="adaptive", held_speakers=(2, 9), delays=7, recurrent=True, lr=1e-4)
    assert ShdConfig.from_dict(config.to_dict()) == config
    assert config.binning() == Binning(step_ms=10.0, time_steps=100, channels=140, levels=(1,))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_are_configurations(path: Path) -> None:
    assert ShdConfig.from_file(path) != ShdConfig()


def test_there_are_recipes() -> None:
    assert RECIPES


# the command line


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    return parser.parse_args(list(words))


def test_options_are_those_of_all_tasks() -> None:
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    text = parser.format_help()
    for task in TASKS.values():
        for field in fields(task.config):
            assert f"--{field.name.replace('_', '-')}" in text
    assert "[400; shd: 128,128]" in " ".join(text.split())
    assert parse("shd", "--held-speakers", "2,9").held_speakers == (2, 9)


def test_options_of_another_task_are_refused() -> None:
    with pytest.raises(OptionError) as caught:
        train.run(parse("shd", "--tau", "4", "--augment", "2", "--lr", "0.1"))
    assert str(caught.value).splitlines() == [
        "tau: must be left out, for shd has no such option, not 4.0",
        "augment: must be left out, for shd has no such option, not 2.0",
    ]
    with pytest.raises(OptionError, match=r"^delays: must be left out, for mnist has no such option, not 3$"):
        train.run(parse("mnist", "--delays", "3"))


def test_a_run_of_another_task_is_not_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    from snn2rtl.training import trainer

    monkeypatch.setattr(trainer, "saved_config", lambda _: ShdConfig())
    with pytest.raises(OptionError, match=r"^output 'runs/mnist': must hold a run on mnist to go on with, not on shd$"):
        train.run(parse("mnist", "--resume"))
