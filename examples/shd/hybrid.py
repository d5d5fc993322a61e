"""A spiking convolution over neighbouring channels, then two fully connected layers: SpikingJelly on spoken digits.

Without --data it learns from the excerpt beside it, which shows the way and no more.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from spikingjelly.activation_based import functional, layer, neuron
from torch import Tensor, nn

import snn2rtl
from snn2rtl.data.events import Binning
from snn2rtl.data.shd import CLASSES, excerpt
from snn2rtl.data.shd_cache import Recordings, find, load
from snn2rtl.progress import bar

BINNING = Binning(step_ms=10, time_steps=100, channels=140, levels=(1,))
FILTERS, HIDDEN, TAU, SEED = 8, 256, 8.0, 0


def network() -> nn.Sequential:
    """Return 8 filters of 9 channels at every fourth one, 256 neurons, 20 of which each counts for a class."""

    def lif() -> nn.Module:
        return neuron.LIFNode(tau=TAU, decay_input=False, detach_reset=True)

    net = nn.Sequential(
        nn.Unflatten(-1, (1, BINNING.channels)),
        layer.Conv1d(1, FILTERS, 9, stride=4, padding=4, bias=False),
        layer.BatchNorm1d(FILTERS),
        lif(),
        layer.Flatten(),
        layer.Linear(FILTERS * BINNING.channels // 4, HIDDEN, bias=False),
        layer.BatchNorm1d(HIDDEN),
        lif(),
        layer.Linear(HIDDEN, CLASSES, bias=False),
        layer.BatchNorm1d(CLASSES),
        lif(),
    )
    functional.set_step_mode(net, "m")
    return net


def counts(net: nn.Module, data: Recordings, numbers: np.ndarray) -> Tensor:
    """Return how often each class's neuron fires, shape (N, classes)."""
    functional.reset_net(net)
    return net(torch.from_numpy(data.batch(numbers)).float()).sum(0)


def train(net: nn.Module, data: Recordings, epochs: int, batch: int) -> None:
    """Train for so many passes through the recordings; the last one counts."""
    random = np.random.default_rng(SEED)
    batches = -(-len(data) // batch)
    optimizer = torch.optim.Adam(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=epochs * batches)
    with bar("training", epochs * batches) as advance:
        for _ in range(epochs):
            for numbers in np.array_split(random.permutation(len(data)), batches):
                scores = counts(net.train(), data, numbers) / 5
                optimizer.zero_grad()
                nn.functional.cross_entropy(scores, torch.from_numpy(data.labels[numbers])).backward()
                optimizer.step()
                schedule.step()
                advance(1)


def main() -> None:
    """Train, measure, and save for ``snn2rtl compile``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of shd_train.h5, shd_test.h5 [the excerpt]")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("build/hybrid.pt"))
    args = parser.parse_args()
    torch.manual_seed(SEED)
    learn, judge = (load(find(part, args.data) if args.data else excerpt(), BINNING) for part in ("train", "test"))
    net = network()
    train(net, learn, args.epochs, batch=min(128, len(learn) // 4))
    with torch.no_grad():
        found = [counts(net.eval(), judge, some).argmax(1) for some in np.array_split(np.arange(len(judge)), 20)]
    right = np.mean(torch.cat(found).numpy() == judge.labels)
    print(f"{100 * right:.2f} % of {len(judge)} recordings")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    snn2rtl.save(net, args.out, name="hybrid")


if __name__ == "__main__":
    main()
