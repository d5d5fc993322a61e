"""Golden model against SpikingJelly's own forward pass: the same network, the same spikes, one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from common import IMAGES, MODEL, record
from spikingjelly.activation_based import functional

from snn2rtl.compiler import compile_network, fold
from snn2rtl.data.samples import load_samples
from snn2rtl.frontend import load
from snn2rtl.frontend.forward import to_spikingjelly
from snn2rtl.int_net import reference

REPEATS = 5


def main() -> None:
    """Time both, alternating, and write docs/results/golden_model.md."""
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

    def run_golden(record_spikes: bool) -> Callable[[], None]:
        return lambda: reference.run(network, spikes, record_spikes=record_spikes) and None

    runs = {
        "golden model, every spike recorded": run_golden(True),
        "golden model, counts only": run_golden(False),
        "SpikingJelly, multi-step": run_multi,
        "SpikingJelly, single-step loop": run_single,
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    with torch.no_grad():
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
    record(
        "golden_model",
        "Golden model beside SpikingJelly",
        "make bench",
        [
            f"784-400-10, T = {spikes.shape[0]}, {spikes.shape[1]} MNIST images, 8-bit weights; median of {REPEATS} "
            "alternating runs after a warm-up.",
            "",
            "| forward pass | seconds | times the golden model |",
            "| --- | --- | --- |",
            *rows,
        ],
    )


if __name__ == "__main__":
    main()
