"""Quantization-aware networks beside their integer networks: every spike of every layer on all test images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from snn2rtl.compiler import fold
from snn2rtl.data import mnist
from snn2rtl.frontend import load
from snn2rtl.int_net import reference
from snn2rtl.int_net.network import FixedPointNetwork
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.passes.quantize import quantize_network
from snn2rtl.training.images import evaluation_inputs
from snn2rtl.training.run import Run
from snn2rtl.training.trainer import CHECKPOINT, MODEL

CHUNK = 500


@torch.no_grad()
def spikes_in_common(folder: Path, data: Path | None) -> int:
    """Return how many spikes a run's network and its integer network fire on all test images.

    Raises:
        AssertionError: they differ in a spike.
    """
    run = Run.load(folder / CHECKPOINT)
    net, encoder = run.net.eval(), run.config.sample_encoder()
    # before neurons that never fire are left out, so that layers can be compared neuron by neuron
    network: FixedPointNetwork = quantize_network(
        fold(load(folder / MODEL)), QuantizeOptions(bits=PerLayer(run.config.bits))
    )[0]
    images, _ = mnist.load("test", data)
    total = 0
    for first in range(0, len(images), CHUNK):
        part = torch.from_numpy(images[first : first + CHUNK].copy())
        inputs = evaluation_inputs(part, encoder, first)
        trained = net(inputs.x, inputs.steps).spikes.values()
        golden = part.numpy() if encoder.kind == "direct" else inputs.x.numpy().astype(np.uint8)
        for ours, layer in zip(trained, reference.run(network, golden).in_order, strict=True):
            if not np.array_equal(ours.numpy(), layer.spikes):
                raise AssertionError(f"{folder}: training and integer network must spike alike, images from {first} on")
            total += int(layer.spikes.sum())
    return total
