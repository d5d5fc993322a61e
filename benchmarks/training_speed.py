"""Training speed: ours against a Python loop over time with SpikingJelly's single-step layers, in one run."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from common import record
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import Tensor, nn

from snn2rtl.training.images import ImageDataset
from snn2rtl.training.loop import train_epoch
from snn2rtl.training.run import Run
from snn2rtl.training.tasks.mnist import Mnist, MnistConfig

MNIST = Mnist()
PIXELS, CLASSES = 784, Mnist.classes
ROUNDS = 3


class Reference:
    """The reference way: single-step layers, a new Bernoulli sample of the image in every time step."""

    def __init__(self, config: MnistConfig) -> None:
        def spiking() -> nn.Module:
            return neuron.LIFNode(
                tau=config.tau, decay_input=False, surrogate_function=surrogate.ATan(), detach_reset=True
            )

        hidden = config.hidden[0]
        self.net = nn.Sequential(
            layer.Linear(PIXELS, hidden, bias=False), spiking(), layer.Linear(hidden, CLASSES, bias=False), spiking()
        )
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=config.lr)
        self.config = config

    def epoch(self, samples: ImageDataset) -> None:
        """Show every sample once."""
        config = self.config
        for index in torch.split(torch.randperm(len(samples)), config.batch_size):
            images = samples.images[index].float() / 255 * config.scale
            counts = torch.zeros(len(index), CLASSES)
            for _ in range(config.time_steps):
                counts = counts + self.net(self._encode(images))
            loss = nn.functional.cross_entropy(counts, samples.labels[index])
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.net.parameters(), config.clip)
            self.optimizer.step()
            functional.reset_net(self.net)

    def _encode(self, images: Tensor) -> Tensor:
        # direct coding would feed the image itself
        return images if self.config.encoder == "direct" else (torch.rand_like(images) < images).float()


def ours(config: MnistConfig) -> Callable[[ImageDataset], object]:
    """Return our epoch on a new network."""
    run = Run(config, MNIST.build(config))
    return lambda samples: train_epoch(run.net, run.optimizer, samples, config, lambda _: None)


def images(count: int) -> ImageDataset:
    """Return the example images, repeated."""
    import numpy as np
    from common import IMAGES

    with np.load(IMAGES) as arrays:
        pixels = torch.from_numpy(arrays["images"].reshape(-1, PIXELS))
        labels = torch.from_numpy(arrays["labels"].astype("int64"))
    index = torch.arange(count) % len(labels)
    return ImageDataset(pixels[index], labels[index])


def main() -> None:
    """Measure and write docs/results/training_speed.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000, help="images an epoch [%(default)s]")
    args = parser.parse_args()
    samples = images(args.images)
    base = MnistConfig()
    cases = {
        "Poisson, T = 100, batch 128": base,
        "Poisson, T = 25, batch 128": replace(base, time_steps=25),
        "direct, T = 8, batch 128": replace(base, encoder="direct", time_steps=8),
    }
    rows = []
    for name, config in cases.items():
        competitors = {"reference": Reference(config).epoch, "ours": ours(config)}
        if not config.bits:
            competitors["ours, QAT 4 bits"] = ours(replace(config, bits=4))
        rates = {}
        for who, epoch in competitors.items():
            epoch(samples)
            times = []
            for _ in range(ROUNDS):
                start = time.perf_counter()
                epoch(samples)
                times.append(time.perf_counter() - start)
            rates[who] = len(samples) / min(times)
        cells = " | ".join(f"{rate:.0f}" for rate in rates.values())
        rows.append(f"| {name} | {cells} | {rates['ours'] / rates['reference']:.1f} |")
    lines = [
        "784-400-10 LIF, forward, backward and update; images a second, best of three epochs in one process.",
        "",
        "| samples | reference loop | ours | ours, QAT 4 bits | ours / reference |",
        "| --- | --- | --- | --- | --- |",
        *rows,
    ]
    record("training_speed", "Training speed", "make bench", lines)


if __name__ == "__main__":
    main()
