"""Trains 784-128-10 with Spiker+'s own package and keeps its 4-bit weights in benchmarks/spiker_784_128_10.npz.

Needs ``pip install spikerplus==2.0.3 snntorch tabulate``; takes minutes. The file is in the repository: this is how it
was made.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from snn2rtl.data import mnist
from snn2rtl.encoders import Encoder
from snn2rtl.progress import bar

WEIGHTS = Path(__file__).with_name("spiker_784_128_10.npz")
ENCODER = Encoder.poisson(time_steps=100, scale=1.0)  # its rate: a white pixel spikes in every step
WEIGHT_BITS, STATE_BITS, FRACTION = 4, 8, 6  # its weights_bw, neurons_bw and fp_dec
BATCH = 128
LAYER = {
    "neuron_model": "lif",
    "beta": 0.9375,
    "learn_beta": False,
    "threshold": 1.0,
    "learn_threshold": False,
    "reset_mechanism": "subtract",
}


class Batches:
    """Spiking images as its Trainer takes them: spikes of shape (N, T, inputs), labels of shape (N,)."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, seed: int) -> None:
        """Shuffle the images once, so that an epoch sees each of them."""
        self.order = np.random.default_rng(seed).permutation(len(images))[: len(images) // BATCH * BATCH]
        self.images, self.labels, self.seed = images.reshape(len(images), -1), labels, seed

    def __len__(self) -> int:
        return len(self.order) // BATCH

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        with bar("spiker+", len(self)) as advance:
            for first in range(0, len(self.order), BATCH):
                chosen = self.order[first : first + BATCH]
                spikes = ENCODER.encode(self.images[chosen], self.seed, first).transpose(1, 0, 2)
                yield (
                    torch.from_numpy(spikes.astype(np.float32)),
                    torch.from_numpy(self.labels[chosen].astype(np.int64)),
                )
                advance(1)


def main() -> None:
    """Train for one epoch and write the weights, cut to integers as its generator cuts them."""
    from spikerplus import NetBuilder, Trainer

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the MNIST files")
    args = parser.parse_args()
    torch.manual_seed(0)
    sizes = {"n_cycles": ENCODER.time_steps, "n_inputs": 784}
    layers = {f"layer_{index}": {**LAYER, "n_neurons": neurons} for index, neurons in enumerate((128, 10))}
    net = NetBuilder({**sizes, **layers}).build()
    Trainer(net).train_one_epoch(Batches(*mnist.load("train", args.data), seed=0))
    least, greatest = -(1 << WEIGHT_BITS - 1), (1 << WEIGHT_BITS - 1) - 1
    arrays = {}
    for name in ("fc1", "fc2"):
        scaled = net.layers[name].weight.detach().numpy() * 2.0**FRACTION
        arrays[name] = scaled.astype(np.int64).clip(least, greatest).astype(np.int8)  # towards zero, as Spiker+ does
    np.savez_compressed(WEIGHTS, **arrays)


if __name__ == "__main__":
    main()
