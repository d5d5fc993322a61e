"""Soft labels of a small convolutional network, by which `snn2rtl train --distill 0.7 --teacher soft.npz` learns.

Any classifier can teach: what is needed is an .npz with its probabilities of the ten classes for the 60,000 training
images. This one takes minutes and reaches 99.4 % or more on the test images, which it does not learn from.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from rich.progress import track
from torch import Tensor, nn
from torch.nn import functional

from snn2rtl.data import mnist
from snn2rtl.training.samples import augment

PIXELS_MOVED = 2.0
LOOKS = 4  # at differently moved copies of an image, whose logarithms are averaged


def network() -> nn.Sequential:
    """Return the untrained network: pixels 0..1 of shape (N, 784) in, logits out."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)),
        *(nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Dropout(0.3), nn.Linear(1568, 128), nn.ReLU(), nn.Dropout(0.3), nn.Linear(128, 10)),
    )


def train(images: Tensor, labels: Tensor, epochs: int) -> nn.Sequential:
    """Return the network that learned images (N, 784), uint8, with labels (N,)."""
    torch.manual_seed(0)
    net = network().train()
    optimizer = torch.optim.Adam(net.parameters())
    batches = [index for _ in range(epochs) for index in torch.randperm(len(images)).split(256)]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=len(batches))
    for index in track(batches, "teacher"):
        logits = net(augment(images[index], PIXELS_MOVED).float() / 255)
        optimizer.zero_grad()
        functional.cross_entropy(logits, labels[index], label_smoothing=0.05).backward()
        optimizer.step()
        schedule.step()
    return net.eval()


@torch.no_grad()
def probabilities(net: nn.Sequential, images: Tensor) -> Tensor:
    """Return what the network thinks of images (N, 784), shape (N, 10)."""
    parts = []
    for part in track(images.split(1000), "soft labels"):
        looks = [net(augment(part, 1.0).float() / 255).log_softmax(1) for _ in range(LOOKS)]
        parts.append(torch.stack(looks).mean(0).softmax(1))
    return torch.cat(parts)


def main() -> None:
    """Train the network and write its soft labels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the MNIST files [cache or download]")
    parser.add_argument("--out", type=Path, default=Path("soft.npz"), help="file of the soft labels [%(default)s]")
    parser.add_argument("--epochs", type=int, default=10, help="[%(default)s]")
    args = parser.parse_args()
    images, labels = (torch.from_numpy(array.copy()) for array in mnist.load("train", args.data))
    net = train(images, labels.long(), args.epochs)
    test, expected = (torch.from_numpy(array.copy()) for array in mnist.load("test", args.data))
    right = sum(int((net(part.float() / 255).argmax(1) == truth).sum())
                for part, truth in zip(test.split(1000), expected.split(1000), strict=True))  # fmt: skip
    args.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(args.out, probabilities=probabilities(net, images).numpy())
    print(f"test accuracy {100 * right / len(test):.2f} %, soft labels in {args.out}")


if __name__ == "__main__":
    main()
