"""Features that one layer learns by STDP, without labels, and what a linear readout makes of them: docs/results/."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from common import record
from torch import Tensor, nn
from torch.nn import functional

from snn2rtl.data.events import Binning
from snn2rtl.data.shd import CLASSES
from snn2rtl.data.shd_cache import Recordings, find, load
from snn2rtl.progress import bar
from snn2rtl.training.stdp import StdpConfig, StdpLayer

BINNING = Binning(step_ms=10, time_steps=140, channels=140)
STEPS, WINDOWS = 100, 10  # steps of a recording that are used; windows in which spikes are counted
BATCH, BALANCE = 128, 512
RATE = 0.1  # spikes of a neuron in a step
READOUT_EPOCHS = 15


def spikes(data: Recordings, numbers: Tensor) -> Tensor:
    """Return recordings as spikes, shape (STEPS, N, 140)."""
    return torch.from_numpy(data.batch(numbers.numpy())[:STEPS] > 0).float()


def batches(count: int) -> Iterator[Tensor]:
    """Yield the numbers of all recordings in random batches."""
    yield from torch.randperm(count).split(BATCH)


def features(data: Recordings, layer: StdpLayer | None) -> Tensor:
    """Return spike counts of each neuron (of each input without a layer) in each window, shape (N, features)."""
    parts = []
    for numbers in torch.arange(len(data)).split(BATCH):
        x = spikes(data, numbers)
        x = x if layer is None else layer.spikes(x)
        parts.append(x.unflatten(0, (WINDOWS, -1)).sum(1).swapaxes(0, 1).flatten(1))
    return torch.cat(parts)


def readout(train: Recordings, test: Recordings, layer: StdpLayer | None) -> float:
    """Return the accuracy in percent of a linear readout that is trained with labels on features of the layer."""
    found, judged = features(train, layer), features(test, layer)
    mean, spread = found.mean(0), found.std(0) + 1e-3
    found, judged = (found - mean) / spread, (judged - mean) / spread
    labels = torch.from_numpy(train.labels)
    linear = nn.Linear(found.shape[1], CLASSES)
    optimizer = torch.optim.Adam(linear.parameters(), 1e-3, weight_decay=1e-3)
    for _ in range(READOUT_EPOCHS):
        for numbers in batches(len(found)):
            loss = functional.cross_entropy(linear(found[numbers]), labels[numbers])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        return 100 * float(np.mean(linear(judged).argmax(1).numpy() == test.labels))


def balanced(layer: StdpLayer, train: Recordings) -> StdpLayer:
    """Return the layer with thresholds at which all neurons fire equally often."""
    layer.balance(spikes(train, torch.randperm(len(train))[:BALANCE]), RATE)
    return layer


def main() -> None:
    """Learn, and write docs/results/shd_stdp.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of shd_train.h5, shd_test.h5")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    train, test = (load(find(split, args.data), BINNING) for split in ("train", "test"))
    config = StdpConfig(seed=args.seed)
    rows = [("none: spikes of the 140 inputs", readout(train, test, None))]
    layer = balanced(StdpLayer(config, BINNING.channels), train)
    rows.append(("random weights", readout(train, test, layer)))
    with bar("STDP", args.epochs * len(train)) as advance:
        for _ in range(args.epochs):
            for numbers in batches(len(train)):
                layer.learn(spikes(train, numbers))
                advance(len(numbers))
    rows.append(("STDP", readout(train, test, balanced(layer, train))))
    reach = float((-(layer.weight * layer.weight.log()).sum(1)).exp().mean())
    layer.weight = torch.stack([row[torch.randperm(len(row))] for row in layer.weight])
    rows.append(("STDP's weights, each neuron's in random order", readout(train, test, balanced(layer, train))))
    record(
        "shd_stdp",
        "Features learned by STDP",
        "make results-shd DATA=<folder of SHD>",
        [
            f"{config.neurons} LIF neurons learn from the training recordings without labels, {args.epochs} epochs; "
            f"then a linear readout of their spikes in {WINDOWS} windows of {STEPS // WINDOWS * 10} ms is trained with "
            "labels. SHD **regenerated from the HD recordings**, 10 ms, 140 neighbourhoods of units, all 2,264 test "
            f"recordings; seed {args.seed}.",
            "",
            "| layer | test accuracy % |",
            "| --- | --- |",
            *(f"| {name} | {accuracy:.2f} |" for name, accuracy in rows),
            "",
            f"A neuron that has learned listens to {reach:.1f} inputs (the exponential of its weights' entropy).",
        ],
    )


if __name__ == "__main__":
    main()
