"""What a study optimises: one training run, and what is measured on it. The test images are never looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from snn2rtl import metrics
from snn2rtl.compiler import compile_network
from snn2rtl.errors import OptionError
from snn2rtl.network import FixedPointNetwork
from snn2rtl.options import PerLayer, QuantizeOptions
from snn2rtl.samples import Samples
from snn2rtl.training.config import TrainConfig

# accuracy: percent of the held-out images. nonzeros: weights that are not zero. spikes: of all neurons, an image.
# membrane_bits: of all neurons' membranes together.
DIRECTIONS: dict[str, Literal["maximize", "minimize"]] = {
    "accuracy": "maximize",
    "nonzeros": "minimize",
    "spikes": "minimize",
    "membrane_bits": "minimize",
}
DEFAULT_BITS = 8

Report = Callable[[int, float], None]
# trains in a folder, tells the accuracy after every epoch, and returns a number for each objective
Train = Callable[[TrainConfig, Path, Report], dict[str, float]]


def parse(text: str) -> tuple[str, ...]:
    """Return the objectives of ``accuracy,nonzeros``.

    Raises:
        OptionError: one is unknown or given twice.
    """
    names = tuple(text.split(","))
    unknown = [name for name in names if name not in DIRECTIONS]
    if unknown:
        raise OptionError(f"objective: must be among {', '.join(DIRECTIONS)}, not {', '.join(unknown)}")
    if len(set(names)) < len(names):
        raise OptionError(f"objective: each must be given once, not {text}")
    return names


def mnist_trainer(
    objectives: Sequence[str], data: Path | None, init: Path | None, teacher: Path | None, device: str
) -> Train:
    """Return the function that trains on MNIST and measures.

    accuracy alone is that of the trained network. Where a cost is asked for, everything is measured on the integer
    network of ``bits`` bits, or of 8 where the configuration has none.

    Args:
        objectives: names in DIRECTIONS.
        data: folder of the MNIST files.
        init: model file whose weights every trial starts from.
        teacher: folder of a run whose network teaches every trial's.
        device: a torch device.
    """
    from snn2rtl import frontend
    from snn2rtl.training.lab import CHECKPOINT, MODEL, Files, train_mnist
    from snn2rtl.training.start import load_samples

    def train(config: TrainConfig, out: Path, report: Report) -> dict[str, float]:
        files = Files(out=out, data=data, init=init, teacher=teacher)
        try:
            results = train_mnist(config, files, device=device, report=report, quiet=True)
        finally:
            (out / CHECKPOINT).unlink(missing_ok=True)  # another trial never goes on with it, and there are many
        if list(objectives) == ["accuracy"]:
            return {"accuracy": results["accuracy"]}
        bits = PerLayer(config.bits or DEFAULT_BITS)
        network, _ = compile_network(frontend.load(out / MODEL), QuantizeOptions(bits=bits))
        held_out = load_samples(config, data, "cpu").test
        samples = Samples(held_out.images.numpy(), held_out.labels.numpy(), network.encoder)
        return measure(network, samples)

    return train


def measure(network: FixedPointNetwork, samples: Samples) -> dict[str, float]:
    """Return the number for each objective of an integer network on samples with labels."""
    assert samples.labels is not None
    activity = metrics.observe(network, samples)
    return {
        "accuracy": 100 * int((activity.classes == samples.labels).sum()) / len(samples),
        "nonzeros": sum(int(layer.nonzeros.sum()) for layer in network.layers),
        "spikes": sum(int(events.sum()) for events in activity.events[1:]) / len(samples),
        "membrane_bits": sum(len(layer.neuron) * layer.neuron.membrane_bits for layer in network.layers),
    }
