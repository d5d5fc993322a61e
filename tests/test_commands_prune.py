"""``snn2rtl prune``: rounds are a training run that starts from a model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest
import torch
from training_runs import equal, interrupt_epoch, small, state, train

from snn2rtl.commands import prune
from snn2rtl.errors import OptionError
from snn2rtl.training import trainer
from snn2rtl.training.tasks.mnist import MnistConfig


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run with all that a pruning run must not take over as it is."""
    out = tmp_path_factory.mktemp("trained")
    train(data, out / "teacher", small(epochs=1))
    config = small(hidden=(20,), batch_norm=True, epochs=2, prune_until=1, sparsity=0.1, distill=0.5, lr=2e-3)
    train(data, out / "run", config, teacher=out / "teacher")
    return out / "run"


def pruned(data: Path, model: Path, out: Path, *words: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    prune.add_arguments(parser)
    return prune.run(parser.parse_args([str(model), "--data", str(data), "--out", str(out), *words])).data


def test_rounds_prune_first_and_fine_tune_then(data: Path, tmp_path: Path, trained: Path) -> None:
    words = ("--rounds", "3", "--fine-tune", "2", "--sparsity", "0.8", "--prune-by", "both")
    results = pruned(data, trained, tmp_path, *words)
    shares = [entry["sparsity"] for entry in results["history"]]
    wanted = [0.8 * (1 - (1 - k / 3) ** 3) for k in (1, 2, 2, 3, 3, 3)]  # an epoch's entry is after its pruning
    assert shares == pytest.approx(wanted, abs=1e-4)
    assert results["config"]["hidden"] == [20]
    assert results["config"]["lr"] == 2e-3
    assert results["config"]["time_steps"] == 4


def test_one_round_prunes_everything_before_the_first_epoch(data: Path, tmp_path: Path, trained: Path) -> None:
    results = pruned(data, trained, tmp_path, "--rounds", "1", "--fine-tune", "2", "--sparsity", "0.5")
    assert [entry["sparsity"] for entry in results["history"]] == pytest.approx([0.5, 0.5], abs=1e-4)


def test_neurons_go_and_some_stay(data: Path, tmp_path: Path, trained: Path) -> None:
    words = ("--rounds", "2", "--fine-tune", "1", "--neuron-sparsity", "0.9", "--min-neurons", "5", "--bits", "4")
    pruned(data, trained, tmp_path, *words)
    saved = state(tmp_path)["model"]
    assert int(saved["chain.0.synapses.weight_mask"].any(1).sum()) == 5
    assert int(saved["chain.1.synapses.weight_mask"].any(0).sum()) == 5
    assert "chain.0.synapses.log_step" in saved


@pytest.mark.parametrize("by", ["magnitude", "activity", "both"])
def test_a_threshold_holds_in_every_round(data: Path, tmp_path: Path, trained: Path, by: str) -> None:
    words = ("--rounds", "2", "--fine-tune", "1", "--prune-threshold", "0.01", "--prune-by", by, "--min-neurons", "5")
    shares = [entry["sparsity"] for entry in pruned(data, trained, tmp_path, *words)["history"]]
    assert 0 < shares[0] <= shares[1] < 1


def test_a_model_file_brings_its_network(data: Path, tmp_path: Path, trained: Path) -> None:
    words = ("--rounds", "1", "--fine-tune", "1", "--sparsity", "0.5", "--batch-size", "10")
    results = pruned(data, trained / trainer.MODEL, tmp_path, *words)
    kept = {name: results["config"][name] for name in ("hidden", "tau", "encoder", "time_steps")}
    assert kept == {"hidden": [20], "tau": 2.0, "encoder": "poisson", "time_steps": 4}
    assert MnistConfig.from_dict(results["config"]).sample_encoder() == small().sample_encoder()
    assert results["config"]["lr"] == MnistConfig().lr


def test_interrupted_rounds_end_with_the_weights_of_whole_ones(
    data: Path, tmp_path: Path, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--rounds", "2", "--fine-tune", "1", "--sparsity", "0.8", "--prune-by", "both")
    pruned(data, trained, tmp_path / "whole", *words)
    for call, resume in ((2, []), (3, ["--resume"])):  # the first call is that of the pruning before the first epoch
        with monkeypatch.context() as patch:
            interrupt_epoch(call, patch)
            with pytest.raises(KeyboardInterrupt):
                pruned(data, trained, tmp_path / "cut", *words, *resume)
        torch.manual_seed(99)
    assert len(state(tmp_path / "cut")["history"]) == 1
    pruned(data, trained, tmp_path / "cut", *words, "--resume")
    assert equal(state(tmp_path / "cut"), state(tmp_path / "whole"))


def test_what_to_prune_must_be_said(data: Path, tmp_path: Path, trained: Path) -> None:
    for words in ([], ["--sparsity", "0"]):
        with pytest.raises(OptionError) as caught:
            pruned(data, trained, tmp_path / "out", *words)
        assert str(caught.value) == (
            "prune: must be told what to prune with --sparsity, --neuron-sparsity, --prune-threshold"
        )
    with pytest.raises(OptionError, match=r"^sparsity: must be 0 or more and below 1, not 1.2$"):
        pruned(data, trained, tmp_path / "out", "--sparsity", "1.2")
