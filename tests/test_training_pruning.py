"""Pruning: what goes, when, and that it never comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from training_runs import MNIST, small, state, train

from snn2rtl import frontend
from snn2rtl.float_net.nodes import Linear
from snn2rtl.training import trainer
from snn2rtl.training.network import INPUTS, TrainableNetwork
from snn2rtl.training.pruning import Rates, prune, sparsity
from snn2rtl.training.run import Run

HIDDEN = (20, 16)


def network(**options: Any) -> TrainableNetwork:
    torch.manual_seed(0)
    return MNIST.build(small(hidden=HIDDEN, **options))


def activity(net: TrainableNetwork) -> Rates:
    """Return rates that differ by neuron, with silent inputs as in MNIST."""
    random = torch.Generator().manual_seed(1)
    rates = {INPUTS: torch.rand(784, generator=random) * (torch.arange(784) % 4 > 0)}
    for spiking in net.layers:
        rates[spiking.name] = torch.rand(len(spiking.synapses.weight), generator=random)
    return rates


def masks(net: TrainableNetwork) -> list[Tensor]:
    return [spiking.synapses.weight_mask.clone() for spiking in net.layers]


def pruned(net: TrainableNetwork) -> int:
    return sum(int((mask == 0).sum()) for mask in masks(net))


def alive(net: TrainableNetwork) -> list[int]:
    return [int(mask.any(1).sum()) for mask in masks(net)]


# weights


@pytest.mark.parametrize("by", ["magnitude", "activity", "both"])
def test_the_wanted_share_is_reached_to_the_weight(by: Any) -> None:
    net = network()
    total = sum(mask.numel() for mask in masks(net))
    config = small(hidden=HIDDEN, sparsity=0.9, prune_by=by, epochs=6, prune_from=2, prune_until=4)
    before = masks(net)
    for epoch, k in ((1, 0), (2, 1), (3, 2), (4, 3), (5, 3)):
        prune(net, config, epoch, activity(net))
        after = masks(net)
        assert all(bool((new <= old).all()) for new, old in zip(after, before, strict=True))
        assert pruned(net) == round(0.9 * (1 - (1 - k / 3) ** 3) * total)
        before = after
    assert sparsity(net) == pytest.approx(0.9, abs=1 / total)


@pytest.mark.parametrize("by", ["magnitude", "activity", "both"])
def test_the_least_important_weights_of_a_layer_go(by: Any) -> None:
    net = network()
    rates = activity(net)
    prune(net, small(hidden=HIDDEN, sparsity=0.8, prune_by=by, epochs=1), 1, rates)
    for spiking, source in zip(net.layers, (INPUTS, "1", "2"), strict=True):
        magnitude, often = spiking.synapses.weight.detach().abs(), rates[source]
        score = {"magnitude": magnitude, "activity": often.expand_as(magnitude), "both": magnitude * often}[by]
        mask = spiking.synapses.weight_mask > 0
        assert mask.all() or score[~mask].max() <= score[mask].min()


def test_layers_may_have_any_name() -> None:
    """What comes to a layer is what the network says, not a number in its name."""
    config = small(hidden=HIDDEN, sparsity=0.8, prune_by="activity", epochs=1)
    net, named = network(), network()
    names = {"1": "hidden", "2": "deeper 7", "3": "out"}
    for layer in named.layers:
        layer.name = names[layer.name]
    rates = activity(net)
    prune(net, config, 1, rates)
    prune(named, config, 1, {names.get(name, name): rate for name, rate in rates.items()})
    assert named.sources() == {"hidden": INPUTS, "deeper 7": "hidden", "out": "deeper 7"}
    assert pruned(named) > 0
    assert all(torch.equal(a, b) for a, b in zip(masks(net), masks(named), strict=True))


def test_small_layers_are_pruned_last() -> None:
    net = network()
    prune(net, small(hidden=HIDDEN, sparsity=0.8, epochs=1), 1, activity(net))
    density = [float(mask.mean()) for mask in masks(net)]
    assert density == sorted(density)
    assert density[0] < 0.2 < density[1]


def test_what_neurons_took_is_not_taken_again() -> None:
    """A layer has fewer weights left than its part of the density; the others keep more."""
    net = network()
    net.layers[0].synapses.weight_mask[1:] = 0
    prune(net, small(hidden=HIDDEN, sparsity=0.93, epochs=1), 1, activity(net))
    total = sum(mask.numel() for mask in masks(net))
    assert pruned(net) == round(0.93 * total)
    before = masks(net)
    prune(net, small(hidden=HIDDEN, sparsity=0.5, epochs=1), 1, activity(net))
    assert all(torch.equal(a, b) for a, b in zip(before, masks(net), strict=True))


@pytest.mark.parametrize(("by", "bound"), [("magnitude", 0.01), ("both", 0.003)])
def test_a_threshold_prunes_what_is_below_it(by: Any, bound: float) -> None:
    net = network()
    rates = {name: rate + 0.01 for name, rate in activity(net).items()}
    prune(net, small(hidden=HIDDEN, prune_threshold=bound, prune_by=by, min_neurons=20, epochs=1), 1, rates)
    for spiking, source in zip(net.layers, (INPUTS, "1", "2"), strict=True):
        score = spiking.synapses.weight.detach().abs() * (rates[source] if by == "both" else 1)
        assert torch.equal(spiking.synapses.weight_mask > 0, score >= bound)
    assert pruned(net) > 0


def test_nothing_asked_is_nothing_pruned() -> None:
    net = network()
    prune(net, small(hidden=HIDDEN), 1, activity(net))
    assert pruned(net) == 0


# neurons


def rows_and_columns(net: TrainableNetwork) -> None:
    """Check that a hidden neuron has weights on both sides or on none."""
    for spiking, after in zip(net.layers, net.layers[1:], strict=False):
        into, out = spiking.synapses.weight_mask.any(1), after.synapses.weight_mask.any(0)
        assert torch.equal(into, out)


@pytest.mark.parametrize("by", ["magnitude", "activity", "both"])
def test_neurons_lose_rows_and_columns_on_schedule(by: Any) -> None:
    net = network()
    config = small(hidden=HIDDEN, neuron_sparsity=0.5, prune_by=by, epochs=6, prune_until=3)
    rates = activity(net)
    for epoch, k in ((1, 1), (2, 2), (3, 3), (4, 3)):
        prune(net, config, epoch, rates)
        share = 0.5 * (1 - (1 - k / 3) ** 3)
        assert alive(net) == [*(round(width * (1 - share)) for width in HIDDEN), 10]
        rows_and_columns(net)
    if by == "activity":
        for name, width in (("1", 20), ("2", 16)):
            kept = net.layers[int(name) - 1].synapses.weight_mask.any(1)
            assert rates[name][~kept].max() < rates[name][kept].min()
            assert kept.sum() == width // 2


def test_some_neurons_always_stay() -> None:
    net = network()
    config = small(hidden=HIDDEN, neuron_sparsity=0.9, min_neurons=7, epochs=3, prune_until=3)
    for epoch in (1, 2, 3):
        prune(net, config, epoch, activity(net))
    assert alive(net) == [7, 7, 10]
    net = network()
    prune(net, small(hidden=HIDDEN, neuron_sparsity=0.9, min_neurons=50, epochs=1), 1, activity(net))
    assert pruned(net) == 0


def test_silent_neurons_do_not_hide_behind_those_that_are_gone() -> None:
    """Where all are silent alike, those that were pruned before count first: never fewer than min_neurons are left."""
    net = network()
    silent = {name: torch.zeros_like(rate) for name, rate in activity(net).items()}
    net.layers[0].synapses.weight_mask[:9] = 0
    prune(net, small(hidden=HIDDEN, prune_threshold=1e-9, prune_by="magnitude", min_neurons=6, epochs=1), 1, silent)
    assert alive(net) == [6, 6, 10]
    rows_and_columns(net)


def test_a_threshold_prunes_neurons_that_spike_less() -> None:
    net = network()
    rates = activity(net)
    prune(net, small(hidden=HIDDEN, prune_threshold=0.5, epochs=1), 1, rates)
    for name in ("1", "2"):
        assert not net.layers[int(name) - 1].synapses.weight_mask[rates[name] < 0.5].any()


def test_neurons_and_weights_together() -> None:
    net = network()
    prune(net, small(hidden=HIDDEN, neuron_sparsity=0.25, sparsity=0.6, epochs=1), 1, activity(net))
    assert pruned(net) == round(0.6 * sum(mask.numel() for mask in masks(net)))
    assert all(n <= width * 3 // 4 for n, width in zip(alive(net), HIDDEN, strict=False))


# runs


@pytest.mark.parametrize("by", ["magnitude", "activity", "both"])
@pytest.mark.parametrize("bits", [0, 4])
def test_pruned_weights_stay_zero_to_the_end(data: Path, tmp_path: Path, by: Any, bits: int) -> None:
    config = small(hidden=(14,), sparsity=0.6, neuron_sparsity=0.2, prune_by=by, bits=bits, qat_from=2, epochs=5,
                   prune_until=2)  # fmt: skip
    results = train(data, tmp_path, config)
    shares = [entry["sparsity"] for entry in results["history"]]
    assert shares == sorted(shares)
    assert shares[1:] == [pytest.approx(0.6, abs=1e-3)] * 4
    assert results["sparsity"] == shares[-1]
    run = Run.load(tmp_path / trainer.CHECKPOINT)
    saved = [node for node in frontend.load(tmp_path / trainer.MODEL).nodes if isinstance(node, Linear)]
    for spiking, linear in zip(run.net.layers, saved, strict=True):
        gone = spiking.synapses.weight_mask.numpy() == 0
        assert gone.any()
        assert not linear.weight[gone].any()
        assert linear.weight[~gone].any()
        if bits:
            assert not spiking.synapses.integers()[0].detach().numpy()[gone].any()
    assert np.count_nonzero(saved[0].weight.any(axis=1)) <= round(14 * 0.8)


def test_pruned_weights_get_no_gradient() -> None:
    net = network(bits=4).train()
    net.quantize(4)
    net.layers[0].synapses.weight_mask[:, ::2] = 0
    net((torch.rand(4, 6, 784) < 0.3).float(), 4).scores.sum().backward()
    grad = net.layers[0].synapses.weight.grad
    assert grad is not None
    assert not grad[:, ::2].any()
    assert grad[:, 1::2].any()


def test_weights_that_are_zero_in_a_model_stay_so(data: Path, tmp_path: Path) -> None:
    train(data, tmp_path / "a", small(sparsity=0.7, epochs=1))
    train(data, tmp_path / "b", small(epochs=2), init=tmp_path / "a" / trainer.MODEL)
    first, second = (state(tmp_path / run)["model"] for run in "ab")
    for i in (0, 1):
        name = f"chain.{i}.synapses.weight_mask"
        assert torch.equal(first[name], second[name])
