"""Golden model against SpikingJelly's own forward pass: the same networks, the same inputs, one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from common import IMAGES, MODEL, record
from spikingjelly.activation_based import functional
from zoo_spikingjelly import tutorial_network

from snn2rtl.compiler import compile_network, fold
from snn2rtl.data.samples import load_samples
from snn2rtl.encoders import MAX_PIXEL
from snn2rtl.frontend import from_module, load
from snn2rtl.frontend.forward import to_spikingjelly
from snn2rtl.int_net import reference

REPEATS = 5
CHANNELS = 128
BATCH = 32
Runs = dict[str, Callable[[], object]]


def main() -> None:
    """Time both, alternating, and write docs/results/golden_model.md."""
    with torch.no_grad():
        lines = [
            f"Median of {REPEATS} alternating runs after a warm-up.",
            *_table("784-400-10, T = 100, 1,000 MNIST images, 8-bit weights", _linear()),
            *_table(
                f"SpikingJelly's tutorial CSNN, {CHANNELS} channels, T = 4, {BATCH} MNIST images, 8-bit weights",
                _convolutional(),
            ),
        ]
    record("golden_model", "Golden model beside SpikingJelly", "make bench", lines)


def _linear() -> Runs:
    source = load(MODEL)
    network, _ = compile_network(source)
    samples = load_samples(IMAGES, inputs=784, encoder=source.encoder)
    spikes = samples.inputs(0, len(samples))
    floats = torch.from_numpy(spikes).float()
    multi, single = to_spikingjelly(fold(source), "m"), to_spikingjelly(fold(source), "s")

    def run_multi() -> None:
        functional.reset_net(multi)
        multi(floats)

    def run_single() -> None:
        functional.reset_net(single)
        for step in floats:
            single(step)

    return {
        "golden model, every spike recorded": lambda: reference.run(network, spikes),
        "golden model, counts only": lambda: reference.run(network, spikes, record_spikes=False),
        "SpikingJelly, multi-step": run_multi,
        "SpikingJelly, single-step loop": run_single,
    }


def _convolutional() -> Runs:
    net = tutorial_network(CHANNELS).eval()
    images = np.load(IMAGES)["images"][:BATCH]
    floats = torch.from_numpy(images).float().reshape(-1, 1, 28, 28) / MAX_PIXEL
    network, _ = compile_network(from_module(net, example_input=floats))

    def run_multi() -> None:
        functional.reset_net(net)
        net(floats)

    return {
        "golden model, every spike recorded": lambda: reference.run(network, images),
        "golden model, counts only": lambda: reference.run(network, images, record_spikes=False),
        "SpikingJelly, multi-step": run_multi,
    }


def _table(title: str, runs: Runs) -> list[str]:
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(REPEATS):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    median = {name: statistics.median(values) for name, values in seconds.items()}
    golden = median["golden model, every spike recorded"]
    rows = [f"| {name} | {value:.2f} | {value / golden:.2f} |" for name, value in median.items()]
    return ["", f"{title}:", "", "| forward pass | seconds | times the golden model |", "| --- | --- | --- |", *rows]


if __name__ == "__main__":
    main()
