"""Studies over designs: what is swept, what is measured, what is synthesised."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import chain, dense

from snn2rtl.cli import main
from snn2rtl.encoders import Encoder
from snn2rtl.flows.synth import SynthResult
from snn2rtl.int_net import network_file, reference
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.rtl.estimate import cycles
from snn2rtl.rtl.plan import plan
from snn2rtl.rtl.timing import DRAIN
from snn2rtl.studies import explore
from snn2rtl.studies.explore import DesignConfig
from snn2rtl.studies.space import Choices, Range

RANDOM = np.random.default_rng(5)


def network(density: float) -> Any:
    weight = RANDOM.integers(-7, 8, (12, 9)) * (RANDOM.random((12, 9)) < density)
    return chain(dense(weight, 20), dense(RANDOM.integers(-7, 8, (3, 12)), 9), encoder=Encoder.poisson(6, 0.7))


@pytest.fixture
def models(tmp_path: Path) -> list[str]:
    for name, density in (("all", 1.0), ("few", 0.2)):
        network_file.save(network(density), tmp_path / f"{name}.npz")
    images = RANDOM.integers(0, 256, (20, 9), dtype=np.uint8)
    np.savez(tmp_path / "data.npz", images=images, labels=RANDOM.integers(0, 3, 20))
    return [str(tmp_path / "all.npz"), str(tmp_path / "few.npz")]


def run(tmp_path: Path, models: list[str], *options: str) -> int:
    return main(["explore", *models, "--data", str(tmp_path / "data.npz"), "--out", str(tmp_path / "out"), *options])


def synthesised(folder: Path, target: Any) -> SynthResult:
    assert (folder / "manifest.json").is_file()
    lut = 100 * len(list((folder / "hdl").iterdir()))
    counts = {"lut": lut, "lutram": 0, "ff": 2, "bram": 3.5, "bram_unit": "RAMB36", "dsp": 0}
    return SynthResult(
        target=target, device=target, fmax_mhz=100.0, slowest_path="a -> b", seeds_mhz=[100.0], cells={}, **counts
    )


def test_every_combination_is_tried_once(
    tmp_path: Path, models: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explore, "synthesise", synthesised)
    options = ["--search", "lanes=1,2,4", "--search", "layout=dense,ragged", "--synth", "xc7", "--json"]
    assert run(tmp_path, models, *options) == 0
    found = json.loads(capsys.readouterr().out)
    tried = [tuple(trial["params"].items()) for trial in found["trials"]]
    assert len(tried) == len(set(tried)) == 2 * 3 * 2
    assert found["objectives"] == {"accuracy": "maximize", "cycles": "minimize", "memory": "minimize"}
    assert sorted(map(int, found["synthesis"])) == sorted(found["best"])
    assert {Path(file).name for file in found["files"]} >= {"history.png", "pareto.png", "front.png"}
    # what was done is not done again
    monkeypatch.setattr(explore, "synthesise", None)
    assert run(tmp_path, models, *options) == 0
    assert json.loads(capsys.readouterr().out)["trials"] == found["trials"]


def test_a_trial_is_judged_by_the_golden_model_and_the_cost_model(tmp_path: Path, models: list[str]) -> None:
    config = DesignConfig(model=models[1], lanes=2, layout="indexed")
    judged = explore.trier(tmp_path / "data.npz", None)(config, tmp_path, lambda *_: None)
    compiled = explore.build(config, tmp_path / "data.npz", None)
    with np.load(tmp_path / "data.npz") as arrays:
        images, labels = arrays["images"], arrays["labels"]
    inputs = Encoder.poisson(6, 0.7).encode(images)
    result = reference.run(compiled.network, inputs)
    assert judged["accuracy"] == pytest.approx(100 * np.mean(result.classes == labels))
    assert judged["memory"] == sum(layer.rom_bits + layer.state_bits for layer in compiled.design.layers)
    assert judged["cycles"] == cycles(compiled.network, compiled.design, inputs, result).mean()
    assert all(layer.layout.kind == "indexed" and layer.lanes == 2 for layer in compiled.design.layers)


def test_cycles_are_words_and_updates_of_the_slowest_layer() -> None:
    integer = chain(dense(np.ones((4, 3), int), 100), dense(np.ones((2, 4), int), 100))
    design = plan(integer, RtlOptions(lanes=PerLayer(2), layout=PerLayer("dense")))
    spikes = np.zeros((5, 2, 3), np.uint8)
    spikes[:, 1] = 1
    took = cycles(integer, design, spikes, reference.run(integer, spikes))
    assert took.tolist() == [5 * (2 + DRAIN), 5 * (3 * 2 + 2 + DRAIN)]


def test_cycles_of_own_spikes_and_of_late_ones() -> None:
    layer = dense(np.ones((4, 3), int), 1, recurrent=np.ones((4, 4), int), delay=np.array([0, 2, 9]))
    integer = chain(layer, dense(np.ones((2, 4), int), 100))
    design = plan(integer, RtlOptions(lanes=PerLayer(2, {"fc2": 1}), layout=PerLayer("dense")))
    spikes = np.ones((5, 1, 3), np.uint8)
    # all neurons fire in every step and come back in four; the first input comes in five steps, the second one in three
    arriving = 4 * 4 + 5 + 3
    assert cycles(integer, design, spikes, reference.run(integer, spikes)) == arriving * 2 + 5 * (2 + DRAIN)


def test_spaces_have_a_size() -> None:
    assert explore.size({"lanes": Choices((1, 2)), "bits": Choices((3, 4, 8))}) == 6
    assert explore.size({"lanes": Choices((1, 2)), "bits": Range(3, 8)}) is None


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--search", "bits=4,8"], "search bits: must not be varied for an integer network, which "),
        (["--search", "lanes=0,8"], "search lanes: must be 1 to 1024, not 0"),
        (["--search", "layout=dense,round"], "search layout: must be auto, dense, indexed or ragged, not round"),
        (["--search", "lanes=1:8"], "--trials: must be given where a range is searched"),
        (["--search", "model=a,b"], "search model: must name an option that can be varied, which are bits, "),
        (["--search", "lanes=1,2", "--objective", "speed"], "objective: must be among accuracy, cycles, memory, not"),
    ],
)
def test_bad_spaces(
    tmp_path: Path, models: list[str], options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, models, *options) == 1
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_model_is_given_once(tmp_path: Path, models: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, [models[0], models[0]], "--search", "lanes=1,2") == 1
    assert "models: each must be given once" in capsys.readouterr().err
