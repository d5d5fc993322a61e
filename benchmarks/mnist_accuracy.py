"""Accuracy of the float model (SpikingJelly) and of integer networks on all 10,000 test images, same spikes."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from common import MODEL, record
from spikingjelly.activation_based import functional

from snn2rtl.compiler import compile_network, fold
from snn2rtl.data import mnist
from snn2rtl.frontend import load
from snn2rtl.frontend.forward import to_spikingjelly
from snn2rtl.int_net import reference
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.progress import bar

BATCH = 500
WIDTHS = (8, 6, 4)


def main() -> None:
    """Measure and write docs/results/mnist_accuracy.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the MNIST files [cache or download]")
    args = parser.parse_args()
    images, labels = mnist.load("test", args.data)
    source = load(MODEL)
    encoder = source.encoder
    assert encoder is not None
    module = to_spikingjelly(fold(source))
    networks = {bits: compile_network(source, QuantizeOptions(bits=PerLayer(bits)))[0] for bits in WIDTHS}
    right = dict.fromkeys(["float", *WIDTHS], 0)
    agree = dict.fromkeys(WIDTHS, 0)
    with torch.no_grad(), bar("images", len(images)) as advance:
        for first in range(0, len(images), BATCH):
            spikes = encoder.encode(images[first : first + BATCH], 0, first)
            truth = labels[first : first + BATCH]
            functional.reset_net(module)
            wanted = module(torch.from_numpy(spikes).float()).sum(0).argmax(1).numpy()
            right["float"] += int(np.sum(wanted == truth))
            for bits, network in networks.items():
                classes = reference.run(network, spikes, record_spikes=False).classes
                right[bits] += int(np.sum(classes == truth))
                agree[bits] += int(np.sum(classes == wanted))
            advance(len(truth))
    total = len(images)
    rows = [f"| float, SpikingJelly | {right['float'] / total:.2%} | | |"]
    for bits in WIDTHS:
        change = (right[bits] - right["float"]) / total * 100
        rows.append(f"| integer, {bits} bits | {right[bits] / total:.2%} | {change:+.2f} | {agree[bits] / total:.2%} |")
    record(
        "mnist_accuracy",
        "Accuracy on MNIST, float and integer",
        "make results",
        [
            f"784-400-10 LIF (examples/), Poisson coding (scale {encoder.scale:.2f}, T = {encoder.time_steps}), "
            f"all {total} test images, the same spikes for every row; quantized after training.",
            "",
            "| network | accuracy | points over float | same class as float |",
            "| --- | --- | --- | --- |",
            *rows,
        ],
    )


if __name__ == "__main__":
    main()
